// What the table of settings says to people and shells: docs/parameters.md, the man page, completions.
#pragma once
#include <string>
#include <vector>

namespace wf::cli {

std::string parameters_markdown();
std::string man_page();  ///< roff with the macros of man(7)
std::string bash_completion();
std::string zsh_completion();
std::string fish_completion();

/// "parameters", "man", "completion-bash", ...: what `warpfactor help` prints beside the verbs.
std::vector<std::string> manual_words();
/// The text for one of those. Throws std::logic_error for another word.
std::string manual_text(const std::string& word);

}  // namespace wf::cli
