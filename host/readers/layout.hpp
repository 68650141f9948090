// What the columns of a file are: detected from its first lines, overridden by ReadOptions.
#pragma once
#include "host/base/error.hpp"
#include "host/readers/line_reader.hpp"
#include "host/readers/matrix_market.hpp"
#include "host/readers/read_ratings.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wf {

struct Layout {
  std::string separator;
  std::optional<MatrixHead> matrix;       ///< of a Matrix Market file
  bool lists = false;                     ///< a line is a user and any number of items; `columns` do not count
  std::optional<std::string> header;      ///< the header line
  std::vector<std::string> column_names;  ///< of the header
  Position comments = 0, blank = 0;       ///< lines before the header or the first rating
  int columns = 0;                        ///< fields every line must have
  int user = 0, item = 1, rating = -1;    ///< field numbers from 0; rating -1: every value is 1
  int timestamp = -1;                     ///< -1: none, or not asked for

  std::string name_of(int column) const;  ///< the header's word, or the number from 1
};

/// Leaves `lines` at the header or the first rating, behind the comments and blank lines before it and the head of a
/// matrix. Throws InputError
/// for a file without data lines, without a separator, or that does not fit the overrides. Without
/// `quotes_with_colons` a quote is text in a file separated by "::".
Layout detect_layout(LineReader& lines, const ReadOptions& options, bool quotes_with_colons = true);

/// # or % in the first byte.
inline bool is_comment(std::string_view line) {
  return line.front() == '#' || line.front() == '%';
}
bool is_blank_line(std::string_view line);

/// Index of the column that `wanted` names: a header word or a number from 1. Throws InputError listing the columns.
int find_column(const std::string& wanted, const Layout& layout, const char* option, const std::string& file);

}  // namespace wf
