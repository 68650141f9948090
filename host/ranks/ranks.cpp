#include "host/ranks/ranks.hpp"

#include <algorithm>
#include <stdexcept>

namespace wf {
namespace {

class Alone final : public Ranks {
 public:
  Alone() : Ranks(0, 1) {}
  std::unique_ptr<Message> start_send(int, Span<const std::byte, Host>) override { refuse(); }
  std::unique_ptr<Message> start_receive(int, Span<std::byte, Host>) override { refuse(); }

 private:
  [[noreturn]] static void refuse() { throw std::logic_error("a rank alone has nobody to send to"); }
};

}  // namespace

Ranks& Ranks::alone() {
  static Alone alone;  // without state: any thread may use it
  return alone;
}

/// Through rank 0, one rank after the other.
template <class T, class Join>
void Ranks::join(Span<T, Host> values, const Join& join_two) {
  if (is_alone() || values.empty()) return;
  if (rank_ > 0) {
    start_send(0, bytes_of(Span<const T, Host>(values)))->wait();
  } else {
    HostBuffer<T> others(values.size);
    for (int r = 1; r < size_; ++r) {
      start_receive(r, writable_bytes_of(others.span()))->wait();
      for (Position n = 0; n < values.size; ++n) values[n] = join_two(values[n], others[n]);
    }
  }
  broadcast(0, values);
}

void Ranks::sum(Span<std::int64_t, Host> values) {
  join(values, [](std::int64_t a, std::int64_t b) { return a + b; });
}

void Ranks::most(Span<double, Host> values) {
  join(values, [](double a, double b) { return std::max(a, b); });
}

std::vector<Position> Ranks::exchange_sizes(const std::vector<Position>& to) {
  std::vector<Position> from = to;
  std::vector<std::unique_ptr<Message>> messages;
  for (int r = 0; r < size_; ++r) {
    const auto at = static_cast<std::size_t>(r);
    if (r == rank_) continue;
    messages.push_back(start_receive(r, writable_bytes_of(Span<Position, Host>{&from[at], 1})));
    messages.push_back(start_send(r, bytes_of(Span<const Position, Host>{&to[at], 1})));
  }
  for (const auto& message : messages) message->wait();
  return from;
}

}  // namespace wf
