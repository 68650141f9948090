// What the ratings of a page file were read from, and how: enough to say whether it is still that file.
#pragma once
#include "host/base/file_stamp.hpp"
#include "host/readers/read_ratings.hpp"

#include <optional>
#include <string>

namespace wf {

struct PageSource {
  ReadReport report;
  std::optional<FileStamp> stamp;  ///< taken before the file was read
  ReadOptions options;             ///< that it was read with; `threads` and `need_rating` are not kept
  Position declared_users = 0, declared_items = 0;
};

/// Whether both would read the same of a file.
bool same_options(const PageSource& a, const PageSource& b);

std::string to_json(const PageSource& source);
/// Throws std::invalid_argument with what is wrong.
PageSource page_source_from_json(const std::string& text);

}  // namespace wf
