// Ranks by MPI: a module of its own, so that the program runs where no MPI is installed. host/ranks/mpi_module.hpp
// loads it.
#include "host/base/error.hpp"
#include "host/ranks/mpi_module.hpp"

#include <mpi.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <limits>
#include <mutex>
#include <string>
#include <thread>
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

/// Who may be in MPI: one thread at a time. An MPI moves what is large only while somebody is in it, so that while
/// messages are under way and the others compute, a thread of its own calls it, some thousand times a second.
class Gate {
 public:
  /// `moves`: this MPI bears a second thread.
  explicit Gate(bool moves) {
    if (moves) mover_ = std::thread([this] { move_on(); });
  }
  ~Gate() {
    {
      const std::lock_guard lock(mutex_);
      ends_ = true;
    }
    changed_.notify_one();
    if (mover_.joinable()) mover_.join();
  }
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  std::unique_lock<std::mutex> enter() { return std::unique_lock(mutex_); }

  // by who is inside
  void begin_message() {
    if (under_way_++ == 0) changed_.notify_one();
  }
  void end_message() { --under_way_; }

 private:
  void move_on() {
    std::unique_lock lock(mutex_);
    while (!ends_) {
      if (under_way_ == 0) {
        changed_.wait(lock);
        continue;
      }
      int found = 0;
      static_cast<void>(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &found, MPI_STATUS_IGNORE));
      lock.unlock();
      std::this_thread::sleep_for(std::chrono::microseconds(100));
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  int under_way_ = 0;
  bool ends_ = false;
  std::thread mover_;
};

class MpiMessage final : public Message {
 public:
  explicit MpiMessage(Gate& gate) : gate_(gate) {
    const auto inside = gate_.enter();
    gate_.begin_message();
  }
  MpiMessage(const MpiMessage&) = delete;
  MpiMessage& operator=(const MpiMessage&) = delete;
  /// Not waited for: somebody has thrown, and the job is about to end.
  ~MpiMessage() override {
    const auto inside = gate_.enter();
    for (MPI_Request& request : requests_) {
      if (request != MPI_REQUEST_NULL) MPI_Request_free(&request);
    }
    if (!ended_) gate_.end_message();
  }
  MPI_Request* next() { return &requests_.emplace_back(MPI_REQUEST_NULL); }
  void wait() override {
    const auto inside = gate_.enter();
    std::vector<MPI_Status> statuses(requests_.size());
    const int code = MPI_Waitall(static_cast<int>(requests_.size()), requests_.data(), statuses.data());
    if (code == MPI_ERR_IN_STATUS) {
      for (const MPI_Status& status : statuses) check(status.MPI_ERROR, "MPI_Waitall");
    }
    check(code, "MPI_Waitall");
    requests_.clear();
    if (!std::exchange(ended_, true)) gate_.end_message();
  }

 private:
  Gate& gate_;
  bool ended_ = false;
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
  explicit MpiRanks(bool moves) : Ranks(rank_of_world(), size_of_world()), gate_(std::make_unique<Gate>(moves)) {}
  MpiRanks(const MpiRanks&) = delete;
  MpiRanks& operator=(const MpiRanks&) = delete;
  ~MpiRanks() override {
    gate_.reset();
    MPI_Finalize();
  }

  std::unique_ptr<Message> start_send(int to, Span<const std::byte, Host> bytes) override {
    auto message = std::make_unique<MpiMessage>(*gate_);
    const auto inside = gate_->enter();
    in_pieces(bytes.size, kAtOnce, [&](Position first, int count) {
      check(MPI_Isend(bytes.data + first, count, MPI_BYTE, to, 0, MPI_COMM_WORLD, message->next()), "MPI_Isend");
    });
    return message;
  }
  std::unique_ptr<Message> start_receive(int from, Span<std::byte, Host> bytes) override {
    auto message = std::make_unique<MpiMessage>(*gate_);
    const auto inside = gate_->enter();
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
  void join(Span<T, Host> values, MPI_Datatype type, MPI_Op op) {
    const auto inside = gate_->enter();
    in_pieces(values.size, kAtOnce / Position{sizeof(T)}, [&](Position first, int count) {
      check(MPI_Allreduce(MPI_IN_PLACE, values.data + first, count, type, op, MPI_COMM_WORLD), "MPI_Allreduce");
    });
  }

  std::unique_ptr<Gate> gate_;
};

std::unique_ptr<Ranks> start() {
  int provided = 0;
  check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided), "MPI_Init_thread");
  if (provided < MPI_THREAD_FUNNELED)
    throw FailedError("MPI: this one works without threads alone", "take -j 1, or another MPI");
  check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  return std::make_unique<MpiRanks>(provided >= MPI_THREAD_SERIALIZED);
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
