// One op at a time on tables of one rank, in one order: the first result against the reference, then the clock.
#pragma once
#include "bench/timing.hpp"
#include "cuda/kernels/cuda_kernels.hpp"
#include "host/base/philox.hpp"
#include "host/reference/reference.hpp"
#include "host/train/row_records.hpp"
#include "tests/kernels/problems.hpp"

#include <map>
#include <set>
#include <utility>

namespace wf::bench {

using test::rounding;
using View = ModelView<float, Device>;

inline constexpr std::uint64_t kSeed = 20;
inline constexpr float kRate = 1e-3F;  // of per-rating SGD

inline Rows<float, Host> rows_of(HostBuffer<float>& values, Position count, int rank) {
  return {values.data(), count, rank, rank};
}

/// `size` values in [-scale, scale).
inline HostBuffer<float> random_values(Position size, std::uint64_t seed, float scale) {
  HostBuffer<float> values(size);
  for (Position n = 0; n < size; n += 4) {
    const RandomBits bits = random_bits(seed, Purpose::synthetic, static_cast<std::uint64_t>(n));
    for (Position word = 0; word < std::min<Position>(4, size - n); ++word) {
      values[n + word] = scale * (2 * to_unit_float(bits.word[word]) - 1);
    }
  }
  return values;
}

/// The factors of both sides, in [-1, 1) / sqrt(rank): no score is larger than 1.
struct Factors {
  Factors(const Settings& settings, int of_rank)
      : rank(of_rank),
        user(random_values(settings.n_users * rank, kSeed + 1, 1 / std::sqrt(static_cast<float>(rank)))),
        item(random_values(settings.n_items * rank, kSeed + 2, 1 / std::sqrt(static_cast<float>(rank)))) {}
  Factors(const Factors& other) : rank(other.rank), user(other.user.clone()), item(other.item.clone()) {}
  Rows<float, Host> user_rows() { return rows_of(user, user.size() / rank, rank); }
  Rows<float, Host> item_rows() { return rows_of(item, item.size() / rank, rank); }
  ModelView<float, Host> view() { return {user_rows(), item_rows(), {}, {}, 0}; }

  int rank;
  HostBuffer<float> user, item;
};

inline Rows<float, Device> rows_of(DeviceBuffer<float>& values, Position count, int rank) {
  return {values.data(), count, rank, rank};
}

/// One mini-batch of plain SGD, as host/train/minibatch.hpp makes it for a model without biases.
template <class K, class Space>
void batch_step(K& kernels, const ModelView<float, Space>& model, const RatingsView<Space>& batch, float lr,
                Span<float, Space> slopes, Rows<float, Space> user_gradients, Rows<float, Space> item_gradients) {
  const BatchGroups<Space> groups = kernels.group_rows(batch, model.user_factors.count, model.item_factors.count);
  user_gradients.count = groups.user.rows.size;
  item_gradients.count = groups.item.rows.size;
  kernels.loss_slopes(model, batch, Loss::mse, 1 / static_cast<float>(batch.size()), slopes);
  kernels.row_gradients(groups.user, slopes, batch.item, model.item_factors, model.user_factors, {}, user_gradients);
  kernels.row_gradients(groups.item, slopes, batch.user, model.user_factors, model.item_factors, {}, item_gradients);
  const RuleSettings rule{.rule = Rule::sgd, .lr = lr};
  kernels.optimizer_step(rule, 1, model.user_factors, groups.user.rows, user_gradients, -1, {});
  kernels.optimizer_step(rule, 1, model.item_factors, groups.item.rows, item_gradients, -1, {});
}

/// How far a result is from the reference, in units of what rounding allows: right up to 1.
struct Check {
  double worst = 0;

