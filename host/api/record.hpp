// What the model file remembers of its training: written as metadata by train, read back by the other verbs.
#pragma once
#include "host/model/model.hpp"
#include "host/readers/read_ratings.hpp"
#include "host/train/engine.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace wf {

/// The metadata with TOML that repeats the training.
inline constexpr const char* kSettingsKey = "settings";

struct TrainingRecord {
  std::string data;  ///< path as given; "-": stdin
  std::string hash;  ///< of the file's bytes
  Position bytes = 0;
  Position n_ratings = 0;  ///< trained on, without the validation part
  ReaderRequest reader;
  double valid_frac = 0;
  std::uint64_t seed = 0;
  Loss loss = Loss::mse;
  std::optional<double> positive_from;
  Algorithm algorithm = Algorithm::sgd;
  bool all_cells = false;                                        ///< a cell without a rating counted as 0
  RowId user_padding = -1, item_padding = -1;                    ///< rows of the model, or -1
  std::optional<double> baseline_mean_rmse, baseline_bias_rmse;  ///< on the validation part
  std::string settings;                                          ///< as TOML that repeats the training; written only
};

/// Adds the record, the configuration and the epochs to the model's metadata.
void write_record(const TrainingRecord& record, const TrainConfig& config, const TrainResult& result, Model& model);

/// From metadata; what is absent keeps its default (a model of another writer has none). Throws InputError with `path`
/// for metadata that is there and is not what it should be.
TrainingRecord read_record(const Model& model, const std::string& path);

/// An epoch of the record; absent are numbers that were not measured.
struct RecordedEpoch {
  int number = 0;
  std::optional<double> train_loss, train_rmse, valid_loss, valid_rmse;
};
/// Those of the record; none where it is absent or damaged.
std::vector<RecordedEpoch> read_epochs(const Model& model);
/// The epoch that the model is; 0: not known.
int best_epoch(const Model& model);

/// The settings that a reader asks for first, of those that the algorithm reads: name and value.
std::vector<std::pair<std::string, std::string>> shown_settings(const Model& model);

/// What the scores of a model are not, in whole sentences; empty where they are ratings.
std::string no_ratings(const TrainingRecord& record);

/// What the model was trained to minimise: of its configuration, all that folding in a user needs. Throws UsageError
/// where it does not say, InputError with `path` for metadata that is not what it should be.
TrainConfig read_objective(const Model& model, const std::string& path);

/// The metadata as JSON members: texts that hold JSON are embedded as such, and so are the numbers of a training.
std::string metadata_json(const Model& model);

/// What svd and pca found: values, variances (pca's, of `n_users` rows) and their share; "null" of other algorithms.
std::string spectrum_json(const Spectrum& spectrum, Algorithm algorithm, Position n_users);

/// One epoch, as in the model's metadata.
std::string epoch_json(const EpochReport& report);

}  // namespace wf
