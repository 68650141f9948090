// Streams and events, under the toolkit's own cuda_runtime_api.h and in place of libcudart's. Eager streams run at
// once. Deferred ones run only when somebody synchronises, in turns and each in its own order, with events, the legacy
// default stream and awaited copies as the runtime has them: a result that is read too early is then NaN.
#include "tests/simt/runtime_api.hpp"

#include <algorithm>
#include <chrono>
#include <deque>
#include <list>
#include <vector>

namespace {

struct EventState {
  std::uint64_t recorded = 0, reached = 0;  // tickets
  std::chrono::steady_clock::time_point time;
  bool done() const { return reached >= recorded; }
};

}  // namespace

struct CUevent_st {
  bool timing;
  std::shared_ptr<EventState> state;  // shared with queued operations, which may outlive the handle
};

struct CUstream_st {
  explicit CUstream_st(bool ordered) : blocking(ordered) {}
  bool idle() const { return queue.empty(); }

  bool blocking;  // ordered with the legacy default stream
  bool destroyed = false;
  std::deque<std::function<bool()>> queue;  // an operation answers whether it could run
};

namespace simt {
namespace {

auto& streams = *new std::list<CUstream_st>(1, CUstream_st(true));  // in order of creation; first the default stream
std::uint64_t pumps = 0;
bool runs_host_function = false;

bool is_default(cudaStream_t stream) {
  return stream == nullptr || stream == cudaStreamLegacy || stream == cudaStreamPerThread;
}
CUstream_st& stream_of(cudaStream_t handle) {
  return is_default(handle) ? streams.front() : *handle;
}

/// One operation of one stream, which is chosen at random under a seed; false if none can run.
bool run_one(Random& random) {
  std::vector<CUstream_st*> busy;
  for (CUstream_st& stream : streams) {
    if (!stream.idle()) busy.push_back(&stream);
  }
  if (options().seed != 0) {
    for (std::size_t i = busy.size(); i > 1; --i) std::swap(busy[i - 1], busy[random.below(unsigned(i))]);
  }
  const auto ran = std::find_if(busy.begin(), busy.end(), [](CUstream_st* stream) { return stream->queue.front()(); });
  if (ran == busy.end()) return false;
  (*ran)->queue.pop_front();
  return true;
}

/// Runs queued operations until `done` holds.
template <class Done>
cudaError_t pump(Done done) {
  Random random(options().seed, ++pumps);
  while (!done()) {
    if (run_one(random)) continue;
    add_finding(Kind::deadlock, "streams wait for each other");
    for (CUstream_st& stream : streams) stream.queue.clear();
    break;
  }
  streams.remove_if([](const CUstream_st& stream) { return stream.destroyed && stream.idle(); });
  return cudaSuccess;
}

cudaError_t drain_stream(CUstream_st& stream) {
  return pump([&] { return stream.idle(); });
}

template <class Which>
cudaError_t drain_if(Which which) {
  return pump([&] {
    return std::none_of(streams.begin(), streams.end(), [&](const CUstream_st& s) { return which(s) && !s.idle(); });
  });
}

}  // namespace

bool valid(cudaStream_t stream) {
  const auto live = [stream](const CUstream_st& other) { return &other == stream && !other.destroyed; };
  return is_default(stream) || std::any_of(streams.begin(), streams.end(), live);
}

bool in_host_function() {
  return runs_host_function;
}

cudaError_t drain(cudaStream_t stream) {
  return drain_stream(stream_of(stream));
}

cudaError_t drain_all() {
  return drain_if([](const CUstream_st&) { return true; });
}

cudaError_t push(cudaStream_t handle, std::function<bool()> operation) {
  CUstream_st& stream = stream_of(handle);
  CUstream_st& legacy = streams.front();
  if (&stream == &legacy) ++counters.on_the_default_stream;
  if (!options().deferred) {
    drain_all();  // of what was queued before a test switched `deferred` off
    operation();
    return cudaSuccess;
  }
  // The legacy default stream waits for the blocking ones, and they for it.
  if (&stream == &legacy) {
    drain_if([&](const CUstream_st& other) { return other.blocking && &other != &legacy; });
  } else if (stream.blocking) {
    drain_stream(legacy);
  }
  stream.queue.push_back(std::move(operation));
  return cudaSuccess;
}

cudaError_t enqueue_now(cudaStream_t stream, std::function<void()> operation) {
  return push(stream, [operation = std::move(operation)] {
    if (sticky() == cudaSuccess) operation();
    return true;
  });
}

void enqueue(cudaStream_t stream, std::function<void()> operation) {
  const Lock lock(api_lock());
  enqueue_now(stream, std::move(operation));
}

}  // namespace simt
using namespace simt;

