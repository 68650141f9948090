// The memory ops of the contract for kernel sets that work in host memory: moves, never copies.
#pragma once
#include "host/base/host_buffer.hpp"
#include "host/ratings/ratings.hpp"

#include <algorithm>
#include <utility>

namespace wf {

struct HostMemory {
  using Space = Host;
  template <class T>
  using Buffer = HostBuffer<T>;

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
  RatingsView<Host> stage(const RatingsView<Host>& ratings) const { return ratings; }
};

}  // namespace wf
