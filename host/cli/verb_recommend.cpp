// recommend: the best unseen items of some users.
#include "host/api/engines.hpp"
#include "host/api/recommend.hpp"
#include "host/cli/data_files.hpp"
#include "host/cli/output_file.hpp"
#include "host/cli/ranked_rows.hpp"
#include "host/cli/verbs.hpp"
#include "host/cli/words.hpp"
#include "host/model/model_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace wf::cli {
namespace {

/// The ratings whose items are to be left out.
Ratings seen_ratings(const RecommendRequest& request, const Model& model, const TrainingRecord& record,
                     Console& console) {
  if (request.keep_seen) {
    if (!request.seen.empty()) throw UsageError("--seen and --keep-seen exclude each other", "give one of them");
    return {};
  }
  if (!request.seen.empty()) {
    Dataset data = known_dataset(model);
    ReadOptions options = options_for(model, record, request.reader.options);
    options.need_rating = false;
    note_reader(console, record, options);
    read_file(console, request.seen, options, data);
    return std::move(data.ratings);
  }
  TrainingFile file = reread_training_file(console, model, record, request.model, request.engine.threads);
  if (!file.ratings) {
    throw UsageError("which items has the user seen? " + file.why_not,
                     "--seen FILE names ratings whose items are left out, --keep-seen leaves out none");
  }
  return std::move(*file.ratings);
}

/// `seen` and the padding row, which stands for no item; ascending.
std::vector<RowId> left_out(const std::vector<RowId>& seen, RowId padding) {
  std::vector<RowId> rows = seen;
  if (padding >= 0) rows.insert(std::lower_bound(rows.begin(), rows.end(), padding), padding);
  return rows;
}

}  // namespace

int run_verb(const RecommendRequest& request, Console& console) {
  const std::vector<std::string> users = requested_ids("user", request.users, request.users_file);
  const Model model = read_model(request.model);
  const TrainingRecord record = read_record(model, request.model);
  const std::vector<RowId> rows =
      rows_of(model.users, model.n_users, users, "user", request.users.empty() ? request.users_file : request.model);
  ChosenEngine chosen = make_engine(request.engine.engine, request.engine.threads);
  const SeenItems seen(seen_ratings(request, model, record, console).view(), rows);
  const NameTable names = request.names.empty() ? NameTable{} : load_names(request.names);

  refuse_same_file(request.out, request.model);
  OutputFile out(request.out);
  RankedWriter writer(out, console.json(), "user", "item", !request.names.empty());
  const auto scorer = chosen.engine->open(model);
  BlockScores scores(*scorer, rows, model.n_items);
  Position unnamed = 0;
  for (std::size_t n = 0; n < rows.size(); ++n) {
    const std::vector<RowId> excluded = left_out(seen.of(rows[n]), record.item_padding);
    const auto lines = ranked_lines(users[n], scores.of(n), excluded, request.top, model.items, names, unnamed);
    writer.write(lines);
    if (lines.size() < static_cast<std::size_t>(request.top)) {
      console.note(fmt::format("user {} gets {} of {}: of {} {} are seen already", users[n], lines.size(), request.top,
                               plural(model.n_items, "item"), grouped(static_cast<Position>(excluded.size()))));
    }
  }
  out.commit();
  if (unnamed > 0) console.note(fmt::format("{} not in {}", plural(unnamed, "recommended item"), request.names));
  return 0;
}

}  // namespace wf::cli
