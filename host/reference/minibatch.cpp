#include "host/kernels/losses.hpp"
#include "host/reference/reference.hpp"

namespace wf {
namespace {

float unused_state;  // what rules without state refer to; never read, never written

template <Rule rule>
void step_row(const StepScalars& scalars, float* weights, const float* gradient, float* first, float* second,
              int rank) {
  for (int f = 0; f < rank; ++f) {
    optimizer_rule<rule>(scalars, weights[f], gradient == nullptr ? 0.0F : gradient[f],
                         first == nullptr ? unused_state : first[f], second == nullptr ? unused_state : second[f]);
  }
}

}  // namespace

BatchGroups<Host> Reference::group_rows(const RatingsView<Host>& batch, Position n_users, Position n_items) {
  return {user_grouper_.group(batch.user, n_users), item_grouper_.group(batch.item, n_items)};
}

void Reference::renormalise_rows(Rows<float, Host> table, Span<const RowId, Host> rows, const NormLimit& limit) {
  for (const RowId r : rows) {
    float* row = table.row(r);
    const float factor = renorm_factor(norm(row, table.rank, limit.norm_type), limit);
    for (int f = 0; f < table.rank; ++f) row[f] *= factor;
  }
}

void Reference::loss_slopes(const ModelView<const float, Host>& model, const RatingsView<Host>& batch, Loss loss,
                            float scale, Span<float, Host> slopes) {
  with_loss(loss, [&](auto kind) {
    ErrorSums sums;
    for (Position n = 0; n < batch.size(); ++n) {
      const auto predicted = score<double>(model, ScoreOptions{}, batch.user[n], batch.item[n]);
      const double rating = batch.value[n];
      slopes[n] = static_cast<float>(scale * loss_slope<kind()>(predicted, rating));
      add_error<kind()>(sums, predicted, rating);
    }
    add_errors(sums);
  });
}

void Reference::row_gradients(const RowGroups<Host>& groups, Span<const float, Host> slopes,
                              Span<const RowId, Host> partners, Rows<const float, Host> partner_table,
                              Rows<const float, Host> own_table, const GradientOptions<Host>& options,
                              Rows<float, Host> gradients) {
  for (Position g = 0; g < groups.rows.size; ++g) {
    const double count = groups.starts[g + 1] - groups.starts[g];
    const float* own = own_table.row(groups.rows[g]);
    const double decay = count * options.penalty_scale * penalty_of(options.penalties, groups.rows[g]);
    for (int f = 0; f < gradients.rank; ++f) {
      double sum = 0;
      for (RowId m = groups.starts[g]; m < groups.starts[g + 1]; ++m) {
        const RowId member = groups.members[m];
        sum += static_cast<double>(slopes[member]) * partner_table.row(partners[member])[f];
      }
      if (options.scale_grad_by_freq) sum /= count;
      gradients.row(g)[f] = static_cast<float>(sum + decay * own[f]);
    }
  }
}

void Reference::bias_gradients(const RowGroups<Host>& groups, Span<const float, Host> slopes,
                               Rows<const float, Host> own_table, const GradientOptions<Host>& options,
                               Rows<float, Host> gradients) {
  for (Position g = 0; g < groups.rows.size; ++g) {
    const double count = groups.starts[g + 1] - groups.starts[g];
    double sum = 0;
    for (RowId m = groups.starts[g]; m < groups.starts[g + 1]; ++m) sum += slopes[groups.members[m]];
    if (options.scale_grad_by_freq) sum /= count;
    const double decay = count * options.penalty_scale * penalty_of(options.penalties, groups.rows[g]);
    *gradients.row(g) = static_cast<float>(sum + decay * *own_table.row(groups.rows[g]));
  }
}

void Reference::optimizer_step(const RuleSettings& settings, Position step, Rows<float, Host> table,
                               Span<const RowId, Host> rows, Rows<const float, Host> gradients, RowId skip,
                               const OptimizerState<Host>& state) {
  const StepScalars scalars = scalars_of_step(settings, step);
  with_rule(settings.rule, [&](auto rule) {
    for (Position g = 0; g < rows.size; ++g) {
      const RowId r = rows[g];
      if (r == skip) continue;
      step_row<rule()>(scalars, table.row(r), gradients.row(g), state_row(state.first, r), state_row(state.second, r),
                       table.rank);
      if (!state.last_step.empty()) state.last_step[r] = step;
    }
  });
}

void Reference::catch_up_rows(const RuleSettings& settings, Position step, Rows<float, Host> table,
                              Span<const RowId, Host> rows, const OptimizerState<Host>& state) {
  if (state.last_step.empty()) return;
  with_rule(settings.rule, [&](auto rule) {
    for (const RowId r : rows) {
      for (Position missed = state.last_step[r] + 1; missed <= step; ++missed) {
        step_row<rule()>(scalars_of_step(settings, missed), table.row(r), nullptr, state_row(state.first, r),
                         state_row(state.second, r), table.rank);
      }
      state.last_step[r] = step;
    }
  });
}

void Reference::catch_up_table(const RuleSettings& settings, Position step, Rows<float, Host> table,
                               const OptimizerState<Host>& state) {
  if (state.last_step.empty()) return;
  for (RowId r = 0; r < table.count; ++r) catch_up_rows(settings, step, table, {&r, 1}, state);
}

}  // namespace wf
