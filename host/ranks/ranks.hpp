// The processes that train one model together, and what they tell each other. Who moves the bytes is not known here.
#pragma once
#include "host/base/host_buffer.hpp"
#include "host/base/view.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace wf {

/// Bytes under way. They must stay where they are until wait() returns; who does not wait for one ends the job.
class Message {
 public:
  virtual ~Message() = default;
  virtual void wait() = 0;
};

/// Called by one thread at a time. All but the two starts are for all ranks together, in the same order everywhere, and
/// return when this rank's part is done. Sums are of integers: they do not depend on how many ranks there are. Throws
/// FailedError where another rank is gone.
class Ranks {
 public:
  virtual ~Ranks() = default;
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;

  /// The one process that there is where nobody has started several.
  static Ranks& alone();

  int rank() const { return rank_; }  ///< 0 .. size() - 1
  int size() const { return size_; }
  bool is_alone() const { return size_ == 1; }

  /// Between two ranks messages arrive in the order in which they were started, each into as many bytes.
  virtual std::unique_ptr<Message> start_send(int to, Span<const std::byte, Host> bytes) = 0;
  virtual std::unique_ptr<Message> start_receive(int from, Span<std::byte, Host> bytes) = 0;

  /// values[n] becomes the sum, or the largest, of what the ranks have there.
  virtual void sum(Span<std::int64_t, Host> values) = 0;
  virtual void most(Span<double, Host> values) = 0;

  std::int64_t sum(std::int64_t value) {
    sum({&value, 1});
    return value;
  }
  /// Whether any rank says so.
  bool any(bool here) { return sum(here ? 1 : 0) > 0; }

  /// to[r] goes to rank r; the r-th of the result came from there.
  template <class T>
  std::vector<HostBuffer<T>> exchange(const std::vector<HostBuffer<T>>& to);

  /// What all ranks have, in their order.
  template <class T>
  HostBuffer<T> gather(Span<const T, Host> mine);

  /// `values`, as many everywhere, become those of rank `from`.
  template <class T>
  void broadcast(int from, Span<T, Host> values);
  /// The text that rank `from` has.
  std::string broadcast(int from, std::string text);

 protected:
  Ranks(int rank, int size) : rank_(rank), size_(size) {}

 private:
  /// Sizes that the ranks have for each other: result[r] is what rank r has for this one.
  std::vector<Position> exchange_sizes(const std::vector<Position>& to);

  int rank_, size_;
};

template <class T>
Span<const std::byte, Host> bytes_of(Span<const T, Host> values) {
  static_assert(std::is_trivially_copyable_v<T>);
  return {reinterpret_cast<const std::byte*>(values.data), values.size * Position{sizeof(T)}};
}
template <class T>
Span<std::byte, Host> writable_bytes_of(Span<T, Host> values) {
  static_assert(std::is_trivially_copyable_v<T>);
  return {reinterpret_cast<std::byte*>(values.data), values.size * Position{sizeof(T)}};
}

template <class T>
std::vector<HostBuffer<T>> Ranks::exchange(const std::vector<HostBuffer<T>>& to) {
  std::vector<Position> sizes;
  sizes.reserve(to.size());
  for (const HostBuffer<T>& part : to) sizes.push_back(part.size());
  const std::vector<Position> coming = exchange_sizes(sizes);
  std::vector<HostBuffer<T>> from(to.size());
  std::vector<std::unique_ptr<Message>> messages;
  for (int r = 0; r < size_; ++r) {
    const auto at = static_cast<std::size_t>(r);
    if (r == rank_) {
      from[at] = to[at].clone();
      continue;
    }
    from[at].resize(coming[at]);
    if (coming[at] > 0) messages.push_back(start_receive(r, writable_bytes_of(from[at].span())));
    if (sizes[at] > 0) messages.push_back(start_send(r, bytes_of(to[at].span())));
  }
  for (const auto& message : messages) message->wait();
  return from;
}

template <class T>
HostBuffer<T> Ranks::gather(Span<const T, Host> mine) {
  const std::vector<Position> sizes = exchange_sizes(std::vector<Position>(static_cast<std::size_t>(size_), mine.size));
  Position total = 0;
  for (const Position size : sizes) total += size;
  HostBuffer<T> all(total);
  std::vector<std::unique_ptr<Message>> messages;
  Position at = 0;
  for (int r = 0; r < size_; ++r) {
    const Span<T, Host> part = all.span().part(at, sizes[static_cast<std::size_t>(r)]);
    at += part.size;
    if (r == rank_) {
      std::copy(mine.begin(), mine.end(), part.begin());
    } else {
      if (part.size > 0) messages.push_back(start_receive(r, writable_bytes_of(part)));
      if (mine.size > 0) messages.push_back(start_send(r, bytes_of(mine)));
    }
  }
  for (const auto& message : messages) message->wait();
  return all;
}

template <class T>
void Ranks::broadcast(int from, Span<T, Host> values) {
  if (values.empty()) return;
  if (rank_ != from) return start_receive(from, writable_bytes_of(values))->wait();
  std::vector<std::unique_ptr<Message>> messages;
  for (int r = 0; r < size_; ++r) {
    if (r != rank_) messages.push_back(start_send(r, bytes_of(Span<const T, Host>(values))));
  }
  for (const auto& message : messages) message->wait();
}

}  // namespace wf
