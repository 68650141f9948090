// similar: the rows of one side that are most like some of it.
#include "host/api/engines.hpp"
#include "host/api/similar.hpp"
#include "host/cli/data_files.hpp"
#include "host/cli/output_file.hpp"
#include "host/cli/ranked_rows.hpp"
#include "host/cli/verbs.hpp"
#include "host/cli/words.hpp"
#include "host/model/model_file.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace wf::cli {
namespace {

/// Itself, the padding row, which stands for nobody, and rows without any factor, which are like nobody; ascending.
std::vector<RowId> left_out(RowId row, RowId padding, const std::vector<RowId>& empty) {
  std::vector<RowId> rows = empty;
  rows.push_back(row);
  if (padding >= 0) rows.push_back(padding);
  std::sort(rows.begin(), rows.end());
  return rows;
}

std::vector<RowId> empty_rows(const HostBuffer<float>& factors, int rank) {
  std::vector<RowId> rows;
  for (Position first = 0; first < factors.size(); first += rank) {
    const float* const row = factors.data() + first;
    if (std::all_of(row, row + rank, [](float factor) { return factor == 0; })) {
      rows.push_back(static_cast<RowId>(first / rank));
    }
  }
  return rows;
}

/// The side that a request is about, and its rows there.
struct Asked {
  bool of_items;
  const std::vector<std::string>& ids;
  const std::string& file;

  const char* side() const { return of_items ? "item" : "user"; }
};

Asked asked_by(const SimilarRequest& request) {
  const bool of_items = !request.items.empty() || !request.items_file.empty();
  const bool of_users = !request.users.empty() || !request.users_file.empty();
  if (of_items && of_users) {
    throw UsageError("rows of one side are compared with rows of the same", "give items or users, not both");
  }
  if (!of_items && !of_users) {
    throw UsageError("similar to what?", "give --item ID or --user ID, as often as needed, or --items or --users FILE");
  }
  if (of_items) return {true, request.items, request.items_file};
  return {false, request.users, request.users_file};
}

}  // namespace

int run_verb(const SimilarRequest& request, Console& console) {
  const Asked asked = asked_by(request);
  const std::string side = asked.side();
  const std::vector<std::string> ids = requested_ids(side, asked.ids, asked.file);
  const Model model = read_model(request.model);
  const TrainingRecord record = read_record(model, request.model);
  const IdMap& map = asked.of_items ? model.items : model.users;
  const Model pairs = similarity_model(model, asked.of_items, request.similarity);
  const std::vector<RowId> rows =
      rows_of(map, pairs.n_items, ids, side, asked.ids.empty() ? asked.file : request.model);
  const NameTable names = request.names.empty() ? NameTable{} : load_names(request.names);

  refuse_same_file(request.out, request.model);
  OutputFile out(request.out);
  RankedWriter writer(out, console.json(), side, "similar", !request.names.empty());
  ChosenEngine chosen = make_engine(request.engine.engine, request.engine.threads);
  const auto scorer = chosen.engine->open(pairs);
  BlockScores scores(*scorer, rows, pairs.n_items);
  const std::vector<RowId> empty = empty_rows(pairs.tables.item_factors, pairs.rank);
  const RowId padding = asked.of_items ? record.item_padding : record.user_padding;
  Position unnamed = 0;
  for (std::size_t n = 0; n < rows.size(); ++n) {
    if (std::binary_search(empty.begin(), empty.end(), rows[n])) {
      console.note(fmt::format("{} {} has no factors: nothing is like it", side, ids[n]));
      continue;
    }
    const auto lines =
        ranked_lines(ids[n], scores.of(n), left_out(rows[n], padding, empty), request.top, map, names, unnamed);
    writer.write(lines);
    if (lines.size() < static_cast<std::size_t>(request.top)) {
      console.note(fmt::format("{} {} gets {} of {}: the model has {}, {} of them without factors", side, ids[n],
                               lines.size(), request.top, plural(pairs.n_items, side.c_str()),
                               grouped(static_cast<Position>(empty.size()))));
    }
  }
  out.commit();
  if (unnamed > 0)
    console.note(fmt::format("{} not in {}", plural(unnamed, ("similar " + side).c_str()), request.names));
  return 0;
}

}  // namespace wf::cli
