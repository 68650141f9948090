// Rows that go from the device of one rank to that of another, without the host: by NCCL.
#pragma once
#include "cuda/runtime/context.hpp"
#include "cuda/runtime/nccl_api.hpp"
#include "host/base/view.hpp"
#include "host/ranks/ranks.hpp"

#include <memory>
#include <string>

namespace wf {

/// The devices of all ranks. Where one of these throws, the others may wait for it: the job is to be ended.
class Nccl {
 public:
  /// For all ranks together. nullptr: one of them has no NCCL or another version of it, or two work on one card, which
  /// NCCL refuses. Throws DeviceError where it fails to begin.
  static std::unique_ptr<Nccl> connect(Ranks& ranks);
  /// Waits for what is under way, but not while an exception passes: what other ranks were to send may never come.
  ~Nccl();
  Nccl(const Nccl&) = delete;
  Nccl& operator=(const Nccl&) = delete;

  /// `leaving` goes to rank `to` and `arriving` comes from another, after what the compute stream has to do by now; all
  /// ranks start their swaps in the same order. When the message has been waited for, what is enqueued in the compute
  /// stream comes after the swap. Throws DeviceError.
  std::shared_ptr<Message> swap(const Context& gpu, Span<const float, Device> leaving, int to,
                                Span<float, Device> arriving, int from);

 private:
  Nccl(ncclComm_t comm, int exceptions) : comm_(comm), exceptions_(exceptions) {}

  ncclComm_t comm_;
  int exceptions_;  // that passed when this was made
  Stream stream_;
};

/// "NCCL 2.28.9", or that there is none.
std::string nccl_version();

}  // namespace wf
