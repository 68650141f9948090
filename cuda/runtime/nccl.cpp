#include "cuda/runtime/nccl.hpp"

#include "cuda/runtime/check.hpp"
#include "host/base/error.hpp"

#include <dlfcn.h>
#include <array>
#include <cstring>
#include <type_traits>

namespace wf {
namespace {

constexpr int kOldest = 2700;  // 2.7.0, as it writes its versions up to 2.8; later ones are larger

/// The functions that are used of the library.
struct Library {
  decltype(&ncclGetVersion) version = nullptr;
  decltype(&ncclGetErrorString) error = nullptr;
  decltype(&ncclGetUniqueId) unique_id = nullptr;
  decltype(&ncclCommInitRank) init = nullptr;
  decltype(&ncclCommDestroy) destroy = nullptr;
  decltype(&ncclGroupStart) start_group = nullptr;
  decltype(&ncclGroupEnd) end_group = nullptr;
  decltype(&ncclSend) send = nullptr;
  decltype(&ncclRecv) receive = nullptr;

  /// 0: it is not there, or too old.
  int usable_version() const {
    int number = 0;
    if (version == nullptr || version(&number) != ncclSuccess || number < kOldest) return 0;
    const bool complete = error != nullptr && unique_id != nullptr && init != nullptr && destroy != nullptr &&
                          start_group != nullptr && end_group != nullptr && send != nullptr && receive != nullptr;
    return complete ? number : 0;
  }
};

#if defined(WF_INTERPRETER)
Library open_library() {
  return {ncclGetVersion, ncclGetErrorString, ncclGetUniqueId, ncclCommInitRank, ncclCommDestroy,
          ncclGroupStart, ncclGroupEnd,       ncclSend,        ncclRecv};
}
#else
Library open_library() {
  void* const library = dlopen("libnccl.so.2", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return {};
  const auto load = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)> >(dlsym(library, name));
  };
  Library functions;
  load(functions.version, "ncclGetVersion");
  load(functions.error, "ncclGetErrorString");
  load(functions.unique_id, "ncclGetUniqueId");
  load(functions.init, "ncclCommInitRank");
  load(functions.destroy, "ncclCommDestroy");
  load(functions.start_group, "ncclGroupStart");
  load(functions.end_group, "ncclGroupEnd");
  load(functions.send, "ncclSend");
  load(functions.receive, "ncclRecv");
  return functions;
}
#endif

const Library& library() {
  static const Library functions = open_library();
  return functions;
}

void check_nccl(ncclResult_t result, const char* call, int line = __builtin_LINE()) {
  if (result == ncclSuccess) return;
  throw DeviceError(std::string(call) + " failed on " + device_name() + ": " + library().error(result) +
                        " [nccl.cpp:" + std::to_string(line) + "]",
                    "NCCL_DEBUG=WARN says more; --engine cpu does without NCCL");
}

/// Does another rank work on this one's device?
bool devices_are_shared(Ranks& ranks) {
  int device = 0;
  check_cuda(cudaGetDevice(&device), "cudaGetDevice");
  cudaDeviceProp properties{};
  check_cuda(cudaGetDeviceProperties(&properties, device), "cudaGetDeviceProperties");
  const cudaUUID_t own = properties.uuid;
  Position same = 0;
  for (const cudaUUID_t& other : ranks.gather(Span<const cudaUUID_t, Host>{&own, 1})) {
    if (std::memcmp(own.bytes, other.bytes, sizeof own.bytes) == 0) ++same;
  }
  return ranks.any(same > 1);
}

/// Rows under way on a stream of their own.
class Swap final : public Message {
 public:
  explicit Swap(const Context& gpu) : gpu_(gpu) {}
  void wait() override { done.hold(gpu_.compute()); }
  Event ready, done;

 private:
  const Context& gpu_;
};

}  // namespace

std::unique_ptr<Nccl> Nccl::connect(Ranks& ranks) {
  if (ranks.is_alone() || ranks.any(library().usable_version() == 0) || devices_are_shared(ranks)) return nullptr;
  ncclUniqueId id{};
  if (ranks.rank() == 0) check_nccl(library().unique_id(&id), "ncclGetUniqueId");
  ranks.broadcast(0, Span<char, Host>{id.internal, Position{sizeof id.internal}});
  ncclComm_t comm = nullptr;
  check_nccl(library().init(&comm, ranks.size(), id, ranks.rank()), "ncclCommInitRank");
  return std::unique_ptr<Nccl>(new Nccl(comm));
}

Nccl::~Nccl() {
  library().destroy(comm_);
}

std::shared_ptr<Message> Nccl::swap(const Context& gpu, Span<const float, Device> leaving, int to,
                                    Span<float, Device> arriving, int from) {
  auto swap = std::make_shared<Swap>(gpu);
  swap->ready.record(gpu.compute());
  swap->ready.hold(stream_.get());
  check_nccl(library().start_group(), "ncclGroupStart");
  if (!leaving.empty()) {
    check_nccl(
        library().send(leaving.data, static_cast<std::size_t>(leaving.size), ncclFloat, to, comm_, stream_.get()),
        "ncclSend");
  }
  if (!arriving.empty()) {
    check_nccl(library().receive(arriving.data, static_cast<std::size_t>(arriving.size), ncclFloat, from, comm_,
                                 stream_.get()),
               "ncclRecv");
  }
  check_nccl(library().end_group(), "ncclGroupEnd");
  swap->done.record(stream_.get());
  return swap;
}

std::string nccl_version() {
  const int version = library().usable_version();
  if (version == 0) return "no NCCL";
  const int unit = version < 10000 ? 1000 : 10000;  // 2.8.4 is 2804, 2.28.3 is 22803
  return "NCCL " + std::to_string(version / unit) + '.' + std::to_string(version % unit / 100) + '.' +
         std::to_string(version % 100);
}

}  // namespace wf
