#include "host/settings/train_settings.hpp"

#include "host/base/error.hpp"
#include "host/config/names.hpp"
#include "host/settings/algorithm_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace wf {
namespace {

using Given = std::set<std::string>;

constexpr int kWarpEpochs = 30;  // docs/decisions/0018-losses-of-pairs.md

/// Of mini-batches. sgd: a rating's step is as long as in per-rating SGD at lr 0.01 (the slope of err^2 is 2 err), up
/// to some batch size, and where popular rows would add up to too much (scale_defaults).
double default_lr(const TrainConfig& config) {
  constexpr double kStep = 0.005;
  constexpr Position kLargest = 16384;
  switch (config.optimizer) {
    case Optimizer::adagrad:
      return 0.05;
    case Optimizer::adam:
    case Optimizer::sparse_adam:
      return 0.005;
    case Optimizer::row_adagrad:  // of ratings only; refused elsewhere
    case Optimizer::sgd:
      break;
  }
  if (config.reduction == Reduction::sum) return kStep;
  return kStep * static_cast<double>(std::min(config.batch_size, kLargest));
}

/// Is a score near the rating that it is learnt from?
bool fits_least_squares(Loss loss) {
  return loss != Loss::bce_with_logits && !counts_mistakes(loss);
}

/// Whatever was not given and depends on other options; what depends on the ratings is scale_defaults'.
void apply_defaults(TrainConfig& config, const TrainSettings& settings) {
  const Given& given = settings.given;
  const std::optional<double>& lambda = settings.lambda;
  const bool batches = config.batch_size > 0;
  const double default_value = batches ? 0 : default_lambda(config.loss);
  if (!given.contains("lambda-user")) config.lambda_user = lambda.value_or(default_value);
  if (!given.contains("lambda-item")) config.lambda_item = lambda.value_or(default_value);
  if (batches && !given.contains("lambda-bias")) config.lambda_bias = 0;
  if (settings.l1) {
    if (!given.contains("l1-user")) config.l1_user = *settings.l1;
    if (!given.contains("l1-item")) config.l1_item = *settings.l1;
  }
  if (config.loss == Loss::kl) {  // a logarithm of scores: they stay above 0 where factors do and biases are none
    config.nonnegative = true;
    if (!given.contains("biases")) config.biases = false;
  }
  const bool biases_start_at_zero = batches || given.contains("global-mean") || !settings.init_from.empty() ||
                                    !fits_least_squares(config.loss) || !config.biases;
  if (biases_start_at_zero && !given.contains("bias-init")) config.bias_init = BiasInit::zero;
  // the default scale is tuned for `scaled` and steps per rating; elsewhere the words mean what they mean in PyTorch
  if (!given.contains("init-scale") && (batches || config.init.kind != Init::scaled)) config.init.scale = 1;
  // one step per rating: as good a model as plain SGD in a quarter of the time (docs/decisions/0001-defaults.md)
  const bool adagrad = config.loss == Loss::mse || config.loss == Loss::kl || counts_mistakes(config.loss);
  if (!batches && adagrad && !given.contains("optimizer")) config.optimizer = Optimizer::row_adagrad;
  if (batches && !given.contains("lr")) config.lr = default_lr(config);
  if (config.optimizer == Optimizer::row_adagrad && !given.contains("lr")) config.lr = default_lr(config.loss);
  if (config.loss == Loss::warp && !given.contains("epochs")) config.epochs = kWarpEpochs;
  if (is_pairwise(config.loss)) {  // a loss of random pairs goes up long before the order of the best items is learnt
    config.early_stopping = false;
    if (!given.contains("valid-frac")) config.valid_frac = 0;
  }
  if (!given.contains("eps")) config.eps = config.optimizer == Optimizer::adagrad ? 1e-10 : 1e-8;
}

/// What losses of pairs cannot be asked for.
void check_pairwise(const TrainConfig& config, const TrainSettings& settings) {
  if (!is_pairwise(config.loss)) return;
  const auto name = name_of(config.loss);
  if (config.storage != Storage::fp32) {
    throw UsageError(fmt::format("--loss {} keeps factors in fp32", name), "leave out --storage");
  }
  if (settings.given.contains("device-plan")) {
    throw UsageError(fmt::format("--loss {} has a plan of its own", name), "leave out --device-plan");
  }
}

void check_per_rating(const TrainConfig& config, const Given& given) {
  const char* cure = "add --batch-size N: one step per rating is sgd or row_adagrad, without it";
  if (config.optimizer != Optimizer::sgd && config.optimizer != Optimizer::row_adagrad) {
    throw UsageError(fmt::format("--optimizer {} needs mini-batches", name_of(config.optimizer)), cure);
  }
  for (const char* option : {"momentum", "weight-decay", "beta1", "beta2", "eps", "max-norm", "scale-grad-by-freq",
                             "user-padding-idx", "item-padding-idx"}) {
    if (given.contains(option)) throw UsageError(fmt::format("--{} needs mini-batches", option), cure);
  }
  if (config.gradients == Gradients::dense) throw UsageError("--gradients dense needs mini-batches", cure);
  if (config.reduction == Reduction::sum) throw UsageError("--reduction sum needs mini-batches", cure);
}

void check_optimizer(const TrainConfig& config, const Given& given) {
  for (const char* option : {"l1", "l1-user", "l1-item", "nonnegative", "storage", "device-plan"}) {
    if (given.contains(option)) {
      throw UsageError(fmt::format("--{} needs one step per rating", option), "leave out --batch-size");
    }
  }
  if (is_pairwise(config.loss)) {
    throw UsageError(fmt::format("--loss {} draws a pair for each rating, not for mini-batches", name_of(config.loss)),
                     "leave out --batch-size");
  }
  if (config.loss == Loss::kl) {
    throw UsageError("--loss kl needs factors at 0 or above, which mini-batches do not keep", "leave out --batch-size");
  }
  if (config.optimizer == Optimizer::row_adagrad) {
    throw UsageError("--optimizer row_adagrad steps ratings, not mini-batches",
                     "leave out --batch-size, or take --optimizer adagrad");
  }
  const bool sparse = config.gradients == Gradients::sparse;
  const auto name = name_of(config.optimizer);
  if (config.optimizer == Optimizer::adam && sparse) {
    throw UsageError("--optimizer adam takes no sparse gradients, as in PyTorch",
                     "add --gradients dense, or take --optimizer sparse_adam");
  }
  if (config.optimizer == Optimizer::sparse_adam && !sparse) {
    throw UsageError("--optimizer sparse_adam takes no dense gradients, as in PyTorch",
                     "take --optimizer adam, or --gradients sparse");
  }
  if (config.weight_decay > 0 && sparse) {
    throw UsageError("--weight-decay does not go with sparse gradients, as in PyTorch",
                     "add --gradients dense, or take --lambda, which decays the rows of the batch");
  }
  if (config.momentum > 0 && config.optimizer != Optimizer::sgd) {
    throw UsageError(fmt::format("--momentum is sgd's, not {}'s", name), "leave it out, or take --optimizer sgd");
  }
}

void check_biases(const TrainConfig& config, const TrainSettings& settings) {
  if (config.bias_init == BiasInit::zero) return;
  const char* cure = "leave one of them out";
  if (!config.biases) throw UsageError("--bias-init fitted needs biases", cure);
  if (config.global_mean) throw UsageError("--bias-init fitted goes with --global-mean auto", cure);
  if (!fits_least_squares(config.loss)) {
    throw UsageError(
        fmt::format("--bias-init fitted is by least squares, which --loss {} is not", name_of(config.loss)), cure);
  }
  if (!settings.init_from.empty()) throw UsageError("--bias-init fitted and --init-from exclude each other", cure);
}

/// Options that would be accepted and do nothing. Those of an optimizer or of max_norm are not among them: scripts that
/// repeat a PyTorch program name them all.
void check_effect(const TrainConfig& config, const TrainSettings& settings) {
  const bool kaiming = config.init.kind == Init::kaiming_uniform || config.init.kind == Init::kaiming_normal;
  const bool uniform = config.init.kind == Init::uniform;
  const bool grid = config.batch_size == 0 && config.shuffle == Shuffle::epoch;
  struct Need {
    const char* option;
    bool met;
    const char* what;
  };
  for (const Need& need : {Need{"lr-decay", config.lr_schedule == LrSchedule::inverse, "--lr-schedule inverse"},
                           Need{"init-low", uniform, "--init uniform"}, Need{"init-high", uniform, "--init uniform"},
                           Need{"fan-mode", kaiming, "--init kaiming_uniform or kaiming_normal"},
                           Need{"nonlinearity", kaiming, "--init kaiming_uniform or kaiming_normal"},
                           Need{"negative-slope", config.init.nonlinearity == Nonlinearity::leaky_relu && kaiming,
                                "--init kaiming_uniform or kaiming_normal and --nonlinearity leaky_relu"},
                           Need{"lambda-bias", config.biases, "--biases"},
                           Need{"bias-rate", config.optimizer == Optimizer::row_adagrad && config.biases,
                                "--optimizer row_adagrad and --biases"},
                           Need{"negatives", config.loss == Loss::warp, "--loss warp"},
                           Need{"positive-from", is_pairwise(config.loss), "--loss bpr, bpr_item or warp"},
                           Need{"global-mean", !is_pairwise(config.loss), "a loss of single ratings"},
                           Need{"accumulator", config.optimizer == Optimizer::row_adagrad, "--optimizer row_adagrad"},
                           Need{"grid", grid || config.grid == 0, "one step per rating and --shuffle epoch"}}) {
    if (settings.given.contains(need.option) && !need.met) {
      throw UsageError(fmt::format("--{} has no effect here: it needs {}", need.option, need.what), "leave it out");
    }
  }
}

/// Those whose defaults are in units of the ratings' deviation.
bool scales_with_ratings(Algorithm algorithm) {
  return algorithm == Algorithm::sgd || algorithm == Algorithm::als || algorithm == Algorithm::gd ||
         algorithm == Algorithm::ccd;
}

}  // namespace

