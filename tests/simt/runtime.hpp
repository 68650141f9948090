// Control interface of the interpreter, for tests. Plain C++20; kernels do not need it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace simt {

/// Read from the environment at first use; a test may change any field between launches, except `check` and
/// `stack_bytes`, which are fixed by the first launch or allocation.
struct Options {
  std::uint64_t seed = 0;       // SIMT_SEED: 0 = in-order schedule, else the seed of a random one
  int resident_blocks = 0;      // SIMT_RESIDENT: blocks interleaved under a seed; 0 = four
  unsigned preempt = 0;         // SIMT_PREEMPT: checker build under a seed, switch at one in so many accesses
  bool check = false;           // SIMT_CHECK: access checks; on by default in a program linked with the checker
  bool deferred = false;        // SIMT_DEFERRED: streams run only when somebody synchronises
  bool no_device = false;       // SIMT_NO_DEVICE: every call answers cudaErrorNoDevice
  bool fail_fast = false;       // SIMT_FAIL_FAST: abort() at the first finding, for a debugger
  int sm_count = 8;             // SIMT_SMS: multiprocessors of the pretended card
  int compute_capability = 90;  // SIMT_CC; keep in step with -DWF_ARCH=...
  std::size_t device_bytes = std::size_t{1} << 30;  // SIMT_DEVICE_MIB: beyond it cudaMalloc fails
  std::size_t stack_bytes = 0;                      // SIMT_STACK_KIB: per CUDA thread; 0 = 64 KiB, 256 under ASan
  static Options from_env();
};
Options& options();

enum class Kind {
  race,               // two unordered accesses to one word, at least one of them a plain one and one a write
  ldg_race,           // __ldg of data that the same launch changes
  divergent_barrier,  // one block barrier, reached from two places
  exited_barrier,     // a block barrier although some threads have returned
  divergent_warp,     // lanes of one mask meet in different warp operations
  warp_mask,          // a lane names a mask that leaves it out
  inactive_shuffle,   // a shuffle from a lane that takes no part
  deadlock,           // nobody can go on
  livelock,           // a thread spins for ever
  out_of_bounds,      // an access outside live device or shared memory
  uninitialised,      // a read of memory that nobody wrote
  host_deref,         // host code uses a device pointer
  misaligned,         // a vector access at an address its type does not allow
  wrong_space,        // an operation for global memory on shared memory
  bad_copy,           // a copy or fill that leaves its allocation or has the wrong direction
  shared_size,        // more shared memory than a block may have
  leak                // see report_leaks
};
const char* to_string(Kind kind);

struct Finding {
  Kind kind;
  std::string kernel, text;
  std::uint64_t count = 1;  // how often the same text was reported
};
/// All findings since the last call. listener.hpp calls it after each test; what nobody took is printed at exit.
std::vector<Finding> take_findings();
std::size_t count_findings(Kind kind);
void report_leaks();  ///< adds a finding for each live device allocation

/// Forgets a sticky error, as no call of the real runtime can: for tests that provoke one.
void clear_errors();
/// Accepts races on one allocation, for instance on factors that are updated Hogwild-style; in a kernel, with a pointer
/// to shared memory, on that of the block.
void allow_races(const void* pointer, bool on = true);

/// Host code in this scope stands for a device library (Thrust's C++ back end): it may use device pointers.
class LibraryScope {
 public:
  LibraryScope();
  ~LibraryScope();
  LibraryScope(const LibraryScope&) = delete;
  LibraryScope& operator=(const LibraryScope&) = delete;
};

struct Stats {  // since the program began, or a test set them to zero
  std::uint64_t launches, blocks, threads, switches, collectives, barriers, atomics, accesses;
  std::uint64_t bytes_copied, bytes_set;  // by copies and by memsets of the runtime
  std::uint64_t on_the_default_stream;    // operations that named no stream
};
Stats& stats();

}  // namespace simt
