#include "host/cli/data_files.hpp"
#include "host/base/shown.hpp"

#include "host/cli/words.hpp"

#include <fmt/format.h>

#include <filesystem>

namespace wf::cli {

ReadReport read_file(Console& console, const std::string& path, const ReadOptions& options, Dataset& into) {
  console.redraw(fmt::format("read   {}", path));
  ReadReport report = read_ratings(path, options, into, [&console, &path](Position bytes) {
    console.redraw(fmt::format("read   {}: {}", path, short_bytes(bytes)));
  });
  console.line("read", fmt::format("{}: {}", path == "-" ? "stdin" : path, describe(report)),
               "--sep, --header, --col-user, --col-item, --col-rating, --ids");
  if (report.bad_lines > 0) {
    console.note(fmt::format("{} skipped, the first: {}", plural(report.bad_lines, "bad line"), report.first_bad));
  }
  return report;
}

Dataset new_dataset(const ReaderRequest& reader) {
  if (reader.options.ids != IdKind::rows) return {{}, IdMap(), IdMap()};
  const auto rows = [](Position declared) {
    return declared > 0 ? IdMap::declared_rows(declared) : IdMap(IdKind::rows);
  };
  return {{}, rows(reader.n_users), rows(reader.n_items)};
}

Dataset known_dataset(const Model& model) {
  // rows without a declared size: a row beyond the model's tables is an unknown id here, and no error
  const auto known = [](const IdMap& ids) { return ids.kind() == IdKind::rows ? IdMap(IdKind::rows) : ids.clone(); };
  return {{}, known(model.users), known(model.items)};
}

ReadOptions options_for(const Model& model, const TrainingRecord& record, const ReadOptions& given) {
  ReadOptions options = given;
  if (!options.ids) options.ids = record.reader.options.ids;
  if (model.users.kind() == IdKind::rows) options.ids = IdKind::rows;
  return options;
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

TrainingFile reread_training_file(Console& console, const Model& model, const TrainingRecord& record,
                                  const std::string& model_path, int threads) {
  namespace fs = std::filesystem;
  TrainingFile result;
  if (record.data.empty() || record.hash.empty()) {
    result.why_not = "the model does not say what it was trained on";
    return result;
  }
  if (record.data == "-") {
    result.why_not = "the model was trained on stdin";
    return result;
  }
  std::error_code ignored;
  result.path = record.data;
  if (!fs::exists(result.path, ignored)) result.path = (fs::path(model_path).parent_path() / record.data).string();
  const auto size = fs::file_size(result.path, ignored);
  if (ignored) {
    result.why_not = fmt::format("the training file {} is not there", record.data);
    return result;
  }
  if (static_cast<Position>(size) == record.bytes) {
    Dataset data = known_dataset(model);
    ReadOptions options = options_for(model, record, record.reader.options);
    options.threads = threads;
    const ReadReport report = read_file(console, result.path, options, data);
    if (report.hash == record.hash) {
      result.ratings = std::move(data.ratings);
      return result;
    }
  }
  result.why_not = fmt::format("the training file {} has changed since", result.path);
  return result;
}

std::string csv_field(const std::string& text) {
  const bool edges = !text.empty() && (text.front() == ' ' || text.back() == ' ' || text.front() == '\t' ||
                                       text.back() == '\t' || text.front() == '#' || text.front() == '%');
  if (!edges && text.find_first_of("\",\r\n;|") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace wf::cli
