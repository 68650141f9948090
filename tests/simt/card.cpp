// The pretended card: errors, properties, limits of a launch. Part of the runtime API, under the toolkit's own
// cuda_runtime_api.h and in place of libcudart's. What is missing is a link error, never a silent success.
#include "tests/simt/runtime_api.hpp"
#include "tests/simt/scheduler.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>

namespace simt {
namespace {

constexpr std::size_t kSharedPerMultiprocessor = 228 << 10;  // this and the next two as of an H100
constexpr std::size_t kReservedShared = 1 << 10;
constexpr int kThreadsPerMultiprocessor = 2048;
constexpr int kThreadsPerBlock = 1024;

auto& dynamic_limits = *new std::map<const void*, std::size_t>;
cudaError_t sticky_error = cudaSuccess;
thread_local cudaError_t last_error = cudaSuccess;

int occupancy(int threads, std::size_t shared) {  // registers are unknown here
  const int by_threads = kThreadsPerMultiprocessor / ((threads + 31) / 32 * 32);
  return std::min({by_threads, int(kSharedPerMultiprocessor / (shared + kReservedShared)), 32});
}

/// What the card answers; nothing for what is not modelled: better said than guessed.
std::optional<int> attribute_of_card(cudaDeviceAttr attribute) {
  switch (attribute) {
    case cudaDevAttrMultiProcessorCount:
      return options().sm_count;
    case cudaDevAttrComputeCapabilityMajor:
      return options().compute_capability / 10;
    case cudaDevAttrComputeCapabilityMinor:
      return options().compute_capability % 10;
    case cudaDevAttrWarpSize:
    case cudaDevAttrMaxBlocksPerMultiprocessor:
      return 32;
    case cudaDevAttrMaxThreadsPerBlock:
    case cudaDevAttrMaxBlockDimX:
    case cudaDevAttrMaxBlockDimY:
      return kThreadsPerBlock;
    case cudaDevAttrMaxBlockDimZ:
      return 64;
    case cudaDevAttrMaxGridDimX:
      return 0x7fffffff;
    case cudaDevAttrMaxGridDimY:
    case cudaDevAttrMaxGridDimZ:
      return 65535;
    case cudaDevAttrMaxThreadsPerMultiProcessor:
      return kThreadsPerMultiprocessor;
    case cudaDevAttrMaxRegistersPerBlock:
    case cudaDevAttrMaxRegistersPerMultiprocessor:
      return 65536;
    case cudaDevAttrMaxSharedMemoryPerBlock:
      return int(kMaxStaticShared);
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      return int(kMaxShared);
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
      return int(kSharedPerMultiprocessor);
    case cudaDevAttrReservedSharedMemoryPerBlock:
      return int(kReservedShared);
    case cudaDevAttrTotalConstantMemory:
      return 64 << 10;
    case cudaDevAttrL2CacheSize:
      return 4 << 20;
    case cudaDevAttrClockRate:
      return 1'000'000;  // kHz
    case cudaDevAttrConcurrentKernels:
    case cudaDevAttrAsyncEngineCount:
    case cudaDevAttrCooperativeLaunch:
    case cudaDevAttrMemoryPoolsSupported:
    case cudaDevAttrUnifiedAddressing:
      return 1;
    case cudaDevAttrMaxPersistingL2CacheSize:
    case cudaDevAttrManagedMemory:
    case cudaDevAttrIntegrated:
    case cudaDevAttrPageableMemoryAccess:
      return 0;
    default:
      return std::nullopt;
  }
}

std::size_t dynamic_limit(const void* kernel) {
  const auto limit = dynamic_limits.find(kernel);
  return limit == dynamic_limits.end() ? kMaxStaticShared : limit->second;
}

bool has_valid_shape(const Launch& launch) {
  const dim3& grid = launch.grid;
  const dim3& block = launch.block;
  const std::uint64_t threads = std::uint64_t(block.x) * block.y * block.z;
  const std::uint64_t blocks = std::uint64_t(grid.x) * grid.y * grid.z;
  return threads != 0 && threads <= kThreadsPerBlock && block.z <= 64 && blocks != 0 && blocks <= UINT32_MAX &&
         grid.x <= INT32_MAX && grid.y <= UINT16_MAX && grid.z <= UINT16_MAX;
}

bool fits_at_once(const Launch& launch) {
  const std::uint64_t blocks = std::uint64_t(launch.grid.x) * launch.grid.y * launch.grid.z;
  const int each = occupancy(int(launch.block.x * launch.block.y * launch.block.z), launch.dynamic_bytes);
  return blocks <= std::min<std::uint64_t>(std::uint64_t(each * options().sm_count), kSlots);
}

/// Takes cooperative launches and priorities; what else a launch may ask for is not modelled.
bool take_attributes(const cudaLaunchConfig_t& config, Launch& launch) {
  for (unsigned i = 0; i < config.numAttrs; ++i) {
    if (config.attrs[i].id == cudaLaunchAttributeCooperative) {
      launch.cooperative = config.attrs[i].val.cooperative != 0;
    } else if (config.attrs[i].id != cudaLaunchAttributePriority) {
      return false;
    }
  }
  return true;
}

}  // namespace

cudaError_t refusal() {
  if (options().no_device) return cudaErrorNoDevice;
  return in_host_function() ? cudaErrorNotPermitted : sticky_error;
}

cudaError_t remember(cudaError_t error) {
  if (error != cudaSuccess && last_error == cudaSuccess) last_error = error;
  return error;
}

cudaError_t sticky() {
  return sticky_error;
}

void spoil_calls(cudaError_t error) {
  sticky_error = error;
}

void clear_errors() {
  const Lock lock(api_lock());
  sticky_error = last_error = cudaSuccess;
}

cudaError_t prepare_launch(const cudaLaunchConfig_t& config, const void* kernel, Launch& launch) {
  return call([&] {
    launch = {config.gridDim, config.blockDim, config.dynamicSmemBytes, kernel, false};
    if (!take_attributes(config, launch)) return cudaErrorNotSupported;
    if (!has_valid_shape(launch)) return cudaErrorInvalidConfiguration;
    if (launch.dynamic_bytes > dynamic_limit(kernel)) return cudaErrorInvalidValue;
    if (launch.cooperative && !fits_at_once(launch)) return cudaErrorCooperativeLaunchTooLarge;
    return valid(config.stream) ? cudaSuccess : cudaErrorInvalidResourceHandle;
  });
}

}  // namespace simt
using namespace simt;

