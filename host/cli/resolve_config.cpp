#include "host/cli/resolve_config.hpp"

#include "host/config/names.hpp"
#include "host/settings/algorithm_settings.hpp"

#include <fmt/format.h>

namespace wf::cli {
namespace {

void check_validation(const TrainConfig& config, const TrainRequest& request) {
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
  if (request.valid.empty() || validates(config)) return;
  throw UsageError(fmt::format("--algorithm {} validates nothing: {}", name_of(config.algorithm),
                               config.algorithm == Algorithm::ials ? "an error of scores says little about their order"
                                                                   : "a cell without a rating is 0 to it"),
                   "leave out --valid");
}

void check_extras(const TrainConfig& config, const TrainRequest& request) {
  if (is_pairwise(config.loss) && request.memory > 0) {
    throw UsageError(fmt::format("--loss {} needs all ratings in memory", name_of(config.loss)), "leave out --memory");
  }
  if (!request.batch_losses.empty() && config.batch_size == 0) {
    throw UsageError("--batch-losses needs mini-batches", "add --batch-size N; without, there is no batch");
  }
  const bool checkpoints = request.checkpoint_epochs > 0 || request.checkpoint_seconds > 0;
  if (!request.batch_losses.empty() && (checkpoints || request.resume)) {
    throw UsageError(
        fmt::format("--batch-losses and {} exclude each other: a checkpoint has no losses of single batches",
                    checkpoints ? "--checkpoint-every" : "--resume"),
        "leave one of them out");
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

}  // namespace

TrainConfig resolve_config(const TrainRequest& request) {
  TrainConfig config = resolve(request);
  check_validation(config, request);
  check_extras(config, request);
  check_rows(config, request.reader);
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

}  // namespace wf::cli
