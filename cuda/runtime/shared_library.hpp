// A library that is opened when its functions are wanted, and done without where it is missing.
#pragma once
#include <dlfcn.h>

#include <initializer_list>

namespace wf {

/// Stays open for as long as the process lives.
class SharedLibrary {
 public:
  /// The first of `names` that the loader finds.
  explicit SharedLibrary(std::initializer_list<const char*> names) {
    for (const char* name : names) {
      if (library_ = dlopen(name, RTLD_NOW | RTLD_LOCAL); library_ != nullptr) return;
    }
  }

  template <class Function>
  void load(Function& function, const char* name) {
    function = library_ == nullptr ? nullptr : reinterpret_cast<Function>(dlsym(library_, name));
    if (function == nullptr) is_complete_ = false;
  }
  /// Was there a library, and in it all that was loaded?
  bool is_complete() const { return is_complete_; }

 private:
  void* library_ = nullptr;
  bool is_complete_ = true;
};

}  // namespace wf
