// Reading ratings for a verb: with progress, with the ids a model knows, and the training file again.
#pragma once
#include "host/cli/console.hpp"
#include "host/cli/record.hpp"
#include "host/readers/read_ratings.hpp"

#include <optional>
#include <string>

namespace wf::cli {

/// Reads `path` into `into` and prints what was found. Skipped lines get a note of their own.
ReadReport read_file(Console& console, const std::string& path, const ReadOptions& options, Dataset& into);

/// An empty data set whose ids are those that the reader options ask for.
Dataset new_dataset(const ReaderRequest& reader);

/// An empty data set that knows the model's ids. Ids that the model does not know get rows beyond its tables.
Dataset known_dataset(const Model& model);

/// `options` as given for a file that is read with a model: what ids are is the model's affair.
ReadOptions options_for(const Model& model, const TrainingRecord& record, const ReadOptions& given);

/// Names the reader options the model was trained with where none are given for this file.
void note_reader(Console& console, const TrainingRecord& record, const ReadOptions& given);

/// The ratings a model was trained on, read again; or why they cannot be had.
struct TrainingFile {
  std::optional<Ratings> ratings;
  std::string path;
  std::string why_not;
};
TrainingFile reread_training_file(Console& console, const Model& model, const TrainingRecord& record,
                                  const std::string& model_path, int threads);

/// "42" or "a,b" as a field of a CSV line: quoted where a reader needs it.
std::string csv_field(const std::string& text);

}  // namespace wf::cli
