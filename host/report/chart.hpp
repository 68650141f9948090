// One chart as inline SVG: axes with round numbers, and lines, bars and points on them. Colours are classes of the
// page.
#pragma once
#include <string>
#include <vector>

namespace wf {

/// Text as HTML and SVG take it: & < > and quotes escaped.
std::string escaped(const std::string& text);

/// A number for a reader: 4 digits.
std::string short_number(double value);

struct ChartPoint {
  double x = 0, y = 0;
};

/// What an axis goes through. `high` below or at `low` is widened to something that can be drawn.
struct ChartAxis {
  std::string label;
  double low = 0, high = 1;
  bool logarithmic = false;  ///< needs low > 0
};

/// Round numbers from `low` to `high`: at most `most` of them, a step of 1, 2 or 5 times a power of 10 apart; of a
/// logarithmic axis powers of 10 (of 2 where these are fewer than two).
std::vector<double> ticks_of(const ChartAxis& asked, int most);

class Chart {
 public:
  /// `id` is the element's; `title` what a screen reader says, and a heading above it.
  Chart(std::string id, std::string title, ChartAxis x, ChartAxis y);

  /// `series` is a class of the page: first, second, third. Points that are not finite are left out.
  void line(const std::string& series, const std::string& name, const std::vector<ChartPoint>& points);
  /// A bar from the x axis to `y`, over x .. x + width.
  void bar(const std::string& series, const ChartPoint& corner, double width, const std::string& tip);
  void point(const std::string& series, const ChartPoint& at, double radius, const std::string& tip);
  /// Words beside a point, where no other words are; returns whether there was room.
  bool label(const ChartPoint& at, const std::string& text);
  /// From corner to corner, where x and y are the same.
  void diagonal();

  /// The whole figure; empty charts say so.
  std::string html() const;

 private:
  struct Box {
    double left, top, right, bottom;
  };

  double place_x(double x) const;
  double place_y(double y) const;
  std::string axes() const;

  std::string id_, title_;
  ChartAxis x_, y_;
  std::string marks_, words_;
  std::vector<std::pair<std::string, std::string>> legend_;  // class, name
  std::vector<Box> taken_;
};

}  // namespace wf
