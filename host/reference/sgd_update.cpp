#include "host/kernels/losses.hpp"
#include "host/reference/reference.hpp"

namespace wf {

void Reference::sgd_update(const ModelView<float, Host>& model, const RatingsView<Host>& ratings,
                           Span<const Block, Host> blocks, Loss loss, float lr, const RowPenalties<Host>& penalties) {
  with_loss(loss, [&](auto kind) {
    ErrorSums sums;
    for (const Block& block : blocks) {
      for (Position n = block.begin; n < block.end; ++n) {
        const RowId u = ratings.user[n];
        const RowId i = ratings.item[n];
        const auto predicted = score<double>(ModelView<const float, Host>(model), ScoreOptions{}, u, i);
        const double rating = ratings.value[n];
        add_error<kind()>(sums, predicted, rating);

        const auto half_slope = static_cast<float>(loss_slope<kind()>(predicted, rating) / 2);
        float* p = model.user_factors.row(u);
        float* q = model.item_factors.row(i);
        const float lambda_user = penalty_of(penalties.user, u);
        const float lambda_item = penalty_of(penalties.item, i);
        for (int f = 0; f < model.rank(); ++f) sgd_rule(p[f], q[f], half_slope, lr, lambda_user, lambda_item);
        if (model.has_biases()) {
          sgd_bias_rule(*model.user_biases.row(u), half_slope, lr, penalty_of(penalties.user_bias, u));
          sgd_bias_rule(*model.item_biases.row(i), half_slope, lr, penalty_of(penalties.item_bias, i));
        }
      }
    }
    add_errors(sums);
  });
}

}  // namespace wf
