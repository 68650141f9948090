#include "host/api/record.hpp"

#include "host/api/config_json.hpp"
#include "host/base/json_numbers.hpp"
#include "host/base/json_text.hpp"
#include "host/base/shown.hpp"
#include "host/config/names.hpp"
#include "host/settings/algorithm_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

namespace wf {
namespace {

const char* ids_word(std::optional<IdKind> kind) {
  if (!kind) return "auto";
  return *kind == IdKind::rows ? "rows" : *kind == IdKind::integers ? "integers" : "strings";
}

std::string reader_json(const ReaderRequest& reader) {
  JsonObject object;
  const ReadOptions& options = reader.options;
  object.text("sep", options.separator);
  object.raw("header", options.header ? (*options.header ? "true" : "false") : "null");
  object.text("col_user", options.user_column)
      .text("col_item", options.item_column)
      .text("col_rating", options.rating_column)
      .text("ids", ids_word(options.ids))
      .boolean("lists", options.lists)
      .boolean("skip_bad", options.skip_bad)
      .count("n_users", reader.n_users)
      .count("n_items", reader.n_items);
  return object.str();
}

ReaderRequest parse_reader(const nlohmann::json& json) {
  ReaderRequest reader;
  ReadOptions& options = reader.options;
  options.separator = json.value("sep", "");
  if (json.contains("header") && json["header"].is_boolean()) options.header = json["header"].get<bool>();
  options.user_column = json.value("col_user", "");
  options.item_column = json.value("col_item", "");
  options.rating_column = json.value("col_rating", "");
  const std::string ids = json.value("ids", "auto");
  if (ids == "rows") options.ids = IdKind::rows;
  if (ids == "integers") options.ids = IdKind::integers;
  if (ids == "strings") options.ids = IdKind::strings;
  options.lists = json.value("lists", false);
  options.skip_bad = json.value("skip_bad", false);
  reader.n_users = whole_number_at(json, "n_users", Position{0});
  reader.n_items = whole_number_at(json, "n_items", Position{0});
  return reader;
}

/// Values of the metadata map; absent ones leave the default.
class Metadata {
 public:
  explicit Metadata(const std::map<std::string, std::string>& values) : values_(values) {}

  void text(const char* key, std::string& into) const {
    if (const auto found = values_.find(key); found != values_.end()) into = found->second;
  }
  void count(const char* key, Position& into) const {
    std::string text_value;
    text(key, text_value);
    std::from_chars(text_value.data(), text_value.data() + text_value.size(), into);
  }
  void number(const char* key, std::optional<double>& into) const {
    std::string text_value;
    text(key, text_value);
    double value = 0;
    if (std::from_chars(text_value.data(), text_value.data() + text_value.size(), value).ec == std::errc{}) {
      into = value;
    }
  }
  nlohmann::json json(const char* key) const {
    std::string text_value;
    text(key, text_value);
    return text_value.empty() ? nlohmann::json::object() : nlohmann::json::parse(text_value);
  }

