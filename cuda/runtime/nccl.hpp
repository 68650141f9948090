// Rows that go from the device of one rank to that of another, without the host: by NCCL.
#pragma once
#include "cuda/runtime/context.hpp"
#include "cuda/runtime/nccl_api.hpp"
#include "host/base/view.hpp"
#include "host/ranks/ranks.hpp"

#include <memory>
#include <string>

namespace wf {

/// The devices of all ranks. What goes from one rank to another arrives in the order in which it was started.
class Nccl {
 public:
  /// For all ranks together. nullptr: there is no NCCL on one of them, or two share a device, which it refuses. Throws
  /// DeviceError where NCCL fails.
  static std::unique_ptr<Nccl> connect(Ranks& ranks);
  ~Nccl();
  Nccl(const Nccl&) = delete;
  Nccl& operator=(const Nccl&) = delete;

  /// `leaving` goes to one rank and `arriving` comes from another, after what the compute stream has to do by now.
  /// When the message has been waited for, that stream goes on after the rows.
  std::shared_ptr<Message> swap(const Context& gpu, Span<const float, Device> leaving, int to,
                                Span<float, Device> arriving, int from);

 private:
  explicit Nccl(ncclComm_t comm) : comm_(comm) {}

  ncclComm_t comm_;
  Stream stream_;
};

/// "NCCL 2.28.3", or that there is none.
std::string nccl_version();

}  // namespace wf
