#include "host/base/error.hpp"
#include "host/base/shown.hpp"
#include "host/readers/fields.hpp"
#include "host/readers/layout.hpp"
#include "host/readers/read_ratings.hpp"

#include <fmt/format.h>

#include <cctype>
#include <initializer_list>
#include <utility>

namespace wf {
namespace {

std::string lowered(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

/// The column with one of these names; `otherwise` when there is none.
int column_named(const Layout& layout, std::initializer_list<const char*> words, int otherwise) {
  for (const char* word : words) {
    for (std::size_t c = 0; c < layout.column_names.size(); ++c) {
      if (lowered(layout.column_names[c]) == word) return static_cast<int>(c);
    }
  }
  return otherwise;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> read_names(const std::string& path) {
  LineReader lines(path);
  // files with :: do not quote, and MovieLens' have titles that begin with a quote
  const Layout layout = detect_layout(lines, {}, false);
  if (layout.matrix || layout.lists) {
    throw InputError(Place{lines.name()}, "holds ratings and no names", "one line each: id, name");
  }
  const int name = column_named(layout, {"title", "name"}, 1);
  const int id =
      column_named(layout, {"movieid", "movie_id", "itemid", "item_id", "bookid", "book_id", "id"}, name == 0 ? 1 : 0);

  std::vector<std::pair<std::string, std::string>> names;
  FieldSplitter splitter(layout.separator, layout.separator != "::");
  std::string_view line;
  bool header_pending = layout.header.has_value();
  while (lines.next(line)) {
    if (is_blank_line(line) || is_comment(line)) continue;
    if (std::exchange(header_pending, false)) continue;
    try {
      const std::vector<Field>& fields = splitter.split(line);
      if (static_cast<int>(fields.size()) != layout.columns) {
        throw BadLine{0, fmt::format("expected {} fields, found {}: {}", layout.columns, fields.size(), shown(line)),
                      "quote a name that holds the separator"};
      }
      names.emplace_back(fields[static_cast<std::size_t>(id)].text, fields[static_cast<std::size_t>(name)].text);
    } catch (const BadLine& bad) {
      throw InputError(Place{lines.name(), lines.line_number(), bad.column}, bad.what, bad.cure);
    }
  }
  return names;
}

}  // namespace wf
