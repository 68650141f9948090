#include "host/cpu/solve_body.hpp"

#if defined(__x86_64__)
namespace wf {
namespace {

using RowsOf = RowSolver<lanes::Fused, lanes::Sixteen>;

[[gnu::target("avx512f,avx512vl,avx512dq,fma"), gnu::flatten]] RowTotals add_ratings(const SolveTask& task,
                                                                                     Position first, Position end,
                                                                                     SolveRoom& room, float* sums) {
  return RowsOf(task, room).add_ratings(first, end, sums);
}
[[gnu::target("avx512f,avx512vl,avx512dq,fma"), gnu::flatten]] bool solve(const SolveTask& task, Position row,
                                                                          const RowTotals& totals, SolveRoom& room,
                                                                          float* sums) {
  return RowsOf(task, room).solve(row, totals, sums);
}
[[gnu::target("avx512f,avx512vl,avx512dq,fma"), gnu::flatten]] float add_rests(const SolveTask& task, Position first,
                                                                               Position end, const float* x, float bias,
                                                                               bool pulls, SolveRoom& room,
                                                                               float* rest) {
  return RowsOf(task, room).add_rests(first, end, x, bias, pulls, rest);
}
[[gnu::target("avx512f,avx512vl,avx512dq,fma"), gnu::flatten]] void find_scores(const SolveTask& task, Position first,
                                                                                Position end, const float* x,
                                                                                SolveRoom& room, float* scores) {
  RowsOf(task, room).find_scores(first, end, x, scores);
}
[[gnu::target("avx512f,avx512vl,avx512dq,fma"), gnu::flatten]] void move_scores(const SolveTask& task,
                                                                                const FactorBlock& block,
                                                                                Position first, Position end,
                                                                                const float* change, SolveRoom& room,
                                                                                float* scores) {
  RowsOf(task, room).move_scores(block, first, end, change, scores);
}
[[gnu::target("avx512f,avx512vl,avx512dq,fma"), gnu::flatten]] void add_block(const SolveTask& task,
                                                                              const FactorBlock& block, Position first,
                                                                              Position end, const float* scores,
                                                                              SolveRoom& room, float* sums) {
  RowsOf(task, room).add_block(block, first, end, scores, sums);
}
[[gnu::target("avx512f,avx512vl,avx512dq,fma"), gnu::flatten]] SolvedRows solve_rows(const SolveTask& task,
                                                                                     Position first, Position end,
                                                                                     Position longest,
                                                                                     SolveRoom& room) {
  return RowsOf(task, room).solve_rows(first, end, longest);
}
[[gnu::target("avx512f,avx512vl,avx512dq,fma"), gnu::flatten]] void add_gram(const Rows<const float, Host>& table,
                                                                             Position first, Position end,
                                                                             SolveRoom& room) {
  RowsOf({}, room).add_gram(table, first, end);
}
[[gnu::target("avx512f,avx512vl,avx512dq,fma"), gnu::flatten]] ErrorSums errors(
    const SolveTask& task, const ModelView<const float, Host>& model, Position first, Position end, SolveRoom& room) {
  return RowsOf(task, room).errors(model, first, end);
}

}  // namespace

const SolveLoops& solve_loops_avx512() {
  static constexpr SolveLoops kLoops{add_ratings, solve,      add_rests, find_scores, move_scores,
                                     add_block,   solve_rows, add_gram,  errors};
  return kLoops;
}

}  // namespace wf
#endif