extern "C" {

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  return call([&] {
    *stream = &streams.emplace_back((flags & cudaStreamNonBlocking) == 0);
    return cudaSuccess;
  });
}
cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return cudaStreamCreateWithFlags(stream, cudaStreamDefault);
}
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int) {
  return cudaStreamCreateWithFlags(stream, flags);
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const Lock lock(api_lock());
  const bool known = stream != nullptr && valid(stream);
  if (known) stream->destroyed = true;  // its work goes on; pump() removes it
  return call([&] { return known ? cudaSuccess : cudaErrorInvalidResourceHandle; });
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return call([&] { return valid(stream) ? drain(stream) : cudaErrorInvalidResourceHandle; });
}
cudaError_t cudaStreamQuery(cudaStream_t stream) {
  return call([&] {
    if (!valid(stream)) return cudaErrorInvalidResourceHandle;
    return stream_of(stream).idle() ? cudaSuccess : cudaErrorNotReady;
  });
}
cudaError_t cudaStreamGetFlags(cudaStream_t stream, unsigned* flags) {
  return call([&] {
    if (!valid(stream)) return cudaErrorInvalidResourceHandle;
    *flags = stream_of(stream).blocking ? cudaStreamDefault : cudaStreamNonBlocking;
    return cudaSuccess;
  });
}
cudaError_t cudaDeviceSynchronize() {
  return call(drain_all);
}
cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void* argument) {
  return call([&] {
    if (!valid(stream)) return cudaErrorInvalidResourceHandle;
    return enqueue_now(stream, [=] {
      runs_host_function = true;
      function(argument);
      runs_host_function = false;
    });
  });
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  return call([&] {
    *event = new CUevent_st{(flags & cudaEventDisableTiming) == 0, std::make_shared<EventState>()};
    return cudaSuccess;
  });
}
cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return cudaEventCreateWithFlags(event, cudaEventDefault);
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  const Lock lock(api_lock());
  delete event;
  return call(nothing);
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return call([&] {
    if (!valid(stream)) return cudaErrorInvalidResourceHandle;
    return push(stream, [state = event->state, ticket = ++event->state->recorded] {
      state->time = std::chrono::steady_clock::now();
      state->reached = std::max(state->reached, ticket);
      return true;
    });
  });
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  return call([&] {
    if (!valid(stream)) return cudaErrorInvalidResourceHandle;
    return push(stream, [state = event->state, ticket = event->state->recorded] { return state->reached >= ticket; });
  });
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return call([&] { return pump([state = event->state] { return state->done(); }); });
}
cudaError_t cudaEventQuery(cudaEvent_t event) {
  return call([&] { return event->state->done() ? cudaSuccess : cudaErrorNotReady; });
}
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t from, cudaEvent_t to) {
  return call([&] {
    const EventState& start = *from->state;
    const EventState& end = *to->state;
    const bool recorded = start.recorded != 0 && end.recorded != 0;
    if (!from->timing || !to->timing || !recorded) return cudaErrorInvalidResourceHandle;
    if (!start.done() || !end.done()) return cudaErrorNotReady;
    *milliseconds = std::chrono::duration<float, std::milli>(end.time - start.time).count();
    return cudaSuccess;
  });
}

}  // extern "C"
