#include "host/cpu/nmf_body.hpp"

namespace wf {
namespace {

using RowsOf = NmfRows<lanes::Separate, lanes::Eight>;

[[gnu::flatten]] void nmf_rows(const NmfTask& task, Position first, Position end, NmfRoom& room) {
  RowsOf(task, room).update(first, end);
}
[[gnu::flatten]] ErrorSums errors(const NmfTask& task, Position first, Position end, NmfRoom& room) {
  return RowsOf(task, room).errors(first, end);
}

}  // namespace

const NmfLoops& nmf_loops_portable() {
  static constexpr NmfLoops kLoops{nmf_rows, errors};
  return kLoops;
}

}  // namespace wf
