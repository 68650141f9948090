#include "host/base/module_path.hpp"

#include <dlfcn.h>
#include <cstdlib>
#include <vector>

namespace wf {
namespace {

namespace fs = std::filesystem;

/// The folder of the shared library that this code is a part of; empty: it is the program's, whose path the loader does
/// not tell: what it says is a word of the command line, and would be looked up in the working folder.
fs::path own_folder() {
  Dl_info info{};
  std::error_code none;
  if (dladdr(reinterpret_cast<const void*>(&module_path), &info) == 0 || info.dli_fname == nullptr) return {};
  const fs::path file = info.dli_fname;
  return file.is_absolute() ? fs::canonical(file, none).parent_path() : fs::path();
}

}  // namespace

fs::path module_path(const char* variable, const char* file) {
  if (const char* named = std::getenv(variable)) return named;
  std::error_code none;
  const fs::path folder = fs::read_symlink("/proc/self/exe", none).parent_path();
  std::vector<fs::path> places{folder, folder / "../lib/warpfactor"};
  if (const fs::path own = own_folder(); !own.empty()) {  // lib, lib64 or lib/<architecture>
    for (const char* from : {"warpfactor", "../lib/warpfactor", "../warpfactor"}) places.push_back(own / from);
  }
  for (const fs::path& place : places) {
    if (fs::exists(place / file, none)) return place / file;
  }
  return {};
}

}  // namespace wf
