// predict, info: a model, used and looked at.
#include "host/api/engines.hpp"
#include "host/base/json_text.hpp"
#include "host/base/shown.hpp"
#include "host/cli/data_files.hpp"
#include "host/cli/output_file.hpp"
#include "host/cli/verbs.hpp"
#include "host/model/model_file.hpp"
#include "host/pages/page_file.hpp"
#include "host/ratings/write_ratings.hpp"
#include "host/settings/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace wf::cli {
namespace {

/// "user,item,prediction" lines, or JSON Lines, for the pairs of one file.
class PredictionWriter {
 public:
  PredictionWriter(OutputFile& out, const Dataset& pairs, bool json) : out_(out), pairs_(pairs), json_(json) {}

  void write(Position first, Span<const float, Host> scores) {
    std::string text;
    for (Position n = 0; n < scores.size; ++n) {
      const std::string user = pairs_.users.text(pairs_.ratings.user[first + n]);
      const std::string item = pairs_.items.text(pairs_.ratings.item[first + n]);
      if (json_) {
        JsonObject object;
        object.text("user", user).text("item", item).number("prediction", scores[n]);
        text += object.str() + '\n';
      } else {
        text += csv_field(user) + ',' + csv_field(item) + fmt::format(",{:.9g}\n", scores[n]);
      }
    }
    out_.write(text);
  }

 private:
  OutputFile& out_;
  const Dataset& pairs_;
  bool json_;
};

/// Pairs with an id that the model does not know.
struct UnknownIds {
  Position pairs = 0, users = 0, items = 0;  ///< pairs; those whose user is unknown, and whose item
};

UnknownIds count_unknown(const Model& model, const RatingsView<Host>& pairs) {
  UnknownIds unknown;
  for (Position n = 0; n < pairs.size(); ++n) {
    const bool user = pairs.user[n] >= model.n_users, item = pairs.item[n] >= model.n_items;
    unknown.pairs += user || item ? 1 : 0;
    unknown.users += user ? 1 : 0;
    unknown.items += item ? 1 : 0;
  }
  return unknown;
}

void refuse_unknown(const Model& model, const Dataset& pairs, const std::string& path) {
  const RatingsView<Host> view = pairs.ratings.view();
  for (Position n = 0; n < view.size(); ++n) {
    if (is_known(model, view.user[n], view.item[n])) continue;
    const bool user = view.user[n] >= model.n_users;
    throw InputError({path},
                     fmt::format("pair {}: {} \"{}\" is not among the model's", grouped(n + 1), user ? "user" : "item",
                                 user ? pairs.users.text(view.user[n]) : pairs.items.text(view.item[n])),
                     "--unknown bias or mean answers it, --unknown skip leaves it out");
  }
}

/// What is answered where nothing is known.
float mean_score(const Model& model) {
  return model.has_biases() ? model.global_mean : static_cast<float>(model.rating_mean.value_or(0));
}

void answer_mean(const Model& model, const RatingsView<Host>& pairs, Span<float, Host> scores) {
  for (Position n = 0; n < pairs.size(); ++n) {
    if (!is_known(model, pairs.user[n], pairs.item[n])) scores[n] = mean_score(model);
  }
}

void say_unknown(Unknown policy, const Model& model, const UnknownIds& unknown, Position n_pairs, Console& console) {
  std::string what = "left out";
  if (policy == Unknown::bias) what = "predicted from the mean and what is known";
  if (policy == Unknown::mean) what = fmt::format("predicted as the mean, {:.6g}", mean_score(model));
  console.note(fmt::format("{} of {} with a user ({}) or an item ({}) that the model does not know: {} (--unknown)",
                           grouped(unknown.pairs), plural(n_pairs, "pair"), grouped(unknown.users),
                           grouped(unknown.items), what));
}

std::string ids_word(IdKind kind) {
  return kind == IdKind::rows ? "rows" : kind == IdKind::integers ? "integers" : "strings";
}

std::string info_json(const Model& model, const std::string& path, Position file_bytes) {
  JsonObject object;
  object.text("model", path)
      .count("bytes", file_bytes)
      .count("n_users", model.n_users)
      .count("n_items", model.n_items)
      .count("rank", model.rank)
      .boolean("biases", model.has_biases())
      .number("global_mean", model.global_mean)
      .text("user_ids", ids_word(model.users.kind()))
      .text("item_ids", ids_word(model.items.kind()))
      .number("rating_mean", model.rating_mean)
      .number("rating_min", model.rating_min)
      .number("rating_max", model.rating_max)
      .count("n_seen", model.seen.items().size)
      .raw("metadata", metadata_json(model));
  return object.str();
}

std::string info_row(std::string_view name, std::string_view value) {
  return fmt::format("{:<20}{}\n", name, value);
}

std::string ids_row(std::string_view name, Position n, IdKind kind) {
  return info_row(name, fmt::format("{} ({} as ids)", grouped(n), ids_word(kind)));
}

/// What is known of the training ratings: LIBMF's text has a mean alone.
std::string ratings_text(const Model& model) {
  std::string text;
  if (model.rating_min && model.rating_max) text = fmt::format("{} to {}", *model.rating_min, *model.rating_max);
  if (model.rating_mean) text += fmt::format("{}mean {:.4f}", text.empty() ? "" : ", ", *model.rating_mean);
  return text;
}

std::string info_text(const Model& model, const std::string& path, Position file_bytes) {
  std::string text;
  const auto row = [&text](std::string_view name, std::string_view value) { text += info_row(name, value); };
  row("model", path);
  row("size", short_bytes(file_bytes));
  text += ids_row("users", model.n_users, model.users.kind());
  text += ids_row("items", model.n_items, model.items.kind());
  row("rank", std::to_string(model.rank));
  row("biases", model.has_biases() ? fmt::format("yes, global mean {}", model.global_mean) : std::string("no"));
  if (const std::string ratings = ratings_text(model); !ratings.empty()) row("ratings", ratings);
  row("seen", model.seen.empty() ? std::string("not kept")
                                 : fmt::format("{} of user and item kept", plural(model.seen.items().size, "pair")));
  if (model.norm_limit.active()) {
    row("max_norm", fmt::format("{} (p = {})", model.norm_limit.max_norm, model.norm_limit.norm_type));
  }
  for (const auto& [key, value] : model.metadata) {
    row(key, key == kSettingsKey ? "warpfactor info --settings prints them" : value);
  }
  return text;
}

std::string settings_of(const Model& model, const std::string& path) {
  const auto found = model.metadata.find(kSettingsKey);
  if (found != model.metadata.end()) return found->second;
  throw InputError({path},
                   "the model records no settings: another program wrote it, or warpfactor before it recorded them",
                   "warpfactor info without --settings shows what it has");
}

std::string pages_info(const std::string& path, bool json) {
  const PageFile file(path);
  const Dataset ids = file.ids();
  const std::string& source = file.source().report.path;
  if (json) {
    JsonObject object;
    object.text("pages", path)
        .count("bytes", file.bytes())
        .count("n_ratings", file.size())
        .count("n_users", ids.users.size())
        .count("n_items", ids.items.size())
        .text("user_ids", ids_word(file.user_kind()))
        .text("item_ids", ids_word(file.item_kind()))
        .text("data", source);
    return object.str() + '\n';
  }
  return info_row("pages", path) + info_row("size", short_bytes(file.bytes())) +
         info_row("ratings", grouped(file.size())) + ids_row("users", ids.users.size(), file.user_kind()) +
         ids_row("items", ids.items.size(), file.item_kind()) +
         info_row("data", source.empty() ? "stdin" : shown(source));
}

}  // namespace