TrainConfig resolve(const TrainSettings& settings) {
  TrainConfig config = settings.config;
  check_algorithm(config, settings);
  apply_defaults(config, settings);
  apply_algorithm_defaults(config, settings);
  if (config.batch_size == 0) {
    check_per_rating(config, settings.given);
  } else {
    check_optimizer(config, settings.given);
  }
  check_pairwise(config, settings);
  check_biases(config, settings);
  check_effect(config, settings);
  if (config.init.kind == Init::uniform && !(config.init.low <= config.init.high)) {
    throw UsageError(fmt::format("--init-low {} is above --init-high {}", config.init.low, config.init.high),
                     "swap them");
  }
  return config;
}

void scale_defaults(TrainConfig& config, const TrainSettings& settings, const RatingScale& scale) {
  const auto given = [&settings](const char* option) { return settings.given.contains(option); };
  if (config.batch_size > 0) {
    if (config.optimizer != Optimizer::sgd || given("lr") || !(scale.largest_share > 0)) return;
    const double ratings = config.reduction == Reduction::sum ? static_cast<double>(config.batch_size) : 1;
    config.lr = std::min(config.lr, 0.5 / (scale.largest_share * ratings));
    return;
  }
  if (config.algorithm == Algorithm::nmf && !given("init") && !given("init-scale")) {
    // sizes of N(0, 1), whose mean is sqrt(2 / pi): scores begin with the mean of the cells that count
    config.init.kind = Init::normal;
    config.init.scale = static_cast<float>(std::sqrt(M_PI / 2 * std::max(scale.mean, 0.0) / config.rank));
  }
  if (config.loss == Loss::kl && scale.mean > 0) {
    constexpr double kMean = 3.5;  // of the ratings that the defaults were measured with
    const double times = scale.mean / kMean;
    const bool adagrad = config.optimizer == Optimizer::row_adagrad;
    if (!given("lr") && adagrad) config.lr *= std::sqrt(times);
    if (!given("accumulator") && adagrad) config.accumulator *= times;
    if (!given("init-scale") && config.init.kind == Init::scaled) {
      config.init.scale *= static_cast<float>(std::sqrt(times));
    }
    return;
  }
  const double deviation = scale.deviation;
  if (config.loss != Loss::mse || !scales_with_ratings(config.algorithm) || !(deviation > 0)) return;
  const bool adagrad = config.optimizer == Optimizer::row_adagrad;
  // gradients of factors are as large as deviation^1.5, and what divides them is, too
  if (!given("lr")) config.lr *= adagrad ? std::sqrt(deviation) : 1 / deviation;
  if (!given("bias-rate") && adagrad) config.bias_rate *= deviation;
  if (!given("accumulator") && adagrad) config.accumulator *= deviation * deviation * deviation;
  if (!settings.lambda && !given("lambda-user")) config.lambda_user *= deviation;
  if (!settings.lambda && !given("lambda-item")) config.lambda_item *= deviation;
  if (!given("init-scale") && config.init.kind == Init::scaled) {
    config.init.scale *= static_cast<float>(std::sqrt(deviation));
  }
}

}  // namespace wf