 private:
  const std::map<std::string, std::string>& values_;
};

/// What a message shows of a value: lists and objects by their type, as dump() calls itself for what they hold.
std::string short_text(const nlohmann::json& value) {
  if (value.is_string()) return shown(value.get_ref<const std::string&>());
  return value.is_structured() ? value.type_name() : value.dump();
}

/// A row of a table, or -1. Throws InputError with `path` for anything else.
RowId padding_of(const nlohmann::json& config, const char* key, Position n_rows, const std::string& path) {
  const auto found = config.find(key);
  if (found == config.end()) return -1;
  const std::optional<RowId> row = whole_number<RowId>(*found);
  if (row && *row >= -1 && *row < n_rows) return *row;
  throw InputError({path}, fmt::format("its {} is {}, and no row of {}", key, short_text(*found), n_rows),
                   "train the model again");
}

/// Metadata that holds JSON; null where it is absent or something else.
nlohmann::json json_of(const Model& model, const char* key) {
  const auto found = model.metadata.find(key);
  return found == model.metadata.end() ? nlohmann::json() : nlohmann::json::parse(found->second, nullptr, false);
}

/// An epoch that train can have made, or none.
std::optional<int> epoch_of(const nlohmann::json& number) {
  constexpr int kMostEpochs = 1000000;
  const std::optional<int> epoch = whole_number<int>(number);
  return epoch && *epoch >= 0 && *epoch <= kMostEpochs ? epoch : std::nullopt;
}

/// Did cells without a rating count as 0?
bool counts_all_cells(const nlohmann::json& config, Algorithm algorithm) {
  if (algorithm == Algorithm::nmf) return config.value("missing", "") == name_of(Missing::zero);
  return algorithm == Algorithm::svd || algorithm == Algorithm::pca;
}

}  // namespace

std::string epoch_json(const EpochReport& report) {
  JsonObject object;
  object.count("epoch", report.epoch)
      .number("train_loss", report.train_loss)
      .number("train_rmse", report.train_rmse)
      .number("valid_loss", report.valid_loss)
      .number("valid_rmse", report.valid_rmse)
      .number("valid_mae", report.valid_mae)
      .number("lr", report.lr);
  return object.str();
}

std::string spectrum_json(const Spectrum& spectrum, Algorithm algorithm, Position n_users) {
  if (spectrum.singular_values.empty()) return "null";
  const auto list = [](const std::vector<double>& values, const auto& of_value) {
    std::string text;
    for (const double value : values) text += (text.empty() ? "" : ", ") + json_number(of_value(value));
    return '[' + text + ']';
  };
  JsonObject object;
  object.raw("singular_values", list(spectrum.singular_values, [](double value) { return value; }))
      .number("squared_norm", spectrum.squared_norm)
      .number("share", spectrum.share());
  if (algorithm == Algorithm::pca && n_users > 1) {
    const auto others = static_cast<double>(n_users - 1);
    object
        .raw("explained_variance", list(spectrum.singular_values, [&](double value) { return value * value / others; }))
        .raw("explained_variance_ratio",
             list(spectrum.singular_values, [&](double value) { return value * value / spectrum.squared_norm; }));
  }
  return object.str();
}

void write_record(const TrainingRecord& record, const TrainConfig& config, const TrainResult& result, Model& model) {
  auto& metadata = model.metadata;
  std::string epochs;
  for (const EpochReport& report : result.epochs) epochs += (epochs.empty() ? "" : ", ") + epoch_json(report);
  metadata["program_version"] = WARPFACTOR_VERSION;
  metadata["config"] = config_json(config);
  if (!record.settings.empty()) metadata[kSettingsKey] = record.settings;
  metadata["seed"] = std::to_string(config.seed);
  metadata["data"] = record.data;
  metadata["data_hash"] = record.hash;
  metadata["data_bytes"] = std::to_string(record.bytes);
  metadata["reader"] = reader_json(record.reader);
  metadata["n_ratings"] = std::to_string(record.n_ratings);
  metadata["metrics"] = '[' + epochs + ']';
  metadata["best_epoch"] = std::to_string(result.best_epoch);
  if (!result.spectrum.singular_values.empty()) {
    metadata["spectrum"] = spectrum_json(result.spectrum, config.algorithm, model.n_users);
  }
  const auto baseline = [&metadata](const char* key, std::optional<double> value) {
    if (value) metadata[key] = json_number(*value);
  };
  baseline("baseline_mean_rmse", record.baseline_mean_rmse);
  baseline("baseline_bias_rmse", record.baseline_bias_rmse);
}

TrainingRecord read_record(const Model& model, const std::string& path) {
  TrainingRecord record;
  const Metadata metadata(model.metadata);
  metadata.text("data", record.data);
  metadata.text("data_hash", record.hash);
  metadata.count("data_bytes", record.bytes);
  metadata.count("n_ratings", record.n_ratings);
  metadata.number("baseline_mean_rmse", record.baseline_mean_rmse);
  metadata.number("baseline_bias_rmse", record.baseline_bias_rmse);
  try {
    record.reader = parse_reader(metadata.json("reader"));
    const nlohmann::json config = metadata.json("config");
    record.valid_frac = config.value("valid_frac", 0.0);
    record.seed = whole_number_at(config, "seed", std::uint64_t{0});
    record.loss = from_name<Loss>(config.value("loss", "mse")).value_or(Loss::mse);
    if (const auto least = config.find("positive_from"); least != config.end() && least->is_number()) {
      record.positive_from = least->get<double>();
    }
    record.algorithm = from_name<Algorithm>(config.value("algorithm", "sgd")).value_or(Algorithm::sgd);
    record.all_cells = counts_all_cells(config, record.algorithm);
    record.user_padding = padding_of(config, "user_padding_idx", model.n_users, path);
    record.item_padding = padding_of(config, "item_padding_idx", model.n_items, path);
  } catch (const nlohmann::json::exception& error) {
    throw InputError({path}, std::string("its metadata is damaged: ") + error.what(), "train the model again");
  }
  return record;
}

std::vector<RecordedEpoch> read_epochs(const Model& model) {
  std::vector<RecordedEpoch> epochs;
  const nlohmann::json metrics = json_of(model, "metrics");
  if (!metrics.is_array()) return epochs;
  for (const nlohmann::json& epoch : metrics) {
    if (!epoch.is_object() || !epoch.contains("epoch")) continue;
    const std::optional<int> count = epoch_of(epoch["epoch"]);
    if (!count) continue;
    const auto number = [&epoch](const char* key) {
      const auto found = epoch.find(key);
      return found != epoch.end() && found->is_number() ? std::optional(found->get<double>()) : std::nullopt;
    };
    epochs.push_back({*count, number("train_loss"), number("train_rmse"), number("valid_loss"), number("valid_rmse")});
  }
  return epochs;
}

int best_epoch(const Model& model) {
  return epoch_of(json_of(model, "best_epoch")).value_or(0);
}

std::vector<std::pair<std::string, std::string>> shown_settings(const Model& model) {
  std::vector<std::pair<std::string, std::string>> shown;
  const nlohmann::json config = json_of(model, "config");
  if (!config.is_object()) return shown;
  const auto algorithm = config.find("algorithm");
  const bool named = algorithm != config.end() && algorithm->is_string();
  const std::set<std::string> unread =
      unread_options(from_name<Algorithm>(named ? algorithm->get<std::string>() : "sgd").value_or(Algorithm::sgd));
  for (const auto& [key, option] :
       {std::pair{"algorithm", "algorithm"}, std::pair{"loss", "loss"}, std::pair{"optimizer", "optimizer"},
        std::pair{"epochs", "epochs"}, std::pair{"lr", "lr"}, std::pair{"lambda_user", "lambda-user"},
        std::pair{"lambda_item", "lambda-item"}, std::pair{"batch_size", "batch-size"}, std::pair{"seed", "seed"}}) {
    const auto value = config.find(key);
    if (value == config.end() || unread.contains(option)) continue;
    shown.emplace_back(key, value->is_string()         ? value->get<std::string>()
                            : value->is_number_float() ? fmt::format("{:.6g}", value->get<double>())
                                                       : short_text(*value));
  }
  return shown;
}

std::string no_ratings(const TrainingRecord& record) {
  if (counts_mistakes(record.loss)) {
    return fmt::format(
        "This model was trained with the loss {}: its scores put items in order or decide, and are no "
        "ratings. `warpfactor evaluate` says how well they do.",
        name_of(record.loss));
  }
  if (record.algorithm == Algorithm::ials) {
    return "This model was trained on implicit feedback: its scores put items in order, and are no ratings.";
  }
  return "";
}

TrainConfig read_objective(const Model& model, const std::string& path) {
  const auto found = model.metadata.find("config");
  TrainConfig config;
  try {
    const nlohmann::json json = found == model.metadata.end() ? nlohmann::json() : nlohmann::json::parse(found->second);
    if (!json.contains("lambda_user")) {  // LIBMF's text has a loss and no more
      throw UsageError("the model does not say what it was trained to minimise", "--history takes models of train");
    }
    const auto word = [&json](const char* key, auto& into) {
      using Enum = std::decay_t<decltype(into)>;
      if (const auto value = from_name<Enum>(json.value(key, ""))) into = *value;
    };
    const auto number = [&json](const char* key, double& into) { into = json.value(key, into); };
    word("algorithm", config.algorithm);
    word("loss", config.loss);
    word("reduction", config.reduction);
    word("reg_scaling", config.reg_scaling);
    word("convention", config.convention);
    word("nmf_loss", config.nmf_loss);
    word("missing", config.missing);
    number("lambda_user", config.lambda_user);
    number("lambda_bias", config.lambda_bias);
    number("l1_user", config.l1_user);
    number("nu", config.nu);
    number("alpha", config.alpha);
    number("unobserved_weight", config.unobserved_weight);
    number("weight_decay", config.weight_decay);
    config.nonnegative = json.value("nonnegative", false);
    config.batch_size = whole_number_at(json, "batch_size", config.batch_size);
    config.seed = whole_number_at(json, "seed", config.seed);
    if (const auto least = json.find("positive_from"); least != json.end() && least->is_number()) {
      config.positive_from = least->get<double>();
    }
  } catch (const nlohmann::json::exception& error) {
    throw InputError({path}, std::string("its metadata is damaged: ") + error.what(), "train the model again");
  }
  return config;
}

std::string metadata_json(const Model& model) {
  static const std::set<std::string> kNumbers{"seed",       "data_bytes",         "n_ratings",
                                              "best_epoch", "baseline_mean_rmse", "baseline_bias_rmse"};
  JsonObject object;
  for (const auto& [key, value] : model.metadata) {
    const bool nested = !value.empty() && (value[0] == '{' || value[0] == '[');
    const bool holds_json = (nested || kNumbers.contains(key)) && nlohmann::json::accept(value);
    object.raw(key, holds_json ? value : json_string(value));
  }
  return object.str();
}

}  // namespace wf
