#include "host/api/config_json.hpp"

#include "host/base/json_text.hpp"
#include "host/config/names.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace wf {

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

std::map<std::string, std::string> config_values(const TrainConfig& config) {
  std::map<std::string, std::string> values;
  const nlohmann::json json = nlohmann::json::parse(config_json(config));
  for (const auto& [name, value] : json.items()) {
    std::string key = name;
    std::replace(key.begin(), key.end(), '_', '-');
    if (!value.is_null()) values[key] = value.dump();
  }
  return values;
}

}  // namespace wf
