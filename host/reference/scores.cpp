#include "host/kernels/losses.hpp"
#include "host/reference/reference.hpp"

namespace wf {

void Reference::predict(const ModelView<const float, Host>& model, const ScoreOptions& options,
                        Span<const RowId, Host> user, Span<const RowId, Host> item, Span<float, Host> scores) {
  for (Position n = 0; n < user.size; ++n) {
    scores[n] = static_cast<float>(score<double>(model, options, user[n], item[n]));
  }
}

void Reference::rating_errors(const ModelView<const float, Host>& model, const ScoreOptions& options,
                              const RatingsView<Host>& ratings) {
  with_loss(options.loss, [&](auto kind) {
    ErrorSums sums;
    for (Position n = 0; n < ratings.size(); ++n) {
      add_error<kind()>(sums, score<double>(model, options, ratings.user[n], ratings.item[n]), ratings.value[n]);
    }
    add_errors(sums);
  });
}

void Reference::score_items(const ModelView<const float, Host>& model, const ScoreOptions& options,
                            Span<const RowId, Host> users, Rows<float, Host> scores) {
  for (Position n = 0; n < users.size; ++n) {
    for (RowId i = 0; i < scores.rank; ++i) {
      scores.row(n)[i] = static_cast<float>(score<double>(model, options, users[n], i));
    }
  }
}

}  // namespace wf
