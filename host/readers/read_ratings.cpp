#include "host/readers/read_ratings.hpp"

#include "host/base/error.hpp"
#include "host/base/shown.hpp"
#include "host/readers/fields.hpp"
#include "host/readers/layout.hpp"
#include "host/readers/number.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <stdexcept>

namespace wf {
namespace {

constexpr const char* kSkip = "--skip-bad ignores such lines";

std::string ratings_cure(const char* option) {
  return std::string(kSkip) + ", " + option + " picks another field";
}

float rating_of(const Field& field) {
  float value = 0;
  const auto bad = [&](const char* why) -> BadLine {
    return {field.column, "rating " + shown(field.text) + why, ratings_cure("--col-rating")};
  };
  switch (parse_rating(field.text, value)) {
    case NumberFault::not_a_number:
      throw field.text.empty() ? BadLine{field.column, "the rating is missing", ratings_cure("--col-rating")}
                               : bad(" is not a number");
    case NumberFault::not_finite:
      throw bad(" is not finite");
    case NumberFault::out_of_range:
      throw bad(" does not fit a 32-bit float");
    case NumberFault::none:
      break;
  }
  return value;
}

/// Reads one file. Everything about its lines is here; what the bytes are is LineReader's, what the columns are
/// Layout's.
class RatingsReader {
 public:
  RatingsReader(const std::string& path, const ReadOptions& options, Dataset& into)
      : lines_(path),
        options_(options),
        layout_(detect_layout(lines_, options)),
        splitter_(layout_.separator),
        into_(into) {
    apply_id_kind(into.users);
    apply_id_kind(into.items);
    report_.path = path;
    report_.comments = layout_.comments;
    report_.blank = layout_.blank;
    report_.min_value = std::numeric_limits<float>::infinity();
    report_.max_value = -std::numeric_limits<float>::infinity();
  }

  ReadReport run(const std::function<void(Position)>& progress) {
    constexpr Position kLinesBetweenLooks = 20'000;  // about 2 ms: looking at the clock costs nothing
    auto last = std::chrono::steady_clock::now();
    const auto start = last;
    std::string_view line;
    bool header_pending = layout_.header.has_value();
    while (lines_.next(line)) {
      if (progress && lines_.line_number() % kLinesBetweenLooks == 0) {
        const auto now = std::chrono::steady_clock::now();
        if (now - last >= std::chrono::milliseconds(100)) {
          last = now;
          progress(lines_.source().raw_bytes());
        }
      }
      if (is_blank_line(line)) {
        ++report_.blank;
      } else if (is_comment(line)) {
        ++report_.comments;
      } else if (header_pending) {
        header_pending = false;
      } else {
        take(line);
      }
    }
    finish();
    report_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return std::move(report_);
  }

 private:
  void apply_id_kind(IdMap& ids) const {
    if (options_.ids == IdKind::rows && ids.kind() != IdKind::rows && ids.size() > 0) {
      throw std::logic_error("row numbers cannot be added to a dictionary of ids");
    }
    if (options_.ids == IdKind::rows && ids.kind() != IdKind::rows && ids.size() == 0) ids = IdMap::rows(0);
    if (options_.ids == IdKind::strings && ids.kind() != IdKind::rows) ids.fix_strings();
    if (options_.ids == IdKind::integers && ids.kind() == IdKind::integers) ids.fix_integers();
  }

  void take(std::string_view line) {
    try {
      parse(line);
    } catch (const BadLine& bad) {
      const InputError error(Place{lines_.name(), lines_.line_number(), bad.column}, bad.what, bad.cure);
      if (!options_.skip_bad) throw error;
      if (++report_.bad_lines == 1) report_.first_bad = error.what();
    }
  }

  void parse(std::string_view line) {
    const std::vector<Field>& fields = splitter_.split(line);
    if (static_cast<int>(fields.size()) != layout_.columns) {
      throw BadLine{fields.empty() ? 0 : fields.back().column,
                    fmt::format("expected {} fields, found {}: {}", layout_.columns, fields.size(), shown(line)),
                    kSkip};
    }
    float value = 1;
    if (layout_.rating >= 0 && options_.need_rating)
      value = rating_of(fields[static_cast<std::size_t>(layout_.rating)]);
    const Field& user = fields[static_cast<std::size_t>(layout_.user)];
    const Field& item = fields[static_cast<std::size_t>(layout_.item)];
    check_id(item, into_.items, "item", "--col-item");
    const RowId user_row = insert(user, into_.users, "user", "--col-user");
    into_.ratings.push_back(user_row, insert(item, into_.items, "item", "--col-item"), value);
    ++report_.ratings;
    report_.min_value = std::min(report_.min_value, value);
    report_.max_value = std::max(report_.max_value, value);
    sum_ += value;
  }

