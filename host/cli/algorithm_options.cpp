#include "host/cli/algorithm_options.hpp"

#include "host/base/error.hpp"
#include "host/config/names.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace wf::cli {
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
        "nonnegative",
        "loss",
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
      {{Algorithm::sgd, Algorithm::als},
       {"biases", "bias-init", "lambda-bias", "global-mean", "valid-frac", "patience", "min-delta"}},
      {{Algorithm::als, Algorithm::ials}, {"solver", "cg-steps", "block", "nu", "als-precision"}},
      {{Algorithm::ials}, {"convention", "alpha", "unobserved-weight"}}};
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

}  // namespace

void apply_algorithm_defaults(TrainConfig& config, const TrainRequest& request) {
  if (config.algorithm == Algorithm::sgd) return;
  const auto given = [&request](const char* option) { return request.given.contains(option); };
  config.lr = 0;
  if (!given("epochs")) config.epochs = 20;
  if (request.lambda) {
    if (!given("lambda-user")) config.lambda_user = *request.lambda;
    if (!given("lambda-item")) config.lambda_item = *request.lambda;
  }
  if (config.algorithm != Algorithm::ials) return;
  const bool weighs_all = config.convention == Convention::implicit || config.convention == Convention::spark;
  if (weighs_all && !given("unobserved-weight")) config.unobserved_weight = 1;
  if (weighs_all && !given("alpha")) config.alpha = 1;
  if (!given("reg-scaling")) {
    config.reg_scaling = config.convention == Convention::implicit ? RegScaling::none
                         : config.convention == Convention::spark  ? RegScaling::count
                                                                   : RegScaling::weight;
  }
  const double lambda = config.convention == Convention::implicit ? 0.01
                        : config.convention == Convention::spark  ? 0.1
                                                                  : 0.005;
  if (!request.lambda && !given("lambda-user")) config.lambda_user = lambda;
  if (!request.lambda && !given("lambda-item")) config.lambda_item = lambda;
  config.biases = false;
  config.bias_init = BiasInit::zero;
  config.valid_frac = 0;
  if (!given("init-scale") && config.init.kind == Init::scaled) config.init.scale = 0.1F;
}

void check_algorithm(const TrainConfig& config, const TrainRequest& request) {
  const Algorithm algorithm = config.algorithm;
  for (const Readers& row : readers()) {
    if (std::find(row.algorithms.begin(), row.algorithms.end(), algorithm) != row.algorithms.end()) continue;
    for (const char* option : row.options) {
      if (!request.given.contains(option)) continue;
      throw UsageError(
          fmt::format("--{} is for --algorithm {}, and this is {}", option, words(row.algorithms), name_of(algorithm)),
          "leave it out, or take that algorithm");
    }
  }
  if (algorithm == Algorithm::sgd) {
    if (config.reg_scaling == RegScaling::weight) refuse("reg-scaling weight", "--algorithm als or ials");
    return;
  }
  if (algorithm == Algorithm::ials && !request.valid.empty()) {
    throw UsageError("--algorithm ials validates nothing: an error of scores says little about their order",
                     "leave out --valid");
  }
  if (!request.batch_losses.empty()) refuse("batch-losses", "--batch-size");
  if (request.given.contains("cg-steps") && config.solver != Solver::cg) refuse("cg-steps", "--solver cg");
  if (request.given.contains("block") && config.solver != Solver::subspace) refuse("block", "--solver subspace");
  if (request.given.contains("nu") && config.reg_scaling != RegScaling::weight) refuse("nu", "--reg-scaling weight");
  if (request.given.contains("alpha") && config.convention == Convention::ials) {
    refuse("alpha", "another --convention: with ials every rating weighs the same");
  }
  if (config.solver == Solver::subspace && algorithm != Algorithm::ials) refuse("solver subspace", "--algorithm ials");
}

}  // namespace wf::cli
