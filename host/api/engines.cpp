#include "host/api/engines.hpp"

#include "host/base/error.hpp"
#include "host/base/thread_pool.hpp"
#include "host/cpu/cpu.hpp"
#include "host/reference/reference.hpp"
#include "host/train/engine_of.hpp"

namespace wf {
namespace {

constexpr const char* kNoCuda = "not compiled in";

std::string count_threads(int threads) {
  return std::to_string(threads) + (threads == 1 ? " thread" : " threads");
}

ChosenEngine make_cpu(int threads, const std::string& reason) {
  const int count = threads > 0 ? threads : available_cpus();
  return {std::make_unique<EngineOf<Cpu>>(count), "cpu, " + count_threads(count) + reason};
}

}  // namespace

std::vector<EngineInfo> list_engines() {
  return {{"reference", true, "1 thread, sums in double: the yardstick"},
          {"cpu", true, count_threads(available_cpus())},
          {"cuda", false, kNoCuda}};
}

ChosenEngine make_engine(const std::string& name, int threads) {
  if (name == "reference") return {std::make_unique<EngineOf<Reference>>(), "reference, 1 thread, sums in double"};
  if (name == "cpu") return make_cpu(threads, "");
  if (name == "auto") return make_cpu(threads, std::string(" (cuda: ") + kNoCuda + ")");
  if (name == "cuda") {
    throw DeviceError(std::string("engine cuda: ") + kNoCuda,
                      "--engine cpu or --engine auto; warpfactor doctor lists engines");
  }
  throw UsageError("there is no engine \"" + name + "\"", "auto, reference, cpu or cuda");
}

}  // namespace wf
