#include "tests/support/thread_ranks.hpp"

#include "host/base/error.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace wf::test {
namespace {

using Bytes = std::vector<std::byte>;

class Mail {
 public:
  explicit Mail(int ranks) : ranks_(ranks), boxes_(static_cast<std::size_t>(ranks) * static_cast<std::size_t>(ranks)) {}

  void put(int from, int to, Span<const std::byte, Host> bytes) {
    const std::lock_guard lock(mutex_);
    box(from, to).sent.emplace_back(bytes.begin(), bytes.end());
    changed_.notify_all();
  }
  /// The place of a receive among those between two ranks.
  Position next_receive(int from, int to) {
    const std::lock_guard lock(mutex_);
    return box(from, to).receives++;
  }
  void take(int from, int to, Position place, Span<std::byte, Host> into) {
    std::unique_lock lock(mutex_);
    Box& mine = box(from, to);
    changed_.wait(lock, [&] { return broken_ || static_cast<Position>(mine.sent.size()) > place; });
    if (static_cast<Position>(mine.sent.size()) <= place) throw FailedError("another rank is gone");
    Bytes bytes = std::move(mine.sent[static_cast<std::size_t>(place)]);
    if (static_cast<Position>(bytes.size()) != into.size) throw std::logic_error("a message of another size");
    std::copy(bytes.begin(), bytes.end(), into.begin());
  }
  void fail() {
    const std::lock_guard lock(mutex_);
    broken_ = true;
    changed_.notify_all();
  }

 private:
  struct Box {
    std::deque<Bytes> sent;
    Position receives = 0;
  };
  Box& box(int from, int to) {
    return boxes_[static_cast<std::size_t>(from) * static_cast<std::size_t>(ranks_) + static_cast<std::size_t>(to)];
  }

  int ranks_;
  std::vector<Box> boxes_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool broken_ = false;
};

class Sent final : public Message {
 public:
  void wait() override {}
};

class Receiving final : public Message {
 public:
  Receiving(Mail& mail, int from, int to, Span<std::byte, Host> into)
      : mail_(mail), from_(from), to_(to), place_(mail.next_receive(from, to)), into_(into) {}
  void wait() override {
    if (!done_) mail_.take(from_, to_, place_, into_);
    done_ = true;
  }

 private:
  Mail& mail_;
  int from_, to_;
  Position place_;
  Span<std::byte, Host> into_;
  bool done_ = false;
};

class ThreadRanks final : public Ranks {
 public:
  ThreadRanks(Mail& mail, int rank, int size) : Ranks(rank, size), mail_(mail) {}
  std::unique_ptr<Message> start_send(int to, Span<const std::byte, Host> bytes) override {
    mail_.put(rank(), to, bytes);
    return std::make_unique<Sent>();
  }
  std::unique_ptr<Message> start_receive(int from, Span<std::byte, Host> bytes) override {
    return std::make_unique<Receiving>(mail_, from, rank(), bytes);
  }

 private:
  Mail& mail_;
};

}  // namespace

void on_ranks(int size, const std::function<void(Ranks&)>& f) {
  Mail mail(size);
  std::mutex mutex;
  std::exception_ptr first;
  std::vector<std::thread> threads;
  threads.reserve(static_cast<std::size_t>(size));
  for (int r = 0; r < size; ++r) {
    threads.emplace_back([&, r] {
      ThreadRanks ranks(mail, r, size);
      try {
        f(ranks);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!first) first = std::current_exception();
        mail.fail();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  if (first) std::rethrow_exception(first);
}

}  // namespace wf::test
