// Ratings: (user, item, value) triples in coordinate form, rows instead of outside ids.
#pragma once
#include "host/base/host_buffer.hpp"
#include "host/ratings/id_map.hpp"

namespace wf {

/// n triples in memory `Space`: user[n], item[n], value[n].
template <class Space>
struct RatingsView {
  Span<const RowId, Space> user;
  Span<const RowId, Space> item;
  Span<const float, Space> value;

  WF_HD Position size() const { return user.size; }
  WF_HD RatingsView part(Position first, Position count) const {
    return {user.part(first, count), item.part(first, count), value.part(first, count)};
  }
};

/// Owner of n triples, 12 bytes each, in the order they were read.
struct Ratings {
  HostBuffer<RowId> user;
  HostBuffer<RowId> item;
  HostBuffer<float> value;

  Position size() const { return user.size(); }
  bool empty() const { return user.empty(); }
  RatingsView<Host> view() const { return {user.span(), item.span(), value.span()}; }
  void resize(Position size) {
    user.resize(size);
    item.resize(size);
    value.resize(size);
  }
  Ratings clone() const { return {user.clone(), item.clone(), value.clone()}; }
  void push_back(RowId u, RowId i, float r) {
    user.push_back(u);
    item.push_back(i);
    value.push_back(r);
  }
};

/// Ratings with the outside ids of their rows.
struct Dataset {
  Ratings ratings;
  IdMap users;
  IdMap items;
  HostBuffer<std::int64_t> timestamps = {};  ///< [ratings], as the file has them; empty: not read, or there are none
};

}  // namespace wf
