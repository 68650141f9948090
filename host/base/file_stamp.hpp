// Whether a file is still what it was: its length and when it was last written to.
#pragma once
#include "host/base/types.hpp"

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
std::optional<FileStamp> stamp_of(int descriptor);

inline constexpr const char* kChangedWhileRead = "changed while it was read";
inline constexpr const char* kLeaveUnchanged = "do not write to it meanwhile, or read a copy";

}  // namespace wf
