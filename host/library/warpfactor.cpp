#include "host/library/warpfactor.hpp"

#include "host/api/fold_in.hpp"
#include "host/api/record.hpp"
#include "host/api/similar.hpp"
#include "host/api/train.hpp"
#include "host/base/json_text.hpp"
#include "host/kernels/top_items.hpp"
#include "host/model/model_file.hpp"
#include "host/pages/page_file.hpp"
#include "host/readers/read_ratings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace warpfactor {
namespace {

/// Calls `work` and turns the engine's errors into the library's.
template <class Work>
auto guarded(const Work& work) {
  try {
    return work();
  } catch (const Error&) {
    throw;
  } catch (const wf::Error& error) {
    throw Error(static_cast<ErrorKind>(error.kind()), error.what());
  } catch (const std::bad_alloc&) {
    throw Error(ErrorKind::device, "out of memory (a smaller rank, or fewer ratings)");
  } catch (const std::exception& error) {
    throw Error(ErrorKind::failed, error.what());
  }
}

/// Of an id that the model does not know, a row beyond its tables.
wf::RowId row_of(const wf::IdMap& ids, wf::Position n_rows, std::string_view id) {
  const std::optional<wf::RowId> row = ids.find(id);
  return row && *row < n_rows ? *row : static_cast<wf::RowId>(n_rows);
}

wf::RowId known_row(const wf::IdMap& ids, wf::Position n_rows, std::string_view id, const char* side) {
  if (const wf::RowId row = row_of(ids, n_rows, id); row < n_rows) return row;
  throw Error(ErrorKind::usage, fmt::format("{} \"{}\" is not among the model's", side, id));
}

std::string id_at(const wf::IdMap& ids, wf::Position n_rows, std::size_t row) {
  if (row < static_cast<std::size_t>(n_rows)) return ids.text(static_cast<wf::RowId>(row));
  throw Error(ErrorKind::usage, fmt::format("row {} is beyond the {} of the table", row, n_rows));
}

/// What `warpfactor info --settings` prints: TOML with which train repeats the training.
std::string toml_of(const Settings& settings) {
  std::string text = fmt::format("# warpfactor {}, by the library\n", WARPFACTOR_VERSION);
  for (const auto& [key, value] : settings) {
    const wf::Setting* row = wf::train_setting(key);
    const bool bare = row != nullptr && (row->is_flag() || row->metavar == "N" || row->metavar == "X");
    text += key + " = " + (bare ? value.text() : wf::json_string(value.text())) + '\n';
  }
  return text;
}

std::vector<wf::OuterValue> values_of(const Settings& settings) {
  std::vector<wf::OuterValue> values;
  for (const auto& [key, value] : settings) values.push_back({key, {value.text()}, wf::Source::option, ""});
  return values;
}

}  // namespace

std::string Value::text_of(double value) {
  return fmt::format("{}", value);
}

std::string version() {
  return WARPFACTOR_VERSION;
}

struct Ratings::State {
  wf::Dataset data;
  wf::PageSource about;  ///< of the file that all of them are from; empty: there is none
};

Ratings::Ratings() : state_(std::make_unique<State>()) {}
Ratings::~Ratings() = default;
Ratings::Ratings(Ratings&&) noexcept = default;
Ratings& Ratings::operator=(Ratings&&) noexcept = default;

Ratings Ratings::read(const std::string& path) {
  return guarded([&] {
    Ratings ratings;
    State& state = *ratings.state_;
    if (wf::is_page_file(path)) {
      const wf::PageFile file(path);
      state.about = file.source();
      file.read_into(state.data);
    } else {
      state.about.report = wf::read_ratings(path, {}, state.data);
    }
    return ratings;
  });
}

