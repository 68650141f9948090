#include "cuda/runtime/nccl.hpp"

#include "cuda/runtime/check.hpp"
#include "cuda/runtime/shared_library.hpp"
#include "host/base/error.hpp"

#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <exception>

namespace wf {
namespace {

constexpr int kOldest = 2700;  // 2.7.0, as it writes its versions up to 2.8; later ones are larger

/// The functions that are used of the library.
struct NcclLibrary {
  decltype(&ncclGetVersion) version = nullptr;
  decltype(&ncclGetErrorString) error = nullptr;
  decltype(&ncclGetUniqueId) unique_id = nullptr;
  decltype(&ncclCommInitRank) init = nullptr;
  decltype(&ncclCommDestroy) destroy = nullptr;
  decltype(&ncclCommAbort) abandon = nullptr;
  decltype(&ncclGroupStart) start_group = nullptr;
  decltype(&ncclGroupEnd) end_group = nullptr;
  decltype(&ncclSend) send = nullptr;
  decltype(&ncclRecv) receive = nullptr;

  /// 0: it is not there, or too old.
  int usable_version() const {
    int number = 0;
    return version != nullptr && version(&number) == ncclSuccess && number >= kOldest ? number : 0;
  }
};

#if defined(WF_INTERPRETER)
NcclLibrary open_nccl() {
  return {ncclGetVersion, ncclGetErrorString, ncclGetUniqueId, ncclCommInitRank, ncclCommDestroy,
          ncclCommAbort,  ncclGroupStart,     ncclGroupEnd,    ncclSend,         ncclRecv};
}
#else
NcclLibrary open_nccl() {
  const char* const named = std::getenv("WARPFACTOR_NCCL_LIBRARY");
  SharedLibrary library({named != nullptr ? named : "libnccl.so.2"});
  NcclLibrary functions;
  library.load(functions.version, "ncclGetVersion");
  library.load(functions.error, "ncclGetErrorString");
  library.load(functions.unique_id, "ncclGetUniqueId");
  library.load(functions.init, "ncclCommInitRank");
  library.load(functions.destroy, "ncclCommDestroy");
  library.load(functions.abandon, "ncclCommAbort");
  library.load(functions.start_group, "ncclGroupStart");
  library.load(functions.end_group, "ncclGroupEnd");
  library.load(functions.send, "ncclSend");
  library.load(functions.receive, "ncclRecv");
  return library.is_complete() ? functions : NcclLibrary{};
}
#endif

const NcclLibrary& nccl() {
  static const NcclLibrary functions = open_nccl();
  return functions;
}

void check_nccl(ncclResult_t result, const char* call, int line = __builtin_LINE()) {
  if (result == ncclSuccess) return;
  throw DeviceError(std::string(call) + " failed on " + device_name() + ": " + nccl().error(result) +
                        " [nccl.cpp:" + std::to_string(line) + "]",
                    "NCCL_DEBUG=WARN says more; WARPFACTOR_NCCL_LIBRARY=none goes through the host");
}

/// What tells a rank's NCCL and card from those of another. Parts of one card are one to NCCL.
struct Member {
  int version = 0;
  int domain = 0, bus = 0, device = 0;
  char host[64] = "";

  bool is_on_card_of(const Member& other) const {
    return domain == other.domain && bus == other.bus && device == other.device && std::strcmp(host, other.host) == 0;
  }
};

Member this_member() {
  Member own;
  int device = 0;
  check_cuda(cudaGetDevice(&device), "cudaGetDevice");
  cudaDeviceProp properties{};
  check_cuda(cudaGetDeviceProperties(&properties, device), "cudaGetDeviceProperties");
  own.version = nccl().usable_version();
  own.domain = properties.pciDomainID;
  own.bus = properties.pciBusID;
  own.device = properties.pciDeviceID;
  gethostname(own.host, sizeof own.host - 1);  // where it fails, cards of two hosts may look like one: no NCCL then
  return own;
}

/// Of this rank with the others; all ranks must find so.
bool can_connect(Ranks& ranks) {
  const Member own = this_member();
  Position same_card = 0, same_version = 0;
  for (const Member& other : ranks.gather(Span<const Member, Host>{&own, 1})) {
    if (own.is_on_card_of(other)) ++same_card;
    if (own.version == other.version) ++same_version;
  }
  return own.version > 0 && same_card == 1 && same_version == ranks.size();
}

/// Rows under way, on a stream of their own.
class Swap final : public Message {
 public:
  explicit Swap(const Context& gpu) : compute_(gpu.compute()) {}
  void start_on(cudaStream_t stream) const {
    ready_.record(compute_);
    ready_.hold(stream);
  }
  void end_on(cudaStream_t stream) const { done_.record(stream); }
  void wait() override { done_.hold(compute_); }

 private:
  cudaStream_t compute_;
  Event ready_, done_;
};

}  // namespace

std::unique_ptr<Nccl> Nccl::connect(Ranks& ranks) {
  if (ranks.is_alone() || ranks.any(!can_connect(ranks))) return nullptr;
  ncclUniqueId id{};
  if (ranks.rank() == 0) check_nccl(nccl().unique_id(&id), "ncclGetUniqueId");
  ranks.broadcast(0, Span<char, Host>{id.internal, Position{sizeof id.internal}});
  ncclComm_t comm = nullptr;
  check_nccl(nccl().init(&comm, ranks.size(), id, ranks.rank()), "ncclCommInitRank");
  return std::unique_ptr<Nccl>(new Nccl(comm, std::uncaught_exceptions()));
}

Nccl::~Nccl() {
  (std::uncaught_exceptions() > exceptions_ ? nccl().abandon : nccl().destroy)(comm_);
}

std::shared_ptr<Message> Nccl::swap(const Context& gpu, Span<const float, Device> leaving, int to,
                                    Span<float, Device> arriving, int from) {
  auto swap = std::make_shared<Swap>(gpu);
  swap->start_on(stream_.get());
  check_nccl(nccl().start_group(), "ncclGroupStart");
  ncclResult_t sent = ncclSuccess, received = ncclSuccess;
  if (!leaving.empty()) {
    sent = nccl().send(leaving.data, static_cast<std::size_t>(leaving.size), ncclFloat, to, comm_, stream_.get());
  }
  if (!arriving.empty()) {
    received =
        nccl().receive(arriving.data, static_cast<std::size_t>(arriving.size), ncclFloat, from, comm_, stream_.get());
  }
  const ncclResult_t ended = nccl().end_group();
  check_nccl(sent, "ncclSend");
  check_nccl(received, "ncclRecv");
  check_nccl(ended, "ncclGroupEnd");
  swap->end_on(stream_.get());
  return swap;
}

std::string nccl_version() {
  const int version = nccl().usable_version();
  if (version == 0) return "no NCCL";
  const int unit = version < 10000 ? 1000 : 10000;  // 2.8.4 is 2804, 2.28.9 is 22809
  return "NCCL " + std::to_string(version / unit) + '.' + std::to_string(version % unit / 100) + '.' +
         std::to_string(version % 100);
}

}  // namespace wf