  void add(double actual, double expected, double allowed) {
    const double excess = std::fabs(actual - expected) / allowed;
    if (!(excess <= worst)) worst = std::isnan(excess) ? INFINITY : excess;
  }
  void require(bool holds) {
    if (!holds) worst = INFINITY;
  }
  bool passed() const { return worst <= 1; }
};

struct Record {
  std::string op, skew, order, unit = "rating";
  int rank = 0;
  Position batch = 0;
  double units = 0;      // per repetition
  double bytes = 0;      // by the head comment of the op's source, per repetition
  Position batches = 1;  // taken in turn by the repetitions
  Check check;
  Timing timing;
  double copy_rate = NAN;

  double gb_per_s() const { return bytes / timing.median() / 1e9; }
  double percent() const { return 100 * gb_per_s() / copy_rate; }
  Json json() const {
    Json record{{"op", op},     {"rank", rank},   {"batch", batch},
                {"skew", skew}, {"order", order}, {"correct", check.passed()}};
    record["difference_of_allowed"] =
        std::isfinite(check.worst) ? Json(check.worst) : Json("not finite, or wrong rows");
    record["unit"] = unit;
    record["units"] = units;
    record["model_bytes_per_unit"] = bytes / units;
    record["batches_in_turn"] = batches;
    if (timing.samples.empty()) return record;
    const double median = timing.median();
    record["repetitions"] = timing.repetitions;
    record["microseconds"] = measured(median * 1e6);
    record["microseconds_least"] = measured(timing.least() * 1e6);
    record["microseconds_most"] = measured(timing.most() * 1e6);
    record["units_per_s"] = measured(units / median);
    record["gb_per_s"] = measured(gb_per_s());
    record["percent_of_copy"] = measured(percent());
    return record;
  }
};

/// The ops on tables of one rank, in one order. The tables are as new at the beginning of each op.
class Bench {
 public:
  Bench(const Settings& settings, Factors& factors, int rank, Order order)
      : settings_(settings),
        factors_(factors),
        rank_(rank),
        order_(order),
        kernels_(order),
        new_user_(kernels_.borrow(std::as_const(factors.user).span())),
        new_item_(kernels_.borrow(std::as_const(factors.item).span())) {}

  void use(const Ratings& pool, Position batch) {
    pool_ = &pool;
    batch_ = batch;
    n_batches_ = pool.size() / batch;
    user_ = kernels_.borrow(pool.user.span());
    item_ = kernels_.borrow(pool.item.span());
    value_ = kernels_.borrow(pool.value.span());
    host_groups_ = reference_.group_rows(host(0), settings_.n_users, settings_.n_items);
    slopes_ = kernels_.filled<float>(batch, 0);
    user_gradients_ = kernels_.filled<float>(std::min(batch, settings_.n_users) * rank_, 0);
    item_gradients_ = kernels_.filled<float>(std::min(batch, settings_.n_items) * rank_, 0);
  }

  Record run(const std::string& op) {
    Record record;
    record.op = op;
    record.rank = rank_;
    record.batch = batch_;
    record.order = order_ == Order::racing ? "racing" : "repeatable";
    record.units = static_cast<double>(batch_);
    record.batches = n_batches_;
    kernels_.copy(new_user_, user_factors_);
    kernels_.copy(new_item_, item_factors_);
    static_cast<void>(kernels_.take_errors());
    static_cast<void>(reference_.take_errors());
    static const std::map<std::string, void (Bench::*)(Record&)> kBenches{{"predict", &Bench::predict},
                                                                          {"rating_errors", &Bench::rating_errors},
                                                                          {"loss_slopes", &Bench::loss_slopes},
                                                                          {"group_rows", &Bench::group_rows},
                                                                          {"row_gradients", &Bench::row_gradients},
                                                                          {"optimizer_step", &Bench::optimizer_step},
                                                                          {"batch_step", &Bench::resident_step},
                                                                          {"staged_batch_step", &Bench::staged_step},
                                                                          {"sgd_update", &Bench::sgd_update},
                                                                          {"score_items", &Bench::score_items},
                                                                          {"gram", &Bench::gram},
                                                                          {"solve_rows", &Bench::solve_rows},
                                                                          {"list_errors", &Bench::list_errors}};
    (this->*kBenches.at(op))(record);
    return record;
  }

