#include "host/settings/algorithm_settings.hpp"

#include "host/base/error.hpp"
#include "host/config/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>

namespace wf {
namespace {

using Algorithms = std::vector<Algorithm>;

struct Readers {
  Algorithms algorithms;
  std::vector<const char*> options;
};

/// What is not here, all read.
const std::vector<Readers>& readers() {
  static const std::vector<Readers> kReaders{
      {{Algorithm::sgd},
       {"batch-size",
        "optimizer",
        "accumulator",
        "bias-rate",
        "gradients",
        "momentum",
        "weight-decay",
        "beta1",
        "beta2",
        "eps",
        "lr",
        "lr-schedule",
        "lr-decay",
        "l1",
        "l1-user",
        "l1-item",
        "nonnegative",
        "loss",
        "positive-from",
        "negatives",
        "reduction",
        "shuffle",
        "storage",
        "device-plan",
        "grid",
        "max-norm",
        "norm-type",
        "scale-grad-by-freq",
        "user-padding-idx",
        "item-padding-idx"}},
      {{Algorithm::sgd, Algorithm::als, Algorithm::gd, Algorithm::ccd},
       {"biases", "bias-init", "lambda-bias", "global-mean"}},
      {{Algorithm::sgd, Algorithm::als, Algorithm::nmf, Algorithm::gd, Algorithm::ccd},
       {"valid-frac", "patience", "min-delta"}},
      {{Algorithm::als, Algorithm::ials, Algorithm::nmf}, {"solver"}},
      {{Algorithm::als, Algorithm::ials}, {"cg-steps", "block", "als-precision"}},
      {{Algorithm::als, Algorithm::ials, Algorithm::gd, Algorithm::ccd}, {"nu"}},
      {{Algorithm::nmf}, {"nmf-loss", "missing"}},
      {{Algorithm::sgd, Algorithm::als, Algorithm::ials, Algorithm::nmf, Algorithm::gd, Algorithm::ccd},
       {"epochs", "init", "init-scale"}},
      {{Algorithm::ials}, {"convention", "alpha", "unobserved-weight"}},
      {{Algorithm::svd, Algorithm::pca}, {"oversample", "power-iterations"}},
      {{Algorithm::sgd, Algorithm::als, Algorithm::ials, Algorithm::gd, Algorithm::ccd},
       {"lambda", "lambda-user", "lambda-item", "reg-scaling"}}};
  return kReaders;
}

std::string words(const Algorithms& algorithms) {
  std::string text;
  for (const Algorithm algorithm : algorithms) text += (text.empty() ? "" : " or ") + std::string(name_of(algorithm));
  return text;
}

void refuse(const char* option, const char* needs) {
  throw UsageError(fmt::format("--{} has no effect here: it needs {}", option, needs), "leave it out");
}

/// What --lambda is multiplied with: as said, else ials's by convention.
RegScaling scaling_of(const TrainConfig& config, const TrainSettings& settings) {
  if (config.algorithm != Algorithm::ials || settings.given.contains("reg-scaling")) return config.reg_scaling;
  return config.convention == Convention::implicit ? RegScaling::none
         : config.convention == Convention::spark  ? RegScaling::count
                                                   : RegScaling::weight;
}

}  // namespace

void apply_algorithm_defaults(TrainConfig& config, const TrainSettings& settings) {
  const Algorithm algorithm = config.algorithm;
  if (algorithm == Algorithm::sgd) return;
  const auto given = [&settings](const char* option) { return settings.given.contains(option); };
  config.lr = 0;
  if (finds_spectrum(algorithm)) {
    config.epochs = 1;
    config.lambda_user = config.lambda_item = 0;
    config.biases = algorithm == Algorithm::pca;
    config.bias_init = BiasInit::zero;
    config.global_mean = 0;
    config.valid_frac = 0;
    return;
  }
  if (algorithm == Algorithm::nmf) {
    if (!given("epochs")) config.epochs = 100;
    if (!given("solver")) config.solver = Solver::multiplicative;
    config.lambda_user = config.lambda_item = 0;
    config.biases = false;
    config.bias_init = BiasInit::zero;
    if (config.missing == Missing::zero) config.valid_frac = 0;
    return;
  }
  if (!given("epochs")) config.epochs = algorithm == Algorithm::gd ? 100 : 20;
  if (settings.lambda) {
    if (!given("lambda-user")) config.lambda_user = *settings.lambda;
    if (!given("lambda-item")) config.lambda_item = *settings.lambda;
  }
  if (config.algorithm != Algorithm::ials) return;
  const bool weighs_all = config.convention == Convention::implicit || config.convention == Convention::spark;
  if (weighs_all && !given("unobserved-weight")) config.unobserved_weight = 1;
  if (weighs_all && !given("alpha")) config.alpha = 1;
  config.reg_scaling = scaling_of(config, settings);
  const double lambda = config.convention == Convention::implicit ? 0.01
                        : config.convention == Convention::spark  ? 0.1
                                                                  : 0.005;
  if (!settings.lambda && !given("lambda-user")) config.lambda_user = lambda;
  if (!settings.lambda && !given("lambda-item")) config.lambda_item = lambda;
  config.biases = false;
  config.bias_init = BiasInit::zero;
  config.valid_frac = 0;
  if (!given("init-scale") && config.init.kind == Init::scaled) config.init.scale = 0.1F;
}

std::set<std::string> unread_options(Algorithm algorithm) {
  std::set<std::string> options;
  for (const Readers& row : readers()) {
    if (std::find(row.algorithms.begin(), row.algorithms.end(), algorithm) != row.algorithms.end()) continue;
    options.insert(row.options.begin(), row.options.end());
  }
  return options;
}

void check_algorithm(const TrainConfig& config, const TrainSettings& settings) {
  const Algorithm algorithm = config.algorithm;
  std::set<std::string> all_given = settings.given;
  if (settings.lambda) all_given.insert("lambda");
  for (const Readers& row : readers()) {
    if (std::find(row.algorithms.begin(), row.algorithms.end(), algorithm) != row.algorithms.end()) continue;
    for (const char* option : row.options) {
      if (!all_given.contains(option)) continue;
      throw UsageError(
          fmt::format("--{} is for --algorithm {}, and this is {}", option, words(row.algorithms), name_of(algorithm)),
          "leave it out, or take that algorithm");
    }
  }
  if (algorithm == Algorithm::sgd) {
    if (config.reg_scaling == RegScaling::weight) refuse("reg-scaling weight", "--algorithm als or ials");
    return;
  }
  const bool of_nmf = config.solver == Solver::multiplicative || config.solver == Solver::hals;
  if (settings.given.contains("solver") && of_nmf != (algorithm == Algorithm::nmf)) {
    throw UsageError(fmt::format("--solver {} is not for --algorithm {}", name_of(config.solver), name_of(algorithm)),
                     algorithm == Algorithm::nmf ? "take multiplicative or hals" : "take cholesky, cg or subspace");
  }
  if (config.solver == Solver::hals && config.nmf_loss == NmfLoss::kl) {
    throw UsageError("--solver hals is for --nmf-loss frobenius", "take --solver multiplicative");
  }
  if (algorithm == Algorithm::nmf && config.missing == Missing::zero && settings.given.contains("valid-frac")) {
    throw UsageError("--missing zero validates nothing: a cell without a rating is 0 to it",
                     "leave out --valid-frac, or take --missing unobserved");
  }
  if (finds_spectrum(algorithm) && !settings.init_from.empty()) refuse("init-from", "an algorithm that iterates");
  if (settings.given.contains("cg-steps") && config.solver != Solver::cg) refuse("cg-steps", "--solver cg");
  if (settings.given.contains("block") && config.solver != Solver::subspace) refuse("block", "--solver subspace");
  if (settings.given.contains("nu") && scaling_of(config, settings) != RegScaling::weight)
    refuse("nu", "--reg-scaling weight");
  if (settings.given.contains("alpha") && config.convention == Convention::ials) {
    refuse("alpha", "another --convention: with ials every rating weighs the same");
  }
  if (config.solver == Solver::subspace && algorithm != Algorithm::ials) refuse("solver subspace", "--algorithm ials");
}

}  // namespace wf
