// similar: the rows of one side that are most like some of it.
#include "host/api/engines.hpp"
#include "host/api/recommend.hpp"
#include "host/api/similar.hpp"
#include "host/cli/data_files.hpp"
#include "host/cli/output_file.hpp"
#include "host/cli/ranked_rows.hpp"
#include "host/cli/verbs.hpp"
#include "host/model/model_file.hpp"
#include "host/settings/words.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace wf::cli {
namespace {

/// Rows that anything can be like: not the padding row, which stands for nobody, nor those without any factor.
std::vector<RowId> rows_to_compare(const Model& pairs, RowId padding) {
  std::vector<RowId> rows = rows_with_factors(pairs.tables.item_factors, pairs.rank);
  std::erase(rows, padding);
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
  const Model model = read_model(request.model, SeenItems::leave);
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
  const RowId padding = asked.of_items ? record.item_padding : record.user_padding;
  const std::vector<RowId> others = rows_to_compare(pairs, padding);
  std::vector<RowId> known;
  Ratings themselves;
  for (std::size_t n = 0; n < rows.size(); ++n) {
    if (!std::binary_search(others.begin(), others.end(), rows[n])) {
      console.note(fmt::format("{} {} has no factors: nothing is like it", side, ids[n]));
      continue;
    }
    known.push_back(rows[n]);
    themselves.push_back(rows[n], rows[n], 1);
  }
  const ItemSets itself(themselves.view(), pairs.n_users, pairs.n_items, request.engine.threads);
  Position unnamed = 0;
  const auto n_known = static_cast<Position>(known.size()), together = rows_together(request.top);
  for (Position first = 0; first < n_known; first += together) {
    const Span<const RowId, Host> part{known.data() + first, std::min(together, n_known - first)};
    const auto lists = recommend(
        *chosen.engine, pairs,
        {part, {others.data(), static_cast<Position>(others.size())}, itself, request.top, request.engine.threads});
    for (Position n = 0; n < part.size; ++n) {
      const auto& list = lists[static_cast<std::size_t>(n)];
      const std::string id = map.text(part[n]);
      writer.write(ranked_lines(id, list, map, names, unnamed));
      if (list.size() >= static_cast<std::size_t>(request.top)) continue;
      console.note(fmt::format("{} {} gets {} of {}: the model has {}, {} of them without factors", side, id,
                               list.size(), request.top, plural(pairs.n_items, side.c_str()),
                               grouped(pairs.n_items - static_cast<Position>(others.size()))));
    }
  }
  out.commit();
  if (unnamed > 0)
    console.note(fmt::format("{} not in {}", plural(unnamed, ("similar " + side).c_str()), request.names));
  return 0;
}

}  // namespace wf::cli