void Ratings::add(std::string_view user, std::string_view item, float value) {
  guarded([&] {
    wf::Dataset& data = state_->data;
    for (const auto& [ids, id] : {std::pair{&data.users, user}, std::pair{&data.items, item}}) {
      if (const std::string why = ids->why_not(id); !why.empty()) throw wf::UsageError(why);
    }
    if (!std::isfinite(value)) throw wf::UsageError("a rating is no number", "leave it out");
    data.ratings.push_back(data.users.insert(user), data.items.insert(item), value);
    state_->about = {};
  });
}

std::size_t Ratings::size() const {
  return static_cast<std::size_t>(state_->data.ratings.size());
}
std::size_t Ratings::n_users() const {
  return static_cast<std::size_t>(state_->data.users.size());
}
std::size_t Ratings::n_items() const {
  return static_cast<std::size_t>(state_->data.items.size());
}

std::vector<std::string> Ratings::items_of(std::string_view user) const {
  const wf::Dataset& data = state_->data;
  std::vector<std::string> items;
  const std::optional<wf::RowId> row = data.users.find(user);
  for (wf::Position n = 0; row && n < data.ratings.size(); ++n) {
    if (data.ratings.user[n] == *row) items.push_back(data.items.text(data.ratings.item[n]));
  }
  return items;
}

/// A model, and what answers for it once it is asked.
struct Model::State {
  wf::Model model;
  std::optional<double> valid_rmse;
  std::string divergence;
  std::unique_ptr<wf::Engine> engine = wf::make_engine("cpu", 0).engine;
  std::unique_ptr<wf::Scorer> scorer;
  struct Neighbours {
    wf::Model model;
    std::vector<wf::RowId> rows;  ///< with factors
    std::unique_ptr<wf::Scorer> scorer;
  };
  std::unique_ptr<Neighbours> items, users;

  wf::Scorer& open() {
    if (!scorer) scorer = engine->open(model);
    return *scorer;
  }

  /// The best of a row's scores, of all rows but some.
  static std::vector<wf::Recommendation> best(wf::Scorer& scorer, const wf::Model& of, wf::RowId row, std::size_t n,
                                              std::vector<wf::RowId> left_out) {
    std::sort(left_out.begin(), left_out.end());
    wf::HostBuffer<float> scores(of.n_items);
    scorer.score_items({&row, 1}, {scores.data(), 1, static_cast<int>(of.n_items), of.n_items});
    const wf::Span<const wf::RowId, wf::Host> excluded{left_out.data(), static_cast<wf::Position>(left_out.size())};
    const auto count = static_cast<wf::Position>(std::min(n, static_cast<std::size_t>(of.n_items)));
    return wf::top_items(scores.span(), count, [&](const auto& f) { wf::for_rows_but(0, of.n_items, excluded, f); });
  }

  static std::vector<Scored> named(const std::vector<wf::Recommendation>& list, const wf::IdMap& ids) {
    std::vector<Scored> result;
    result.reserve(list.size());
    for (const wf::Recommendation& one : list) result.push_back({ids.text(one.item), one.score});
    return result;
  }

  /// Rows that stand for nobody: without any factor.
  static std::vector<wf::RowId> without_factors(const wf::Model& of) {
    const std::vector<wf::RowId> with = wf::rows_with_factors(of.tables.item_factors, of.rank);
    std::vector<wf::RowId> without;
    for (wf::RowId row = 0; row < of.n_items; ++row) {
      if (!std::binary_search(with.begin(), with.end(), row)) without.push_back(row);
    }
    return without;
  }

  std::vector<Scored> similar(bool of_items, std::string_view id, std::size_t n) {
    const wf::IdMap& ids = of_items ? model.items : model.users;
    const wf::RowId row = known_row(ids, of_items ? model.n_items : model.n_users, id, of_items ? "item" : "user");
    std::unique_ptr<Neighbours>& side = of_items ? items : users;
    if (!side) {
      side = std::make_unique<Neighbours>();
      side->model = wf::similarity_model(model, of_items, wf::Similarity::cosine);
      side->rows = without_factors(side->model);
      side->scorer = engine->open(side->model);
    }
    std::vector<wf::RowId> left_out = side->rows;
    if (std::binary_search(left_out.begin(), left_out.end(), row)) return {};
    left_out.push_back(row);
    return named(best(*side->scorer, side->model, row, n, std::move(left_out)), ids);
  }
};

