#include "host/cpu/long_row.hpp"

#include "host/cpu/rooms.hpp"

#include <algorithm>
#include <vector>

namespace wf {
namespace {

class Parts final : public SplitRow {
 public:
  Parts(ThreadPool& pool, const SolveLoops& loops, const SolveTask& task, Position row)
      : pool_(pool), loops_(loops), task_(task), first_(task.lists.begin[row]), end_(task.lists.begin[row + 1]) {}

  /// SolveLoops::add_ratings over all ratings.
  RowTotals add_ratings(float* sums) {
    RowTotals totals;
    sum_parts(SolveShape(rank()).sums(), sums, totals, [&](Position first, Position end, SolveRoom& room, float* of) {
      return loops_.add_ratings(task_, first, end, room, of);
    });
    return totals;
  }

  float add_rests(const float* x, float bias, bool pulls, float* rest) override {
    float sum = 0;
    sum_parts(SolveShape(rank()).padded, rest, sum, [&](Position first, Position end, SolveRoom& room, float* of) {
      return loops_.add_rests(task_, first, end, x, bias, pulls, room, of);
    });
    return sum;
  }

  void find_scores(const float* x) override {
    scores_ = HostBuffer<float>(end_ - first_);
    for_parts([&](Position first, Position end, SolveRoom& room) {
      loops_.find_scores(task_, first, end, x, room, scores_.data() + (first - first_));
    });
  }

  void move_scores(const FactorBlock& block, const float* change) override {
    for_parts([&](Position first, Position end, SolveRoom& room) {
      loops_.move_scores(task_, block, first, end, change, room, scores_.data() + (first - first_));
    });
  }

  void add_block(const FactorBlock& block, float* sums) override {
    int none = 0;
    sum_parts(SolveShape(block.width).sums(), sums, none,
              [&](Position first, Position end, SolveRoom& room, float* of) {
                loops_.add_block(task_, block, first, end, scores_.data() + (first - first_), room, of);
                return 0;
              });
  }

 private:
  int rank() const { return task_.sides.rank(); }
  Position parts() const { return (end_ - first_ + kPartRatings - 1) / kPartRatings; }

  template <class F>
  void for_parts(const F& f) {
    for_each_with_room<SolveRoom>(pool_, SolveShape(rank()), parts(), [&](Position part, SolveRoom& room) {
      const Position first = first_ + part * kPartRatings;
      f(first, std::min(first + kPartRatings, end_), room);
    });
  }

  /// sums[size] and total += what add(first, end, room, zeros) adds and returns, of one part after the other.
  template <class Total, class Add>
  void sum_parts(Position size, float* sums, Total& total, const Add& add) {
    const Position at_once = std::min<Position>(parts(), 2 * pool_.size());
    HostBuffer<float> of_parts(checked_product(at_once, size));
    std::vector<Total> totals(static_cast<std::size_t>(at_once));
    for (Position from = 0; from < parts(); from += at_once) {
      const Position count = std::min(at_once, parts() - from);
      for_each_with_room<SolveRoom>(pool_, SolveShape(rank()), count, [&](Position part, SolveRoom& room) {
        const Position first = first_ + (from + part) * kPartRatings;
        float* const of_part = of_parts.data() + part * size;
        std::fill_n(of_part, size, 0.0F);
        totals[static_cast<std::size_t>(part)] = add(first, std::min(first + kPartRatings, end_), room, of_part);
      });
      for (Position part = 0; part < count; ++part) {
        total += totals[static_cast<std::size_t>(part)];
        for (Position n = 0; n < size; ++n) sums[n] += of_parts[part * size + n];
      }
    }
  }

  ThreadPool& pool_;
  const SolveLoops& loops_;
  const SolveTask& task_;
  Position first_, end_;
  HostBuffer<float> scores_;
};

}  // namespace

bool solve_long_row(ThreadPool& pool, const SolveLoops& loops, const SolveTask& task, Position row) {
  const SolveShape shape(task.sides.rank());
  Parts ratings(pool, loops, task, row);
  SolveRoom room(shape);
  if (task.settings.solver != Solver::cholesky) {
    const FlushToZero scope;
    return solve_by_passes(task, row, ratings, room);
  }
  for (int f = 0; !task.base.empty() && f < shape.padded; ++f) {
    std::copy_n(task.base.row(f), shape.padded, room.sums.data() + Position{f} * shape.pitch);
  }
  const RowTotals totals = ratings.add_ratings(room.sums.data());
  const FlushToZero scope;
  return loops.solve(task, row, totals, room, room.sums.data());
}

}  // namespace wf
