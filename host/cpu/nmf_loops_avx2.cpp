#include "host/cpu/nmf_body.hpp"

#if defined(__x86_64__)
namespace wf {
namespace {

using RowsOf = NmfRows<lanes::Fused, lanes::Eight>;

[[gnu::target("avx2,fma"), gnu::flatten]] void nmf_rows(const NmfTask& task, Position first, Position end,
                                                        Position longest, NmfRoom& room) {
  RowsOf(task, room).update(first, end, longest);
}
[[gnu::target("avx2,fma"), gnu::flatten]] void sum_ratings(const NmfTask& task, Position row, Position first,
                                                           Position end, NmfRoom& room) {
  RowsOf(task, room).sum_ratings(row, first, end);
}
[[gnu::target("avx2,fma"), gnu::flatten]] void move_row(const NmfTask& task, Position row, NmfRoom& room) {
  RowsOf(task, room).move_row(row);
}
[[gnu::target("avx2,fma"), gnu::flatten]] ErrorSums errors(const NmfTask& task, Position first, Position end,
                                                           NmfRoom& room) {
  return RowsOf(task, room).errors(first, end);
}

}  // namespace

const NmfLoops& nmf_loops_avx2() {
  static constexpr NmfLoops kLoops{nmf_rows, sum_ratings, move_row, errors};
  return kLoops;
}

}  // namespace wf
#endif
