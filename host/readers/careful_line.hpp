// One line -> user, item and value, with every check and every message. What it takes and refuses is what a ratings
// file is; fast_line.hpp is a shortcut for the lines that look like most lines.
#pragma once
#include "host/ratings/id_rules.hpp"
#include "host/readers/fields.hpp"
#include "host/readers/layout.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace wf {

/// The texts hold until the next line is parsed.
struct RatingLine {
  std::string_view user, item;
  float value = 1;
  std::int64_t timestamp = 0;
};

class CarefulLine {
 public:
  CarefulLine(const Layout& layout, bool need_rating, const IdRules& users, const IdRules& items)
      : layout_(layout),
        splitter_(layout.separator),
        with_rating_(need_rating && layout.rating >= 0),
        users_(users),
        items_(items) {}

  /// `line`: neither blank nor a comment, without its end. Throws BadLine.
  RatingLine parse(std::string_view line);
  /// A user and the items. They hold until the next line is parsed. Throws BadLine.
  const std::vector<Field>& parse_list(std::string_view line);

 private:
  Layout layout_;
  FieldSplitter splitter_;
  bool with_rating_;
  IdRules users_, items_;
};

}  // namespace wf
