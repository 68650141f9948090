// Errors of the predictions of the ratings that users' lists hold.
//
//   sums += loss, error^2, |error| and count, as host/kernels/solve_rules.hpp has them, or nmf_rules.hpp
//
// shapes  lists of n ratings; one ErrorSums per block
// launch  two lanes per rating, 128 ratings per block; a pair finds its user by bisection
// moves   8 * rank + 8 bytes per rating, 8 more with biases; of neighbours the user's row and the bisection are the
// same order   scores in sum_in_lanes' order; sums in a fixed tree that depends on n alone: repeatable
#include "cuda/device/errors.cuh"
#include "cuda/device/lists.cuh"
#include "cuda/device/score.cuh"
#include "cuda/kernels/cuda_kernels.hpp"
#include "cuda/runtime/ranges.hpp"

namespace wf {
namespace {

template <class Rank, class Settings>
__global__ void __launch_bounds__(kBlockThreads)
    list_errors_kernel(RowListsView<Device> lists, ModelView<const float, Device> model, Settings settings,
                       ErrorSums* sums_of_block, Rank rank) {
  ErrorSums sums;
  for (PairWalk walk = pair_walk(lists.partner.size); walk.warp_has_work(); walk.piece += walk.step) {
    const Position n = walk.piece;
    const bool here = walk.has_piece();
    const RowId user = here ? static_cast<RowId>(row_of_rating(lists.begin, n)) : kNobody;
    const float score = pair_score(model, {}, user, here ? lists.partner[n] : kNobody, rank);
    if (here && this_half() == 0) add_list_error(sums, settings, score, lists.value[n]);
  }
  add_block_errors(sums, sums_of_block + blockIdx.x);
}

}  // namespace

template <class Settings>
void Cuda::errors_of_lists(const RowListsView<Device>& lists, const ModelView<const float, Device>& model,
                           const Settings& settings) {
  if (lists.partner.empty()) return;
  const Range range("list errors");
  const Shape shape = pairs_over(lists.partner.size);
  with_model_rank(model, [&](auto rank) {
    launch(gpu_, "list_errors", shape, list_errors_kernel<decltype(rank), Settings>, lists, model, settings,
           error_partials(shape.blocks), rank);
  });
}

void Cuda::list_errors(const RowListsView<Device>& lists, const ModelView<const float, Device>& model,
                       const SolveSettings& settings) {
  errors_of_lists(lists, model, settings);
}

void Cuda::list_errors(const RowListsView<Device>& lists, const ModelView<const float, Device>& model,
                       const NmfSettings& settings) {
  errors_of_lists(lists, model, settings);
}

}  // namespace wf
