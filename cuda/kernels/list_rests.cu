// What is left of the ratings of one side's lists.
//
//   rests[n] = rating - score
//
// shapes  lists of n ratings; rests [n]
// launch  two lanes per rating, 128 ratings per block; a pair finds its row by bisection
// moves   8 * rank + 12 bytes per rating, 8 more with biases; of neighbours their own row and the bisection are the
// same order   scores in sum_in_lanes' order: on any device the same bits
#include "cuda/device/lists.cuh"
#include "cuda/device/score.cuh"
#include "cuda/kernels/cuda_kernels.hpp"
#include "cuda/runtime/ranges.hpp"

namespace wf {
namespace {

template <class Rank>
__global__ void __launch_bounds__(kBlockThreads)
    list_rests_kernel(RowListsView<Device> lists, ModelView<const float, Device> model, bool of_users,
                      Span<float, Device> rests, Rank rank) {
  for (PairWalk walk = pair_walk(lists.partner.size); walk.warp_has_work(); walk.piece += walk.step) {
    const Position n = walk.piece;
    const bool here = walk.has_piece();
    const RowId row = here ? static_cast<RowId>(row_of_rating(lists.begin, n)) : kNobody;
    const RowId partner = here ? lists.partner[n] : kNobody;
    const float score = pair_score(model, {}, of_users ? row : partner, of_users ? partner : row, rank);
    if (here && this_half() == 0) rests[n] = lists.value[n] - score;
  }
}

}  // namespace

void Cuda::list_rests(const RowListsView<Device>& lists, const ModelView<const float, Device>& model, RowSide side,
                      Span<float, Device> rests) {
  if (lists.partner.empty()) return;
  const Range range("list rests");
  with_model_rank(model, [&](auto rank) {
    launch(gpu_, "list_rests", pairs_over(lists.partner.size), list_rests_kernel<decltype(rank)>, lists, model,
           side == RowSide::user, rests, rank);
  });
}

}  // namespace wf
