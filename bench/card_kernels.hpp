// What rows at random cost on a card when nothing is computed: the ceilings of per-rating SGD.
#pragma once
#include "cuda/runtime/context.hpp"
#include "host/base/view.hpp"

namespace wf {

/// What is done to a row of floats that is visited.
enum class Visit {
  read,   ///< its sum is formed
  write,  ///< 1 is added to each of its values by a load and a store; of two visits at one time one may be lost
  add,    ///< the same by atomic additions of vectors, or of single values before sm_90
};

/// Visits table.row(rows[n]) for all n, past the first cache; `sums`: a value a row that is read, [rows]. Rows have 32,
/// 64 or 128 values.
void visit_rows(const Context& gpu, Visit visit, Rows<float, Device> table, Span<const RowId, Device> rows,
                Span<float, Device> sums);

}  // namespace wf