 private:
  View model() {
    return {
        rows_of(user_factors_, settings_.n_users, rank_), rows_of(item_factors_, settings_.n_items, rank_), {}, {}, 0};
  }
  RatingsView<Host> host(Position r) const { return pool_->view().part(r % n_batches_ * batch_, batch_); }
  RatingsView<Device> there(Position r) const {
    return RatingsView<Device>{user_.span(), item_.span(), value_.span()}.part(r % n_batches_ * batch_, batch_);
  }
  template <class T>
  std::vector<T> fetched(Span<const T, Device> values) {
    std::vector<T> copy(static_cast<std::size_t>(values.size));
    kernels_.fetch(values, Span<T, Host>{copy.data(), values.size});
    return copy;
  }
  void time(Record& record, const std::function<void(Position)>& f) {
    if (record.check.passed()) record.timing = time_of(settings_, f);
  }
  static Position distinct(const RowGroups<Host>& groups) { return groups.rows.size; }
  /// How often the batch has each row of a side.
  static std::vector<Position> counts(const RowGroups<Host>& groups, Position n_rows) {
    std::vector<Position> counts(static_cast<std::size_t>(n_rows));
    for (Position g = 0; g < groups.rows.size; ++g) {
      counts[static_cast<std::size_t>(groups.rows[g])] = groups.starts[g + 1] - groups.starts[g];
    }
    return counts;
  }

  void predict(Record& record) {
    const auto run = [&](Position r) { kernels_.predict(model(), {}, there(r).user, there(r).item, slopes_.span()); };
    run(0);
    std::vector<float> expected(static_cast<std::size_t>(batch_));
    reference_.predict(factors_.view(), {}, host(0).user, host(0).item, {expected.data(), batch_});
    const std::vector<float> actual = fetched(std::as_const(slopes_).span());
    for (std::size_t n = 0; n < expected.size(); ++n) record.check.add(actual[n], expected[n], rounding(rank_, 1));
    record.bytes = record.units * (8 * rank_ + 12);
    time(record, run);
  }

  void compare_errors(Check& check) {
    const ErrorSums actual = kernels_.take_errors(), expected = reference_.take_errors();
    check.require(actual.count == expected.count);
    // an |error| is at most 6, and off by what its score is off, in either direction: n of them add up like sqrt(n)
    check.add(actual.squared, expected.squared, 3 * 12 * rounding(rank_, 1) * std::sqrt(static_cast<double>(batch_)));
  }

  void rating_errors(Record& record) {
    const auto run = [&](Position r) { kernels_.rating_errors(model(), {}, there(r)); };
    run(0);
    reference_.rating_errors(factors_.view(), {}, host(0));
    compare_errors(record.check);
    record.bytes = record.units * (8 * rank_ + 12);
    time(record, run);
  }

  void loss_slopes(Record& record) {
    const auto run = [&](Position r) { kernels_.loss_slopes(model(), there(r), Loss::mse, 0.5F, slopes_.span()); };
    run(0);
    std::vector<float> expected(static_cast<std::size_t>(batch_));
    reference_.loss_slopes(factors_.view(), host(0), Loss::mse, 0.5F, {expected.data(), batch_});
    compare_errors(record.check);
    const std::vector<float> actual = fetched(std::as_const(slopes_).span());
    for (std::size_t n = 0; n < expected.size(); ++n) record.check.add(actual[n], expected[n], rounding(rank_, 6));
    record.bytes = record.units * (8 * rank_ + 16);
    time(record, run);
  }

