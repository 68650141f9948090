// NVTX ranges: phases with names in the timeline of nsys. They cost some ten nanoseconds where no profiler runs.
#pragma once
#if defined(WF_NVTX)
#include <nvtx3/nvToolsExt.h>
#endif

namespace wf {

/// The phase that the calling thread is in, while it lives.
class Range {
 public:
#if defined(WF_NVTX)
  explicit Range(const char* name) {
    nvtxRangePushA(name);
  }
  ~Range() {
    nvtxRangePop();
  }
#else
  explicit Range(const char*) {}
#endif
  Range(const Range&) = delete;
  Range& operator=(const Range&) = delete;
};

}  // namespace wf
