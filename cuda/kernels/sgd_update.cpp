// sgd_update: strata one after the other, each by the kernel of the order that was asked for.
#include "cuda/kernels/cuda_kernels.hpp"
#include "cuda/runtime/ranges.hpp"

namespace wf {

void Cuda::sgd_update(const SgdTables<Device>& tables, const RatingsView<Device>& ratings,
                      Span<const Block, Host> blocks, const SgdSettings& settings,
                      const RowPenalties<Device>& penalties) {
  const Range range("sgd update");
  for (Position begin = 0, end = 0; begin < blocks.size; begin = end) {
    end = end_of_stratum(blocks, begin);
    const Span<const Block, Host> stratum = blocks.part(begin, end - begin);
    if (order_ == Order::racing) {
      sgd_chunks(tables, ratings, stratum, settings, penalties);
    } else {
      sgd_blocks(tables, ratings, stratum, settings, penalties);
    }
  }
}

}  // namespace wf
