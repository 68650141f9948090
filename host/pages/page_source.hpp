// What the ratings of a page file were read from, and how: enough to say whether it is still that file.
#pragma once
#include "host/readers/read_ratings.hpp"

#include <optional>
#include <string>

namespace wf {

/// A file on disk at one moment.
struct FileStamp {
  Position bytes = 0;
  Position modified_ns = 0;  ///< since 1970

  bool operator==(const FileStamp&) const = default;
};

/// None for what is no regular file, as a pipe.
std::optional<FileStamp> stamp_of(const std::string& path);

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
