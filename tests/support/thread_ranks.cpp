#include "tests/support/thread_ranks.hpp"

#include "host/base/error.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>

namespace wf::test {
namespace {

/// A message of which one end, or both, are there. Bytes go when both are: not before, so that who lets go of what is
/// under way, or looks at what has not come, is found out.
struct Letter {
  std::optional<Span<const std::byte, Host>> sent;
  std::optional<Span<std::byte, Host>> wanted;
  bool delivered = false;
};

class Mail {
 public:
  explicit Mail(int ranks) : ranks_(ranks), boxes_(static_cast<std::size_t>(ranks) * static_cast<std::size_t>(ranks)) {}

  Letter& send(int from, int to, Span<const std::byte, Host> bytes) {
    const std::lock_guard lock(mutex_);
    Box& between = box(from, to);
    Letter& letter = between.at(between.sends++);
    letter.sent = bytes;
    deliver(letter);
    return letter;
  }
  Letter& receive(int from, int to, Span<std::byte, Host> into) {
    const std::lock_guard lock(mutex_);
    std::fill(into.begin(), into.end(), std::byte{0xFF});  // NaN
    Box& between = box(from, to);
    Letter& letter = between.at(between.receives++);
    letter.wanted = into;
    deliver(letter);
    return letter;
  }
  void wait(const Letter& letter) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return broken_ || letter.delivered; });
    if (!letter.delivered) throw FailedError("another rank is gone");
  }
  void fail() {
    const std::lock_guard lock(mutex_);
    broken_ = true;
    changed_.notify_all();
  }

 private:
  struct Box {
    std::deque<Letter> letters;  // in the order in which either end starts them
    std::size_t sends = 0, receives = 0;
    Letter& at(std::size_t place) {
      if (place == letters.size()) letters.emplace_back();
      return letters[place];
    }
  };
  Box& box(int from, int to) {
    return boxes_[static_cast<std::size_t>(from) * static_cast<std::size_t>(ranks_) + static_cast<std::size_t>(to)];
  }
  void deliver(Letter& letter) {
    if (!letter.sent || !letter.wanted || broken_) return;
    if (letter.sent->size != letter.wanted->size) throw std::logic_error("a message of another size");
    std::copy(letter.sent->begin(), letter.sent->end(), letter.wanted->begin());
    letter.delivered = true;
    changed_.notify_all();
  }

  int ranks_;
  std::vector<Box> boxes_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool broken_ = false;
};

class UnderWay final : public Message {
 public:
  UnderWay(Mail& mail, const Letter& letter) : mail_(mail), letter_(letter) {}
  void wait() override { mail_.wait(letter_); }

 private:
  Mail& mail_;
  const Letter& letter_;
};

class ThreadRanks final : public Ranks {
 public:
  ThreadRanks(Mail& mail, int rank, int size) : Ranks(rank, size), mail_(mail) {}
  std::unique_ptr<Message> start_send(int to, Span<const std::byte, Host> bytes) override {
    return std::make_unique<UnderWay>(mail_, mail_.send(rank(), to, bytes));
  }
  std::unique_ptr<Message> start_receive(int from, Span<std::byte, Host> bytes) override {
    return std::make_unique<UnderWay>(mail_, mail_.receive(from, rank(), bytes));
  }
  using Ranks::sum;
  void sum(Span<std::int64_t, Host> values) override {
    join(values, [](std::int64_t a, std::int64_t b) { return a + b; });
  }
  void most(Span<double, Host> values) override {
    join(values, [](double a, double b) { return std::max(a, b); });
  }

 private:
  /// Through rank 0, one rank after the other.
  template <class T, class Join>
  void join(Span<T, Host> values, const Join& join_two) {
    if (is_alone() || values.empty()) return;
    if (rank() > 0) {
      start_send(0, bytes_of(Span<const T, Host>(values)))->wait();
    } else {
      HostBuffer<T> others(values.size);
      for (int r = 1; r < size(); ++r) {
        start_receive(r, writable_bytes_of(others.span()))->wait();
        for (Position n = 0; n < values.size; ++n) values[n] = join_two(values[n], others[n]);
      }
    }
    broadcast(0, values);
  }

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
