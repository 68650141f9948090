// How much memory an accelerator has.
#pragma once
#include "host/base/types.hpp"

#include <string>

namespace wf {

struct DeviceMemory {
  std::string device;            ///< its name
  Position free = 0, total = 0;  ///< bytes
};

}  // namespace wf
