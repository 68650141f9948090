// The memory ops of the contract for kernel sets that work in host memory: moves and aliases, never copies.
#pragma once
#include "host/base/host_buffer.hpp"
#include "host/kernels/device_memory.hpp"
#include "host/kernels/error_sums.hpp"
#include "host/kernels/op_types.hpp"
#include "host/ratings/ratings.hpp"
#include "host/schedule/block_grid.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace wf {

class HostMemory {
 public:
  using Space = Host;
  template <class T>
  using Buffer = HostBuffer<T>;

  /// Host values, in place.
  template <class T>
  class Alias {
   public:
    explicit Alias(Span<T, Host> values) : values_(values) {}
    Span<T, Host> span() const { return values_; }

   private:
    Span<T, Host> values_;
  };

  template <class T>
  HostBuffer<T> to_space(HostBuffer<T>&& values) const {
    return std::move(values);
  }
  template <class T>
  HostBuffer<T> to_host(HostBuffer<T>&& values) const {
    return std::move(values);
  }
  template <class T>
  void copy(const HostBuffer<T>& from, HostBuffer<T>& to) const {
    to.resize(from.size());
    std::copy(from.begin(), from.end(), to.begin());
  }
  template <class T>
  HostBuffer<T> filled(Position size, T value) const {
    return HostBuffer<T>(size, value);
  }
  template <class T>
  HostBuffer<T> room(Position size) const {
    return HostBuffer<T>(size);
  }
  RatingsView<Host> stage(const RatingsView<Host>& ratings) const { return ratings; }
  StagedBlocks<Host> stage_blocks(const RatingsView<Host>& ratings, Span<const Block, Host> blocks) const {
    return {ratings, blocks};
  }
  template <class T>
  Alias<const T> pin(Span<const T, Host> values) const {
    return Alias<const T>(values);
  }
  Rows<float, Host> bring_rows(RowSide, const RowRange&, const Rows<float, Host>& table) const { return table; }
  void return_rows(RowSide, const RowRange&, const Rows<float, Host>&) const {}
  void wait_rows() const {}
  template <class T>
  Alias<const T> borrow(Span<const T, Host> values) const {
    return Alias<const T>(values);
  }
  template <class T>
  Alias<T> output(Span<T, Host> values) const {
    return Alias<T>(values);
  }
  template <class T>
  void finish(const Alias<T>&, Span<T, Host>) const {}
  template <class T>
  void fetch(Span<const T, Host> from, Span<T, Host> to) const {
    std::copy(from.begin(), from.end(), to.begin());
  }
  static int padded_rank(int rank) { return rank; }
  bool keeps(Storage storage) const { return storage == Storage::fp32; }
  GridWish grid_wish() const { return {}; }
  std::optional<DeviceMemory> memory() const { return std::nullopt; }
  Position batch_bytes(Position, Position, int, Position) const { return 0; }
  ErrorSums take_errors() { return std::exchange(errors_, {}); }
  SolvedRows take_solved() { return std::exchange(solved_, {}); }

 protected:
  void add_errors(const ErrorSums& sums) { errors_ += sums; }
  void add_solved(const SolvedRows& rows) { solved_ += rows; }

 private:
  ErrorSums errors_;
  SolvedRows solved_;
};

}  // namespace wf
