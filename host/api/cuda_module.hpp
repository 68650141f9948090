// The CUDA engine is a module that is loaded when somebody asks for it: the program starts without any CUDA library.
#pragma once
#include "host/train/engine.hpp"

#include <memory>
#include <string>
#include <vector>

namespace wf {

struct CudaDevice {
  std::string name;
  int compute_capability = 0;  ///< 90 for sm_90
  int multiprocessors = 0;
  Position memory = 0;  ///< bytes
};

/// What the module exports, through its one symbol kCudaModuleSymbol.
struct CudaModule {
  int version;  ///< kCudaModuleVersion of the sources it was built from
  std::vector<CudaDevice> (*devices)();
  std::string (*versions)();  ///< "driver for CUDA 13.0, built with toolkit 13.0, NCCL 2.28.9"
  std::string (*problem)();   ///< why device 0 cannot be used, e.g. no code for it in this build; empty: it can
  /// On that one of devices(), by the thread that makes it and then uses it.
  std::unique_ptr<Engine> (*make_engine)(bool deterministic, SgdPlan plan, int device);
};

inline constexpr int kCudaModuleVersion = 7;  // raise it with CudaModule, Engine or Scorer
inline constexpr const char* kCudaModuleSymbol = "warpfactor_cuda_module";
inline constexpr const char* kCudaModuleFile = "libwarpfactor_cuda.so";

/// Why there can be no CUDA engine here; empty where there is a driver with a device and a module to load. Cheap: opens
/// the driver's library and counts devices, loads nothing of CUDA's.
std::string cuda_absence();

/// Loads the module, once. Throws DeviceError where it is not to be had.
const CudaModule& cuda_module();

}  // namespace wf
