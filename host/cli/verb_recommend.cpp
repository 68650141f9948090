// recommend: the best unseen items of some users, or of all.
#include "host/api/engines.hpp"
#include "host/api/fold_in.hpp"
#include "host/api/recommend.hpp"
#include "host/cli/data_files.hpp"
#include "host/cli/output_file.hpp"
#include "host/cli/ranked_rows.hpp"
#include "host/cli/verbs.hpp"
#include "host/model/model_file.hpp"
#include "host/ratings/item_sets.hpp"
#include "host/settings/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <numeric>
#include <optional>
#include <utility>

namespace wf::cli {
namespace {

/// Who else can get a list.
constexpr const char* kOthers = "--all-users, or --history FILE with the ratings of users that are new";

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
  TrainingFile file = reread_training_file(console, model, record, request.model, "", request.engine.threads);
  if (!file.ratings) {
    throw UsageError("which items has the user seen? " + file.why_not,
                     "--seen FILE names ratings whose items are left out, --keep-seen leaves out none");
  }
  return std::move(*file.ratings);
}

/// Those of a file that the model knows, ascending; the others are counted in a note. Throws InputError where it knows
/// none of them.
std::vector<RowId> items_of_file(const std::string& option, const std::string& file, const Model& model,
                                 Console& console) {
  const std::vector<std::string> ids = ids_of_file(option, "item", file);
  std::vector<RowId> rows;
  for (const std::string& id : ids) {
    const std::optional<RowId> row = model.items.find(id);
    if (row && *row < model.n_items) rows.push_back(*row);
  }
  const auto unknown = static_cast<Position>(ids.size() - rows.size());
  if (rows.empty()) {
    throw InputError({file}, fmt::format("none of its {} is among the model's", plural(unknown, "item")),
                     "an id is written as in the training file, one a line");
  }
  if (unknown > 0) console.note(fmt::format("{} of {} not among the model's", plural(unknown, "item"), file));
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  return rows;
}

/// What may be recommended at all: what is allowed and not denied, without the padding row, which stands for no item.
std::vector<RowId> possible_items(const RecommendRequest& request, const Model& model, RowId padding,
                                  Console& console) {
  std::vector<RowId> rows(static_cast<std::size_t>(model.n_items));
  std::iota(rows.begin(), rows.end(), 0);
  if (!request.allow.empty()) rows = items_of_file("--allow", request.allow, model, console);
  std::vector<RowId> without, left;
  if (!request.deny.empty()) without = items_of_file("--deny", request.deny, model, console);
  if (padding >= 0) without.insert(std::lower_bound(without.begin(), without.end(), padding), padding);
  std::set_difference(rows.begin(), rows.end(), without.begin(), without.end(), std::back_inserter(left));
  return left;
}

/// The ids that a request names; none where it asks for all of the model, or of a history.
std::vector<std::string> asked_ids(const RecommendRequest& request) {
  const bool names = !request.users.empty() || !request.users_file.empty();
  if (!request.history.empty()) {
    if (!names && !request.all_users && request.seen.empty()) return {};
    throw UsageError("--history says who gets a list, and what they have seen",
                     "leave out --user, --users, --all-users and --seen");
  }
  if (!request.all_users) return requested_ids("user", request.users, request.users_file, kOthers);
  if (!names) return {};
  throw UsageError("--all-users are all that the model has", "leave out --user and --users");
}

/// Who gets lists, from which model, and what they have seen.
struct Audience {
  std::optional<Model> folded;  ///< of --history
  std::vector<RowId> users;
  ItemSets seen;
};

std::vector<RowId> asked_users(const RecommendRequest& request, const std::vector<std::string>& ids, const Model& model,
                               RowId padding) {
  if (!request.all_users) {
    return rows_of(model.users, model.n_users, ids, "user", request.users.empty() ? request.users_file : request.model,
                   "--history FILE recommends to users that the model does not know, by their ratings");
  }
  std::vector<RowId> rows;
  for (RowId user = 0; user < model.n_users; ++user) {
    if (user != padding) rows.push_back(user);
  }
  return rows;
}

/// Gives the users of some ratings rows 0, 1, ... in the order of theirs, which may be any: those that a file of row
/// numbers skips are nobody. Returns the rows that they had.
std::vector<RowId> number_users(Ratings& ratings) {
  std::vector<RowId> users(ratings.user.begin(), ratings.user.end());
  std::sort(users.begin(), users.end());
  users.erase(std::unique(users.begin(), users.end()), users.end());
  for (RowId& user : ratings.user) {
    user = static_cast<RowId>(std::lower_bound(users.begin(), users.end(), user) - users.begin());
  }
  return users;
}

/// The ids of some rows, in their order.
IdMap ids_of(const IdMap& ids, const std::vector<RowId>& rows) {
  IdMap part;
  if (ids.kind() == IdKind::strings) part.fix_strings();
  for (const RowId row : rows) part.insert(ids.text(row));
  return part;
}

/// The ratings of a history whose items the model knows, whoever's; the others are counted in a note.
Ratings of_known_items(const RatingsView<Host>& all, const Model& model, const std::string& file, Console& console) {
  Ratings known;
  for (Position n = 0; n < all.size(); ++n) {
    if (all.item[n] < model.n_items) known.push_back(all.user[n], all.item[n], all.value[n]);
  }
  if (const Position unknown = all.size() - known.size(); unknown > 0) {
    console.note(
        fmt::format("{} of {} of items that the model does not know: passed over", plural(unknown, "rating"), file));
  }
  return known;
}

/// The users of a history, in its order, by the ratings of items that the model knows.
Audience fold_in_history(const RecommendRequest& request, const Model& model, const TrainingRecord& record,
                         Console& console) {
  const TrainConfig objective = read_objective(model, request.model);
  Dataset data = known_dataset(model);
  data.users = IdMap(model.users.kind() == IdKind::rows ? IdKind::rows : IdKind::integers);
  note_reader(console, record, request.reader.options);
  const ReadReport report =
      read_file(console, request.history, options_for(model, record, request.reader.options), data);
  const bool takes_use = objective.algorithm == Algorithm::ials || is_pairwise(objective.loss);
  if (report.implicit() && !takes_use) note_implicit(console);
  Ratings known = of_known_items(data.ratings.view(), model, request.history, console);
  Audience audience;
  const std::vector<RowId> rows = number_users(known);
  const auto n_users = static_cast<Position>(rows.size());
  audience.folded = fold_in(model, known.view(), n_users, objective, record.n_ratings, request.engine.threads);
  audience.folded->users = ids_of(data.users, rows);
  audience.seen = ItemSets(known.view(), n_users, model.n_items, request.engine.threads);
  audience.users.resize(rows.size());
  std::iota(audience.users.begin(), audience.users.end(), 0);
  if (const auto without = static_cast<Position>(number_users(data.ratings).size()) - n_users; without > 0) {
    console.note(
        fmt::format("{} of {} without a rating of a known item: no list", plural(without, "user"), request.history));
  }
  if (request.keep_seen) audience.seen = {};
  return audience;
}

/// What the model keeps is taken from it.
Audience audience_of(const RecommendRequest& request, const std::vector<std::string>& ids, Model& model,
                     const TrainingRecord& record, Console& console) {
  if (!request.history.empty()) return fold_in_history(request, model, record, console);
  Audience audience;
  audience.users = asked_users(request, ids, model, record.user_padding);
  if (!model.seen.empty()) {
    audience.seen = std::move(model.seen);
    return audience;
  }
  const Ratings ratings = seen_ratings(request, model, record, console);
  audience.seen = ItemSets(ratings.view(), model.n_users, model.n_items, request.engine.threads);
  return audience;
}

/// Says why lists are short: of the first few by name, of the others how many there are.
class ShortLists {
 public:
  ShortLists(Console& console, const RecommendRequest& request, Position n_items, Position n_possible)
      : console_(console), top_(request.top), n_items_(n_items), n_possible_(n_possible) {}