int run_verb(const PredictRequest& request, Console& console) {
  const Model model = read_model(request.model, SeenItems::leave);
  const TrainingRecord record = read_record(model, request.model);
  ChosenEngine chosen = make_engine(request.engine.engine, request.engine.threads);
  note_reader(console, record, request.reader.options);
  Dataset pairs = known_dataset(model);
  ReadOptions options = options_for(model, record, request.reader.options);
  options.need_rating = false;
  read_file(console, request.pairs, options, pairs);
  const Position n_pairs = pairs.ratings.size();
  const UnknownIds unknown = count_unknown(model, pairs.ratings.view());
  if (request.unknown == Unknown::error) refuse_unknown(model, pairs, request.pairs);
  if (request.unknown == Unknown::skip && unknown.pairs > 0) {
    pairs.ratings = known_part(model, pairs.ratings.view());
  }

  refuse_same_file(request.out, request.pairs);
  refuse_same_file(request.out, request.model);
  OutputFile out(request.out);
  if (!console.json()) out.write("user,item,prediction\n");
  PredictionWriter writer(out, pairs, console.json());
  const auto scorer = chosen.engine->open(model);
  constexpr Position kChunk = 65536;
  HostBuffer<float> scores(std::min(kChunk, pairs.ratings.size()));
  const RatingsView<Host> view = pairs.ratings.view();
  for (Position first = 0; first < view.size(); first += kChunk) {
    const RatingsView<Host> part = view.part(first, std::min(kChunk, view.size() - first));
    const Span<float, Host> chunk = scores.span().part(0, part.size());
    scorer->predict(part.user, part.item, chunk);
    if (request.unknown == Unknown::mean) answer_mean(model, part, chunk);
    writer.write(first, chunk);
  }
  out.commit();
  if (unknown.pairs > 0) say_unknown(request.unknown, model, unknown, n_pairs, console);
  return 0;
}

int run_verb(const InfoRequest& request, Console& console) {
  OutputFile out("");
  if (is_page_file(request.model)) {
    if (request.repeat) throw UsageError("--settings is for a model, and this is a page file", "leave it out");
    out.write(pages_info(request.model, console.json()));
    out.commit();
    return 0;
  }
  const Model model = read_model(request.model);
  if (request.repeat) {
    const std::string settings = settings_of(model, request.model);
    out.write(console.json() ? JsonObject().text("settings", settings).str() + '\n' : settings);
    out.commit();
    return 0;
  }
  std::error_code ignored;
  const auto bytes = static_cast<Position>(std::filesystem::file_size(request.model, ignored));
  out.write(console.json() ? info_json(model, request.model, bytes) + '\n' : info_text(model, request.model, bytes));
  out.commit();
  return 0;
}

}  // namespace wf::cli
