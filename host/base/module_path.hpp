// Where the modules are that the program loads when it is asked for what they do.
#pragma once
#include <filesystem>

namespace wf {

/// Beside the program, where an installation has it as seen from the program or the library, or what the environment
/// variable names. Empty: nowhere.
std::filesystem::path module_path(const char* variable, const char* file);

}  // namespace wf
