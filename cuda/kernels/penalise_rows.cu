// Half the gradient of a penalised sum of squares, from the sums over the ratings.
//
//   gradients[r][f] = lambda s(r) own[r][f] - gradients[r][f]
//
// shapes  own, gradients [m x rank]; lists of m rows, for their lengths
// launch  a thread per element
// moves   12 bytes an element
// order   of one element: none
#include "cuda/device/walk.cuh"
#include "cuda/kernels/cuda_kernels.hpp"
#include "cuda/runtime/ranges.hpp"

namespace wf {
namespace {

__global__ void __launch_bounds__(kBlockThreads)
    penalise_rows_kernel(RowListsView<Device> lists, Rows<const float, Device> own, SolveSettings settings,
                         Rows<float, Device> gradients) {
  const Walk walk = thread_walk();
  for (Position at = walk.first; at < own.count * own.rank; at += walk.step) {
    const Position row = at / own.rank, f = at % own.rank;
    const auto ridge = static_cast<float>(settings.lambda * row_scale(settings, lists.count(row)));
    gradients.row(row)[f] = ridge * own.row(row)[f] - gradients.row(row)[f];
  }
}

}  // namespace

void Cuda::penalise_rows(const RowListsView<Device>& lists, Rows<const float, Device> own,
                         const SolveSettings& settings, Rows<float, Device> gradients) {
  if (own.count == 0) return;
  const Range range("penalise rows");
  launch(gpu_, "penalise_rows", threads_over(checked_product(own.count, own.rank)), penalise_rows_kernel, lists, own,
         settings, gradients);
}

}  // namespace wf
