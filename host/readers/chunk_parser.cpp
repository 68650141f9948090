#include "host/readers/chunk_parser.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

namespace wf {
namespace {

constexpr Position kShortestLine = 4;  // bytes of "1 1\n"
constexpr Position kShortestItem = 2;  // bytes of " 1" in a list

void begin_column(IdColumn& column, Position most, bool as_text) {
  column.as_text = as_text;
  column.numbers.resize(as_text ? 0 : most);
  column.texts.clear();
}

void begin_lines(ParsedLines& into, Position bytes, const Layout& layout) {
  const Position most = bytes / (layout.lists ? kShortestItem : kShortestLine) + 1;
  begin_column(into.users, most, into.users.as_text);
  begin_column(into.items, most, into.items.as_text);
  into.values.resize(most);
  into.timestamps.resize(layout.timestamp >= 0 ? most : 0);
  into.unquoted.clear();
  into.lines = into.comments = into.blank = into.bad_lines = 0;
  into.first_bad.reset();
  into.fatal.reset();
}

/// What take_line does not check of an id that is kept as text.
bool is_accepted(std::string_view text, const IdRules& rules) {
  if (rules.integers_fixed || rules.rows) return false;  // for CarefulLine to say
  return text.size() <= static_cast<std::size_t>(kSafeDigits) || rules.why_not(text).empty();
}

/// The rules for what take_line gives: any number is one of very many rows.
IdRules number_rules(const IdRules& rules) {
  return rules.rows ? rules : IdRules{.row_limit = std::numeric_limits<Position>::max()};
}

std::string_view without_line_end(const char* first, const char* line_feed) {
  if (line_feed != first && line_feed[-1] == '\r') --line_feed;
  return {first, static_cast<std::size_t>(line_feed - first)};
}

}  // namespace

/// Where a chunk's lines are read, and what came of those before.
struct ChunkParser::Cursor {
  TextChunk& chunk;
  const char* at;
  const char* const end;
  const char* const nul;  // the first NUL byte; end: there is none
  Position ratings = 0;
  Tally tally;

  explicit Cursor(TextChunk& text) : chunk(text), at(text.text.data()), end(at + text.size), nul(first_nul(at, end)) {}

