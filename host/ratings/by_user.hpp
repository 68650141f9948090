// Where each user's ratings are, in the order of the data.
#pragma once
#include "host/base/host_buffer.hpp"

namespace wf {

/// The ratings of user u are order[first[u]] .. order[first[u + 1] - 1].
struct ByUser {
  HostBuffer<Position> first, order;

  ByUser(Span<const RowId, Host> user, Position n_users) : first(n_users + 1, 0), order(user.size) {
    for (const RowId u : user) ++first[u + 1];
    for (Position u = 0; u < n_users; ++u) first[u + 1] += first[u];
    HostBuffer<Position> next = first.clone();
    for (Position n = 0; n < user.size; ++n) order[next[user[n]]++] = n;
  }
};

}  // namespace wf
