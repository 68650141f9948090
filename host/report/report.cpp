#include "host/report/report.hpp"

#include "host/report/chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace wf {
namespace {

// Colours of Okabe and Ito, which are told apart by all eyes: lighter on dark.
constexpr const char* kStyle = R"(
:root { color-scheme: light dark; --ground: #fff; --text: #222; --dim: #666; --rule: #ddd;
  --first: #0072b2; --second: #d55e00; --third: #009e73; }
@media (prefers-color-scheme: dark) { :root { --ground: #181a1b; --text: #e6e6e6; --dim: #a0a0a0; --rule: #3a3d3f;
  --first: #56b4e9; --second: #e69f00; --third: #4fd1a5; } }
@media print { :root { --ground: #fff; --text: #000; --dim: #444; --rule: #bbb; --first: #0072b2; --second: #d55e00;
  --third: #009e73; } figure, table { break-inside: avoid; } }
body { margin: 2rem auto; padding: 0 1rem; max-width: 72rem; background: var(--ground); color: var(--text);
  font: 16px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
table { border-collapse: collapse; } th, td { padding: .2rem 1.2rem .2rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--rule); overflow-wrap: anywhere; } td.number { text-align: right; font-variant-numeric: tabular-nums; }
.charts { display: flex; flex-wrap: wrap; gap: 1.5rem; } figure { margin: 0; flex: 1 1 26rem; max-width: 40rem; }
figcaption { font-weight: 600; } svg { width: 100%; height: auto; }
svg text { fill: var(--dim); font: 11px system-ui, sans-serif; } svg .name { fill: var(--text); paint-order: stroke; stroke: var(--ground); stroke-width: 3px; }
#map { max-width: none; flex-basis: 100%; }
.grid { stroke: var(--rule); } .guide { stroke: var(--dim); stroke-dasharray: 4 4; fill: none; }
.line { fill: none; stroke-width: 2; } .point { fill-opacity: .55; stroke: none; } .bar { fill-opacity: .8; }
.line.first { stroke: var(--first); } .line.second { stroke: var(--second); } .line.third { stroke: var(--third); }
.bar.first, .point.first { fill: var(--first); } .bar.second, .point.second { fill: var(--second); }
.bar.third, .point.third { fill: var(--third); }
.legend, .none, .note { color: var(--dim); margin: .2rem 0; }
.key { margin-left: .8rem; display: inline-block; width: .8rem; height: .8rem; border-radius: 2px; } .key.first { background: var(--first); }
.key.second { background: var(--second); } .key.third { background: var(--third); }
)";

std::string about_table(const Report& report) {
  std::string text = "<table id=\"about\">\n";
  for (const auto& [name, value] : report.about) {
    text += fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", escaped(name), escaped(value));
  }
  return text + "</table>\n";
}

std::string metrics_table(const PredictionFacts& facts) {
  std::string text =
      "<table id=\"metrics\">\n<tr><th scope=\"col\"></th><th scope=\"col\">RMSE</th><th scope=\"col\">MAE</th></tr>\n";
  const auto row = [&text](const char* name, const std::optional<ErrorMeans>& means) {
    if (!means) return;
    text += fmt::format(
        "<tr><th scope=\"row\">{}</th><td class=\"number\">{:.4f}</td><td class=\"number\">{:.4f}</td></tr>\n", name,
        means->rmse, means->mae);
  };
  row("this model", facts.model);
  row("biases only", facts.biases);
  row("the mean", facts.mean);
  return text + "</table>\n";
}

std::string curves(const Report& report) {
  ChartAxis x{"epoch", 1, 1}, y{report.curve_label, 0, 0};
  std::vector<ChartPoint> train, valid;
  double low = INFINITY, high = -INFINITY;
  const auto add = [&](std::vector<ChartPoint>& to, int epoch, const std::optional<double>& value) {
    if (!value || !std::isfinite(*value)) return;
    to.push_back({static_cast<double>(epoch), *value});
    low = std::min(low, *value);
    high = std::max(high, *value);
  };
  for (const EpochPoint& point : report.epochs) {
    add(train, point.epoch, point.train);
    add(valid, point.epoch, point.valid);
    x.high = std::max(x.high, static_cast<double>(point.epoch));
  }
  if (low <= high) y.low = low - (high - low) / 20, y.high = high + (high - low) / 20;
  Chart chart("curves", fmt::format("{} by epoch", report.curve_label), x, y);
  chart.line("first", "training", train);
  chart.line("second", "validation", valid);
  for (const ChartPoint& at : valid) {
    if (at.x == report.best_epoch)
      chart.label({at.x, at.y + (y.high - y.low) / 20}, fmt::format("best: {}", short_number(at.y)));
  }
  return chart.html();
}

/// Of a bar in the picture: of values, the least that lies between two of them.
double width_of(const std::vector<Bar>& bars) {
  if (!bars.empty() && bars.front().width > 0) return bars.front().width;
  double width = INFINITY;
  for (std::size_t n = 1; n < bars.size(); ++n) width = std::min(width, bars[n].low - bars[n - 1].low);
  return std::isfinite(width) ? width : 1;
}

std::string histogram(const char* id, const char* title, const char* label, const char* series,
                      const std::vector<Bar>& bars) {
  ChartAxis x{label, 0, 1}, y{"ratings", 0, 0};
  const double width = width_of(bars);
  const double before = !bars.empty() && bars.front().width > 0 ? 0 : width / 2;  // a value is in its bar's middle
  for (const Bar& bar : bars) y.high = std::max(y.high, static_cast<double>(bar.count));
  if (!bars.empty()) x.low = bars.front().low - before, x.high = bars.back().low - before + width;
  Chart chart(id, title, x, y);
  for (const Bar& bar : bars) {
    chart.bar(series, {bar.low - before, static_cast<double>(bar.count)}, width,
              fmt::format("{}: {} ratings", short_number(bar.low), bar.count));
  }
  return chart.html();
}

std::string calibration(const PredictionFacts& facts) {
  double low = INFINITY, high = -INFINITY;
  std::vector<ChartPoint> points;
  for (const CalibrationBin& bin : facts.calibration) {
    points.push_back({bin.predicted, bin.actual});
    low = std::min({low, bin.predicted, bin.actual});
    high = std::max({high, bin.predicted, bin.actual});
  }
  Chart chart("calibration", "Calibration: tenths of the predictions", {"mean prediction", low, high},
              {"mean rating", low, high});
  chart.diagonal();
  chart.line("first", "this model", points);
  return chart.html();
}

std::string popularity(const PredictionFacts& facts) {
  ChartAxis x{"training ratings of the item", 1, 1, true}, y{"RMSE", 0, 0};
  std::vector<ChartPoint> model, biases;
  for (const PopularityBin& bin : facts.popularity) {
    const double at = bin.least == 0 ? 0.5 : static_cast<double>(bin.least) * 1.5;  // the middle
    x.low = std::min(x.low, at);
    x.high = std::max(x.high, at * 1.3);
    model.push_back({at, bin.model.rmse});
    if (bin.biases) biases.push_back({at, bin.biases->rmse});
    y.high = std::max({y.high, bin.model.rmse * 1.05, bin.biases ? bin.biases->rmse * 1.05 : 0});
  }
  Chart chart("popularity", "Error by popularity", x, y);
  chart.line("first", "this model", model);
  chart.line("second", "biases only", biases);
  return chart.html();
}

std::string map(const Report& report) {
  ChartAxis x{fmt::format("first component, {:.1f} % of the variance", 100 * report.map_shares[0]), INFINITY,
              -INFINITY};
  ChartAxis y{fmt::format("second, {:.1f} %", 100 * report.map_shares[1]), INFINITY, -INFINITY};
  Position most = 1;
  for (const MapItem& item : report.map) {
    x.low = std::min(x.low, item.at.x), x.high = std::max(x.high, item.at.x);
    y.low = std::min(y.low, item.at.y), y.high = std::max(y.high, item.at.y);
    most = std::max(most, item.count);
  }
  Chart chart("map", "Items by their factors", x, y);
  for (const MapItem& item : report.map) {
    const double share = static_cast<double>(item.count) / static_cast<double>(most);
    chart.point("first", {item.at.x, item.at.y}, 1.5 + 4.5 * std::sqrt(share), item.name);
  }
  for (const std::size_t n : report.labelled) {
    const MapItem& item = report.map[n];
    chart.label({item.at.x, item.at.y}, item.name);
  }
  return chart.html();
}

std::string predictions(const Report& report) {
  if (!report.predictions) {
    return fmt::format("<h2>Predictions</h2>\n<p class=\"none\" id=\"no-predictions\">{}</p>\n",
                       escaped(report.why_not));
  }
  const PredictionFacts& facts = *report.predictions;
  std::string text =
      fmt::format("<h2>Predictions</h2>\n<p class=\"note\" id=\"compared\">{}</p>\n", escaped(report.ratings));
  text += metrics_table(facts) + "<div class=\"charts\">\n";
  text += histogram("ratings", "Ratings", "rating", "first", facts.actual);
  text += histogram("predicted", "Predictions", "prediction", "second", facts.predicted);
  text += histogram("residuals", "Residuals", "rating − prediction", "third", facts.residuals);
  text += calibration(facts);
  if (!facts.popularity.empty()) text += popularity(facts);
  return text + "</div>\n";
}

}  // namespace

std::string report_html(const Report& report) {
  std::string text = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{0}</title>\n"
      "<style>{1}</style>\n</head>\n<body>\n<h1>{0}</h1>\n",
      escaped(report.title), kStyle);
  text += about_table(report);
  if (!report.epochs.empty()) text += "<h2>Training</h2>\n<div class=\"charts\">\n" + curves(report) + "</div>\n";
  text += predictions(report);
  if (!report.map.empty()) text += "<h2>Items</h2>\n<div class=\"charts\">\n" + map(report) + "</div>\n";
  return text + "</body>\n</html>\n";
}

}  // namespace wf
