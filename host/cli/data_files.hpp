// Reading ratings for a verb: with progress, with the ids a model knows, and the training file again.
#pragma once
#include "host/api/record.hpp"
#include "host/cli/console.hpp"
#include "host/pages/page_file.hpp"
#include "host/readers/read_ratings.hpp"

#include <optional>
#include <string>

namespace wf::cli {

/// "data/ratings.csv.gz" -> "ratings"; stdin: `of_stdin`.
std::string stem_of(const std::string& data, const std::string& of_stdin);

/// Reads `path`, text or a page file, into `into` and prints what was found. Skipped lines get a note of their own. Of
/// a page file, the report is that of the text it was made from. Throws UsageError for options that a page file cannot
/// follow. Of several ranks each reads its part of a text, as read_ratings says.
ReadReport read_file(Console& console, const std::string& path, const ReadOptions& options, Dataset& into,
                     Ranks& ranks = Ranks::alone());

/// The same with what `into` was read from and how: of a page file, that of the text it was made from.
PageSource read_source(Console& console, const std::string& path, const ReaderRequest& reader, Dataset& into,
                       Ranks& ranks = Ranks::alone());

/// read_source by way of PATH.wfr: opened instead of `path` where it was made from it in the same way, else written.
/// Whatever is wrong with it is a note. `into` is as new_dataset makes it.
PageSource read_through_cache(Console& console, const std::string& path, const ReaderRequest& reader, Dataset& into);

/// Throws UsageError for reader options given with a page file, whose ratings have been read already.
void refuse_reader_options(const std::string& path, const ReadOptions& options);
void refuse_reader_request(const std::string& path, const ReaderRequest& reader);

/// Appends a page file's ratings and gives its source, with the seconds that this took.
PageSource read_page_file(const PageFile& file, const ReadOptions& options, Dataset& into);

/// An empty data set whose ids are those that the reader options ask for. Row numbers that nobody declared end where
/// the machine has no memory for `row_bytes` a row: an id of ten digits is an error in its place then.
Dataset new_dataset(const ReaderRequest& reader, Position row_bytes = 32);
/// Of a training: the tables, and those of the best epoch.
inline Position bytes_a_row(int rank) {
  return 2 * static_cast<Position>(sizeof(float)) * rank;
}

/// An empty data set that knows the model's ids. Ids that the model does not know get rows beyond its tables.
Dataset known_dataset(const Model& model);

/// Has the model rows for both?
bool is_known(const Model& model, RowId user, RowId item);

/// The ratings whose user and item the model has rows for.
Ratings known_part(const Model& model, const RatingsView<Host>& ratings);

/// `options` as given for a file that is read with a model: what ids are is the model's affair.
ReadOptions options_for(const Model& model, const TrainingRecord& record, const ReadOptions& given);

/// Names the reader options the model was trained with where none are given for this file.
void note_reader(Console& console, const TrainingRecord& record, const ReadOptions& given);

/// Says of a file without ratings what counts instead.
void note_implicit(Console& console);

/// The ratings a model was trained on, read again; or why they cannot be had. Not by the recorded path: whoever wrote
/// the model would choose what is opened. `named`, or a file of the recorded name beside the model or in this folder;
/// either only where it is of the recorded length, and taken only with the recorded hash.
struct TrainingFile {
  std::optional<Ratings> ratings;
  std::string path;
  std::string why_not;
};
TrainingFile reread_training_file(Console& console, const Model& model, const TrainingRecord& record,
                                  const std::string& model_path, const std::string& named, int threads);

}  // namespace wf::cli