  void add(const std::string& user, std::size_t length, Position seen) {
    if (static_cast<Position>(length) >= top_ || ++count_ > kNamed) return;
    std::string why = fmt::format("of {} {} are seen already", plural(n_items_, "item"), grouped(seen));
    if (n_possible_ < n_items_) {
      why = fmt::format("of {} {} may be recommended, of which {} are seen already", plural(n_items_, "item"),
                        grouped(n_possible_), grouped(seen));
    }
    if (const Position nan = n_possible_ - seen - static_cast<Position>(length); nan > 0) {
      why += fmt::format(", and the scores of {} are no numbers", grouped(nan));
    }
    console_.note(fmt::format("user {} gets {} of {}: {}", user, length, top_, why));
  }
  void finish() const {
    if (count_ > kNamed) {
      console_.note(
          fmt::format("{} more get fewer than {}, for the same reason", plural(count_ - kNamed, "user"), top_));
    }
  }

 private:
  static constexpr Position kNamed = 10;

  Console& console_;
  Position top_, n_items_, n_possible_, count_ = 0;
};

/// Of ascending rows, those in another ascending list.
Position common(Span<const RowId, Host> a, const std::vector<RowId>& b) {
  return std::count_if(a.begin(), a.end(), [&](RowId row) { return std::binary_search(b.begin(), b.end(), row); });
}

}  // namespace

