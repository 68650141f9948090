// Descent on the explicit objective of host/kernels/solve_rules.hpp, written once for host and device: along the whole
// gradient, and one number of each row at a time.
#pragma once
#include "host/kernels/score.hpp"
#include "host/kernels/solve_rules.hpp"

namespace wf {

/// Where a row's own number x is lowest, the others standing: sum over its ratings (rest - (x' - x) v)^2 + ridge x'^2,
/// with slope = sum of rest v and curvature = sum of v^2. Hsieh, Dhillon: Fast coordinate descent methods with variable
/// selection for non-negative matrix factorization. KDD 2011. A row without ratings is 0.
template <class Real>
WF_HD inline Real descended(Real own, Real slope, Real curvature, Real ridge, Position ratings) {
  if (ratings == 0) return 0;
  const Real whole = curvature + ridge;
  return whole > 0 ? own + (slope - ridge * own) / whole : own;
}

/// Rows of a model by whose lists go through it.
template <class T, class Space>
struct SideRows {
  Rows<T, Space> own, own_biases, partner, partner_biases;
};
template <class T, class Space>
WF_HD inline SideRows<T, Space> side_rows(const ModelView<T, Space>& model, bool of_users) {
  if (of_users) return {model.user_factors, model.user_biases, model.item_factors, model.item_biases};
  return {model.item_factors, model.item_biases, model.user_factors, model.user_biases};
}

}  // namespace wf
