// What the benchmarks of a card share: its name, bandwidths by events, files.
#pragma once
#include "bench/timing.hpp"
#include "cuda/runtime/blas.hpp"
#include "cuda/runtime/context.hpp"
#include "cuda/runtime/memory.hpp"
#include "host/base/error.hpp"
#include "host/base/philox.hpp"
#include "host/ratings/ratings.hpp"
#include "host/ratings/synthetic.hpp"

#include <fstream>
#include <iostream>

namespace wf::bench {

inline constexpr int kNoDevice = 77;

struct TimedEvent {
  TimedEvent() { check_cuda(cudaEventCreate(&event), "cudaEventCreate"); }
  ~TimedEvent() { cudaEventDestroy(event); }
  TimedEvent(const TimedEvent&) = delete;
  TimedEvent& operator=(const TimedEvent&) = delete;
  cudaEvent_t event = nullptr;
};

/// GB/s of `run`, which enqueues work that moves `bytes` on the compute stream: by events, a warm-up first.
inline Json bandwidth(int samples, int repetitions, const Context& gpu, double bytes,
                      const std::function<void()>& run) {
  const TimedEvent begin, end;
  std::vector<double> rates;
  for (int s = -1; s < samples; ++s) {
    check_cuda(cudaEventRecord(begin.event, gpu.compute()), "cudaEventRecord");
    for (int r = 0; r < repetitions; ++r) run();
    check_cuda(cudaEventRecord(end.event, gpu.compute()), "cudaEventRecord");
    gpu.wait();
    float milliseconds = 0;
    check_cuda(cudaEventElapsedTime(&milliseconds, begin.event, end.event), "cudaEventElapsedTime");
    if (s >= 0) rates.push_back(bytes * repetitions / (static_cast<double>(milliseconds) * 1e6));
  }
  const Timing sorted{rates, repetitions};
  return Json{{"bytes", bytes},
              {"gb_per_s", measured(sorted.median())},
              {"slowest", measured(sorted.least())},
              {"fastest", measured(sorted.most())}};
}

inline std::vector<RowId> random_rows(Position count, Position below) {
  std::vector<RowId> rows(static_cast<std::size_t>(count));
  for (Position n = 0; n < count; ++n) {
    const RandomBits bits = random_bits(20, Purpose::synthetic, static_cast<std::uint64_t>(n), 9);
    rows[static_cast<std::size_t>(n)] =
        static_cast<RowId>(to_index(bits.word[0], bits.word[1], static_cast<std::uint64_t>(below)));
  }
  return rows;
}

inline void copy_bytes(const Context& gpu, void* to, const void* from, Position bytes, cudaMemcpyKind kind) {
  check_cuda(cudaMemcpyAsync(to, from, static_cast<std::size_t>(bytes), kind, gpu.compute()), "cudaMemcpyAsync");
}

inline std::string version_text(int version) {
  return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

/// Throws DeviceError where there is none.
inline Json describe_device() {
  cudaDeviceProp properties{};
  check_cuda(cudaGetDeviceProperties(&properties, 0), "cudaGetDeviceProperties");
  int driver = 0, runtime = 0, clock_khz = 0;
  check_cuda(cudaDeviceGetAttribute(&clock_khz, cudaDevAttrClockRate, 0), "cudaDeviceGetAttribute");
  check_cuda(cudaDriverGetVersion(&driver), "cudaDriverGetVersion");
  check_cuda(cudaRuntimeGetVersion(&runtime), "cudaRuntimeGetVersion");
  return Json{{"kind", kIsCard ? "card" : "interpreter, not a card"},
              {"name", properties.name},
              {"compute_capability", fmt::format("{}.{}", properties.major, properties.minor)},
              {"multiprocessors", properties.multiProcessorCount},
              {"memory_bytes", properties.totalGlobalMem},
              {"l2_bytes", properties.l2CacheSize},
              {"shared_bytes", properties.sharedMemPerBlockOptin},
              {"clock_ghz", clock_khz / 1e6},
              {"driver_for_cuda", version_text(driver)},
              {"toolkit", version_text(runtime)},
              {"cublas", Blas().available()}};
}

inline void write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) throw Error(ErrorKind::failed, "could not be written", "is the folder there, and is there space?", path);
}

inline Ratings ratings_of(const SyntheticShape& shape, std::uint64_t seed) {
  Ratings ratings;
  synthesize(shape, seed, [&](const SyntheticRating* part, Position count) {
    for (Position n = 0; n < count; ++n) ratings.push_back(part[n].user, part[n].item, part[n].value);
  });
  return ratings;
}

/// What a benchmark's main returns: run's answer, kNoDevice where there is none, 1 for what it throws.
inline int run_on_device(const char* program, const std::function<int()>& run) {
  try {
    int devices = 0;
    if (const cudaError_t found = cudaGetDeviceCount(&devices); found != cudaSuccess || devices == 0) {
      std::cerr << fmt::format("{}: skipped: no device: {}\n", program,
                               cudaGetErrorString(found == cudaSuccess ? cudaErrorNoDevice : found));
      return kNoDevice;
    }
    return run();
  } catch (const std::exception& error) {
    std::cerr << fmt::format("{}: {}\n", program, error.what());
    return 1;
  }
}

}  // namespace wf::bench
