#include "host/cli/resolve_config.hpp"

#include "host/cli/algorithm_options.hpp"
#include "host/cli/json_text.hpp"
#include "host/config/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace wf::cli {
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
void apply_defaults(TrainConfig& config, const TrainRequest& request) {
  const Given& given = request.given;
  const std::optional<double>& lambda = request.lambda;
  const bool batches = config.batch_size > 0;
  const double default_value = batches ? 0 : default_lambda(config.loss);
  if (!given.contains("lambda-user")) config.lambda_user = lambda.value_or(default_value);
  if (!given.contains("lambda-item")) config.lambda_item = lambda.value_or(default_value);
  if (batches && !given.contains("lambda-bias")) config.lambda_bias = 0;
  if (request.l1) {
    if (!given.contains("l1-user")) config.l1_user = *request.l1;
    if (!given.contains("l1-item")) config.l1_item = *request.l1;
  }
  if (config.loss == Loss::kl) {  // a logarithm of scores: they stay above 0 where factors do and biases are none
    config.nonnegative = true;
    if (!given.contains("biases")) config.biases = false;
  }
  const bool biases_start_at_zero = batches || given.contains("global-mean") || !request.init_from.empty() ||
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
void check_pairwise(const TrainConfig& config, const TrainRequest& request) {
  if (!is_pairwise(config.loss)) return;
  const auto name = name_of(config.loss);
  if (config.storage != Storage::fp32) {
    throw UsageError(fmt::format("--loss {} keeps factors in fp32", name), "leave out --storage");
  }
  if (request.given.contains("device-plan")) {
    throw UsageError(fmt::format("--loss {} has a plan of its own", name), "leave out --device-plan");
  }
  if (request.memory > 0) {
    throw UsageError(fmt::format("--loss {} needs all ratings in memory", name), "leave out --memory");
  }
}

void check_per_rating(const TrainConfig& config, const Given& given, const TrainRequest& request) {
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
  if (!request.batch_losses.empty()) {
    throw UsageError("--batch-losses needs mini-batches", "add --batch-size N; without, there is no batch");
  }
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

void check_biases(const TrainConfig& config, const TrainRequest& request) {
  if (config.bias_init == BiasInit::zero) return;
  const char* cure = "leave one of them out";
  if (!config.biases) throw UsageError("--bias-init fitted needs biases", cure);
  if (config.global_mean) throw UsageError("--bias-init fitted goes with --global-mean auto", cure);
  if (!fits_least_squares(config.loss)) {
    throw UsageError(
        fmt::format("--bias-init fitted is by least squares, which --loss {} is not", name_of(config.loss)), cure);
  }
  if (!request.init_from.empty()) throw UsageError("--bias-init fitted and --init-from exclude each other", cure);
}

void check_validation(const TrainRequest& request) {
  if (request.no_valid && !request.valid.empty()) {
    throw UsageError("--no-valid and --valid exclude each other", "give one of them");
  }
  if (request.no_valid && request.given.contains("valid-frac") && request.config.valid_frac > 0) {
    throw UsageError("--no-valid and --valid-frac exclude each other", "give one of them");
  }
  if (!request.valid.empty() && request.given.contains("valid-frac")) {
    throw UsageError("--valid and --valid-frac exclude each other", "give one of them");
  }
  if (request.data == "-" && request.valid == "-") {
    throw UsageError("DATA and --valid are both stdin", "write one of them to a file");
  }
}

/// Options that would be accepted and do nothing. Those of an optimizer or of max_norm are not among them: scripts that
/// repeat a PyTorch program name them all.
void check_effect(const TrainConfig& config, const TrainRequest& request) {
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
    if (request.given.contains(need.option) && !need.met) {
      throw UsageError(fmt::format("--{} has no effect here: it needs {}", need.option, need.what), "leave it out");
    }
  }
}

void check_rows(const TrainConfig& config, const ReaderRequest& reader) {
  const auto check = [](const char* option, RowId row, const char* size_option, Position size) {
    if (size > 0 && row >= size) {
      throw UsageError(fmt::format("{} {} lies outside the table of {} rows", option, row, size),
                       fmt::format("rows count from 0; {} says how many there are", size_option));
    }
  };
  check("--user-padding-idx", config.user_padding, "--n-users", reader.n_users);
  check("--item-padding-idx", config.item_padding, "--n-items", reader.n_items);
}

/// Options of train that would be accepted and do nothing in verify.
void check_compared(const TrainRequest& request) {
  std::vector<std::string> idle;
  for (const char* option : {"user-padding-idx", "item-padding-idx", "shuffle", "grid", "epochs", "bias-init"}) {
    if (request.given.contains(option)) idle.emplace_back(option);
  }
  if (!request.init_from.empty()) idle.emplace_back("init-from");
  if (idle.empty()) return;
  throw UsageError(
      fmt::format("--{} has no effect here: verify draws ratings, numbers their rows anew and starts there",
                  idle.front()),
      "leave it out");
}

/// Those whose defaults are in units of the ratings' deviation.
bool scales_with_ratings(Algorithm algorithm) {
  return algorithm == Algorithm::sgd || algorithm == Algorithm::als || algorithm == Algorithm::gd ||
         algorithm == Algorithm::ccd;
}

}  // namespace

