#include "host/api/training_data.hpp"

#include "host/base/resident_memory.hpp"
#include "host/base/shown.hpp"
#include "host/kernels/sgd_rules.hpp"
#include "host/ratings/split.hpp"
#include "host/schedule/block_order.hpp"
#include "host/schedule/row_sharing.hpp"
#include "host/train/grid_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace wf {
namespace {

void check_split(const TrainConfig& config, Position n_train) {
  if (n_train > 0) return;
  throw UsageError(fmt::format("--valid-frac {} leaves no rating to train on", config.valid_frac),
                   "take a smaller share, or --no-valid");
}

Baselines measure_baselines(const RatingSource& train, const Ratings& valid, Position n_users, Position n_items,
                            const TrainConfig& config) {
  Baselines result;
  Ranks& ranks = train.ranks();
  const bool validates = ranks.any(!valid.empty());
  if ((!validates || counts_mistakes(config.loss)) && config.bias_init == BiasInit::zero) return result;
  result.fitted = fit_biases(train, n_users, n_items, kBiasPenalty, config.threads);
  if (validates) {
    result.mean_rmse = result.fitted.mean_errors(valid.view(), config.threads, ranks).rmse();
    result.bias_rmse = result.fitted.errors(valid.view(), config.threads, ranks).rmse();
  }
  return result;
}

double largest_share(const RowCounts& counts, Position n_ratings) {
  const Position most = std::max(*std::max_element(counts.user.begin(), counts.user.end()),
                                 *std::max_element(counts.item.begin(), counts.item.end()));
  return static_cast<double>(most) / static_cast<double>(n_ratings);
}

/// So that batches, which are drawn by place, and sums of errors are functions of the set of ratings: a page file has
/// them in another order than its text. 24 bytes a rating while it works.
void order_by_rows(Ratings& ratings) {
  if (ratings.empty()) return;
  const auto range = [](const HostBuffer<RowId>& rows) {  // of unknown ids, beyond the tables
    return RowRange{0, *std::max_element(rows.begin(), rows.end()) + 1};
  };
  BlockScratch scratch;
  sort_block(ratings, scratch, {.end = ratings.size(), .users = range(ratings.user), .items = range(ratings.item)});
}

TrainingData batch_data(const TrainConfig& config, TrainingSource& source) {
  TrainingData result;
  ThreadPool pool(config.threads);
  Ratings& all = source.data.ratings;
  if (config.shuffle == Shuffle::epoch) order_by_rows(all);
  result.valid = source.valid ? std::move(*source.valid) : split_off(all, config.valid_frac, config.seed, pool);
  result.train = std::move(all);
  source.ratings.reset();
  check_split(config, result.train.size());
  const RatingsInMemory train(result.train.view());
  result.facts = facts_of(train, config.threads);
  result.largest_share =
      largest_share(row_counts(train, source.data.users.size(), source.data.items.size(), pool), train.size());
  result.baselines = measure_baselines(train, result.valid, source.data.users.size(), source.data.items.size(), config);
  return result;
}

/// What a run takes beside the training ratings, from the grid on.
Position bytes_beside_ratings(const TrainConfig& config, const TrainingSource& source, Position n_valid) {
  constexpr Position kSmall = Position{16} << 20;  // stacks, buffers of files, what the C library holds back
  const Position rows = source.data.users.size() + source.data.items.size();
  const Position row = 4 * ((config.rank + 7) / 8 * 8 + kRecord);
  const Position copies = keeps_best(config, n_valid) ? 2 : 1;
  const Position of_rows = 8 + 8 + 4 + 4;  // counts twice, names, baselines
  return checked_product(rows, copies * row + of_rows) + 2 * kRatingBytes * n_valid + kSmall;
}

RatingRoom room_for(const TrainConfig& config, const TrainingSource& source, Position n_valid) {
  if (source.memory == 0) return {};
  const Position taken = resident_bytes() + bytes_beside_ratings(config, source, n_valid);
  constexpr Position kLeast = Position{1} << 20;
  if (source.memory < taken + kLeast) {
    throw UsageError(fmt::format("--memory {} is too little: without the ratings, the model and the program take {}",
                                 short_bytes(source.memory), short_bytes(taken)),
                     fmt::format("give at least {}, or a lower --rank", short_bytes(taken + 8 * kLeast)));
  }
  return {source.memory - taken, source.scratch_folder};
}

/// What the ranks, of different machines maybe, would have of one grid: two ranges each at least, so that the range
/// that leaves can go while the other is worked on.
GridWish wish_of_all(GridWish wish, Ranks& ranks) {
  if (ranks.is_alone()) return wish;
  double most[] = {static_cast<double>(wish.least_ranges), -static_cast<double>(wish.cache)};  // the smallest cache
  ranks.most({most, std::size(most)});
  const int ranges = static_cast<int>(most[0]);
  wish.least_ranges = wish.of_machine ? ranges * ranks.size() : std::max(ranges, 2 * ranks.size());
  wish.cache = static_cast<Position>(-most[1]);
  return wish;
}

TrainingData block_data(const TrainConfig& config, const Engine& engine, TrainingSource& source) {
  const Position n_users = source.data.users.size(), n_items = source.data.items.size();
  const Ratings valid_file = source.valid ? std::move(*source.valid) : Ratings{};
  ThreadPool pool(config.threads);
  TrainingData result;
  {
    const HeldOut held_out(*source.ratings, source.valid ? 0 : config.valid_frac, config.seed, pool);
    const SplitPart train(*source.ratings, held_out, SplitPart::Side::train);
    const SplitPart held(*source.ratings, held_out, SplitPart::Side::held_out);
    const Position n_valid = held.size() + valid_file.size();
    check_split(config, train.total());
    const RatingRoom room = room_for(config, source, n_valid);
    const GridWish wish = wish_of_all(engine.grid_wish(), source.ratings->ranks());
    result.grid.emplace(make_grid(pool, train, n_users, n_items, config, wish, room));
    const RatingsInMemory from_file(valid_file.view(), source.ratings->ranks());
    const RatingSource& valid = source.valid ? static_cast<const RatingSource&>(from_file) : held;
    result.valid = result.grid->arranged(pool, valid);
  }
  source.ratings.reset();
  source.data.ratings = {};
  release_freed_memory();  // of the layout: 20 MB and more
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

TrainingData row_data(const TrainConfig& config, TrainingSource& source) {
  const Position n_users = source.data.users.size(), n_items = source.data.items.size();
  ThreadPool pool(config.threads);
  TrainingData result;
  if (source.valid) result.valid = std::move(*source.valid);
  const HeldOut held_out(*source.ratings, source.valid ? 0 : config.valid_frac, config.seed, pool);
  const SplitPart train(*source.ratings, held_out, SplitPart::Side::train);
  if (!source.valid) result.valid = copied(pool, SplitPart(*source.ratings, held_out, SplitPart::Side::held_out));
  check_split(config, train.total());
  order_by_rows(result.valid);
  result.facts = facts_of(train, config.threads);
  result.baselines = measure_baselines(train, result.valid, n_users, n_items, config);
  if (Ranks& ranks = source.ratings->ranks(); !ranks.is_alone()) {
    SharedRatings mine = share_by_row(pool, train, RatingsInMemory(result.valid.view(), ranks), n_users, n_items,
                                      config.rank, config.algorithm == Algorithm::ials);
    source.ratings.reset();
    source.data.ratings = {};
    result.valid = std::move(mine.valid);
    result.lists.emplace(std::move(mine.lists));
    return result;
  }
  RowLists by_item = list_by_item(pool, train, n_items);
  source.ratings.reset();
  source.data.ratings = {};
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

TrainingData prepare(const TrainConfig& config, const Engine& engine, TrainingSource& source) {
  if (config.algorithm != Algorithm::sgd) return row_data(config, source);
  return config.batch_size > 0 ? batch_data(config, source) : block_data(config, engine, source);
}

RatingScale scale_of(const TrainConfig& config, const Dataset& ids, const TrainingData& data) {
  double mean = data.facts.mean;
  if (config.missing == Missing::zero) {  // all cells count
    const auto cells = static_cast<double>(ids.users.size()) * static_cast<double>(ids.items.size());
    mean *= static_cast<double>(data.n_train()) / cells;
  }
  return {data.facts.deviation, data.largest_share, mean};
}

}  // namespace wf