extern "C" {

// ---- errors
cudaError_t cudaPeekAtLastError() {
  const Lock lock(api_lock());
  return sticky_error != cudaSuccess ? sticky_error : last_error;
}
cudaError_t cudaGetLastError() {
  const cudaError_t error = cudaPeekAtLastError();
  last_error = cudaSuccess;
  return error;
}
const char* cudaGetErrorName(cudaError_t error) {
#define SIMT_NAME(error) \
  case error:            \
    return #error
  switch (error) {
    SIMT_NAME(cudaSuccess);
    SIMT_NAME(cudaErrorInvalidValue);
    SIMT_NAME(cudaErrorMemoryAllocation);
    SIMT_NAME(cudaErrorNoDevice);
    SIMT_NAME(cudaErrorInvalidPitchValue);
    SIMT_NAME(cudaErrorInvalidDevice);
    SIMT_NAME(cudaErrorInvalidResourceHandle);
    SIMT_NAME(cudaErrorNotReady);
    SIMT_NAME(cudaErrorIllegalAddress);
    SIMT_NAME(cudaErrorMisalignedAddress);
    SIMT_NAME(cudaErrorLaunchTimeout);
    SIMT_NAME(cudaErrorLaunchFailure);
    SIMT_NAME(cudaErrorLaunchOutOfResources);
    SIMT_NAME(cudaErrorCooperativeLaunchTooLarge);
    SIMT_NAME(cudaErrorNotPermitted);
    SIMT_NAME(cudaErrorNotSupported);
    SIMT_NAME(cudaErrorHostMemoryAlreadyRegistered);
    SIMT_NAME(cudaErrorHostMemoryNotRegistered);
    SIMT_NAME(cudaErrorInvalidConfiguration);
    default:
      return "unrecognized error code";
  }
#undef SIMT_NAME
}
const char* cudaGetErrorString(cudaError_t error) {
  return cudaGetErrorName(error);
}

// ---- the device
cudaError_t cudaGetDeviceCount(int* count) {
  *count = options().no_device ? 0 : 1;
  return call(nothing);
}
cudaError_t cudaGetDevice(int* device) {
  return call([&] {
    *device = 0;
    return cudaSuccess;
  });
}
cudaError_t cudaSetDevice(int device) {
  return call([&] { return device == 0 ? cudaSuccess : cudaErrorInvalidDevice; });
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  return call([&] {
    if (device != 0) return cudaErrorInvalidDevice;
    const std::optional<int> answer = attribute_of_card(attribute);
    if (!answer) return cudaErrorNotSupported;
    *value = *answer;
    return cudaSuccess;
  });
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  return call([&] {
    if (device != 0) return cudaErrorInvalidDevice;
    const auto get = [](cudaDeviceAttr attribute) { return attribute_of_card(attribute).value(); };
    cudaDeviceProp& p = *properties;
    std::memset(static_cast<void*>(&p), 0, sizeof p);
    std::strcpy(p.name, "SIMT interpreter");
    const char* const card = std::getenv("SIMT_CARD");  // else each process has one of its own
    p.pciBusID = card == nullptr ? getpid() : std::atoi(card);
    p.totalGlobalMem = options().device_bytes;
    p.totalConstMem = size_t(get(cudaDevAttrTotalConstantMemory));
    p.sharedMemPerBlock = kMaxStaticShared;
    p.sharedMemPerBlockOptin = kMaxShared;
    p.sharedMemPerMultiprocessor = kSharedPerMultiprocessor;
    p.reservedSharedMemPerBlock = kReservedShared;
    p.major = get(cudaDevAttrComputeCapabilityMajor);
    p.minor = get(cudaDevAttrComputeCapabilityMinor);
    p.multiProcessorCount = get(cudaDevAttrMultiProcessorCount);
    p.warpSize = get(cudaDevAttrWarpSize);
    p.maxThreadsPerBlock = p.maxThreadsDim[0] = p.maxThreadsDim[1] = kThreadsPerBlock;
    p.maxThreadsDim[2] = get(cudaDevAttrMaxBlockDimZ);
    p.maxGridSize[0] = get(cudaDevAttrMaxGridDimX);
    p.maxGridSize[1] = p.maxGridSize[2] = get(cudaDevAttrMaxGridDimY);
    p.maxThreadsPerMultiProcessor = kThreadsPerMultiprocessor;
    p.maxBlocksPerMultiProcessor = get(cudaDevAttrMaxBlocksPerMultiprocessor);
    p.regsPerBlock = p.regsPerMultiprocessor = get(cudaDevAttrMaxRegistersPerBlock);
    p.l2CacheSize = get(cudaDevAttrL2CacheSize);
    p.concurrentKernels = p.asyncEngineCount = p.cooperativeLaunch = 1;
    p.memoryPoolsSupported = p.unifiedAddressing = 1;
    return cudaSuccess;
  });
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}
cudaError_t cudaDriverGetVersion(int* version) {
  *version = options().no_device ? 0 : CUDART_VERSION;
  return cudaSuccess;
}
cudaError_t cudaDeviceReset() {
  const Lock lock(api_lock());
  drain_all();
  device_free_all();
  clear_errors();
  return cudaSuccess;
}

// ---- kernels
cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  return call([&] {
    if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;  // the others are hints
    if (value < 0 || std::size_t(value) > kMaxShared) return cudaErrorInvalidValue;
    dynamic_limits[kernel] = std::max(kMaxStaticShared, std::size_t(value));
    return cudaSuccess;
  });
}
cudaError_t cudaFuncSetCacheConfig(const void*, cudaFuncCache) {
  return call(nothing);
}
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* kernel) {
  return call([&] {
    *attributes = {};
    attributes->maxThreadsPerBlock = kThreadsPerBlock;  // __launch_bounds__ is unknown here, like the registers
    attributes->numRegs = 32;
    attributes->maxDynamicSharedSizeBytes = int(dynamic_limit(kernel));
    attributes->binaryVersion = attributes->ptxVersion = options().compute_capability;
    return cudaSuccess;
  });
}
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, const void*, int threads, size_t shared,
                                                                   unsigned) {
  return call([&] {
    if (threads <= 0 || threads > kThreadsPerBlock) return cudaErrorInvalidValue;
    *blocks = occupancy(threads, shared);
    return cudaSuccess;
  });
}
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void* kernel, int threads, size_t shared) {
  return cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(blocks, kernel, threads, shared, cudaOccupancyDefault);
}

}  // extern "C"
