// The score of a pair, written once: <p_u, q_i> (+ b_u + b_i + mean), with the rules for max_norm and for unknown ids.
#pragma once
#include "host/kernels/dot.hpp"
#include "host/kernels/rules.hpp"
#include "host/model/model.hpp"

namespace wf {

/// How scores are formed outside training.
struct ScoreOptions {
  NormLimit norm_limit;     ///< applied to both rows of a pair, leaving the tables as they are
  float unknown_score = 0;  ///< the score where a row is unknown and the model has no biases
  Loss loss = Loss::mse;    ///< of ErrorSums
};

template <class Space>
WF_HD inline bool is_row(const Rows<const float, Space>& table, RowId row) {
  return row >= 0 && row < table.count;
}

/// The score of known rows with that dot product.
template <class Real, class Space>
WF_HD inline Real with_biases(const ModelView<const float, Space>& model, Real product, RowId user, RowId item) {
  if (!model.has_biases()) return product;
  product += static_cast<Real>(*model.user_biases.row(user));
  product += static_cast<Real>(*model.item_biases.row(item));
  return product + static_cast<Real>(model.global_mean);
}

/// `user` or `item` outside its table is an unknown id: it has neither factors nor a bias. `product(p, q)` is the dot
/// product of two rows and `length(row)` a row's norm, where the rows are known: they say who computes, in which order.
template <class Real, class Space, class Product, class Length>
WF_HD inline Real score_by(const ModelView<const float, Space>& model, const ScoreOptions& options, RowId user,
                           RowId item, const Product& product, const Length& length) {
  const bool known_user = is_row(model.user_factors, user);
  const bool known_item = is_row(model.item_factors, item);
  if (known_user && known_item) {
    const float* p = model.user_factors.row(user);
    const float* q = model.item_factors.row(item);
    Real result = product(p, q);
    if (options.norm_limit.active()) {
      result *= static_cast<Real>(renorm_factor(length(p), options.norm_limit));
      result *= static_cast<Real>(renorm_factor(length(q), options.norm_limit));
    }
    return with_biases(model, result, user, item);
  }
  if (!model.has_biases()) return static_cast<Real>(options.unknown_score);
  Real result = 0;
  if (known_user) result += static_cast<Real>(*model.user_biases.row(user));
  if (known_item) result += static_cast<Real>(*model.item_biases.row(item));
  return result + static_cast<Real>(model.global_mean);
}

template <class Real, class Space>
WF_HD inline Real score(const ModelView<const float, Space>& model, const ScoreOptions& options, RowId user,
                        RowId item) {
  const int rank = model.rank();
  return score_by<Real>(
      model, options, user, item, [=](const float* p, const float* q) { return dot<Real>(p, q, rank); },
      [&](const float* row) { return norm(row, rank, options.norm_limit.norm_type); });
}

}  // namespace wf
