// Users that a model does not know, from ratings of their own: the items stay as they are.
#pragma once
#include "host/config/config.hpp"
#include "host/model/model.hpp"

namespace wf {

/// A model of the users 0 .. n_users - 1 of `history`, whose items have rows in `model`: its items, and for each user
/// the factors and the bias that minimise what `config` says that training minimised, alone. With squared errors these
/// are the equations of least squares; with other losses, --l1 or nonnegative factors, descent along the gradient from
/// zero, until a step gains less than 1e-9 of the sum, or 500 steps. A loss of pairs sets each rating that counts
/// against 32 items without a rating, drawn by (seed, user, rating), or against fewer where a user has more than 2048
/// ratings: there are 65536 pairs then, or one a rating; warp without its weights, bpr_item as bpr.
/// `n_train`: ratings that the model was trained on, by which weight decay is turned into a lambda. Users without
/// ratings get zeros. `ids` of users are row numbers. `threads` 0: all; the same bits. Throws UsageError for
/// algorithms that have no such sum (svd, pca, nmf over all cells) and for max_norm.
Model fold_in(const Model& model, const RatingsView<Host>& history, Position n_users, const TrainConfig& config,
              Position n_train, int threads = 0);

}  // namespace wf
