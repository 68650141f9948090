#include "host/cli/training_data.hpp"

#include "host/base/resident_memory.hpp"
#include "host/base/shown.hpp"
#include "host/cli/train_header.hpp"
#include "host/cli/words.hpp"
#include "host/kernels/sgd_rules.hpp"
#include "host/ratings/split.hpp"
#include "host/train/grid_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace wf::cli {
namespace {

/// A page file, ready for as many passes as a run needs.
OpenedData open_pages(Console& console, const TrainRequest& request) {
  refuse_reader_request(request.data, request.reader);
  auto file = std::make_unique<PageFile>(request.data);
  OpenedData opened;
  opened.about = file->source();
  opened.data = file->ids();
  console.line("read", fmt::format("{}: page file of {} · {}, page by page", request.data, opened.about.report.path,
                                   plural(file->size(), "rating")));
  opened.ratings = std::move(file);
  return opened;
}

OpenedData open_in_memory(Console& console, const TrainRequest& request) {
  OpenedData opened;
  opened.data = new_dataset(request.reader, bytes_a_row(request.config.rank));
  opened.about = (request.cache ? read_through_cache : read_source)(console, request.data, request.reader, opened.data);
  opened.ratings = std::make_unique<RatingsInMemory>(opened.data.ratings.view());
  return opened;
}

/// The ratings that count, for a loss of pairs. Rows that have others alone stay: nobody is known to like them.
OpenedData open_positives(Console& console, const TrainRequest& request) {
  OpenedData opened = open_in_memory(console, request);
  const Position all = opened.data.ratings.size();
  keep_positives(request.config, opened.data.ratings);
  const Position kept = opened.data.ratings.size();
  const std::optional<double> least = request.config.positive_from;
  const std::string what = least ? fmt::format("{} and above", *least) : "above 0";
  if (kept == 0) {
    throw UsageError(fmt::format("no rating is {}: there is nothing to rank", what), "take another --positive-from");
  }
  if (kept < all) {
    console.line("", fmt::format("{} of them {} count, the others are as if they were not there", grouped(kept), what),
                 "--positive-from");
  }
  opened.ratings = std::make_unique<RatingsInMemory>(opened.data.ratings.view());
  return opened;
}

Ratings read_validation(Console& console, const TrainRequest& request, const Dataset& known) {
  Dataset valid{{}, known.users.clone(), known.items.clone()};
  read_file(console, request.valid, request.reader.options, valid);
  if (is_pairwise(request.config.loss)) keep_positives(request.config, valid.ratings);
  return std::move(valid.ratings);
}

void check_split(const TrainConfig& config, Position n_train) {
  if (n_train > 0) return;
  throw UsageError(fmt::format("--valid-frac {} leaves no rating to train on", config.valid_frac),
                   "take a smaller share, or --no-valid");
}

Baselines measure_baselines(const RatingSource& train, const Ratings& valid, Position n_users, Position n_items,
                            const TrainConfig& config) {
  Baselines result;
  if ((valid.empty() || counts_mistakes(config.loss)) && config.bias_init == BiasInit::zero) return result;
  result.fitted = fit_biases(train, n_users, n_items, kBiasPenalty, config.threads);
  if (!valid.empty()) {
    result.mean_rmse = result.fitted.mean_errors(valid.view(), config.threads).rmse();
    result.bias_rmse = result.fitted.errors(valid.view(), config.threads).rmse();
  }
  return result;
}

double largest_share(const RowCounts& counts, Position n_ratings) {
  const Position most = std::max(*std::max_element(counts.user.begin(), counts.user.end()),
                                 *std::max_element(counts.item.begin(), counts.item.end()));
  return static_cast<double>(most) / static_cast<double>(n_ratings);
}

TrainingData batch_data(Console& console, const TrainRequest& request, const TrainConfig& config, OpenedData& opened) {
  TrainingData result;
  ThreadPool pool(config.threads);
  Ratings& all = opened.data.ratings;
  if (!request.valid.empty()) {
    result.valid = read_validation(console, request, opened.data);
  } else {
    result.valid = split_off(all, config.valid_frac, config.seed, pool);
  }
  result.train = std::move(all);
  opened.ratings.reset();
  check_split(config, result.train.size());
  print_split(console, request, config, result.train.size(), result.valid.size());
  const RatingsInMemory train(result.train.view());
  result.facts = facts_of(train, config.threads);
  result.largest_share =
      largest_share(row_counts(train, opened.data.users.size(), opened.data.items.size(), pool), train.size());
  result.baselines = measure_baselines(train, result.valid, opened.data.users.size(), opened.data.items.size(), config);
  return result;
}

/// What a run takes beside the training ratings, from the grid on.
Position bytes_beside_ratings(const TrainConfig& config, const OpenedData& opened, Position n_valid) {
  constexpr Position kSmall = Position{16} << 20;  // stacks, buffers of files, what the C library holds back
  const Position rows = opened.data.users.size() + opened.data.items.size();
  const Position row = 4 * ((config.rank + 7) / 8 * 8 + kRecord);
  const Position copies = n_valid > 0 ? 2 : 1;  // the best epoch's tables
  const Position of_rows = 8 + 8 + 4 + 4;       // counts twice, names, baselines
  return checked_product(rows, copies * row + of_rows) + 2 * kRatingBytes * n_valid + kSmall;
}

RatingRoom room_for(const TrainRequest& request, const TrainConfig& config, const OpenedData& opened, Position n_valid,
                    const std::string& scratch_folder) {
  if (request.memory == 0) return {};
  const Position taken = resident_bytes() + bytes_beside_ratings(config, opened, n_valid);
  constexpr Position kLeast = Position{1} << 20;
  if (request.memory < taken + kLeast) {
    throw UsageError(fmt::format("--memory {} is too little: without the ratings, the model and the program take {}",
                                 short_bytes(request.memory), short_bytes(taken)),
                     fmt::format("give at least {}, or a lower --rank", short_bytes(taken + 8 * kLeast)));
  }
  return {request.memory - taken, scratch_folder};
}

void print_room(Console& console, const TrainRequest& request, const BlockGrid& grid) {
  if (request.memory == 0) return;
  const std::string size = short_bytes(kRatingBytes * grid.n_ratings());
  console.line(
      "memory",
      grid.in_memory()
          ? fmt::format("{} hold all ratings, {}", short_bytes(request.memory), size)
          : fmt::format("{}: the ratings, {}, are in a scratch file beside the model, blocks of a {} × {} grid",
                        short_bytes(request.memory), size, grid.size(), grid.size()),
      "--memory, --grid");
}

TrainingData block_data(Console& console, const TrainRequest& request, const TrainConfig& config, const Engine& engine,
                        OpenedData& opened, const std::string& scratch_folder) {
  const Position n_users = opened.data.users.size(), n_items = opened.data.items.size();
  Ratings valid_file;
  if (!request.valid.empty()) valid_file = read_validation(console, request, opened.data);
  ThreadPool pool(config.threads);
  TrainingData result;
  {
    const HeldOut held_out(*opened.ratings, request.valid.empty() ? config.valid_frac : 0, config.seed, pool);
    const SplitPart train(*opened.ratings, held_out, SplitPart::Side::train);
    const SplitPart held(*opened.ratings, held_out, SplitPart::Side::held_out);
    const Position n_valid = held.size() + valid_file.size();
    check_split(config, train.size());
    print_split(console, request, config, train.size(), n_valid);
    const RatingRoom room = room_for(request, config, opened, n_valid, scratch_folder);
    result.grid.emplace(make_grid(pool, train, n_users, n_items, config, engine.grid_wish(), room));
    const RatingsInMemory from_file(valid_file.view());
    const RatingSource& valid = request.valid.empty() ? static_cast<const RatingSource&>(held) : from_file;
    result.valid = result.grid->arranged(pool, valid);
  }
  opened.ratings.reset();
  opened.data.ratings = {};
  release_freed_memory();  // of the layout: 20 MB and more
  print_room(console, request, *result.grid);
  result.facts = facts_of(result.grid->source(), config.threads);
  result.baselines = measure_baselines(result.grid->source(), result.valid, n_users, n_items, config);
  BiasBaseline& fitted = result.baselines.fitted;
  rename_rows(fitted.user_bias, 1, result.grid->new_users(), Naming::from_grid);
  rename_rows(fitted.item_bias, 1, result.grid->new_items(), Naming::from_grid);
  return result;
}

Ratings copied(ThreadPool& pool, const RatingSource& source) {
  Ratings ratings;
  source.for_parts(pool, 1, [&](int, const RatingPart& part) {
    for (Position n = 0; n < part.ratings.size(); ++n) {
      ratings.push_back(part.ratings.user[n], part.ratings.item[n], part.ratings.value[n]);
    }
  });
  return ratings;
}

TrainingData row_data(Console& console, const TrainRequest& request, const TrainConfig& config, OpenedData& opened) {
  const Position n_users = opened.data.users.size(), n_items = opened.data.items.size();
  ThreadPool pool(config.threads);
  TrainingData result;
  if (!request.valid.empty()) result.valid = read_validation(console, request, opened.data);
  const HeldOut held_out(*opened.ratings, request.valid.empty() ? config.valid_frac : 0, config.seed, pool);
  const SplitPart train(*opened.ratings, held_out, SplitPart::Side::train);
  if (request.valid.empty()) {
    result.valid = copied(pool, SplitPart(*opened.ratings, held_out, SplitPart::Side::held_out));
  }
  check_split(config, train.size());
  print_split(console, request, config, train.size(), result.valid.size());
  result.facts = facts_of(train, config.threads);
  result.baselines = measure_baselines(train, result.valid, n_users, n_items, config);
  RowLists by_item = list_by_item(pool, train, n_items);
  opened.ratings.reset();
  opened.data.ratings = {};
  result.lists.emplace(list_both(pool, std::move(by_item), n_users));
  return result;
}

}  // namespace

