// Ranks by MPI: a module of its own, so that the program runs where no MPI is installed. host/ranks/mpi_module.hpp
// loads it.
#include "host/base/error.hpp"
#include "host/ranks/mpi_module.hpp"

#include <mpi.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace wf {
namespace {

/// Throws FailedError with MPI's words.
void check(int code, const char* call) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw FailedError("MPI: " + std::string(call) + ": " + std::string(text, static_cast<std::size_t>(length)),
                    "see what mpirun says of the other processes");
}

constexpr Position kAtOnce = Position{1} << 30;  // bytes: MPI counts in int

/// f(first, count) for pieces of at most `most` of n.
template <class F>
void in_pieces(Position n, Position most, const F& f) {
  for (Position first = 0; first < n; first += most) f(first, static_cast<int>(std::min(most, n - first)));
}

class MpiMessage final : public Message {
 public:
  MpiMessage() = default;
  MpiMessage(const MpiMessage&) = delete;
  MpiMessage& operator=(const MpiMessage&) = delete;
  /// Not waited for: somebody has thrown, and the job is about to end.
  ~MpiMessage() override {
    for (MPI_Request& request : requests_) {
      if (request != MPI_REQUEST_NULL) MPI_Request_free(&request);
    }
  }
  MPI_Request* next() { return &requests_.emplace_back(MPI_REQUEST_NULL); }
  void wait() override {
    std::vector<MPI_Status> statuses(requests_.size());
    const int code = MPI_Waitall(static_cast<int>(requests_.size()), requests_.data(), statuses.data());
    if (code == MPI_ERR_IN_STATUS) {
      for (const MPI_Status& status : statuses) check(status.MPI_ERROR, "MPI_Waitall");
    }
    check(code, "MPI_Waitall");
    requests_.clear();
  }

 private:
  std::vector<MPI_Request> requests_;
};

int rank_of_world() {
  int rank = 0;
  check(MPI_Comm_rank(MPI_COMM_WORLD, &rank), "MPI_Comm_rank");
  return rank;
}
int size_of_world() {
  int size = 1;
  check(MPI_Comm_size(MPI_COMM_WORLD, &size), "MPI_Comm_size");
  return size;
}

class MpiRanks final : public Ranks {
 public:
  MpiRanks() : Ranks(rank_of_world(), size_of_world()) {}
  MpiRanks(const MpiRanks&) = delete;
  MpiRanks& operator=(const MpiRanks&) = delete;
  ~MpiRanks() override { MPI_Finalize(); }

  std::unique_ptr<Message> start_send(int to, Span<const std::byte, Host> bytes) override {
    auto message = std::make_unique<MpiMessage>();
    in_pieces(bytes.size, kAtOnce, [&](Position first, int count) {
      check(MPI_Isend(bytes.data + first, count, MPI_BYTE, to, 0, MPI_COMM_WORLD, message->next()), "MPI_Isend");
    });
    return message;
  }
  std::unique_ptr<Message> start_receive(int from, Span<std::byte, Host> bytes) override {
    auto message = std::make_unique<MpiMessage>();
    in_pieces(bytes.size, kAtOnce, [&](Position first, int count) {
      check(MPI_Irecv(bytes.data + first, count, MPI_BYTE, from, 0, MPI_COMM_WORLD, message->next()), "MPI_Irecv");
    });
    return message;
  }
  using Ranks::sum;
  void sum(Span<std::int64_t, Host> values) override { join(values, MPI_INT64_T, MPI_SUM); }
  void most(Span<double, Host> values) override { join(values, MPI_DOUBLE, MPI_MAX); }

 private:
  template <class T>
  static void join(Span<T, Host> values, MPI_Datatype type, MPI_Op op) {
    in_pieces(values.size, kAtOnce / Position{sizeof(T)}, [&](Position first, int count) {
      check(MPI_Allreduce(MPI_IN_PLACE, values.data + first, count, type, op, MPI_COMM_WORLD), "MPI_Allreduce");
    });
  }
};

std::unique_ptr<Ranks> start() {
  int provided = 0;
  check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
  if (provided < MPI_THREAD_FUNNELED)
    throw FailedError("MPI: this one works without threads alone", "take -j 1, or another MPI");
  check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  return std::make_unique<MpiRanks>();
}

std::string host() {
  char name[MPI_MAX_PROCESSOR_NAME] = "";
  int length = 0;
  check(MPI_Get_processor_name(name, &length), "MPI_Get_processor_name");
  return {name, static_cast<std::size_t>(length)};
}

/// For all processes together, once.
int local_rank_of_host() {
  MPI_Comm machine = MPI_COMM_NULL;
  check(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine), "MPI_Comm_split_type");
  int rank = 0;
  check(MPI_Comm_rank(machine, &rank), "MPI_Comm_rank");
  check(MPI_Comm_free(&machine), "MPI_Comm_free");
  return rank;
}

void end_all(int code) {
  MPI_Abort(MPI_COMM_WORLD, code);
}

constexpr MpiModule kModule{kMpiModuleVersion, &start, &host, &local_rank_of_host, &end_all};

}  // namespace
}  // namespace wf

extern "C" __attribute__((visibility("default"))) const wf::MpiModule* warpfactor_mpi_module() {
  return &wf::kModule;
}
