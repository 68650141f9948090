// What the parts of the runtime API share: the frame of every call, and streams as they see them.
#pragma once
#include "tests/simt/internal.hpp"

namespace simt {

// ---- card.cpp
/// Why every call fails now: no device, inside a host function, after a failed launch; or cudaSuccess.
cudaError_t refusal();
cudaError_t remember(cudaError_t error);  ///< for cudaGetLastError of this thread
cudaError_t sticky();                     ///< of a failed launch: it spoils all later calls, as on the device

/// The frame of a call: one thread of the host at a time.
template <class F>
cudaError_t call(F body) {
  const Lock lock(api_lock());
  if (const cudaError_t error = refusal(); error != cudaSuccess) return remember(error);
  const cudaError_t error = body();
  return remember(error != cudaSuccess ? error : sticky());
}
inline cudaError_t nothing() {
  return cudaSuccess;
}

// ---- streams.cpp
bool valid(cudaStream_t stream);
bool in_host_function();
cudaError_t drain(cudaStream_t stream);  ///< runs what is queued in it, and what that waits for
cudaError_t drain_all();
/// Queues an operation, or runs it if streams are eager. It is dropped if a kernel before it failed.
cudaError_t enqueue_now(cudaStream_t stream, std::function<void()> operation);
/// As above, also after an error: the operation answers whether it could run.
cudaError_t push(cudaStream_t stream, std::function<bool()> operation);

}  // namespace simt
