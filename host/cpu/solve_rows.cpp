#include "host/cpu/cpu.hpp"
#include "host/cpu/long_row.hpp"
#include "host/cpu/rooms.hpp"

#include <vector>

namespace wf {
namespace {

/// Lists that are longer are gone through by all workers together.
constexpr Position kLongest = 2 * kPartRatings;

/// Of a worker: the last ones even out what the first ones took.
constexpr Position kTasksEach = 32;

}  // namespace

SolveRoom::SolveRoom(const SolveShape& of_rows)
    : shape(of_rows),
      sums(zeros(of_rows.sums())),
      plain(zeros(checked_product(of_rows.chunk, of_rows.padded))),
      weighted(plain.clone()),
      pull(zeros(SolveShape::kMostTogether)),
      curvature(zeros(SolveShape::kMostTogether)),
      diagonal(zeros(of_rows.padded)),
      inverse(zeros(of_rows.padded)),
      x(zeros(of_rows.padded)),
      rest(zeros(of_rows.padded)),
      direction(zeros(of_rows.padded)),
      image(zeros(of_rows.padded)) {}

const SolveLoops& solve_loops(Simd simd) {
#if defined(__x86_64__)
  if (simd == Simd::avx512 || simd == Simd::avx512_wide) return solve_loops_avx512();
  if (simd == Simd::avx2) return solve_loops_avx2();
#endif
  static_cast<void>(simd);
  return solve_loops_portable();
}

void Cpu::solve_rows(const RowListsView<Host>& lists, const SolveSides<Host>& sides, Rows<const float, Host> gram,
                     const SolveSettings& settings) {
  const SolveLoops& loops = solve_loops(simd_);
  const SolveShape shape(sides.rank());
  HostBuffer<float> base;
  SolveTask task{lists, sides, settings, {}, false};
  if (settings.implicit) {
    base = HostBuffer<float>(Position{shape.padded} * shape.padded, 0);
    for (int f = 0; f < shape.rank; ++f) {
      for (int g = 0; g < shape.rank; ++g) {
        base[Position{f} * shape.padded + g] = static_cast<float>(settings.unobserved) * gram.row(f)[g];
      }
    }
    task.base = {base.data(), shape.padded, shape.padded, shape.padded};
    task.diagonal = settings.diagonal_gram;
  }
  const HostBuffer<Position> cuts = cut_lists(lists.begin, kTasksEach * pool_.size(), shape.rank / 2);
  std::vector<SolvedRows> solved(static_cast<std::size_t>(cuts.size()));
  for_each_with_room<SolveRoom>(pool_, shape, cuts.size() - 1, [&](Position part, SolveRoom& room) {
    solved[static_cast<std::size_t>(part)] = loops.solve_rows(task, cuts[part], cuts[part + 1], kLongest, room);
  });
  for (const SolvedRows& rows : solved) add_solved(rows);
  for (Position row = 0; row < lists.rows(); ++row) {
    if (lists.count(row) > kLongest && !solve_long_row(pool_, loops, task, row)) add_solved({0, 1});
  }
}

void Cpu::list_errors(const RowListsView<Host>& lists, const ModelView<const float, Host>& model,
                      const SolveSettings& settings) {
  const SolveLoops& loops = solve_loops(simd_);
  const SolveTask task{lists, {model.item_factors, model.item_biases, {}, {}}, settings, {}, false};
  // by the lists alone: sums in the same order on any number of threads
  const HostBuffer<Position> cuts = cut_lists(lists.begin, 1 + lists.partner.size / kPartRatings, 0);
  partial_.resize(std::max<Position>(cuts.size() - 1, 0));
  for_each_with_room<SolveRoom>(pool_, SolveShape(model.rank()), cuts.size() - 1, [&](Position part, SolveRoom& room) {
    partial_[part] = loops.errors(task, model, cuts[part], cuts[part + 1], room);
  });
  for (const ErrorSums& part : partial_) add_errors(part);
}

void Cpu::list_row_errors(const RowListsView<Host>& lists, const ModelView<const float, Host>& model,
                          const SolveSettings& settings, Span<ErrorSums, Host> of_rows) {
  const SolveLoops& loops = solve_loops(simd_);
  const SolveTask task{lists, {model.item_factors, model.item_biases, {}, {}}, settings, {}, false};
  const HostBuffer<Position> cuts = cut_lists(lists.begin, kTasksEach * pool_.size(), 1);
  for_each_with_room<SolveRoom>(pool_, SolveShape(model.rank()), cuts.size() - 1, [&](Position part, SolveRoom& room) {
    for (Position row = cuts[part]; row < cuts[part + 1]; ++row) {
      of_rows[row] = loops.errors(task, model, row, row + 1, room);
    }
  });
}

}  // namespace wf