  static const char* first_nul(const char* begin, const char* end) {
    const void* found = std::memchr(begin, 0, static_cast<std::size_t>(end - begin));
    return found != nullptr ? static_cast<const char*>(found) : end;
  }
  /// `text`, kept for as long as the chunk: CarefulLine may have put it together outside of it.
  std::string_view kept(std::string_view text) const {
    const bool in_chunk = text.data() >= chunk.text.data() && text.data() < end;
    return in_chunk ? text : std::string_view(chunk.parsed.unquoted.emplace_back(text));
  }
};

ChunkParser::ChunkParser(ParserPlan& plan)
    : plan_(plan), careful_(plan.layout, plan.need_rating, plan.user_rules, plan.item_rules) {}

void ChunkParser::parse(TextChunk& chunk) {
  chunk.parsed.users.as_text = plan_.users_as_text.load(std::memory_order_relaxed);
  chunk.parsed.items.as_text = plan_.items_as_text.load(std::memory_order_relaxed);
  while (!parse_lines(chunk)) {  // at most twice more, once for each side whose ids turn out to be texts
    if (chunk.parsed.users.as_text) plan_.users_as_text.store(true, std::memory_order_relaxed);
    if (chunk.parsed.items.as_text) plan_.items_as_text.store(true, std::memory_order_relaxed);
  }
}

void ChunkParser::choose_uses(const ParsedLines& into) {
  const Layout& layout = plan_.layout;
  uses_.assign(static_cast<std::size_t>(layout.columns), FieldUse::none);
  const auto use = [this](int column) -> FieldUse& { return uses_[static_cast<std::size_t>(column)]; };
  use(layout.user) = into.users.as_text ? FieldUse::user_text : FieldUse::user_number;
  use(layout.item) = into.items.as_text ? FieldUse::item_text : FieldUse::item_number;
  if (plan_.need_rating && layout.rating >= 0) use(layout.rating) = FieldUse::rating;
  if (layout.timestamp >= 0) use(layout.timestamp) = FieldUse::timestamp;
}

/// False: ids of a side that was to have numbers are texts, and the side now says so; the lines are to be read again.
bool ChunkParser::parse_lines(TextChunk& chunk) {
  begin_lines(chunk.parsed, chunk.size, plan_.layout);
  if (plan_.layout.lists) return parse_lines_with(NoSeparator{}, chunk);
  choose_uses(chunk.parsed);
  const std::string& separator = plan_.layout.separator;
  if (separator == " ") return parse_lines_with(BlankSeparator{}, chunk);
  if (separator == "::") return parse_lines_with(ColonSeparator{}, chunk);
  if (separator.size() == 1 && std::strchr(",;|\t", separator[0]) != nullptr)
    return parse_lines_with(ByteSeparator{separator[0]}, chunk);
  return parse_lines_with(NoSeparator{}, chunk);
}

/// Takes lines of the common shape up to one that is not, counting and adding up in variables of its own: a compiler
/// cannot know that what it stores leaves a cursor's alone, and would load and store them in every line.
template <class Separator>
void ChunkParser::take_common(const Separator& separator, Cursor& cursor) const {
  ParsedLines& into = cursor.chunk.parsed;
  std::int64_t* const users = into.users.as_text ? nullptr : into.users.numbers.data();
  std::int64_t* const items = into.items.as_text ? nullptr : into.items.numbers.data();
  float* const values = into.values.data();
  std::int64_t* const timestamps = plan_.layout.timestamp < 0 ? nullptr : into.timestamps.data();
  const IdRules user_rules = number_rules(plan_.user_rules), item_rules = number_rules(plan_.item_rules);
  const char* const end = cursor.end;
  const char* const last = std::min(cursor.nul, end - 1);  // no line reaches beyond
  Tally tally = cursor.tally;
  FastFields fields;
  Position n = cursor.ratings;
  const char* line = cursor.at;
  for (const char* at = line; line < end; line = at) {
    if (!take_line(separator, uses_.data(), uses_.size(), at, fields) || at - 1 > last || at - 1 - line > kLongestLine)
      break;
    if (users != nullptr && !user_rules.is_row(fields.user_number)) break;
    if (items != nullptr && !item_rules.is_row(fields.item_number)) break;
    if (users == nullptr && !is_accepted(fields.user_text, plan_.user_rules)) break;
    if (items == nullptr && !is_accepted(fields.item_text, plan_.item_rules)) break;
    if (users != nullptr)
      users[n] = fields.user_number;
    else
      into.users.texts.push_back(fields.user_text);
    if (items != nullptr)
      items[n] = fields.item_number;
    else
      into.items.texts.push_back(fields.item_text);
    if (timestamps != nullptr) timestamps[n] = fields.timestamp;
    values[n++] = fields.value;
    tally.add(fields.value);
  }
  into.lines += n - cursor.ratings;
  cursor.at = line;
  cursor.ratings = n;
  cursor.tally = tally;
}

template <class Separator>
bool ChunkParser::parse_lines_with(const Separator& separator, TextChunk& chunk) {
  ParsedLines& into = chunk.parsed;
  Cursor cursor(chunk);
  while (cursor.at < cursor.end && !into.fatal) {
    if (!plan_.layout.lists) take_common(separator, cursor);
    if (cursor.at < cursor.end && !take_careful(cursor)) return false;
  }
  if (!into.users.as_text) into.users.numbers.resize(cursor.ratings);
  if (!into.items.as_text) into.items.numbers.resize(cursor.ratings);
  into.values.resize(cursor.ratings);
  if (plan_.layout.timestamp >= 0) into.timestamps.resize(cursor.ratings);
  into.tally = cursor.tally;
  return true;
}

/// Takes any line; false as for parse_lines.
bool ChunkParser::take_careful(Cursor& cursor) {
  ParsedLines& into = cursor.chunk.parsed;
  const char* first = cursor.at;
  const auto* line_feed =
      static_cast<const char*>(std::memchr(first, '\n', static_cast<std::size_t>(cursor.end - first)));
  cursor.at = line_feed + 1;
  ++into.lines;
  if (cursor.nul < line_feed) {
    into.fatal = LineFault{into.lines, nul_fault(cursor.nul - first + 1)};
    return true;
  }
  if (line_feed - first > kLongestLine) {
    into.fatal = LineFault{into.lines, too_long_fault()};
    return true;
  }
  const std::string_view line = without_line_end(first, line_feed);
  if (is_blank_line(line)) {
    ++into.blank;
    return true;
  }
  if (is_comment(line)) {
    ++into.comments;
    return true;
  }
  try {
    return plan_.layout.lists ? store_list(careful_.parse_list(line), cursor) : store(careful_.parse(line), cursor);
  } catch (const BadLine& bad) {
    refuse(bad, into);
    return true;
  }
}

bool ChunkParser::store(const RatingLine& line, Cursor& cursor) {
  ParsedLines& into = cursor.chunk.parsed;
  // both sides before the line is left: one that is read again for each would cost twice
  const bool users_fit = store_id(into.users, line.user, cursor);
  const bool items_fit = store_id(into.items, line.item, cursor);
  if (!users_fit || !items_fit) return false;
  if (!into.timestamps.empty()) into.timestamps[cursor.ratings] = line.timestamp;
  into.values[cursor.ratings++] = line.value;
  cursor.tally.add(line.value);
  return true;
}

bool ChunkParser::store_list(const std::vector<Field>& fields, Cursor& cursor) {
  for (std::size_t n = 1; n < fields.size(); ++n) {
    if (!store({fields[0].text, fields[n].text}, cursor)) return false;
  }
  return true;
}

/// False: the side was to have numbers and `text` is none.
bool ChunkParser::store_id(IdColumn& column, std::string_view text, const Cursor& cursor) {
  if (column.as_text) {
    column.texts.push_back(cursor.kept(text));
    return true;
  }
  const std::optional<std::int64_t> number = canonical_integer(text);
  if (number) column.numbers[cursor.ratings] = *number;
  column.as_text = !number;
  return number.has_value();
}

void ChunkParser::refuse(const BadLine& bad, ParsedLines& into) const {
  LineFault fault{into.lines, bad};
  if (!plan_.skip_bad) {
    into.fatal = std::move(fault);
  } else if (++into.bad_lines == 1) {
    into.first_bad = std::move(fault);
  }
}

}  // namespace wf
