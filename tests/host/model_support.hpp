// What the tests of the model and of its file share: a fresh folder, files as bytes, hand-made safetensors.
#pragma once
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace wf::testing_support {

/// A new folder, removed with everything in it.
class FreshFolder {
 public:
  FreshFolder() {
    std::string name = ::testing::TempDir() + "warpfactor-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  ~FreshFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  FreshFolder(const FreshFolder&) = delete;
  FreshFolder& operator=(const FreshFolder&) = delete;

  std::string file(const std::string& name) const { return (path_ / name).string(); }
  std::string write(const std::string& name, const std::string& bytes) const {
    std::ofstream(file(name), std::ios::binary) << bytes;
    return file(name);
  }
  int count() const {
    int files = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(path_)) ++files;
    return files;
  }

 private:
  std::filesystem::path path_;
};

inline std::string bytes_of(const std::string& path) {
  std::ostringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  return bytes.str();
}

/// The eight bytes of a length before `header`, then `data`.
inline std::string safetensors(const std::string& header, const std::string& data = {}) {
  std::string bytes;
  for (int n = 0; n < 8; ++n) bytes += static_cast<char>(header.size() >> (8 * n) & 0xFF);
  return bytes + header + data;
}

}  // namespace wf::testing_support
