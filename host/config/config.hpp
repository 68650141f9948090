// Every setting of a training run, with its default. The command line, the model file and the drivers share this
// struct.
#pragma once
#include "host/base/types.hpp"

#include <optional>
#include <string>

namespace wf {

/// How factors are found: by steps along the gradient, or by least squares for one side at a time; ials: of implicit
/// feedback, where a cell without a rating counts as well. svd, pca: the best of their rank, where a cell without a
/// rating is 0; nmf: nonnegative ones; gd: along the whole gradient; ccd: a factor at a time. docs/algorithms.md.
enum class Algorithm { sgd, als, ials, svd, pca, nmf, gd, ccd };
/// Of the equations of a row: exactly; by some steps of conjugate gradients; or a block of factors after the other.
/// Of nonnegative factors: all at once by a quotient, or one after the other.
enum class Solver { cholesky, cg, subspace, multiplicative, hals };
/// Of the partners that the equations of least squares are summed over, on a device: all bits, or those of tensor
/// cores.
enum class Precision { fp32, tf32, fp16, bf16 };
/// What nmf minimises: squared errors, or the generalised Kullback-Leibler divergence.
enum class NmfLoss { frobenius, kl };
/// What nmf takes a cell without a rating for: nothing known, or 0.
enum class Missing { unobserved, zero };
/// cosine: <a, b> / (|a| |b|), 0 where one of them is zero; dot: <a, b>, which longer rows, mostly popular ones, win.
enum class Similarity { cosine, dot };
enum class ModelFormat { libmf, npz, npy, word2vec, faiss };  ///< of other programs
/// Files of ratings: CSV, RecBole's, Matrix Market, SciPy's, LightGCN's lists, and the page file.
enum class RatingsFormat { csv, inter, mtx, npz, lightgcn, pages };
/// Whose words --alpha, --lambda and --unobserved-weight are; host/kernels/solve_rules.hpp has the formulas.
enum class Convention { hu, implicit, spark, ials };

enum class Scale { linear, log };  ///< of a range that a search draws from
/// What a trial is judged by. ndcg: NDCG@10 over all items, higher is better; of the others, lower.
enum class Metric { rmse, mae, ndcg };

enum class Loss { mse, l1, huber, bce_with_logits, kl, logistic, hinge, squared_hinge, bpr, bpr_item, warp };
enum class Reduction { mean, sum };
enum class Optimizer { sgd, adagrad, adam, sparse_adam, row_adagrad };
enum class Gradients { sparse, dense };
enum class Init { normal, scaled, uniform, kaiming_uniform, kaiming_normal };
enum class FanMode { fan_in, fan_out };
enum class Nonlinearity { linear, relu, leaky_relu, tanh, sigmoid, selu };
enum class LrSchedule { constant, inverse, bold_driver };
enum class Shuffle { none, epoch };
enum class RegScaling { count, none, weight };
enum class BiasInit { zero, fitted };
enum class Storage { fp32, fp16, bf16 };

/// Losses of two classes: a rating above 0 is +1, any other -1. A score's error is then 1 where its sign is another,
/// else 0.
WF_HD constexpr bool has_two_classes(Loss loss) {
  return loss == Loss::logistic || loss == Loss::hinge || loss == Loss::squared_hinge;
}
/// Losses of pairs: what is rated is to score above what is not. bpr and warp compare items for a user, bpr_item users
/// for an item. An error is 1 where a pair is in the wrong order.
WF_HD constexpr bool is_pairwise(Loss loss) {
  return loss == Loss::bpr || loss == Loss::bpr_item || loss == Loss::warp;
}

/// Are errors 0 or 1? Then MAE is a share, and RMSE its root.
WF_HD constexpr bool counts_mistakes(Loss loss) {
  return has_two_classes(loss) || is_pairwise(loss);
}

/// Per-rating SGD on a device: rows of items in its memory, or those of a block in shared memory.
enum class SgdPlan { chunks, tiles };

/// nn.Embedding's max_norm and norm_type; max_norm 0 switches it off.
struct NormLimit {
  float max_norm = 0;
  float norm_type = 2;
  WF_HD bool active() const { return max_norm > 0; }
};

/// Initial factors. Kaiming: He et al. 2015 with PyTorch's fan and gain definitions for a weight [n_rows x rank].
struct InitConfig {
  Init kind = Init::scaled;
  float scale = 0.5F;       ///< multiplies every drawn value
  float low = 0, high = 1;  ///< `uniform`: U(low, high)
  FanMode fan_mode = FanMode::fan_in;
  Nonlinearity nonlinearity = Nonlinearity::leaky_relu;
  float negative_slope = 0;  ///< of leaky_relu: PyTorch's argument `a`
};

inline constexpr double kRowAdagradLr =
    0.05;  ///< row_adagrad's default, in units of the root of the ratings' deviation

/// Per-rating SGD: lambda where nobody has set it, for each rating of a row. mse's is in units of the ratings'
/// deviation. docs/losses.md has what they were measured with.
constexpr double default_lambda(Loss loss) {
  if (loss == Loss::bpr || loss == Loss::bpr_item) return 0.008;
  if (loss == Loss::warp) return 0.3;  // of the ratings whose margin is violated, whose loss has a weight of up to 10
  return loss == Loss::kl ? 0.01 : loss == Loss::logistic ? 0.02 : 0.09;
}
/// Of row_adagrad.
constexpr double default_lr(Loss loss) {
  return loss == Loss::bpr || loss == Loss::bpr_item ? 0.1 : kRowAdagradLr;
}

struct TrainConfig {
  Algorithm algorithm = Algorithm::sgd;
  // model
  int rank = 128;
  bool biases = true;
  BiasInit bias_init = BiasInit::fitted;  ///< fitted: the least-squares biases, which the factors then refine
  std::optional<double>
      global_mean;  ///< nullopt: the mean of the training ratings; bce_with_logits: its logit; two classes: 0
  InitConfig init;
  NormLimit norm_limit;
  bool scale_grad_by_freq = false;
  RowId user_padding = -1, item_padding = -1;  ///< nn.Embedding's padding_idx; -1: none
  // objective
  Loss loss = Loss::mse;
  Reduction reduction = Reduction::mean;
  /// sum of losses + lambda_user sum_u s(u) |p_u|^2 + lambda_item sum_i s(i) |q_i|^2 + lambda_bias sum of squared
  /// biases; s is the row's number of training ratings, or 1 with RegScaling::none.
  double lambda_user = default_lambda(Loss::mse), lambda_item = default_lambda(Loss::mse);
  RegScaling reg_scaling = RegScaling::count;
  double lambda_bias = 5;
  double l1_user = 0, l1_item = 0;      ///< adds 2 l1 |p_u|_1 and 2 l1 |q_i|_1 a rating; one step per rating only
  int negatives = 50;                   ///< warp: drawn for a rating until one violates the margin, at most
  std::optional<double> positive_from;  ///< losses of pairs: the least rating that counts; nullopt: any above 0
  bool nonnegative = false;             ///< factors stay >= 0; one step per rating only
  double nu = 1;                        ///< RegScaling::weight: s = (ratings + unobserved_weight * other rows)^nu
  // implicit feedback
  Convention convention = Convention::hu;
  double alpha = 0;
  double unobserved_weight = 0.3;
  // least squares
  Solver solver = Solver::cholesky;
  int cg_steps = 3;
  int block = 64;                             ///< factors that Solver::subspace solves together
  Precision als_precision = Precision::fp32;  ///< on a device
  // truncated singular value decomposition
  int oversample = 10;       ///< columns of the sketch beside the rank
  int power_iterations = 5;  ///< times that the sketch goes through the ratings and back
  // nonnegative factors
  NmfLoss nmf_loss = NmfLoss::frobenius;
  Missing missing = Missing::unobserved;
  // optimisation
  Position batch_size = 0;  ///< 0: one step per rating
  Optimizer optimizer = Optimizer::sgd;
  Gradients gradients = Gradients::sparse;
  double lr = 0.01;
  double momentum = 0;
  double weight_decay = 0;
  double beta1 = 0.9, beta2 = 0.999;
  double eps = 1e-8;
  double bias_rate = 0.25;  ///< row_adagrad: of a bias's learning rate to its row's slow factors'
  double accumulator = 1;   ///< row_adagrad: what the sums of squared gradients begin with
  LrSchedule lr_schedule = LrSchedule::constant;
  double lr_decay = 0.1;  ///< beta of lr / (1 + beta * t^1.5)
  Shuffle shuffle = Shuffle::epoch;
  int epochs = 100;
  std::uint64_t seed = 42;
  Storage storage = Storage::fp32;  ///< of the factors while they are trained, one step per rating
  int grid = 0;                     ///< user and item ranges of the block grid; 0: from the data
  SgdPlan device_plan = SgdPlan::chunks;
  Position device_memory = 0;  ///< bytes that may be used of a device's memory; 0: all that is free
  // validation and stopping
  double valid_frac = 0.05;  ///< 0: none
  bool early_stopping = true;
  int patience = 15;
  double min_delta = 0;
  // engine
  std::string engine = "auto";
  int threads = 0;  ///< 0: all

  /// Does a rating count, for a loss of pairs?
  bool is_positive(float rating) const { return positive_from ? rating >= *positive_from : rating > 0; }
};

}  // namespace wf
