// The rules, losses, scores and random numbers that host and device share, compiled for the device: a header that nvcc
// cannot take fails the build here and not in the first kernel that needs it.
#include "host/base/philox.hpp"
#include "host/base/view.hpp"
#include "host/kernels/dot.hpp"
#include "host/kernels/losses.hpp"
#include "host/kernels/rules.hpp"
#include "host/kernels/score.hpp"

namespace wf {
namespace {

template <Loss loss, Rule rule>
__global__ void use_shared_rules(ModelView<float, Device> model, RowId user, RowId item, StepScalars scalars,
                                 float* out) {
  const ModelView<const float, Device> read = model;
  const float s =
      score<float>(read, ScoreOptions{}, user, item) + static_cast<float>(score<double>(read, {}, user, item));
  ErrorSums sums;
  add_error<loss>(sums, s, 1.0);
  float p = loss_slope<loss>(s, 1.0F), q = static_cast<float>(sums.loss);
  sgd_rule(p, q, s, 0.1F, 0.2F, 0.3F);
  sgd_bias_rule(p, s, 0.1F, 0.2F);
  optimizer_rule<rule>(scalars, *out, p, out[1], q);
  out[2] = to_unit_float(random_bits(1, Purpose::shuffle, static_cast<std::uint64_t>(to_index(1, 2, 7))).word[0]);
}

template __global__ void use_shared_rules<Loss::mse, Rule::sgd>(ModelView<float, Device>, RowId, RowId, StepScalars,
                                                                float*);
template __global__ void use_shared_rules<Loss::l1, Rule::momentum>(ModelView<float, Device>, RowId, RowId, StepScalars,
                                                                    float*);
template __global__ void use_shared_rules<Loss::huber, Rule::adagrad>(ModelView<float, Device>, RowId, RowId,
                                                                      StepScalars, float*);
template __global__ void use_shared_rules<Loss::bce_with_logits, Rule::adam>(ModelView<float, Device>, RowId, RowId,
                                                                             StepScalars, float*);
template __global__ void use_shared_rules<Loss::mse, Rule::sparse_adam>(ModelView<float, Device>, RowId, RowId,
                                                                        StepScalars, float*);

}  // namespace
}  // namespace wf
