#include "host/api/cuda_module.hpp"

#include "host/base/error.hpp"
#include "host/base/module_path.hpp"

#include <dlfcn.h>
#include <filesystem>

namespace wf {
namespace {

namespace fs = std::filesystem;

fs::path cuda_path() {
  return module_path("WARPFACTOR_CUDA_MODULE", kCudaModuleFile);
}

/// A function of an opened library.
template <class Function>
Function function_of(void* library, const char* name) {
  return reinterpret_cast<Function>(dlsym(library, name));
}

/// The driver's own words for a CUresult.
std::string driver_error(void* driver, int code) {
  const char* name = nullptr;
  if (const auto get = function_of<int (*)(int, const char**)>(driver, "cuGetErrorName"); get != nullptr) {
    get(code, &name);
  }
  return name != nullptr ? name : "CUDA driver error " + std::to_string(code);
}

std::string count_devices(void* driver) {
  const auto init = function_of<int (*)(unsigned)>(driver, "cuInit");
  const auto count = function_of<int (*)(int*)>(driver, "cuDeviceGetCount");
  if (init == nullptr || count == nullptr) return "libcuda.so.1 is not an NVIDIA driver";
  if (const int code = init(0); code != 0) return "the NVIDIA driver does not start: " + driver_error(driver, code);
  int devices = 0;
  if (const int code = count(&devices); code != 0) return "no device: " + driver_error(driver, code);
  return devices > 0 ? "" : "the NVIDIA driver knows no device";
}

}  // namespace

std::string cuda_absence() {
  const fs::path path = cuda_path();
  if (path.empty()) return "not compiled in";
  void* driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (driver == nullptr) return "no NVIDIA driver on this machine (libcuda.so.1 is not found)";
  return count_devices(driver);  // the driver stays open: the module is about to need it
}

const CudaModule& cuda_module() {
  static const CudaModule* loaded = nullptr;
  if (loaded != nullptr) return *loaded;
  const fs::path path = cuda_path();
  const std::string cure = "--engine cpu, or build with -DWARPFACTOR_CUDA=ON";
  if (path.empty()) throw DeviceError("engine cuda: not compiled in", cure);
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw DeviceError("engine cuda: " + std::string(dlerror()), cure);
  const auto entry = function_of<const CudaModule* (*)()>(library, kCudaModuleSymbol);
  if (entry == nullptr || entry()->version != kCudaModuleVersion) {
    throw DeviceError("engine cuda: " + path.string() + " belongs to another version of warpfactor", cure);
  }
  loaded = entry();
  return *loaded;
}

}  // namespace wf
