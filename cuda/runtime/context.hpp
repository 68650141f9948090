// A device with the streams of an engine: one computes, one copies to the device, one copies rows back.
#pragma once
#include "host/kernels/device_memory.hpp"

#include <cuda_runtime.h>
#include <utility>

namespace wf {

/// Owner of a stream that does not wait for the legacy default stream, nor it for this.
class Stream {
 public:
  Stream();
  ~Stream() {
    if (stream_ != nullptr) cudaStreamDestroy(stream_);
  }
  Stream(Stream&& other) noexcept : stream_(std::exchange(other.stream_, nullptr)) {}
  Stream& operator=(Stream&&) = delete;
  cudaStream_t get() const { return stream_; }

 private:
  cudaStream_t stream_ = nullptr;
};

/// Owner of an event without timing.
class Event {
 public:
  Event();
  ~Event() {
    if (event_ != nullptr) cudaEventDestroy(event_);
  }
  Event(Event&& other) noexcept : event_(std::exchange(other.event_, nullptr)) {}
  Event& operator=(Event&&) = delete;

  void record(cudaStream_t on) const;
  void hold(cudaStream_t stream) const;  ///< `stream` goes on when the event has happened
  void wait() const;                     ///< so does the calling thread; returns at once if it was never recorded

 private:
  cudaEvent_t event_ = nullptr;
};

/// The current device of the thread that makes it, for that thread.
class Context {
 public:
  Context();

  cudaStream_t compute() const { return compute_.get(); }
  cudaStream_t copy() const { return copy_.get(); }
  cudaStream_t copy_back() const { return copy_back_.get(); }
  void wait() const;  ///< for the compute stream
  int multiprocessors() const;
  Position second_cache() const;  ///< bytes
  Position tile_bytes() const;    ///< of shared memory for a block's dynamic array, beside a kilobyte of static ones
  DeviceMemory memory() const;    ///< free: what the driver has, and what our pool keeps for the next allocation

 private:
  int attribute(cudaDeviceAttr attribute) const;

  int device_ = 0;
  cudaMemPool_t pool_ = nullptr;
  Stream compute_, copy_, copy_back_;
};

}  // namespace wf