  double group_bytes() const {  // of both sides, per rating
    return order_ == Order::racing ? 2 * 40 : 2 * 100;
  }
  void check_side(Check& check, const RowGroups<Device>& groups, const RowGroups<Host>& expected, Position n_rows) {
    const std::vector<Position> wanted = counts(expected, n_rows);
    const std::vector<RowId> rows = fetched(groups.rows), found = fetched(groups.counts);
    std::set<RowId> seen;
    for (std::size_t g = 0; g < rows.size(); ++g) {
      if (rows[g] == kNoRow) continue;
      check.require(seen.insert(rows[g]).second && found[g] == wanted[static_cast<std::size_t>(rows[g])]);
    }
    check.require(static_cast<Position>(seen.size()) == expected.rows.size);
  }
  void group_rows(Record& record) {
    const auto run = [&](Position r) { return kernels_.group_rows(there(r), settings_.n_users, settings_.n_items); };
    const BatchGroups<Device> groups = run(0);
    check_side(record.check, groups.user, host_groups_.user, settings_.n_users);
    check_side(record.check, groups.item, host_groups_.item, settings_.n_items);
    record.bytes = record.units * group_bytes();
    time(record, run);
  }

  double gradient_bytes(const RowGroups<Host>& groups) const {
    return static_cast<double>(batch_) * ((order_ == Order::racing ? 12 : 4) * rank_ + 12) +
           4.0 * rank_ * static_cast<double>(distinct(groups));
  }
  /// `slopes`: those that the device's gradients were made with, below 1 in magnitude.
  void check_gradients(Check& check, const RowGroups<Device>& groups, DeviceBuffer<float>& gradients,
                       const RowGroups<Host>& expected_groups, Span<const float, Host> slopes,
                       Span<const RowId, Host> partners, Rows<const float, Host> partner_table,
                       Rows<const float, Host> own) {
    HostBuffer<float> values(distinct(expected_groups) * rank_);
    const Rows<float, Host> expected = rows_of(values, distinct(expected_groups), rank_);
    reference_.row_gradients(expected_groups, slopes, partners, partner_table, own, {}, expected);
    std::map<RowId, Position> place;
    for (Position g = 0; g < expected_groups.rows.size; ++g) place[expected_groups.rows[g]] = g;
    const std::vector<RowId> rows = fetched(groups.rows);
    const std::vector<float> actual = fetched(std::as_const(gradients).span().part(0, groups.rows.size * rank_));
    for (std::size_t g = 0; g < rows.size(); ++g) {
      if (rows[g] == kNoRow) continue;
      const Position at = place.at(rows[g]);
      const double count = expected_groups.starts[at + 1] - expected_groups.starts[at];
      // products of random signs, at most 1 / sqrt(rank): sums of c of them stay below sqrt(c) times that, and one more
      const double allowed = rounding(count, (std::sqrt(count) + 1) / std::sqrt(rank_));
      for (int f = 0; f < rank_; ++f) {
        check.add(actual[g * static_cast<std::size_t>(rank_) + static_cast<std::size_t>(f)], expected.row(at)[f],
                  allowed);
      }
    }
  }
  void row_gradients(Record& record) {
    const HostBuffer<float> signs = random_values(batch_, kSeed + 3, 1);
    const Span<const float, Host> slopes = signs.span();
    const DeviceBuffer<float> slopes_there = kernels_.borrow(slopes);
    const BatchGroups<Device> groups = kernels_.group_rows(there(0), settings_.n_users, settings_.n_items);
    const auto run = [&](Position) {
      kernels_.row_gradients(groups.user, slopes_there.span(), there(0).item, model().item_factors,
                             model().user_factors, {}, rows_of(user_gradients_, groups.user.rows.size, rank_));
      kernels_.row_gradients(groups.item, slopes_there.span(), there(0).user, model().user_factors,
                             model().item_factors, {}, rows_of(item_gradients_, groups.item.rows.size, rank_));
    };
    run(0);
    check_gradients(record.check, groups.user, user_gradients_, host_groups_.user, slopes, host(0).item,
                    factors_.item_rows(), factors_.user_rows());
    check_gradients(record.check, groups.item, item_gradients_, host_groups_.item, slopes, host(0).user,
                    factors_.user_rows(), factors_.item_rows());
    record.batches = 1;
    record.bytes = gradient_bytes(host_groups_.user) + gradient_bytes(host_groups_.item);
    time(record, run);
  }

