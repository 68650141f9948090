// Which values of settings a search tries.
#pragma once
#include "host/config/config.hpp"

#include <map>
#include <string>
#include <vector>

namespace wf {

/// A setting and its values: words to choose from or, where there are none, numbers of a range.
struct SearchRange {
  std::string key;  ///< the setting's long name, without dashes
  std::vector<std::string> choices;
  double from = 0, to = 0;  ///< both included; above 0 where the scale is logarithmic
  Scale scale = Scale::linear;
  bool whole = false;  ///< whole numbers only
  std::string place;   ///< where it was written down, for messages; empty: it was not
};

/// A value for each setting, as text: a function of (seed, trial, place in the space). Numbers have 4 digits, or more
/// where those would lie outside the range.
std::map<std::string, std::string> drawn_settings(const std::vector<SearchRange>& space, std::uint64_t seed,
                                                  Position trial);

}  // namespace wf
