#include "host/cli/output_file.hpp"

#include "host/base/error.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace wf::cli {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const std::string& path, int reason) {
  throw FailedError("cannot write " + path + ": " + std::strerror(reason), "choose another place with -o");
}

}  // namespace

OutputFile::OutputFile(const std::string& path) {
  if (!path.empty() && path != "-") file_.emplace(path);
}

void OutputFile::write(std::string_view text) {
  constexpr std::size_t kBuffer = 1 << 16;
  buffer_ += text;
  if (buffer_.size() >= kBuffer) flush();
}

void OutputFile::flush() {
  if (file_) {
    file_->write(buffer_.data(), static_cast<Position>(buffer_.size()));
  } else if (std::fwrite(buffer_.data(), 1, buffer_.size(), stdout) != buffer_.size()) {
    refuse("stdout", errno);
  }
  buffer_.clear();
}

void OutputFile::commit() {
  flush();
  if (file_) return file_->commit();
  if (std::fflush(stdout) != 0) refuse("stdout", errno);
}

void check_writable(const std::string& path) {
  std::error_code ignored;
  const std::string folder = folder_of(path);
  if (!fs::exists(folder, ignored)) refuse(path, ENOENT);
  if (fs::is_directory(path, ignored)) refuse(path, EISDIR);
  if (fs::exists(path, ignored) && !fs::is_regular_file(path, ignored)) {
    throw FailedError("cannot write " + path + ": it is no regular file", "choose another place with -o");
  }
  if (access(folder.c_str(), W_OK) != 0) refuse(path, errno);
}

void refuse_same_file(const std::string& output, const std::string& input) {
  if (output.empty() || input.empty() || output == "-" || input == "-") return;
  std::error_code ignored;
  const bool same = fs::weakly_canonical(output, ignored) == fs::weakly_canonical(input, ignored) ||
                    (fs::is_regular_file(input, ignored) && fs::equivalent(output, input, ignored));
  if (same && output != "/dev/null") throw UsageError("the output would overwrite " + input, "choose another name");
}

}  // namespace wf::cli
