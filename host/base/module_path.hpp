// Where the modules are that the program loads when it is asked for what they do.
#pragma once
#include <filesystem>

namespace wf {

/// Beside the program, where an installation has it as seen from the program or the library, or what the environment
/// variable names. Empty: nowhere.
std::filesystem::path module_path(const char* variable, const char* file);

/// A function of a library that dlopen has opened; nullptr: it has none of that name.
void* symbol_of(void* library, const char* name);

}  // namespace wf
