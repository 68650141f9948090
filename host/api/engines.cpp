#include "host/api/engines.hpp"

#include "host/api/cuda_module.hpp"
#include "host/base/error.hpp"
#include "host/base/shown.hpp"
#include "host/base/thread_pool.hpp"
#include "host/cpu/cpu.hpp"
#include "host/cpu/grid_wish.hpp"
#include "host/reference/reference.hpp"
#include "host/train/engine_of.hpp"

namespace wf {
namespace {

std::string count_threads(int threads) {
  return std::to_string(threads) + (threads == 1 ? " thread" : " threads");
}

ChosenEngine make_cpu(int threads, bool deterministic, const std::string& reason) {
  const int count = threads > 0 ? threads : available_cpus();
  const GridWish wish = deterministic ? GridWish{} : grid_wish_of_machine(count);
  return {std::make_unique<EngineOf<Cpu>>(count, usable_simd().back(), wish), "cpu, " + count_threads(count) + reason};
}

std::string describe(const CudaDevice& device) {
  return device.name + ", sm_" + std::to_string(device.compute_capability) + ", " +
         std::to_string(device.multiprocessors) + " multiprocessors, " + short_bytes(device.memory);
}

/// `local`: counts the processes of this machine, which share its devices.
ChosenEngine make_cuda(bool deterministic, SgdPlan plan, int local, const std::string& reason) {
  const CudaModule& module = cuda_module();
  const std::vector<CudaDevice> devices = module.devices();
  const int device = devices.empty() ? 0 : local % static_cast<int>(devices.size());
  const std::string mode = deterministic ? ", repeatable" : "";
  return {module.make_engine(deterministic, plan, device),
          "cuda, " + describe(devices.at(static_cast<std::size_t>(device))) + mode + reason};
}

ChosenEngine without_cuda(int threads, bool deterministic, const std::string& problem) {
  return make_cpu(threads, deterministic, " (cuda: " + problem + ")");
}

/// A device that is there may be taken by others, or without memory.
ChosenEngine make_fastest(int threads, bool deterministic, SgdPlan plan) {
  try {
    return make_cuda(deterministic, plan, 0, " (the fastest here)");
  } catch (const DeviceError& error) {
    return without_cuda(threads, deterministic, error.problem());
  }
}

/// Why cuda is not there, or an empty string; loads the module to see whether it works.
std::string cuda_problem() {
  if (std::string absence = cuda_absence(); !absence.empty()) return absence;
  try {
    return cuda_module().devices().empty() ? "no device" : cuda_module().problem();
  } catch (const DeviceError& error) {
    return error.problem();
  }
}

EngineInfo cuda_info() {
  if (const std::string problem = cuda_problem(); !problem.empty()) return {"cuda", false, problem};
  std::string detail;
  for (const CudaDevice& device : cuda_module().devices()) detail += (detail.empty() ? "" : "; ") + describe(device);
  return {"cuda", true, detail};
}

}  // namespace

std::string cuda_versions() {
  try {
    return cuda_module().versions();
  } catch (const DeviceError& error) {
    return error.problem();
  }
}

std::vector<EngineInfo> list_engines() {
  return {{"reference", true, "1 thread, sums in double: the yardstick"},
          {"cpu", true, count_threads(available_cpus())},
          cuda_info()};
}

ChosenEngine make_engine(const std::string& name, int threads, bool deterministic, SgdPlan plan, int local) {
  if (name == "reference") return {std::make_unique<EngineOf<Reference>>(), "reference, 1 thread, sums in double"};
  if (name == "cpu") return make_cpu(threads, deterministic, "");
  if (name != "auto" && name != "cuda") {
    throw UsageError("there is no engine \"" + name + "\"", "auto, reference, cpu or cuda");
  }
  const std::string problem = cuda_problem();
  if (name == "auto")
    return problem.empty() ? make_fastest(threads, deterministic, plan) : without_cuda(threads, deterministic, problem);
  if (problem.empty()) return make_cuda(deterministic, plan, local, "");
  throw DeviceError("engine cuda: " + problem, "--engine cpu or --engine auto; warpfactor doctor lists engines");
}

}  // namespace wf
