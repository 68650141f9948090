#include "cuda/runtime/kernel_code.hpp"
#include "cuda/runtime/memory.hpp"
#include "cuda/runtime/sort.hpp"
#include "host/base/error.hpp"

#include <thrust/device_ptr.h>
#include <thrust/execution_policy.h>
#include <thrust/scan.h>
#include <thrust/sort.h>
#include <thrust/system_error.h>

#if defined(WF_INTERPRETER)
#include "tests/simt/runtime.hpp"

#include <thrust/system/cpp/execution_policy.h>
#endif

namespace wf {
namespace {

#if !defined(WF_INTERPRETER)
/// Thrust's temporary storage in the order of the stream, so that it neither waits nor stalls other streams.
struct StreamAllocator {
  using value_type = char;
  cudaStream_t stream;

  char* allocate(std::ptrdiff_t bytes) const {
    void* memory = nullptr;
    check_cuda(cudaMallocAsync(&memory, static_cast<std::size_t>(bytes), stream), "cudaMallocAsync");
    return static_cast<char*>(memory);
  }
  void deallocate(char* memory, std::size_t) const { cudaFreeAsync(memory, stream); }
};
#endif

/// Runs f(policy) on the compute stream; the interpreter's Thrust works on the host, once its input is there.
template <class F>
void on_stream(const Context& gpu, const char* algorithm, const F& f, int line = __builtin_LINE()) try {
#if defined(WF_INTERPRETER)
  gpu.wait();
  const simt::LibraryScope scope;
  f(thrust::cpp::par);
#else
  StreamAllocator allocator{gpu.compute()};
  f(thrust::cuda::par_nosync(allocator).on(gpu.compute()));
#endif
} catch (const thrust::system_error& error) {
  throw DeviceError(std::string(algorithm) + " failed on " + device_name() + ": " + error.what() +
                        " [sort.cu:" + std::to_string(line) + "]",
                    "--engine cpu, or leave --deterministic out");
}

template <class T>
auto iterator(Span<T, Device> values) {
  return thrust::device_pointer_cast(values.data);
}

}  // namespace

void sort_pairs(const Context& gpu, Span<RowId, Device> keys, Span<RowId, Device> values) {
  on_stream(gpu, "thrust::stable_sort_by_key", [&](const auto& policy) {
    thrust::stable_sort_by_key(policy, iterator(keys), iterator(keys) + keys.size, iterator(values));
  });
}

void sum_up_to(const Context& gpu, Span<const RowId, Device> from, Span<RowId, Device> to) {
  on_stream(gpu, "thrust::inclusive_scan", [&](const auto& policy) {
    thrust::inclusive_scan(policy, iterator(from), iterator(from) + from.size, iterator(to));
  });
}

}  // namespace wf
