#include "host/report/chart.hpp"

#include "host/base/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace wf {
namespace {

constexpr double kWidth = 520, kHeight = 300, kLeft = 56, kRight = 12, kTop = 12, kBottom = 44;
constexpr int kMostTicks = 6;

/// Finite, and from its low end to a high end that rounding tells from it.
ChartAxis drawable(ChartAxis axis) {
  constexpr double kLargest = 1e300;
  axis.low = std::isfinite(axis.low) ? std::clamp(axis.low, -kLargest, kLargest) : 0;
  axis.high = std::isfinite(axis.high) ? std::clamp(axis.high, -kLargest, kLargest) : axis.low;
  if (axis.logarithmic) axis.low = std::max(axis.low, 1e-30);
  const double least = 1e-9 * std::max(std::fabs(axis.low), std::fabs(axis.high));
  if (!(axis.high - axis.low > least)) {
    axis.high = axis.logarithmic ? axis.low * 10 : axis.low + std::max(1.0, std::fabs(axis.low));
  }
  return axis;
}

std::vector<double> powers_of(double base, const ChartAxis& axis) {
  std::vector<double> ticks;
  for (double power = std::ceil(std::log(axis.low) / std::log(base) - 1e-9);; ++power) {
    const double tick = std::pow(base, power);
    if (tick > axis.high * (1 + 1e-9)) return ticks;
    ticks.push_back(tick);
  }
}

/// 0 to 1 along the axis.
double share_of(const ChartAxis& axis, double value) {
  if (!axis.logarithmic) return (value - axis.low) / (axis.high - axis.low);
  return std::log(std::max(value, axis.low) / axis.low) / std::log(axis.high / axis.low);
}

}  // namespace

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

std::string short_number(double value) {
  return fmt::format("{:.4g}", value + 0.0);  // 0, not -0
}

std::vector<double> ticks_of(const ChartAxis& asked, int most) {
  const ChartAxis axis = drawable(asked);
  if (axis.logarithmic) {
    std::vector<double> ticks = powers_of(10, axis);
    if (ticks.size() < 2) ticks = powers_of(2, axis);
    const auto step = (ticks.size() + static_cast<std::size_t>(most) - 1) / static_cast<std::size_t>(most);
    std::vector<double> kept;
    for (std::size_t n = 0; n < ticks.size(); n += step) kept.push_back(ticks[n]);
    return kept;
  }
  const double least = (axis.high - axis.low) / most;
  const double power = std::pow(10, std::floor(std::log10(least)));
  double step = 10 * power;
  for (const double times : {1.0, 2.0, 5.0}) {
    if (times * power < least * (1 - 1e-9)) continue;
    step = times * power;
    break;
  }
  std::vector<double> ticks;
  const double first = std::ceil(axis.low / step - 1e-9);
  for (int n = 0; n <= most && (first + n) * step <= axis.high + 1e-9 * step; ++n) ticks.push_back((first + n) * step);
  return ticks;
}

Chart::Chart(std::string id, std::string title, ChartAxis x, ChartAxis y)
    : id_(std::move(id)), title_(std::move(title)), x_(drawable(std::move(x))), y_(drawable(std::move(y))) {}

double Chart::place_x(double x) const {
  return kLeft + std::clamp(share_of(x_, x), 0.0, 1.0) * (kWidth - kLeft - kRight);
}
double Chart::place_y(double y) const {
  return kHeight - kBottom - std::clamp(share_of(y_, y), 0.0, 1.0) * (kHeight - kTop - kBottom);
}

void Chart::line(const std::string& series, const std::string& name, const std::vector<ChartPoint>& points) {
  std::string path;
  for (const ChartPoint& at : points) {
    if (!std::isfinite(at.x) || !std::isfinite(at.y)) continue;
    path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", place_x(at.x), place_y(at.y));
  }
  if (path.empty()) return;
  marks_ += fmt::format("<path class=\"line {}\" d=\"{}\"/>\n", series, path);
  if (points.size() <= 60) {
    for (const ChartPoint& at : points) {
      if (std::isfinite(at.x) && std::isfinite(at.y)) {
        point(series, at, 2.5, fmt::format("{}: {} at {}", name, short_number(at.y), short_number(at.x)));
      }
    }
  }
  legend_.emplace_back(series, name);
}

