// sgd_update: strata one after the other, each by the kernel of the order that was asked for.
#include "cuda/kernels/cuda_kernels.hpp"
#include "cuda/runtime/kernel_code.hpp"
#include "cuda/runtime/ranges.hpp"

namespace wf {
namespace {

/// Rows are found by those of the blocks: where ranges visit, a table's address is no place in memory.
void allow_races_in(const SgdTables<Device>& tables, Span<const Block, Host> blocks) {
  for (const Block& block : blocks) {
    allow_races(tables.user.row(block.users.begin));
    allow_races(tables.item.row(block.items.begin));
  }
}

}  // namespace

void Cuda::sgd_update(const SgdTables<Device>& tables, const RatingsView<Device>& ratings,
                      Span<const Block, Host> blocks, const SgdSettings& settings,
                      const RowPenalties<Device>& penalties) {
  const Range range("sgd update");
  for (Position begin = 0, end = 0; begin < blocks.size; begin = end) {
    end = end_of_stratum(blocks, begin);
    const Span<const Block, Host> stratum = blocks.part(begin, end - begin);
    if (order_ == Order::racing) allow_races_in(tables, stratum);
    if (order_ == Order::repeatable) {
      sgd_blocks(tables, ratings, stratum, settings, penalties);
    } else if (plan_ == SgdPlan::tiles && has_tiles(tables, stratum, settings)) {
      sgd_tiles(tables, ratings, stratum, settings, penalties);
    } else {
      sgd_chunks(tables, ratings, stratum, settings, penalties);
    }
  }
}

}  // namespace wf
