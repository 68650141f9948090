#include "host/cli/data_files.hpp"

#include "host/base/resident_memory.hpp"
#include "host/base/shown.hpp"
#include "host/base/stopwatch.hpp"
#include "host/settings/words.hpp"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <utility>

namespace wf::cli {

std::string stem_of(const std::string& data, const std::string& of_stdin) {
  if (data == "-") return of_stdin;
  std::filesystem::path name = std::filesystem::path(data).filename();
  if (name.extension() == ".wfr") name = name.stem();
  for (const char* extension : {".gz", ".zst"}) {
    if (name.extension() == extension) name = name.stem();
  }
  for (const char* extension : {".csv", ".tsv", ".txt", ".dat", ".data", ".mtx", ".inter", ".npz"}) {
    if (name.extension() == extension) name = name.stem();
  }
  return name.string();
}

void refuse_reader_options(const std::string& path, const ReadOptions& options) {
  const std::string given = given_layout_option(options);
  if (given.empty()) return;
  throw UsageError(fmt::format("{} has no effect on {}: it is a page file, whose text has been read", given, path),
                   "leave it out, or give it to warpfactor convert");
}

PageSource read_page_file(const PageFile& file, const ReadOptions& options, Dataset& into) {
  const auto start = std::chrono::steady_clock::now();
  file.read_into(into, options.threads);
  PageSource source = file.source();
  source.report.seconds = seconds_since(start);
  return source;
}

namespace {

PageSource read_pages(Console& console, const std::string& path, const ReadOptions& options, Dataset& into) {
  refuse_reader_options(path, options);
  PageSource source = read_page_file(PageFile(path), options, into);
  console.line("read", fmt::format("{}: page file of {} · {} in {:.2f} s", path, source.report.path,
                                   plural(source.report.ratings, "rating"), source.report.seconds));
  return source;
}

}  // namespace

void refuse_reader_request(const std::string& path, const ReaderRequest& reader) {
  refuse_reader_options(path, reader.options);
  if (reader.options.ids || reader.n_users > 0 || reader.n_items > 0) {
    throw UsageError(fmt::format("--ids, --n-users and --n-items have no effect on {}: it is a page file", path),
                     "leave them out, or give them to warpfactor convert");
  }
}

PageSource read_source(Console& console, const std::string& path, const ReaderRequest& reader, Dataset& into,
                       Ranks& ranks) {
  if (is_page_file(path)) {
    refuse_reader_request(path, reader);
    return read_pages(console, path, reader.options, into);
  }
  PageSource source{{}, stamp_of(path), reader.options, reader.n_users, reader.n_items};
  source.report = read_file(console, path, reader.options, into, ranks);
  return source;
}

ReadReport read_file(Console& console, const std::string& path, const ReadOptions& options, Dataset& into,
                     Ranks& ranks) {
  if (is_page_file(path)) return read_pages(console, path, options, into).report;
  console.redraw(fmt::format("read   {}", path));
  const auto tell = [&console, &path](Position bytes) {
    console.redraw(fmt::format("read   {}: {}", path, short_bytes(bytes)));
  };
  ReadReport report = read_ratings(path, options, into, tell, ranks);
  console.line("read", fmt::format("{}: {}", path == "-" ? "stdin" : path, describe(report)),
               report.kind.empty() ? "--sep, --header, --col-user, --col-item, --col-rating, --ids" : "--ids");
  if (report.bad_lines > 0) {
    console.note(fmt::format("{} skipped, the first: {}", plural(report.bad_lines, "bad line"), report.first_bad));
  }
  return report;
}

Dataset new_dataset(const ReaderRequest& reader, Position row_bytes) {
  if (reader.options.ids != IdKind::rows) return {{}, IdMap(), IdMap()};
  const Position memory = machine_bytes();
  const auto rows = [&](Position declared) {
    if (declared > 0) return IdMap::declared_rows(declared);
    return memory > 0 ? IdMap::rows_in_memory(memory / row_bytes) : IdMap(IdKind::rows);
  };
  return {{}, rows(reader.n_users), rows(reader.n_items)};
}

Dataset known_dataset(const Model& model) {
  // rows without a declared size: a row beyond the model's tables is an unknown id here, and no error
  const auto known = [](const IdMap& ids) { return ids.kind() == IdKind::rows ? IdMap(IdKind::rows) : ids.clone(); };
  return {{}, known(model.users), known(model.items)};
}

bool is_known(const Model& model, RowId user, RowId item) {
  return user < model.n_users && item < model.n_items;
}

Ratings known_part(const Model& model, const RatingsView<Host>& ratings) {
  Ratings known;
  for (Position n = 0; n < ratings.size(); ++n) {
    if (!is_known(model, ratings.user[n], ratings.item[n])) continue;
    known.push_back(ratings.user[n], ratings.item[n], ratings.value[n]);
  }
  return known;
}

ReadOptions options_for(const Model& model, const TrainingRecord& record, const ReadOptions& given) {
  ReadOptions options = given;
  if (!options.ids) options.ids = record.reader.options.ids;
  if (model.users.kind() == IdKind::rows) options.ids = IdKind::rows;
  return options;
}

void note_implicit(Console& console) {
  console.note("the file has no ratings: every one counts as 1 (--col-rating names a column)");
}

void note_reader(Console& console, const TrainingRecord& record, const ReadOptions& given) {
  const ReadOptions& used = record.reader.options;
  if (used.user_column.empty() && used.item_column.empty()) return;
  if (!given.user_column.empty() || !given.item_column.empty()) return;
  console.note(
      fmt::format("the model was trained with --col-user {} --col-item {}; give them here too if this file "
                  "has the same columns",
                  used.user_column.empty() ? "(detected)" : used.user_column,
                  used.item_column.empty() ? "(detected)" : used.item_column));
}

namespace {

/// Regular files of that name beside the model and in this folder.
std::vector<std::string> files_beside(const std::string& recorded, const std::string& model_path) {
  namespace fs = std::filesystem;
  const fs::path name = fs::path(recorded).filename();
  std::vector<std::string> found;
  std::error_code ignored;
  for (const fs::path& path : {fs::path(model_path).parent_path() / name, name}) {
    const bool is_new = found.empty() || !fs::equivalent(path, found.front(), ignored);
    if (fs::is_regular_file(path, ignored) && is_new) found.push_back(path.string());
  }
  return found;
}

/// Its ratings, where it is what the model was trained on.
std::optional<Ratings> ratings_of_training(Console& console, const Model& model, const TrainingRecord& record,
                                           const std::string& path, int threads) {
  std::error_code failed;
  const auto size = std::filesystem::file_size(path, failed);
  if (failed || static_cast<Position>(size) != record.bytes) return std::nullopt;
  Dataset data = known_dataset(model);
  ReadOptions options = options_for(model, record, record.reader.options);
  options.threads = threads;
  if (read_file(console, path, options, data).hash != record.hash) return std::nullopt;
  return std::move(data.ratings);
}

}  // namespace

TrainingFile reread_training_file(Console& console, const Model& model, const TrainingRecord& record,
                                  const std::string& model_path, const std::string& named, int threads) {
  TrainingFile result;
  if (record.data.empty() || record.hash.empty()) {
    result.why_not = "the model does not say what it was trained on";
    return result;
  }
  if (record.data == "-") {
    result.why_not = "the model was trained on stdin";
    return result;
  }
  const std::vector<std::string> paths =
      named.empty() ? files_beside(record.data, model_path) : std::vector<std::string>{named};
  for (const std::string& path : paths) {
    result.path = path;
    result.ratings = ratings_of_training(console, model, record, path, threads);
    if (result.ratings) return result;
  }
  const std::string name = std::filesystem::path(record.data).filename().string();
  result.why_not = !named.empty() ? fmt::format("{} is not what the model was trained on", named)
                   : paths.empty()
                       ? fmt::format("the training file {} is neither beside the model nor in this folder", shown(name))
                       : fmt::format("the training file {} has changed since", shown(name));
  return result;
}

}  // namespace wf::cli
