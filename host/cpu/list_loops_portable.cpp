#include "host/cpu/list_body.hpp"

namespace wf {
namespace {

using Loops = ListRows<lanes::Separate, lanes::Eight>;

[[gnu::flatten]] void multiply_rows(const RowListsView<Host>& lists, const Rows<const float, Host>& table,
                                    const Rows<float, Host>& out, Position first, Position end, Position longest) {
  Loops::multiply_rows(lists, table, out, first, end, longest);
}
[[gnu::flatten]] void multiply_rows_by_range(const RowListsView<Host>& lists, const Rows<const float, Host>& table,
                                             const Rows<float, Host>& out, Position first, Position end,
                                             Position longest, Position* next) {
  Loops::multiply_rows_by_range(lists, table, out, first, end, longest, next);
}
[[gnu::flatten]] void sum_ratings(const RowListsView<Host>& lists, const Rows<const float, Host>& table, Position first,
                                  Position end, float* sums) {
  Loops::sum_ratings(lists, table, first, end, sums);
}
[[gnu::flatten]] void multiply_table(const Rows<const float, Host>& left, const PaddedTable& right,
                                     const Rows<float, Host>& out, Position first, Position end) {
  Loops::multiply_table(left, right, out, first, end);
}
[[gnu::flatten]] void list_rests(const RowListsView<Host>& lists, const Rows<const float, Host>& own,
                                 const Rows<const float, Host>& partners, Position first, Position end, float* x,
                                 float* rests) {
  Loops::list_rests(lists, own, partners, first, end, x, rests);
}

}  // namespace

const ListLoops& list_loops_portable() {
  static constexpr ListLoops kLoops{multiply_rows, multiply_rows_by_range, sum_ratings, multiply_table, list_rests};
  return kLoops;
}

}  // namespace wf
