// Some rows of a host table in another memory, under the numbers that they have in that table.
#pragma once
#include "host/kernels/sgd_rules.hpp"

#include <cstdint>

namespace wf {

/// `memory` has the rows first, first + 1, ... of a table like `table`, each behind its record; others are not there.
template <class Space>
Rows<float, Space> rows_from(float* memory, RowId first, const Rows<float, Host>& table) {
  // row 0 would be before the memory: in whole numbers, as no pointer may go there
  const std::uintptr_t row_0 = reinterpret_cast<std::uintptr_t>(memory) + kRecord * sizeof(float) -
                               static_cast<std::uintptr_t>(checked_product(first, table.pitch)) * sizeof(float);
  return {reinterpret_cast<float*>(row_0), table.count, table.rank, table.pitch};
}

}  // namespace wf