void Chart::bar(const std::string& series, const ChartPoint& corner, double width, const std::string& tip) {
  const double left = place_x(corner.x), right = place_x(corner.x + width), top = place_y(corner.y);
  marks_ += fmt::format(
      "<rect class=\"bar {}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"><title>{}</title></rect>\n",
      series, left, top, std::max(right - left - 1, 1.0), kHeight - kBottom - top, escaped(tip));
}

void Chart::point(const std::string& series, const ChartPoint& at, double radius, const std::string& tip) {
  marks_ +=
      fmt::format("<circle class=\"point {}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:.1f}\"><title>{}</title></circle>\n",
                  series, place_x(at.x), place_y(at.y), radius, escaped(tip));
}

bool Chart::label(const ChartPoint& at, const std::string& text) {
  constexpr double kLetter = 5.6, kLine = 12;
  const double x = place_x(at.x), y = place_y(at.y), width = kLetter * static_cast<double>(character_count(text));
  const bool turns = x + 6 + width > kWidth;  // to the left of the point
  const double left = turns ? x - 6 - width : x + 6;
  const Box box{left, y - kLine / 2, left + width, y + kLine / 2};
  for (const Box& other : taken_) {
    if (box.left < other.right && other.left < box.right && box.top < other.bottom && other.top < box.bottom) {
      return false;
    }
  }
  if (box.left < kLeft) return false;
  taken_.push_back(box);
  words_ += fmt::format("<text class=\"name\" x=\"{:.1f}\" y=\"{:.1f}\"{}>{}</text>\n", turns ? x - 6 : x + 6, y + 3.5,
                        turns ? " text-anchor=\"end\"" : "", escaped(text));
  return true;
}

void Chart::diagonal() {
  const double low = std::max(x_.low, y_.low), high = std::min(x_.high, y_.high);
  marks_ += fmt::format("<path class=\"guide\" d=\"M{:.1f} {:.1f}L{:.1f} {:.1f}\"/>\n", place_x(low), place_y(low),
                        place_x(high), place_y(high));
}

std::string Chart::axes() const {
  std::string text;
  for (const double tick : ticks_of(x_, kMostTicks)) {
    text += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n", place_x(tick),
                        kHeight - kBottom + 16, short_number(tick));
  }
  for (const double tick : ticks_of(y_, kMostTicks)) {
    const double y = place_y(tick);
    text += fmt::format("<path class=\"grid\" d=\"M{:.1f} {:.1f}H{:.1f}\"/>\n", kLeft, y, kWidth - kRight);
    text += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n", kLeft - 6, y + 4,
                        short_number(tick));
  }
  text += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n",
                      (kLeft + kWidth - kRight) / 2, kHeight - 8, escaped(x_.label));
  text += fmt::format("<text transform=\"translate(12 {:.1f}) rotate(-90)\" text-anchor=\"middle\">{}</text>\n",
                      (kTop + kHeight - kBottom) / 2, escaped(y_.label));
  return text;
}

std::string Chart::html() const {
  std::string text = fmt::format("<figure id=\"{}\">\n<figcaption>{}</figcaption>\n", id_, escaped(title_));
  if (marks_.empty()) return text + "<p class=\"none\">There is nothing to draw.</p>\n</figure>\n";
  text += fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n{}{}{}</svg>\n", kWidth, kHeight,
                      escaped(title_), axes(), marks_, words_);
  if (!legend_.empty()) {
    text += "<p class=\"legend\">";
    for (const auto& [series, name] : legend_) {
      text += fmt::format("<span class=\"key {}\"></span> {} ", series, escaped(name));
    }
    text += "</p>\n";
  }
  return text + "</figure>\n";
}

}  // namespace wf
