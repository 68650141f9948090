#include "host/reference/reference.hpp"

namespace wf {

void Reference::multiply_rows(const RowListsView<Host>& lists, Rows<const float, Host> table,
                              const RowShift<Host>& shift, Rows<float, Host> out) {
  for (Position row = 0; row < lists.rows(); ++row) {
    for (int f = 0; f < table.rank; ++f) {
      double sum = 0;
      for (Position n = lists.begin[row]; n < lists.begin[row + 1]; ++n) {
        sum += static_cast<double>(lists.value[n]) * table.row(lists.partner[n])[f];
      }
      if (!shift.of_columns.empty()) {
        sum -= (shift.of_rows.empty() ? 1.0 : shift.of_rows[row]) * static_cast<double>(shift.of_columns[f]);
      }
      out.row(row)[f] = static_cast<float>(sum);
    }
  }
}

void Reference::multiply_table(Rows<const float, Host> left, Rows<const float, Host> right, Rows<float, Host> out) {
  for (Position row = 0; row < left.count; ++row) {
    for (int c = 0; c < right.rank; ++c) {
      double sum = 0;
      for (int f = 0; f < left.rank; ++f) sum += static_cast<double>(left.row(row)[f]) * right.row(f)[c];
      out.row(row)[c] = static_cast<float>(sum);
    }
  }
}

void Reference::column_sums(Rows<const float, Host> table, Span<const float, Host> weights, Span<float, Host> sums) {
  for (int f = 0; f < table.rank; ++f) {
    double sum = 0;
    for (Position row = 0; row < table.count; ++row) {
      sum += (weights.empty() ? 1.0 : weights[row]) * static_cast<double>(table.row(row)[f]);
    }
    sums[f] = static_cast<float>(sum);
  }
}

}  // namespace wf