TrainConfig resolve_config(const TrainRequest& request) {
  TrainConfig config = request.config;
  check_algorithm(config, request);
  apply_defaults(config, request);
  apply_algorithm_defaults(config, request);
  if (config.batch_size == 0) {
    check_per_rating(config, request.given, request);
  } else {
    check_optimizer(config, request.given);
  }
  check_pairwise(config, request);
  check_biases(config, request);
  check_effect(config, request);
  check_validation(request);
  check_rows(config, request.reader);
  if (config.init.kind == Init::uniform && !(config.init.low <= config.init.high)) {
    throw UsageError(fmt::format("--init-low {} is above --init-high {}", config.init.low, config.init.high),
                     "swap them");
  }
  if (request.no_valid || !request.valid.empty()) config.valid_frac = 0;
  return config;
}

TrainRequest compared_steps(const VerifyRequest& request) {
  TrainRequest train = request.train;
  if (!train.given.contains("batch-size")) train.config.batch_size = 1024;
  if (train.config.batch_size == 0) {
    throw UsageError("verify compares mini-batches, and then steps per rating anyway", "leave --batch-size 0 out");
  }
  check_compared(train);
  train.given.erase("device-plan");  // of the steps per rating that follow
  return train;
}

void check_device_options(const TrainRequest& request, const Engine& engine) {
  if (request.deterministic && request.given.contains("device-plan")) {
    throw UsageError("--deterministic has a plan of its own, a warp for each block", "leave out --device-plan");
  }
  if (engine.memory()) return;
  for (const std::string option : {"device-memory", "device-plan", "storage", "als-precision"}) {
    const bool is_default = (option == "storage" && request.config.storage == Storage::fp32) ||
                            (option == "als-precision" && request.config.als_precision == Precision::fp32);
    if (!request.given.contains(option) || is_default) continue;
    throw UsageError(fmt::format("--{} is for a device, and engine {} has none", option, engine.name()),
                     "leave it out, or take --engine cuda");
  }
}

void scale_defaults(TrainConfig& config, const TrainRequest& request, const RatingScale& scale) {
  const auto given = [&request](const char* option) { return request.given.contains(option); };
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
  if (!request.lambda && !given("lambda-user")) config.lambda_user *= deviation;
  if (!request.lambda && !given("lambda-item")) config.lambda_item *= deviation;
  if (!given("init-scale") && config.init.kind == Init::scaled) {
    config.init.scale *= static_cast<float>(std::sqrt(deviation));
  }
}

std::string config_json(const TrainConfig& config) {
  JsonObject object;
  object.text("algorithm", name_of(config.algorithm))
      .count("rank", config.rank)
      .boolean("biases", config.biases)
      .text("bias_init", name_of(config.bias_init))
      .number("global_mean", config.global_mean)
      .text("init", name_of(config.init.kind))
      .number("init_scale", config.init.scale)
      .number("init_low", config.init.low)
      .number("init_high", config.init.high)
      .text("fan_mode", name_of(config.init.fan_mode))
      .text("nonlinearity", name_of(config.init.nonlinearity))
      .number("negative_slope", config.init.negative_slope)
      .number("max_norm", config.norm_limit.max_norm)
      .number("norm_type", config.norm_limit.norm_type)
      .boolean("scale_grad_by_freq", config.scale_grad_by_freq)
      .count("user_padding_idx", config.user_padding)
      .count("item_padding_idx", config.item_padding)
      .text("loss", name_of(config.loss))
      .text("reduction", name_of(config.reduction))
      .number("lambda_user", config.lambda_user)
      .number("lambda_item", config.lambda_item)
      .number("lambda_bias", config.lambda_bias)
      .number("l1_user", config.l1_user)
      .number("l1_item", config.l1_item)
      .boolean("nonnegative", config.nonnegative)
      .count("negatives", config.negatives)
      .number("positive_from", config.positive_from)
      .text("storage", name_of(config.storage))
      .text("reg_scaling", name_of(config.reg_scaling))
      .number("nu", config.nu)
      .text("convention", name_of(config.convention))
      .number("alpha", config.alpha)
      .number("unobserved_weight", config.unobserved_weight)
      .text("solver", name_of(config.solver))
      .count("cg_steps", config.cg_steps)
      .count("block", config.block)
      .text("als_precision", name_of(config.als_precision))
      .text("nmf_loss", name_of(config.nmf_loss))
      .text("missing", name_of(config.missing))
      .count("oversample", config.oversample)
      .count("power_iterations", config.power_iterations)
      .count("batch_size", config.batch_size)
      .text("optimizer", name_of(config.optimizer))
      .text("gradients", name_of(config.gradients))
      .number("lr", config.lr)
      .number("momentum", config.momentum)
      .number("weight_decay", config.weight_decay)
      .number("beta1", config.beta1)
      .number("beta2", config.beta2)
      .number("eps", config.eps)
      .number("bias_rate", config.bias_rate)
      .number("accumulator", config.accumulator)
      .text("lr_schedule", name_of(config.lr_schedule))
      .number("lr_decay", config.lr_decay)
      .text("shuffle", name_of(config.shuffle))
      .count("epochs", config.epochs)
      .raw("seed", std::to_string(config.seed))
      .count("grid", config.grid)
      .number("valid_frac", config.valid_frac)
      .boolean("early_stopping", config.early_stopping)
      .count("patience", config.patience)
      .number("min_delta", config.min_delta)
      .text("engine", config.engine)
      .count("threads", config.threads);
  return object.str();
}

}  // namespace wf::cli
