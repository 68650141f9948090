// The list of engines: name, whether it is there, and why not. None stands in for another.
#pragma once
#include "host/train/engine.hpp"

#include <memory>
#include <string>
#include <vector>

namespace wf {

struct EngineInfo {
  std::string name;
  bool available = false;
  std::string detail;  ///< threads, or the reason of the absence
};

std::vector<EngineInfo> list_engines();

/// "driver for CUDA 13.0, built with toolkit 13.0", or why there is nothing to say.
std::string cuda_versions();

struct ChosenEngine {
  std::unique_ptr<Engine> engine;
  std::string why;  ///< one line: which and why
};

/// `name` auto, reference, cpu or cuda; threads 0 = all; `deterministic`: the same bits in every run, for any
/// number of threads and on every machine; `plan` of a device's per-rating SGD; `local`: the number of this process
/// among those of its machine, which take its devices in turn. A named engine that is absent throws DeviceError (exit
/// 4).
ChosenEngine make_engine(const std::string& name, int threads, bool deterministic = false,
                         SgdPlan plan = SgdPlan::chunks, int local = 0);

}  // namespace wf