int run_verb(const RecommendRequest& request, Console& console) {
  const std::vector<std::string> ids = asked_ids(request);
  // --history fits the factors of its users, and asks for none of the model's
  const bool asks = request.seen.empty() && request.history.empty() && !request.keep_seen;
  const SeenItems seen = asks ? SeenItems::read : SeenItems::leave;
  Model model = request.all_users ? read_model(request.model, seen) : read_model_for(request.model, ids, seen);
  const TrainingRecord record = read_record(model, request.model);
  const Audience audience = audience_of(request, ids, model, record, console);
  const Model& ranking = audience.folded ? *audience.folded : model;
  const std::vector<RowId>& users = audience.users;
  const std::vector<RowId> items = possible_items(request, model, record.item_padding, console);
  ChosenEngine chosen = make_engine(request.engine.engine, request.engine.threads);
  const NameTable names = request.names.empty() ? NameTable{} : load_names(request.names);

  refuse_same_file(request.out, request.model);
  OutputFile out(request.out);
  RankedWriter writer(out, console.json(), "user", "item", !request.names.empty());
  ShortLists short_lists(console, request, model.n_items, static_cast<Position>(items.size()));
  Position unnamed = 0;
  const auto n_users = static_cast<Position>(users.size()), together = rows_together(request.top);
  for (Position first = 0; first < n_users; first += together) {
    const Span<const RowId, Host> part{users.data() + first, std::min(together, n_users - first)};
    const auto lists = recommend(*chosen.engine, ranking,
                                 {part,
                                  {items.data(), static_cast<Position>(items.size())},
                                  audience.seen,
                                  request.top,
                                  request.engine.threads});
    for (Position n = 0; n < part.size; ++n) {
      const auto& list = lists[static_cast<std::size_t>(n)];
      const std::string user = ranking.users.text(part[n]);
      writer.write(ranked_lines(user, list, model.items, names, unnamed));
      short_lists.add(user, list.size(), common(audience.seen.of(part[n]), items));
    }
  }
  out.commit();
  short_lists.finish();
  if (unnamed > 0) console.note(fmt::format("{} not in {}", plural(unnamed, "recommended item"), request.names));
  return 0;
}

}  // namespace wf::cli