void keep_positives(const TrainConfig& config, Ratings& ratings) {
  Position kept = 0;
  for (Position n = 0; n < ratings.size(); ++n) {
    if (!config.is_positive(ratings.value[n])) continue;
    ratings.user[kept] = ratings.user[n];
    ratings.item[kept] = ratings.item[n];
    ratings.value[kept++] = ratings.value[n];
  }
  ratings.resize(kept);
}

OpenedData open_data(Console& console, const TrainRequest& request, bool stays) {
  if (is_pairwise(request.config.loss)) return open_positives(console, request);
  if (stays && is_page_file(request.data)) return open_pages(console, request);
  if (request.memory > 0) {
    throw UsageError(fmt::format("--memory trains from a page file, and {} is a text", request.data),
                     fmt::format("warpfactor convert {} writes one", request.data));
  }
  return open_in_memory(console, request);
}

TrainingData prepare(Console& console, const TrainRequest& request, const TrainConfig& config, const Engine& engine,
                     OpenedData& opened, const std::string& scratch_folder) {
  if (config.algorithm != Algorithm::sgd) return row_data(console, request, config, opened);
  return config.batch_size > 0 ? batch_data(console, request, config, opened)
                               : block_data(console, request, config, engine, opened, scratch_folder);
}

}  // namespace wf::cli
