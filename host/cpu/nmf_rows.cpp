#include "host/cpu/cpu.hpp"
#include "host/cpu/rooms.hpp"

#include <vector>

namespace wf {
namespace {

int padded_for(int rank) {
  return (rank + NmfTask::kVector - 1) / NmfTask::kVector * NmfTask::kVector;
}

}  // namespace

NmfRoom::NmfRoom(int padded)
    : x(zeros(padded)),
      above(zeros(padded)),
      below(zeros(padded)),
      above_part(zeros(padded)),
      below_part(zeros(padded)),
      rows(zeros(checked_product(kTogether, padded))),
      matrix(checked_product(padded, padded)) {}

const NmfLoops& nmf_loops(Simd simd) {
#if defined(__x86_64__)
  if (simd == Simd::avx512 || simd == Simd::avx512_wide) return nmf_loops_avx512();
  if (simd == Simd::avx2) return nmf_loops_avx2();
#endif
  static_cast<void>(simd);
  return nmf_loops_portable();
}

void Cpu::nmf_rows(const RowListsView<Host>& lists, Rows<const float, Host> partners, Rows<const float, Host> shared,
                   Rows<const float, Host> products, Rows<float, Host> factors, const NmfSettings& settings) {
  const int padded = padded_for(partners.rank);
  HostBuffer<float> common(checked_product(shared.count == 1 ? 1 : padded, padded), 0);
  for (Position r = 0; r < shared.count; ++r) std::copy_n(shared.row(r), shared.rank, common.data() + r * padded);
  const NmfTask task{lists, partners, factors, factors, settings, products, common.data(), partners.rank, padded};
  constexpr Position kTasksEach = 32;  // the last ones even out what the first ones took
  const HostBuffer<Position> cuts = cut_lists(lists.begin, kTasksEach * pool_.size(), 16);
  const NmfLoops& loops = nmf_loops(simd_);
  const Position longest = settings.takes_products() ? INT64_MAX : 2 * kPartRatings;
  for_each_with_room<NmfRoom>(pool_, padded, cuts.size() - 1, [&](Position part, NmfRoom& room) {
    loops.nmf_rows(task, cuts[part], cuts[part + 1], longest, room);
  });
  for (Position row = 0; row < lists.rows(); ++row) {
    if (lists.count(row) > longest) move_long_row(task, row);
  }
}

void Cpu::move_long_row(const NmfTask& task, Position row) {
  const NmfLoops& loops = nmf_loops(simd_);
  const Position first = task.lists.begin[row], end = task.lists.begin[row + 1];
  const Position parts = (end - first + kPartRatings - 1) / kPartRatings,
                 at_once = std::min<Position>(parts, 2 * pool_.size());
  std::vector<NmfRoom> rooms;
  for (Position part = 0; part < at_once; ++part) rooms.emplace_back(task.padded);
  NmfRoom total(task.padded);
  std::fill(total.matrix.begin(), total.matrix.end(), 0.0F);
  const auto add = [](const HostBuffer<float>& from, HostBuffer<float>& to) {
    for (Position n = 0; n < to.size(); ++n) to[n] += from[n];
  };
  for (Position from = 0; from < parts; from += at_once) {
    const Position count = std::min(at_once, parts - from);
    pool_.for_each(count, [&](Position part) {
      const FlushToZero scope;
      const Position begin = first + (from + part) * kPartRatings;
      loops.sum_ratings(task, row, begin, std::min(begin + kPartRatings, end), rooms[static_cast<std::size_t>(part)]);
    });
    for (Position part = 0; part < count; ++part) {
      const NmfRoom& of_part = rooms[static_cast<std::size_t>(part)];
      add(of_part.above, total.above);
      add(of_part.below, total.below);
      if (task.settings.solver == Solver::hals) add(of_part.matrix, total.matrix);
    }
  }
  const FlushToZero scope;
  loops.move_row(task, row, total);
}

void Cpu::list_errors(const RowListsView<Host>& lists, const ModelView<const float, Host>& model,
                      const NmfSettings& settings) {
  const int padded = padded_for(model.rank());
  const NmfTask task{lists, model.item_factors, model.user_factors, {}, settings, {}, nullptr, model.rank(), padded};
  const HostBuffer<Position> cuts = cut_lists(lists.begin, 1 + lists.partner.size / kPartRatings, 0);
  partial_.resize(std::max<Position>(cuts.size() - 1, 0));
  const NmfLoops& loops = nmf_loops(simd_);
  for_each_with_room<NmfRoom>(pool_, padded, cuts.size() - 1, [&](Position part, NmfRoom& room) {
    partial_[part] = loops.errors(task, cuts[part], cuts[part + 1], room);
  });
  for (const ErrorSums& part : partial_) add_errors(part);
}

}  // namespace wf