  /// A line must not leave a user behind whose item is then refused.
  static void check_id(const Field& field, const IdMap& ids, const char* side, const char* option) {
    if (const std::string why = ids.why_not(field.text); !why.empty()) throw bad_id(field, side, why, option);
  }
  static RowId insert(const Field& field, IdMap& ids, const char* side, const char* option) {
    try {
      return ids.insert(field.text);
    } catch (const std::invalid_argument& error) {
      throw bad_id(field, side, error.what(), option);
    }
  }
  static BadLine bad_id(const Field& field, const char* side, const std::string& why, const char* option) {
    std::string cure = ratings_cure(option);
    if (why.find("row number") != std::string::npos)
      cure = "--n-users and --n-items declare more; without --ids rows ids may be any text; " + cure;
    if (why.find("integer") != std::string::npos) cure = "--ids strings keeps ids as text, " + std::string(kSkip);
    return {field.column, std::string(side) + " " + why, cure};
  }

  void finish() {
    if (report_.ratings == 0) {
      throw InputError(Place{lines_.name()},
                       report_.bad_lines > 0
                           ? fmt::format("holds no ratings: all of its {} lines are bad, the first: {}",
                                         report_.bad_lines, report_.first_bad)
                           : "holds no ratings",
                       "one line each: user, item, rating");
    }
    report_.compression = lines_.source().compression();
    report_.separator = layout_.separator;
    report_.header = layout_.header;
    report_.user_column = layout_.name_of(layout_.user);
    report_.item_column = layout_.name_of(layout_.item);
    report_.rating_column = layout_.name_of(layout_.rating);
    report_.lines = lines_.line_number();
    report_.bytes = lines_.source().raw_bytes();
    report_.hash = lines_.source().hash();
    report_.mean_value = sum_ / static_cast<double>(report_.ratings);
  }

  LineReader lines_;
  ReadOptions options_;
  Layout layout_;
  FieldSplitter splitter_;
  Dataset& into_;
  ReadReport report_;
  double sum_ = 0;
};

/// A header's tabs become blanks, and a very long one is cut.
std::string for_one_line(std::string text) {
  constexpr std::size_t kLongest = 120;
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  if (text.size() > kLongest) text = text.substr(0, kLongest) + " ...";
  return text;
}

std::string separator_word(const std::string& separator) {
  if (separator == ",") return "comma";
  if (separator == "\t") return "tab";
  if (separator == ";") return "semicolon";
  if (separator == " ") return "blanks";
  return separator;
}

}  // namespace

ReadReport read_ratings(const std::string& path, const ReadOptions& options, Dataset& into,
                        const std::function<void(Position bytes)>& progress) {
  return RatingsReader(path, options, into).run(progress);
}

std::string describe(const ReadReport& report) {
  std::string text = report.compression.empty() ? "" : report.compression + ", ";
  text += separator_word(report.separator) + ", ";
  text += report.header ? "header " + for_one_line(*report.header) : std::string("no header");
  text += fmt::format(" · user {}, item {}, rating {}", report.user_column, report.item_column, report.rating_column);
  text += fmt::format(" · {} {} in {:.1f} s", with_thousands(report.ratings),
                      report.ratings == 1 ? "rating" : "ratings", report.seconds);
  if (report.comments > 0) text += fmt::format(" · {} comment lines", with_thousands(report.comments));
  if (report.blank > 0) text += fmt::format(" · {} blank lines", with_thousands(report.blank));
  return text + fmt::format(" · {} bad lines", with_thousands(report.bad_lines));
}

std::string with_thousands(Position count) {
  const std::string digits = std::to_string(count);
  const std::size_t sign = count < 0 ? 1 : 0;
  std::string text;
  for (std::size_t n = 0; n < digits.size(); ++n) {
    if (n > sign && (digits.size() - n) % 3 == 0) text += ',';
    text += digits[n];
  }
  return text;
}

}  // namespace wf
