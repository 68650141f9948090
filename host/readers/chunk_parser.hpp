// A chunk's lines -> ids and values. One parser a worker; parsers share nothing but the hint that ids are texts.
#pragma once
#include "host/readers/careful_line.hpp"
#include "host/readers/fast_line.hpp"
#include "host/readers/text_chunk.hpp"

#include <atomic>
#include <optional>
#include <vector>

namespace wf {

/// What every parser of a file knows.
struct ParserPlan {
  Layout layout;
  bool need_rating = true;
  bool skip_bad = false;
  IdRules user_rules, item_rules;
  // Sides some chunk of which held an id that is no integer: later chunks begin with texts. A hint, because the text of
  // a canonical integer follows from its number; it saves parsing every chunk twice.
  std::atomic<bool> users_as_text{false}, items_as_text{false};
};

class ChunkParser {
 public:
  explicit ChunkParser(ParserPlan& plan);

  /// Fills chunk.parsed from chunk.text.
  void parse(TextChunk& chunk);

 private:
  struct Cursor;

  void choose_uses(const ParsedLines& into);
  bool parse_lines(TextChunk& chunk);
  template <class Separator>
  bool parse_lines_with(const Separator& separator, TextChunk& chunk);
  template <class Separator>
  void take_common(const Separator& separator, Cursor& cursor) const;
  bool take_careful(Cursor& cursor);
  static bool store(const RatingLine& line, Cursor& cursor);
  static bool store_list(const std::vector<Field>& fields, Cursor& cursor);
  static bool store_id(IdColumn& column, std::string_view text, const Cursor& cursor);
  void refuse(const BadLine& bad, ParsedLines& into) const;

  ParserPlan& plan_;
  CarefulLine careful_;
  std::vector<FieldUse> uses_;  // of each field
};

}  // namespace wf
