// What random rows cost on this card at best: the ceiling beside the copy bandwidth for ops that gather.
#pragma once
#include "cuda/runtime/context.hpp"
#include "host/base/view.hpp"

namespace wf {

/// sums[n] = the sum of table.row(rows[n]); reads each row once, writes 4 bytes for it. Rows begin at 16 bytes.
void gather_rows(const Context& gpu, Rows<const float, Device> table, Span<const RowId, Device> rows,
                 Span<float, Device> sums);

}  // namespace wf