  void optimizer_step(Record& record) {
    const Span<const RowId, Host> rows = host_groups_.user.rows;
    const RuleSettings rule{.rule = Rule::sgd, .lr = 1e-3};
    HostBuffer<float> gradients = random_values(rows.size * rank_, kSeed + 4, 1);
    const DeviceBuffer<RowId> rows_there = kernels_.borrow(rows);
    DeviceBuffer<float> gradients_there = kernels_.borrow(std::as_const(gradients).span());
    const auto run = [&](Position) {
      kernels_.optimizer_step(rule, 1, model().user_factors, rows_there.span(),
                              rows_of(gradients_there, rows.size, rank_), -1, {});
    };
    run(0);
    Factors moved(factors_);
    reference_.optimizer_step(rule, 1, moved.user_rows(), rows, rows_of(gradients, rows.size, rank_), -1, {});
    compare_tables(record.check, moved, uses_in_batch(), [](double) { return rounding(0, 1); });
    record.unit = "row";
    record.units = static_cast<double>(rows.size);
    record.batches = 1;
    record.bytes = 12.0 * rank_ * static_cast<double>(rows.size);
    time(record, run);
  }

  /// How often each row occurs.
  struct RowUses {
    std::vector<Position> user, item;
  };
  RowUses uses_in_batch() const {
    return {counts(host_groups_.user, settings_.n_users), counts(host_groups_.item, settings_.n_items)};
  }
  RowUses uses_in(const RatingsView<Host>& ratings) const {
    RowUses uses{std::vector<Position>(static_cast<std::size_t>(settings_.n_users)),
                 std::vector<Position>(static_cast<std::size_t>(settings_.n_items))};
    for (const RowId row : ratings.user) ++uses.user[static_cast<std::size_t>(row)];
    for (const RowId row : ratings.item) ++uses.item[static_cast<std::size_t>(row)];
    return uses;
  }

  /// Both tables against `expected`; allowed(c) of a row that occurs c times.
  void compare_tables(Check& check, Factors& expected, const RowUses& uses,
                      const std::function<double(double)>& allowed) {
    const auto compare = [&](const DeviceBuffer<float>& actual, const Rows<float, Host>& table,
                             const std::vector<Position>& count) {
      const std::vector<float> values = fetched(actual.span());
      for (Position row = 0; row < table.count; ++row) {
        const double bound = allowed(static_cast<double>(count[static_cast<std::size_t>(row)]));
        for (int f = 0; f < rank_; ++f)
          check.add(values[static_cast<std::size_t>(row * rank_ + f)], table.row(row)[f], bound);
      }
    };
    compare(user_factors_, expected.user_rows(), uses.user);
    compare(item_factors_, expected.item_rows(), uses.item);
  }

