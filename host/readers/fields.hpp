// One line -> its fields.
#pragma once
#include "host/base/error.hpp"

#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wf {

/// What is wrong with a line, before its file and line number are known.
struct BadLine {
  Position column = 0;  ///< in bytes, from 1; 0: the line as a whole
  std::string what;
  std::string cure;
};

InputError line_error(const std::string& file, Position line, const BadLine& bad);

struct Field {
  std::string_view text;
  Position column = 0;  ///< where it begins, in bytes, from 1
};

/// Splits lines by a separator: one or more characters, or " " for runs of blanks and tabs. A field may be enclosed in
/// double quotes, with "" for a quote inside (RFC 4180); other fields lose the blanks around them.
class FieldSplitter {
 public:
  /// Without `quotes` a double quote is a character like any other.
  explicit FieldSplitter(std::string separator, bool quotes = true)
      : separator_(std::move(separator)), quotes_(quotes) {}

  /// The fields hold until the next call. Throws BadLine for a quote that is not closed or is followed by text.
  const std::vector<Field>& split(std::string_view line);

  const std::string& separator() const { return separator_; }

 private:
  std::size_t take_quoted(std::string_view line, std::size_t start);
  void split_blanks(std::string_view line);

  std::string separator_;
  bool quotes_;
  std::vector<Field> fields_;
  std::deque<std::string> unquoted_;  // texts whose doubled quotes were undone
};

}  // namespace wf
