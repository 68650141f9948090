#include "host/cpu/cpu.hpp"
#include "host/kernels/losses.hpp"

namespace wf {
namespace {

template <Loss kind>
ErrorSums update_block(const ModelView<float, Host>& model, const RatingsView<Host>& ratings, const Block& block,
                       float lr, const RowPenalties<Host>& penalties) {
  ErrorSums sums;
  const int rank = model.rank();
  for (Position n = block.begin; n < block.end; ++n) {
    const RowId u = ratings.user[n];
    const RowId i = ratings.item[n];
    float* __restrict p = model.user_factors.row(u);
    float* __restrict q = model.item_factors.row(i);
    float predicted = dot<float>(p, q, rank);
    if (model.has_biases()) {
      predicted = predicted + *model.user_biases.row(u) + *model.item_biases.row(i) + model.global_mean;
    }
    add_error<kind>(sums, static_cast<double>(predicted), static_cast<double>(ratings.value[n]));

    const float half_slope = loss_slope<kind>(predicted, ratings.value[n]) / 2;
    const float lambda_user = penalty_of(penalties.user, u);
    const float lambda_item = penalty_of(penalties.item, i);
    for (int f = 0; f < rank; ++f) sgd_rule(p[f], q[f], half_slope, lr, lambda_user, lambda_item);
    if (model.has_biases()) {
      sgd_bias_rule(*model.user_biases.row(u), half_slope, lr, penalty_of(penalties.user_bias, u));
      sgd_bias_rule(*model.item_biases.row(i), half_slope, lr, penalty_of(penalties.item_bias, i));
    }
  }
  return sums;
}

}  // namespace

void Cpu::sgd_update(const ModelView<float, Host>& model, const RatingsView<Host>& ratings,
                     Span<const Block, Host> blocks, Loss loss, float lr, const RowPenalties<Host>& penalties) {
  add_over_chunks(blocks.size, 1, [&](Position b, Position) {
    return with_loss(loss, [&](auto kind) { return update_block<kind()>(model, ratings, blocks[b], lr, penalties); });
  });
}

}  // namespace wf