  void step(Record& record, const std::function<RatingsView<Device>(Position)>& batch_of) {
    constexpr float kLr = 1;
    const auto run = [&](Position r) {
      batch_step(kernels_, model(), batch_of(r), kLr, slopes_.span(), rows_of(user_gradients_, 0, rank_),
                 rows_of(item_gradients_, 0, rank_));
    };
    run(0);
    Factors moved(factors_);
    HostBuffer<float> slopes(batch_), user(batch_ * rank_), item(batch_ * rank_);
    batch_step(reference_, moved.view(), host(0), kLr, slopes.span(), rows_of(user, 0, rank_), rows_of(item, 0, rank_));
    // slopes are at most 12 and off by twice the score's rounding; partners are at most 1 / sqrt(rank), of random sign
    const double root = std::sqrt(rank_), rank = rank_, scale = 1.0 / static_cast<double>(batch_);
    compare_tables(record.check, moved, uses_in_batch(), [=](double c) {
      const double gradient = rounding(c, 12 * (std::sqrt(c) + 1) / root) + c * 2 * rounding(rank, 6) / root;
      return kLr * scale * gradient + rounding(1, 1 / root);
    });
    record.bytes = record.units * (group_bytes() + 8 * rank_ + 16);
    for (const RowGroups<Host>* side : {&host_groups_.user, &host_groups_.item}) {
      record.bytes += gradient_bytes(*side) + 12.0 * rank_ * static_cast<double>(distinct(*side));
    }
    time(record, run);
  }
  void resident_step(Record& record) {
    step(record, [&](Position r) { return there(r); });
  }
  void staged_step(Record& record) {
    step(record, [&](Position r) { return kernels_.stage(host(r)); });
  }

  void sgd_update(Record& record) {
    const RatingsView<Host> batch = host(0);
    Ratings ratings;
    for (Position n = 0; n < batch_; ++n) ratings.push_back(batch.user[n], batch.item[n], batch.value[n]);
    ThreadPool pool;
    const int size = default_grid_size(batch_, settings_.n_users, settings_.n_items, rank_, kernels_.grid_wish());
    BlockGrid grid(pool, RatingsInMemory(ratings.view()),
                   {settings_.n_users, settings_.n_items, size, Shuffle::epoch, kSeed, kernels_.grid_wish().in_block});
    grid.start_epoch(0);
    std::vector<std::vector<Block>> strata;
    for (int s = 0; s < grid.size(); ++s) strata.emplace_back(grid.stratum(s).begin(), grid.stratum(s).end());
    const RatingsView<Host> sorted = grid.ratings();
    const DeviceBuffer<RowId> user = kernels_.borrow(sorted.user), item = kernels_.borrow(sorted.item);
    const DeviceBuffer<float> value = kernels_.borrow(sorted.value);
    const RatingsView<Device> there{user.span(), item.span(), value.span()};
    const auto epoch = [&](auto& kernels, const auto& tables, const auto& all) {
      for (const std::vector<Block>& stratum : strata) {
        // as of a set so large that all chunks may be under way
        const SgdSettings settings{.lr = kRate, .ratings = Position{1} << 40};
        kernels.sgd_update(tables, all, {stratum.data(), static_cast<Position>(stratum.size())}, settings, {});
      }
    };
    HostBuffer<float> none;
    const auto with_records = [&](const HostBuffer<float>& factors) {
      HostBuffer<float> table = factors.clone();
      add_records(table, {rank_, rank_}, {none, none, 1});
      return table;
    };
    Factors moved(factors_);
    moved.user = with_records(factors_.user);
    moved.item = with_records(factors_.item);
    DeviceBuffer<float> user_rows = kernels_.borrow(std::as_const(moved.user).span());
    DeviceBuffer<float> item_rows = kernels_.borrow(std::as_const(moved.item).span());
    const auto rows = [&]<class Space>(float* table, Position count, Space) {
      return Rows<float, Space>{table + kRecord, count, rank_, kRecord + rank_};
    };
    const auto tables = [&]<class Space>(float* user_table, float* item_table, Space space) {
      return SgdTables<Space>{rows(user_table, settings_.n_users, space), rows(item_table, settings_.n_items, space)};
    };
    const auto run = [&](Position) { epoch(kernels_, tables(user_rows.data(), item_rows.data(), Device{}), there); };
    run(0);
    epoch(reference_, tables(moved.user.data(), moved.item.data(), Host{}), sorted);
    const auto without_records = [&](HostBuffer<float>& table) { remove_records(table, {rank_, rank_}, none); };
    const auto bring_back = [&](const DeviceBuffer<float>& table, DeviceBuffer<float>& factors) {
      HostBuffer<float> here(table.size());
      kernels_.fetch(table.span(), here.span());
      without_records(here);
      factors = kernels_.borrow(std::as_const(here).span());
    };
    bring_back(user_rows, user_factors_);
    bring_back(item_rows, item_factors_);
    without_records(moved.user);
    without_records(moved.item);
    // repeatable: a row's c steps each round the error, times lr, and the row itself; what is off already grows by less
    // than 2. Racing: any of them may be lost, an error of 6 times an element of the partner, or go by one that is off
    const double rank = rank_, rate = kRate;
    compare_tables(record.check, moved, uses_in(sorted), [=, this](double c) {
      return order_ == Order::racing ? 2 * c * rate * 6 / std::sqrt(rank) + rounding(0, 1)
                                     : 2 * (c + 1) * (rate * rounding(rank, 6) + rounding(0, 1));
    });
    record.batches = 1;
    record.bytes = record.units * (order_ == Order::racing ? 8 * rank_ + 76 : 16 * rank_ + 140);
    time(record, run);
  }