Model::Model(std::unique_ptr<State> state) : state_(std::move(state)) {}
Model::~Model() = default;
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;

Model Model::train(const Ratings& ratings, const Settings& settings,
                   const std::function<bool(const Epoch& epoch)>& on_epoch) {
  return guarded([&] {
    const wf::TrainSettings chosen = wf::read_train_settings(values_of(settings));
    const wf::Dataset& data = ratings.state_->data;
    if (data.ratings.empty()) throw wf::UsageError("there is no rating to train on", "add some, or read a file");
    wf::TrainingSource source;
    source.data = {data.ratings.clone(), data.users.clone(), data.items.clone()};
    if (wf::is_pairwise(chosen.config.loss)) wf::keep_positives(chosen.config, source.data.ratings);
    source.ratings = std::make_unique<wf::RatingsInMemory>(source.data.ratings.view());
    bool goes_on = true;
    wf::TrainCallbacks callbacks;
    callbacks.stop_requested = [&goes_on] { return !goes_on; };
    callbacks.epoch = [&](const wf::EpochReport& report) {
      if (on_epoch)
        goes_on = on_epoch({report.epoch, report.epochs, report.train_rmse, report.valid_rmse, report.best});
    };
    wf::Training training = wf::train(chosen, std::move(source), callbacks);
    auto state = std::make_unique<State>();
    for (const wf::EpochReport& report : training.result.epochs) {
      if (report.epoch == training.result.best_epoch) state->valid_rmse = report.valid_rmse;
    }
    const wf::Divergence& diverged = training.result.divergence;
    if (!diverged.what.empty()) state->divergence = diverged.what + " (" + diverged.cure + ")";
    const wf::PageSource& about = ratings.state_->about;
    const wf::ReadReport& report = about.report;
    wf::TrainingRecord record;
    record.reader = {about.options, about.declared_users, about.declared_items};
    record.data = report.path;
    record.hash = report.hash;
    record.bytes = report.bytes;
    record.n_ratings = training.n_ratings;
    record.settings = toml_of(settings);
    record.baseline_bias_rmse = training.baselines.bias_rmse;
    record.baseline_mean_rmse = training.baselines.mean_rmse;
    wf::write_record(record, training.config, training.result, training.model);
    state->model = std::move(training.model);
    return Model(std::move(state));
  });
}

Model Model::read(const std::string& path) {
  return guarded([&] {
    auto state = std::make_unique<State>();
    state->model = wf::read_model(path);
    return Model(std::move(state));
  });
}

void Model::write(const std::string& path) const {
  guarded([&] { wf::write_model(state_->model, path); });
}

std::size_t Model::n_users() const {
  return static_cast<std::size_t>(state_->model.n_users);
}
std::size_t Model::n_items() const {
  return static_cast<std::size_t>(state_->model.n_items);
}
int Model::rank() const {
  return state_->model.rank;
}
std::optional<double> Model::valid_rmse() const {
  return state_->valid_rmse;
}
const std::string& Model::divergence() const {
  return state_->divergence;
}

float Model::predict(std::string_view user, std::string_view item) const {
  return guarded([&] {
    const wf::Model& model = state_->model;
    const wf::RowId user_row = row_of(model.users, model.n_users, user);
    const wf::RowId item_row = row_of(model.items, model.n_items, item);
    float score = 0;
    state_->open().predict({&user_row, 1}, {&item_row, 1}, {&score, 1});
    return score;
  });
}

