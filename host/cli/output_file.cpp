#include "host/cli/output_file.hpp"

#include "host/base/error.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace wf::cli {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const std::string& path, int reason) {
  throw FailedError("cannot write " + path + ": " + std::strerror(reason), "choose another place with -o");
}

fs::path folder_of(const std::string& path) {
  const fs::path folder = fs::path(path).parent_path();
  return folder.empty() ? fs::path(".") : folder;
}

}  // namespace

OutputFile::OutputFile(std::string path) : path_(std::move(path)) {
  if (path_.empty() || path_ == "-") {
    path_ = "stdout";
    file_ = stdout;
    return;
  }
  std::error_code ignored;
  if (fs::is_symlink(path_, ignored)) path_ = fs::weakly_canonical(path_, ignored).string();
  const bool in_place = fs::exists(path_, ignored) && !fs::is_regular_file(path_, ignored);
  if (!in_place) temporary_ = path_ + ".part-" + std::to_string(getpid());
  const std::string& target = in_place ? path_ : temporary_;
  file_ = std::fopen(target.c_str(), "wbe");
  if (file_ == nullptr) {
    const int reason = errno;
    temporary_.clear();
    refuse(path_, reason);
  }
}

OutputFile::~OutputFile() {
  if (file_ != nullptr && file_ != stdout) static_cast<void>(std::fclose(file_));
  if (!temporary_.empty()) static_cast<void>(unlink(temporary_.c_str()));
}

void OutputFile::write(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), file_) != text.size()) refuse(path_, errno);
}

void OutputFile::commit() {
  if (std::fflush(file_) != 0) refuse(path_, errno);
  if (file_ == stdout) return;
  if (!temporary_.empty() && fsync(fileno(file_)) != 0) refuse(path_, errno);
  if (std::fclose(std::exchange(file_, nullptr)) != 0) refuse(path_, errno);
  if (!temporary_.empty() && std::rename(temporary_.c_str(), path_.c_str()) != 0) refuse(path_, errno);
  temporary_.clear();
}

void check_writable(const std::string& path) {
  std::error_code ignored;
  const fs::path folder = folder_of(path);
  if (!fs::exists(folder, ignored)) refuse(path, ENOENT);
  if (fs::is_directory(path, ignored)) refuse(path, EISDIR);
  if (fs::exists(path, ignored) && !fs::is_regular_file(path, ignored)) {
    throw FailedError("cannot write " + path + ": it is no regular file", "choose another place with -o");
  }
  if (access(folder.c_str(), W_OK) != 0) refuse(path, errno);
}

}  // namespace wf::cli
