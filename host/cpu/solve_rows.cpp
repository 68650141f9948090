#include "host/cpu/cpu.hpp"

#include <atomic>
#include <memory>
#include <vector>

namespace wf {
namespace {

/// Ratings whose sums are one part of a long row's: 8192 rows of 64 factors are 0.2 ms of work. Parts are added in
/// their order, whoever computed them.
constexpr Position kPart = 8192;

HostBuffer<float> zeros(Position count) {
  HostBuffer<float> values(count);
  for (Position n = 0; n < count; ++n) values[n] = 0;
  return values;
}

}  // namespace

SolveRoom::SolveRoom(const SolveShape& of_rows)
    : shape(of_rows),
      sums(zeros(of_rows.sums())),
      plain(zeros(checked_product(of_rows.chunk, of_rows.padded))),
      weighted(plain.clone()),
      pull(zeros(of_rows.chunk)),
      curvature(zeros(of_rows.chunk)),
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

template <class F>
void Cpu::for_each_with_room(int rank, Position tasks, const F& f) {
  const SolveShape shape(rank);
  std::vector<std::unique_ptr<SolveRoom>> rooms(static_cast<std::size_t>(pool_.size()));
  std::atomic<Position> next{0};
  pool_.for_each(pool_.size(), [&](Position share) {
    const FlushToZero scope;
    auto& room = rooms[static_cast<std::size_t>(share)];
    for (Position task = next++; task < tasks; task = next++) {
      if (!room) room = std::make_unique<SolveRoom>(shape);
      f(task, *room);
    }
  });
}

void Cpu::gram(Rows<const float, Host> table, Rows<float, Host> sums) {
  const SolveLoops& loops = solve_loops(simd_);
  const SolveShape shape(table.rank);
  const Position tasks = (table.count + kPart - 1) / kPart;
  HostBuffer<double> total(checked_product(table.rank, table.rank), 0);
  const Position at_once = 2 * pool_.size();
  HostBuffer<float> parts(checked_product(at_once, shape.sums()));
  for (Position first = 0; first < tasks; first += at_once) {
    const Position count = std::min(at_once, tasks - first);
    for_each_with_room(table.rank, count, [&](Position part, SolveRoom& room) {
      const Position begin = (first + part) * kPart;
      std::fill(room.sums.begin(), room.sums.end(), 0.0F);
      loops.add_gram(table, begin, std::min(begin + kPart, table.count), room);
      std::copy(room.sums.begin(), room.sums.end(), parts.data() + part * shape.sums());
    });
    for (Position part = 0; part < count; ++part) {
      const float* const matrix = parts.data() + part * shape.sums();
      for (int f = 0; f < table.rank; ++f) {
        for (int g = f; g < table.rank; ++g) {
          total[Position{f} * table.rank + g] += static_cast<double>(matrix[Position{f} * shape.pitch + g]);
        }
      }
    }
  }
  for (int f = 0; f < table.rank; ++f) {
    for (int g = f; g < table.rank; ++g) {
      sums.row(f)[g] = sums.row(g)[f] = static_cast<float>(total[Position{f} * table.rank + g]);
    }
  }
}

void Cpu::solve_rows(const RowListsView<Host>& lists, const SolveSides<Host>& sides, Rows<const float, Host> gram,
                     const SolveSettings& settings) {
  const SolveLoops& loops = solve_loops(simd_);
  const SolveShape shape(sides.rank());
  HostBuffer<float> base;
  SolveTask task{lists, sides, settings, {}};
  if (settings.implicit) {
    base = HostBuffer<float>(Position{shape.padded} * shape.padded, 0);
    for (int f = 0; f < shape.rank; ++f) {
      for (int g = 0; g < shape.rank; ++g) {
        base[Position{f} * shape.padded + g] = static_cast<float>(settings.unobserved) * gram.row(f)[g];
      }
    }
    task.base = {base.data(), shape.padded, shape.padded, shape.padded};
  }
  const bool splits = settings.solver == Solver::cholesky;
  const Position longest = splits ? 2 * kPart : INT64_MAX;
  constexpr Position kTasksEach = 32;  // the last ones even out what the first ones took
  const HostBuffer<Position> cuts = cut_lists(lists.begin, kTasksEach * pool_.size(), shape.rank / 2);
  std::vector<SolvedRows> solved(static_cast<std::size_t>(cuts.size()));
  for_each_with_room(shape.rank, cuts.size() - 1, [&](Position part, SolveRoom& room) {
    solved[static_cast<std::size_t>(part)] = loops.solve_rows(task, cuts[part], cuts[part + 1], longest, room);
  });
  for (const SolvedRows& rows : solved) add_solved(rows);
  for (Position row = 0; splits && row < lists.rows(); ++row) {
    if (lists.count(row) > longest) solve_long_row(task, row);
  }
}

void Cpu::solve_long_row(const SolveTask& task, Position row) {
  const SolveLoops& loops = solve_loops(simd_);
  const SolveShape shape(task.sides.rank());
  const Position first = task.lists.begin[row], end = task.lists.begin[row + 1];
  const Position parts = (end - first + kPart - 1) / kPart, at_once = std::min<Position>(parts, 2 * pool_.size());
  HostBuffer<float> sums(shape.sums(), 0), of_parts(checked_product(at_once, shape.sums()));
  if (!task.base.empty()) {
    for (int f = 0; f < shape.padded; ++f) {
      std::copy_n(task.base.row(f), shape.padded, sums.data() + Position{f} * shape.pitch);
    }
  }
  RowTotals totals;
  std::vector<RowTotals> totals_of_parts(static_cast<std::size_t>(at_once));
  for (Position from = 0; from < parts; from += at_once) {
    const Position count = std::min(at_once, parts - from);
    for_each_with_room(shape.rank, count, [&](Position part, SolveRoom& room) {
      const Position begin = first + (from + part) * kPart;
      float* const out = of_parts.data() + part * shape.sums();
      std::fill_n(out, shape.sums(), 0.0F);
      totals_of_parts[static_cast<std::size_t>(part)] =
          loops.add_ratings(task, begin, std::min(begin + kPart, end), room, out);
    });
    for (Position part = 0; part < count; ++part) {
      totals += totals_of_parts[static_cast<std::size_t>(part)];
      const float* const of_part = of_parts.data() + part * shape.sums();
      for (Position n = 0; n < shape.sums(); ++n) sums[n] += of_part[n];
    }
  }
  SolveRoom room(shape);
  const FlushToZero scope;
  if (!loops.solve(task, row, totals, room, sums.data())) add_solved({0, 1});
}

void Cpu::list_errors(const RowListsView<Host>& lists, const ModelView<const float, Host>& model,
                      const SolveSettings& settings) {
  const SolveLoops& loops = solve_loops(simd_);
  const SolveTask task{lists, {model.item_factors, model.item_biases, {}, {}}, settings, {}};
  // by the lists alone: sums in the same order on any number of threads
  const HostBuffer<Position> cuts = cut_lists(lists.begin, 1 + lists.partner.size / kPart, 0);
  partial_.resize(std::max<Position>(cuts.size() - 1, 0));
  for_each_with_room(model.rank(), cuts.size() - 1, [&](Position part, SolveRoom& room) {
    partial_[part] = loops.errors(task, model, cuts[part], cuts[part + 1], room);
  });
  for (const ErrorSums& part : partial_) add_errors(part);
}

}  // namespace wf