Errors Model::evaluate(const Ratings& ratings) const {
  return guarded([&] {
    const wf::Model& model = state_->model;
    const wf::Dataset& data = ratings.state_->data;
    Errors errors;
    wf::Ratings rows;  // by the model's ids
    std::vector<wf::RowId> users, items;
    for (wf::RowId n = 0; n < data.users.size(); ++n) {
      users.push_back(row_of(model.users, model.n_users, data.users.text(n)));
    }
    for (wf::RowId n = 0; n < data.items.size(); ++n) {
      items.push_back(row_of(model.items, model.n_items, data.items.text(n)));
    }
    for (wf::Position n = 0; n < data.ratings.size(); ++n) {
      const wf::RowId user = users[static_cast<std::size_t>(data.ratings.user[n])];
      const wf::RowId item = items[static_cast<std::size_t>(data.ratings.item[n])];
      errors.n_unknown += user >= model.n_users || item >= model.n_items ? 1 : 0;
      rows.push_back(user, item, data.ratings.value[n]);
    }
    const wf::ErrorSums sums = state_->open().errors(rows.view(), wf::read_record(model, "the model").loss);
    errors.rmse = sums.rmse();
    errors.mae = sums.mae();
    errors.n = static_cast<std::size_t>(sums.count);
    return errors;
  });
}

std::vector<Scored> Model::recommend(std::string_view user, std::size_t n,
                                     const std::vector<std::string>& left_out) const {
  return guarded([&] {
    const wf::Model& model = state_->model;
    const wf::RowId row = known_row(model.users, model.n_users, user, "user");
    std::vector<wf::RowId> without;
    if (const wf::RowId padding = wf::read_record(model, "the model").item_padding; padding >= 0) {
      without.push_back(padding);
    }
    for (const std::string& id : left_out) {
      if (const auto item = model.items.find(id)) without.push_back(*item);
    }
    return State::named(State::best(state_->open(), model, row, n, std::move(without)), model.items);
  });
}

std::vector<Scored> Model::recommend(const std::vector<RatedItem>& history, std::size_t n) const {
  return guarded([&] {
    const wf::Model& model = state_->model;
    const wf::TrainingRecord record = wf::read_record(model, "the model");
    wf::Ratings known;
    std::vector<wf::RowId> without;
    if (record.item_padding >= 0) without.push_back(record.item_padding);
    for (const RatedItem& rated : history) {
      const std::optional<wf::RowId> item = model.items.find(rated.item);
      if (!std::isfinite(rated.value)) throw wf::UsageError("a rating is no number", "leave it out");
      if (!item || *item >= model.n_items) continue;
      known.push_back(0, *item, rated.value);
      without.push_back(*item);
    }
    if (known.empty()) throw wf::UsageError("the model knows none of the items of the history", "give others");
    const wf::Model folded =
        wf::fold_in(model, known.view(), 1, wf::read_objective(model, "the model"), record.n_ratings);
    const auto scorer = state_->engine->open(folded);
    return State::named(State::best(*scorer, folded, 0, n, std::move(without)), model.items);
  });
}

std::vector<Scored> Model::similar_items(std::string_view item, std::size_t n) const {
  return guarded([&] { return state_->similar(true, item, n); });
}

std::vector<Scored> Model::similar_users(std::string_view user, std::size_t n) const {
  return guarded([&] { return state_->similar(false, user, n); });
}

std::span<const float> Model::user_factors() const {
  const wf::HostBuffer<float>& factors = state_->model.tables.user_factors;
  return {factors.begin(), static_cast<std::size_t>(factors.size())};
}
std::span<const float> Model::item_factors() const {
  const wf::HostBuffer<float>& factors = state_->model.tables.item_factors;
  return {factors.begin(), static_cast<std::size_t>(factors.size())};
}
std::string Model::user_id(std::size_t row) const {
  return id_at(state_->model.users, state_->model.n_users, row);
}
std::string Model::item_id(std::size_t row) const {
  return id_at(state_->model.items, state_->model.n_items, row);
}

}  // namespace warpfactor
