// What reading a text comes to, line by line with all care: what any other way of reading it is compared with.
#pragma once
#include "host/readers/careful_line.hpp"
#include "host/readers/ratings_reader.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace wf::test {

/// All that reading a file has for a result.
struct Outcome {
  std::string error;
  std::vector<RowId> users, items;
  std::vector<float> values;
  std::vector<std::string> user_ids, item_ids;
  std::string first_bad;
  std::array<Position, 5> counts{};  // lines, comments, blank, ratings, bad lines
  float min = 0, max = 0;

  bool operator==(const Outcome&) const = default;
};

inline void showValue(const Outcome& outcome, std::ostream& os) {
  os << "error \"" << outcome.error << "\", first bad \"" << outcome.first_bad << "\", counts";
  for (const Position count : outcome.counts) os << ' ' << count;
}

inline std::vector<std::string> ids_of(const IdMap& ids) {
  std::vector<std::string> texts;
  for (Position row = 0; row < ids.size(); ++row) texts.push_back(ids.text(static_cast<RowId>(row)));
  return texts;
}

inline Outcome outcome_of(const Dataset& data, const ReadReport& report) {
  const Ratings& ratings = data.ratings;
  return {{},
          {ratings.user.begin(), ratings.user.end()},
          {ratings.item.begin(), ratings.item.end()},
          {ratings.value.begin(), ratings.value.end()},
          ids_of(data.users),
          ids_of(data.items),
          report.first_bad,
          {report.lines, report.comments, report.blank, report.ratings, report.bad_lines},
          report.min_value,
          report.max_value};
}

/// Line by line, every line with all care, ids one by one: the meaning of a ratings file.
inline Outcome line_by_line(const std::string& path, const ReadOptions& options) {
  Dataset data;
  ReadReport report;
  try {
    LineReader lines(path);
    const Layout layout = detect_layout(lines, options);
    if (options.ids == IdKind::rows) data = {{}, IdMap::rows(0), IdMap::rows(0)};
    if (options.ids == IdKind::integers) data.users.fix_integers(), data.items.fix_integers();
    if (options.ids == IdKind::strings) data.users.fix_strings(), data.items.fix_strings();
    CarefulLine careful(layout, options.need_rating, data.users.rules(), data.items.rules());
    report.comments = layout.comments;
    report.blank = layout.blank;
    report.min_value = std::numeric_limits<float>::infinity();
    report.max_value = -report.min_value;
    std::string_view line;
    if (layout.header) lines.next(line);
    while (lines.next(line)) {
      if (is_blank_line(line)) {
        ++report.blank;
        continue;
      }
      if (is_comment(line)) {
        ++report.comments;
        continue;
      }
      try {
        const RatingLine parsed = careful.parse(line);
        const RowId user = data.users.insert(parsed.user);
        data.ratings.push_back(user, data.items.insert(parsed.item), parsed.value);
        report.min_value = std::min(report.min_value, parsed.value);
        report.max_value = std::max(report.max_value, parsed.value);
      } catch (const BadLine& bad) {
        const InputError error = line_error(lines.name(), lines.line_number(), bad);
        if (!options.skip_bad) throw error;
        if (++report.bad_lines == 1) report.first_bad = error.what();
      }
    }
    report.lines = lines.line_number();
    report.ratings = data.ratings.size();
    if (report.ratings == 0) return {.error = "no ratings"};
    return outcome_of(data, report);
  } catch (const InputError& error) {
    return {.error = error.what()};
  }
}

/// The message for a file without ratings is the reader's own affair.
inline Outcome without_wording(Outcome outcome) {
  if (outcome.error.find("holds no ratings") != std::string::npos) outcome.error = "no ratings";
  return outcome;
}

inline const std::vector<std::string>& awkward_texts() {
  static const std::vector<std::string> texts{
      "1,31,2.5\n7,1029,3\n1,2,0.5\n7,31,4.125\n",
      "1,31,2.5\r\n7,1029,3\r\n1,2,1\r\n9,9,4",
      "1,31,2.5\r\n\r\n# c\r\n\t \r\n%\r\n7,1029,3",
      "\xEF\xBB\xBFuser,item,rating,time\n1,2,3,99\n4,5,.5,98\n6,7,5.,97\n8,9,-1e1,96\n8,9,+1,\n",
      "1 2 3\n4\t5  6 \n  7 8\t9\n10 11 12\r\n13 14 15",
      "1::2::3::9\n12::5::4.5::8\n1::\"2\"::3::7\n",
      "1\t2\t3\n 4 \t5\t6\n7\t8\t9\n",
      "5,6,7\n05,6,7\n5,x,1\n5,6,2\n-5,6,3\n-0,123456789012345678,1\n1234567,1234567890123456789,2\n",
      "a,b,1\n\"a\",\"b\",2\n\"q\"\"q\",\" c \",3\n12,c ,4\n\"q\"\"q\",b,5\n",
      "1,2,3\n4,5\n6,7,x\n8,,1\n,8,1\n9,9,9\n1,2,3,4\n\"1,2,3\n99999999999999999999,1,1\n3,3,3\n",
      "1,2\n3,4\n5,6\n",
      "1,2,16777216\n1,2,16777217\n1,2,3.4028235e38\n1,2,0.00000000001\n1,2,00.10\n1,2,1.2345678901234\n",
  };
  return texts;
}

/// 60,000 lines, 1 MB: several chunks of the size that is used, and more than the buffer that detection looks into.
inline std::string long_text() {
  std::string text;
  for (int n = 1; n <= 60'000; ++n) {
    text += std::to_string(n * 7919LL % 20'011) + "," + std::to_string(n * 104'729LL % 65'537) + "," +
            std::to_string(n % 5) + ".5\n";
  }
  return text;
}

inline std::string with_line(std::string text, int number, const std::string& line) {
  std::size_t begin = 0;
  for (int n = 1; n < number; ++n) begin = text.find('\n', begin) + 1;
  return text.replace(begin, text.find('\n', begin) - begin, line);
}

}  // namespace wf::test