  void score_items(Record& record) {
    const Position n_users = std::max<Position>(1, batch_ / 1024), n_scores = n_users * settings_.n_items;
    DeviceBuffer<float> scores = kernels_.filled<float>(n_scores, 0);
    const Rows<float, Device> out{scores.data(), n_users, static_cast<int>(settings_.n_items), settings_.n_items};
    const auto run = [&](Position r) { kernels_.score_items(model(), {}, there(r).user.part(0, n_users), out); };
    run(0);
    const Position checked = std::min<Position>(n_users, 8);  // users; the reference takes a second for all 256
    std::vector<float> expected(static_cast<std::size_t>(checked * settings_.n_items));
    reference_.score_items(factors_.view(), {}, host(0).user.part(0, checked),
                           {expected.data(), checked, out.rank, out.pitch});
    const std::vector<float> actual = fetched(std::as_const(scores).span().part(0, checked * settings_.n_items));
    for (std::size_t n = 0; n < expected.size(); ++n) record.check.add(actual[n], expected[n], rounding(rank_, 1));
    record.unit = "score";
    record.units = static_cast<double>(n_scores);
    record.bytes = order_ == Order::racing && Blas().available()
                       ? 4.0 * rank_ * static_cast<double>(n_users + settings_.n_items) + 12.0 * record.units
                       : record.units * (8 * rank_ + 4);
    time(record, run);
  }

  /// Rows of the item table, as many as a batch has ratings.
  void gram(Record& record) {
    const Position count = std::min(batch_, settings_.n_items);
    DeviceBuffer<float> sums = kernels_.filled<float>(Position{rank_} * rank_, 0);
    const auto run = [&](Position) {
      kernels_.gram(rows_of(item_factors_, count, rank_), rows_of(sums, rank_, rank_));
    };
    run(0);
    HostBuffer<float> values(sums.size());
    Rows<float, Host> table = factors_.item_rows();
    table.count = count;
    reference_.gram(table, rows_of(values, rank_, rank_));
    const std::vector<float> actual = fetched(std::as_const(sums).span());
    // products of at most 1 / rank; running sums of 4096, 256 of them at most in a sum
    const auto n = static_cast<double>(count);
    for (Position e = 0; e < values.size(); ++e) {
      record.check.add(actual[static_cast<std::size_t>(e)], values[e], rounding(std::min(n, 4096.0 + 256), n / rank_));
    }
    record.unit = "row";
    record.units = n;
    record.batches = 1;
    record.bytes = 4.0 * rank_ * n;
    time(record, run);
  }

