#include "host/ranks/ranks.hpp"

#include <stdexcept>

namespace wf {
namespace {

class Alone final : public Ranks {
 public:
  Alone() : Ranks(0, 1) {}
  std::unique_ptr<Message> start_send(int, Span<const std::byte, Host>) override { refuse(); }
  std::unique_ptr<Message> start_receive(int, Span<std::byte, Host>) override { refuse(); }
  using Ranks::sum;
  void sum(Span<std::int64_t, Host>) override {}
  void most(Span<double, Host>) override {}

 private:
  [[noreturn]] static void refuse() { throw std::logic_error("a rank alone has nobody to send to"); }
};

}  // namespace

Ranks& Ranks::alone() {
  static Alone alone;  // without state: any thread may use it
  return alone;
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

std::string Ranks::broadcast(int from, std::string text) {
  auto size = static_cast<Position>(text.size());
  broadcast(from, Span<Position, Host>{&size, 1});
  text.resize(static_cast<std::size_t>(size));
  broadcast(from, Span<char, Host>{text.data(), size});
  return text;
}

}  // namespace wf
