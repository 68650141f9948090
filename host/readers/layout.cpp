#include "host/readers/layout.hpp"

#include "host/base/error.hpp"
#include "host/base/shown.hpp"
#include "host/ratings/id_rules.hpp"
#include "host/readers/fields.hpp"
#include "host/readers/number.hpp"
#include "host/readers/separator.hpp"
#include "host/readers/timestamp.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>

namespace wf {
namespace {

constexpr int kSampleLines = 64;           // enough to find a second line of data between comments
constexpr std::size_t kSampleOfData = 16;  // of those, enough to see past bad ones

using Words = std::vector<std::string_view>;
const Words& user_words() {
  static const Words words{"user", "userid", "uid", "u", "reviewer", "reviewerid", "student", "customer", "customerid"};
  return words;
}
const Words& item_words() {
  static const Words words{"item",   "itemid",   "iid",       "i",    "movie",  "movieid", "book",
                           "bookid", "product",  "productid", "song", "songid", "track",   "trackid",
                           "artist", "artistid", "lecturer",  "joke", "asin"};
  return words;
}
const Words& rating_words() {
  static const Words words{"rating", "ratings", "score", "value", "stars", "r"};
  return words;
}
const Words& time_words() {
  static const Words words{"timestamp", "time", "date", "ts", "unixtime"};
  return words;
}

/// Columns beside them, for files of names too.
const Words& other_words() {
  static const Words words{"id", "name", "title", "genres"};
  return words;
}

/// "User_ID:token" -> "userid"
std::string normalised(std::string_view name) {
  std::string word;
  for (const char c : name.substr(0, name.find(':'))) {
    if (c == '_' || c == '-' || c == ' ') continue;
    word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return word;
}

bool is_one_of(const std::string& name, const Words& words) {
  const std::string word = normalised(name);
  return std::any_of(words.begin(), words.end(), [&](std::string_view known) { return known == word; });
}

/// RecBole's types: token, token_seq, float and float_seq, of which one is a number.
bool is_typed_otherwise(std::string_view name) {
  const std::size_t colon = name.find(':');
  return colon != std::string_view::npos && name.substr(colon + 1) != "float";
}

/// "nan" and "1e99" are numbers here, if bad ones: a line that holds them is data, and gets its message.
bool is_number(std::string_view text) {
  float value = 0;
  return parse_rating(text, value) != NumberFault::not_a_number;
}

/// The column meant by "3": 2. -1: `wanted` is no such number.
int column_number(const std::string& wanted, int columns) {
  int number = 0;
  const char* end = wanted.data() + wanted.size();
  const auto [stop, error] = std::from_chars(wanted.data(), end, number);
  return error == std::errc{} && stop == end && number >= 1 && number <= columns ? number - 1 : -1;
}

std::vector<std::string> texts(const std::vector<Field>& fields) {
  std::vector<std::string> words;
  words.reserve(fields.size());
  for (const Field& field : fields) words.emplace_back(field.text);
  return words;
}

/// Where user, item and rating are if the file has no header: as the overrides say, else the first free columns.
std::vector<std::size_t> columns_without_header(const std::vector<std::string>& fields, const ReadOptions& options) {
  const auto count = static_cast<int>(fields.size());
  std::vector<int> columns{column_number(options.user_column, count), column_number(options.item_column, count),
                           column_number(options.rating_column, count)};
  if (options.rating_column == "none") columns.pop_back();
  const std::vector<int> given = columns;
  int next = 0;
  for (int& column : columns) {
    if (column >= 0) continue;
    while (std::find(given.begin(), given.end(), next) != given.end()) ++next;
    column = next++;
  }
  std::vector<std::size_t> inside;
  for (const int column : columns) {
    if (column < count) inside.push_back(static_cast<std::size_t>(column));
  }
  return inside;
}

bool is_known_word(const std::string& name) {
  return is_one_of(name, user_words()) || is_one_of(name, item_words()) || is_one_of(name, rating_words()) ||
         is_one_of(name, time_words()) || is_one_of(name, other_words());
}

/// A header has no number where user, item and rating would be, and two words that are known, or one above nothing but
/// numbers, or three names of any kind. `next`: the fields of the line after it, empty if there is none.
bool looks_like_header(const std::vector<std::string>& fields, const std::vector<std::string>& next,
                       const ReadOptions& options) {
  const std::vector<std::size_t> columns = columns_without_header(fields, options);
  if (std::any_of(columns.begin(), columns.end(), [&](std::size_t column) { return is_number(fields[column]); })) {
    return false;
  }
  const auto known = std::count_if(fields.begin(), fields.end(), is_known_word);
  if (known >= 2) return true;
  const auto number_below = [&](std::size_t column) { return column < next.size() && is_number(next[column]); };
  if (known == 1 && std::all_of(columns.begin(), columns.end(), number_below)) return true;
  const auto named = [&](std::size_t column) { return !fields[column].empty(); };
  return columns.size() == 3 && std::all_of(columns.begin(), columns.end(), named);
}

/// The fields of a line that need not be well-formed; none where it is not.
std::vector<std::string> fields_if_any(const std::string& line, const std::string& separator, bool quotes) {
  try {
    FieldSplitter splitter(separator, quotes);
    return texts(splitter.split(line));
  } catch (const BadLine&) {
    return {};
  }
}

/// A file without a header has timestamps behind the rating where the lines sampled have whole numbers or dates there.
bool holds_timestamps(const std::vector<std::string>& sampled, const Layout& layout, int column) {
  return std::all_of(sampled.begin(), sampled.end(), [&](const std::string& line) {
    const auto fields = fields_if_any(line, layout.separator, true);
    return column >= static_cast<int>(fields.size()) || is_whole_timestamp(fields[static_cast<std::size_t>(column)]);
  });
}

class ColumnChoice {
 public:
  explicit ColumnChoice(int columns) : taken_(static_cast<std::size_t>(columns), false) {}

  int take(int column) {
    taken_[static_cast<std::size_t>(column)] = true;
    return column;
  }
  /// The first free column whose name is one of `words`; -1: none.
  int named(const Layout& layout, const Words& words) {
    for (std::size_t c = 0; c < layout.column_names.size(); ++c) {
      if (!taken_[c] && is_one_of(layout.column_names[c], words)) return take(static_cast<int>(c));
    }
    return -1;
  }
  /// The first free column; in a header one with a name (data frames write their index without), and not a time's.
  /// -1: none. `numbers`: nor one that a header says holds something else.
  int first_free(const Layout& layout, bool numbers = false) {
    for (std::size_t c = 0; c < taken_.size(); ++c) {
      const bool named = c < layout.column_names.size();
      if (numbers && named && is_typed_otherwise(layout.column_names[c])) continue;
      if (named && (layout.column_names[c].empty() || is_one_of(layout.column_names[c], time_words()))) continue;
      if (!taken_[c]) return take(static_cast<int>(c));
    }
    return -1;
  }

 private:
  std::vector<bool> taken_;
};

void choose_columns(Layout& layout, const ReadOptions& options, const std::vector<std::string>& sampled,
                    const std::string& file) {
  ColumnChoice choice(layout.columns);
  layout.user = layout.item = layout.rating = -1;
  const bool no_rating = options.rating_column == "none";
  const auto given = [&](const std::string& wanted, const char* option) {
    return wanted.empty() ? -1 : choice.take(find_column(wanted, layout, option, file));
  };
  layout.user = given(options.user_column, "--col-user");
  layout.item = given(options.item_column, "--col-item");
  if (!no_rating) layout.rating = given(options.rating_column, "--col-rating");
  if (layout.user < 0) layout.user = choice.named(layout, user_words());
  if (layout.item < 0) layout.item = choice.named(layout, item_words());
  if (layout.rating < 0 && !no_rating) layout.rating = choice.named(layout, rating_words());
  if (layout.user < 0) layout.user = choice.first_free(layout);
  if (layout.item < 0) layout.item = choice.first_free(layout);
  if (layout.rating < 0 && !no_rating) layout.rating = choice.first_free(layout, true);
  if (options.timestamps && options.timestamp_column != "none") {
    layout.timestamp = given(options.timestamp_column, "--col-timestamp");
    if (layout.timestamp < 0) layout.timestamp = choice.named(layout, time_words());
    if (layout.timestamp < 0 && !layout.header) layout.timestamp = choice.first_free(layout);
    const bool detected = options.timestamp_column.empty() && !layout.header;
    if (detected && layout.timestamp >= 0 && !holds_timestamps(sampled, layout, layout.timestamp))
      layout.timestamp = -1;
  }
  if (layout.user < 0 || layout.item < 0) {
    throw InputError(Place{file}, "has no column for the item: a line needs at least a user and an item",
                     "--sep says what separates columns");
  }
  if (layout.user == layout.item || layout.user == layout.rating || layout.item == layout.rating) {
    throw InputError(Place{file}, "one column cannot be two of user, item and rating",
                     "check --col-user, --col-item and --col-rating");
  }
  if (layout.timestamp >= 0 &&
      (layout.timestamp == layout.user || layout.timestamp == layout.item || layout.timestamp == layout.rating)) {
    throw InputError(Place{file}, "the column of the timestamps cannot be that of the user, item or rating",
                     "check --col-timestamp");
  }
}

/// Counts and passes the comments and blank lines before the first other line.
void skip_comments(LineReader& lines, Layout& layout) {
  std::string_view line;
  while (lines.next(line)) {
    if (!layout.matrix && !is_blank_line(line) && line.front() == '%' && is_matrix_banner(line)) {
      layout.matrix = read_matrix_banner(line, Place{lines.name(), lines.line_number()});
    }
    if (is_blank_line(line)) {
      ++layout.blank;
    } else if (is_comment(line)) {
      ++layout.comments;
    } else {
      lines.put_back();
      return;
    }
  }
}

/// The first of the next lines that are neither comments nor blank.
std::vector<std::string> sample(LineReader& lines) {
  std::vector<std::string> kept;
  for (std::string& line : lines.peek(kSampleLines)) {
    if (!is_blank_line(line) && !is_comment(line)) kept.push_back(std::move(line));
    if (kept.size() == kSampleOfData) break;
  }
  return kept;
}

/// Of entries behind a banner: their size line, and which fields they have.
void finish_matrix(LineReader& lines, const ReadOptions& options, Layout& layout) {
  ReadOptions rest = options;
  rest.skip_bad = false;
  refuse_layout_options(rest, lines.name(), "a Matrix Market file");
  std::string_view line;
  const bool there = lines.next(line);
  const Place place{lines.name(), lines.line_number()};
  if (!there) throw InputError(place, "ends before its size line", "copy the file again; it is truncated");
  read_matrix_size(line, place, *layout.matrix);
  layout.separator = " ";
  layout.columns = layout.matrix->pattern ? 2 : 3;
  layout.rating = layout.matrix->pattern || options.rating_column == "none" ? -1 : 2;
}

/// Whole numbers, mostly more of them than a rating has fields, and no length that most lines have: LightGCN's lists
/// and no table with a bad line in it. A line may have a user alone.
bool are_lists(const std::vector<std::string>& sampled, ReadOptions options) {
  constexpr std::size_t kMostOfARating = 4;
  if (options.rating_column == "none") options.rating_column.clear();  // lists have none
  if (!given_layout_option(options).empty()) return false;
  std::size_t longer = 0;
  std::map<std::size_t, std::size_t> lines_of_length;
  for (const std::string& line : sampled) {
    const std::vector<std::string> fields = fields_if_any(line, " ", false);
    const auto is_row = [](const std::string& field) { return canonical_integer(field).value_or(-1) >= 0; };
    if (!std::all_of(fields.begin(), fields.end(), is_row)) return false;
    if (2 * ++lines_of_length[fields.size()] > sampled.size()) return false;
    longer += fields.size() > kMostOfARating ? 1 : 0;
  }
  return 2 * longer > sampled.size();
}

/// A line a user and a column an item is no list of ratings, and would be taken for one of its first three columns.
void refuse_sheet(const Layout& layout, const ReadOptions& options, const Place& place) {
  constexpr int kMostWithoutNames = 16;
  const bool told = !options.user_column.empty() || !options.item_column.empty() || !options.rating_column.empty();
  if (layout.header || told || layout.columns <= kMostWithoutNames) return;
  throw InputError(place,
                   "has " + std::to_string(layout.columns) +
                       " columns without names: a line holds one rating, of a user and an item",
                   "write a sheet of users by items as a line a rating; or name the columns, --col-user 1 --col-item 2 "
                   "--col-rating 3");
}

void finish_lists(LineReader& lines, const ReadOptions& options, Layout& layout) {
  ReadOptions rest = options;
  rest.separator.clear();
  rest.lists = rest.skip_bad = false;
  refuse_layout_options(rest, lines.name(), "read as lists of items");
  layout.lists = true;
  layout.separator = options.separator.empty() ? " " : options.separator;
}

void refuse_bare_carriage_returns(const std::vector<std::string>& sampled, const Place& place) {
  const std::size_t column = sampled.front().find('\r');
  if (column == std::string::npos) return;
  throw InputError(Place{place.file, place.line, static_cast<Position>(column) + 1},
                   "a carriage return inside a line: these are not the line ends of Unix or Windows",
                   "tr '\\r' '\\n' < FILE | warpfactor train -");
}

}  // namespace

bool is_blank_line(std::string_view line) {
  return std::all_of(line.begin(), line.end(), [](char c) { return c == ' ' || c == '\t'; });
}

std::string Layout::name_of(int column) const {
  if (column < 0) return "none";
  if (column < static_cast<int>(column_names.size())) return column_names[static_cast<std::size_t>(column)];
  return std::to_string(column + 1);
}

int find_column(const std::string& wanted, const Layout& layout, const char* option, const std::string& file) {
  for (std::size_t c = 0; c < layout.column_names.size(); ++c) {
    if (layout.column_names[c] == wanted) return static_cast<int>(c);
  }
  const std::string word = normalised(wanted);
  for (std::size_t c = 0; c < layout.column_names.size(); ++c) {
    if (!word.empty() && normalised(layout.column_names[c]) == word) return static_cast<int>(c);
  }
  if (const int column = column_number(wanted, layout.columns); column >= 0) return column;
  std::string columns;
  for (int c = 0; c < layout.columns; ++c) columns += (c > 0 ? ", " : "") + layout.name_of(c);
  throw InputError(Place{file}, std::string(option) + " " + shown(wanted) + " is none of its columns: " + columns,
                   layout.header ? "give a name or a number from 1" : "give a number from 1; the file has no header");
}

Layout detect_layout(LineReader& lines, const ReadOptions& options, bool quotes_with_colons) {
  Layout layout;
  skip_comments(lines, layout);
  if (layout.matrix) {
    finish_matrix(lines, options, layout);
    return layout;
  }
  const std::vector<std::string> sampled = sample(lines);
  if (sampled.empty()) throw InputError(Place{lines.name()}, "holds no ratings", "one line each: user, item, rating");
  const Place place{lines.name(), lines.line_number() + 1};
  refuse_bare_carriage_returns(sampled, place);
  if (options.lists || are_lists(sampled, options)) {
    finish_lists(lines, options, layout);
    return layout;
  }
  layout.separator = options.separator.empty() ? detect_separator(sampled, place) : options.separator;

  const bool quotes = quotes_with_colons || layout.separator != "::";
  std::vector<std::string> first;
  try {
    FieldSplitter splitter(layout.separator, quotes);
    first = texts(splitter.split(sampled.front()));
  } catch (const BadLine& bad) {
    throw InputError(Place{place.file, place.line, bad.column}, bad.what, bad.cure);
  }
  layout.columns = static_cast<int>(first.size());
  if (layout.columns < 2) {
    throw InputError(place, "has one column, " + shown(sampled.front()) + ", where user and item are needed",
                     "--sep says what separates columns");
  }
  const auto next =
      sampled.size() > 1 ? fields_if_any(sampled[1], layout.separator, quotes) : std::vector<std::string>{};
  if (options.header.value_or(looks_like_header(first, next, options))) {
    layout.header = sampled.front();
    layout.column_names = first;
  }
  refuse_sheet(layout, options, place);
  choose_columns(layout, options, sampled, lines.name());
  return layout;
}

}  // namespace wf