  /// Ratings of batch 0 by user, the users folded to one for each 128 ratings: what lists of real sets have.
  RatingLists folded_lists() {
    const RatingsView<Host> batch = host(0);
    const Position rows = std::clamp<Position>(batch_ / 128, 1, settings_.n_users);
    Ratings ratings;
    for (Position n = 0; n < batch_; ++n) {
      ratings.push_back(static_cast<RowId>(batch.user[n] % rows), batch.item[n], batch.value[n]);
    }
    ThreadPool pool;
    return list_both(pool, list_by_item(pool, RatingsInMemory(ratings.view()), settings_.n_items), rows);
  }
  /// use(lists on the device): valid while it runs.
  template <class Use>
  void with_lists(const RowLists& lists, const Use& use) {
    const RowListsView<Host> view = lists.view();
    const auto begin = kernels_.borrow(view.begin);
    const auto partner = kernels_.borrow(view.partner);
    const auto value = kernels_.borrow(view.value);
    use(RowListsView<Device>{begin.span(), partner.span(), value.span()});
  }

  /// Users by the items, exactly.
  void solve_rows(Record& record) {
    const RatingLists lists = folded_lists();
    const RowListsView<Host> view = lists.user.view();
    SolveSettings settings{.lambda = 1, .n_partners = settings_.n_items};
    with_lists(lists.user, [&](const RowListsView<Device>& there) {
      const auto run = [&](Position) {
        kernels_.solve_rows(there, {model().item_factors, {}, rows_of(user_factors_, view.rows(), rank_), {}}, {},
                            settings);
      };
      run(0);
      const Position checked = std::min<Position>(view.rows(), 16);  // the reference is slow
      Factors moved(factors_);
      reference_.solve_rows({view.begin.part(0, checked + 1), view.partner, view.value},
                            {moved.item_rows(), {}, rows_of(moved.user, checked, rank_), {}}, {}, settings);
      const std::vector<float> actual = fetched(std::as_const(user_factors_).span().part(0, checked * rank_));
      for (Position row = 0; row < checked; ++row) {
        // ridge n, partners no longer than 1: the condition is below 2, a solution no longer than the largest rating,
        // 5; equations are off by n + 4 units of rounding, Cholesky's method by (3 k + 1) sqrt(k)
        // (tests/cuda/solve_test.cpp)
        const double k = rank_, n = static_cast<double>(view.count(row));
        const double allowed = 2 * 2 * (n + 4 + (3 * k + 1) * std::sqrt(k)) * 0x1p-24 * 5;
        for (Position f = row * rank_; f < (row + 1) * rank_; ++f) {
          record.check.add(actual[static_cast<std::size_t>(f)], moved.user[f], allowed);
        }
      }
      record.batches = 1;
      record.bytes = record.units * (4 * rank_ + 8) + 4.0 * rank_ * static_cast<double>(view.rows());
      time(record, run);
    });
  }

  void list_errors(Record& record) {
    const RatingLists lists = folded_lists();
    const RowListsView<Host> view = lists.user.view();
    with_lists(lists.user, [&](const RowListsView<Device>& there) {
      const auto run = [&](Position) { kernels_.list_errors(there, model(), SolveSettings{}); };
      run(0);
      reference_.list_errors(view, factors_.view(), SolveSettings{});
      compare_errors(record.check);
      record.batches = 1;
      record.bytes = record.units * (8 * rank_ + 8);
      time(record, run);
    });
  }

  const Settings& settings_;
  Factors& factors_;
  int rank_;
  Order order_;
  Cuda kernels_;
  Reference reference_;
  DeviceBuffer<float> new_user_, new_item_, user_factors_, item_factors_;
  const Ratings* pool_ = nullptr;
  Position batch_ = 0, n_batches_ = 0;
  DeviceBuffer<RowId> user_, item_;
  DeviceBuffer<float> value_, slopes_, user_gradients_, item_gradients_;
  BatchGroups<Host> host_groups_;  // of batch 0; reference_ keeps its arrays until it groups again, which it does alike
};

}  // namespace wf::bench
