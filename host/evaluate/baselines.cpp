#include "host/evaluate/baselines.hpp"

#include "host/base/fixed_point.hpp"
#include "host/base/thread_pool.hpp"
#include "host/evaluate/row_sums.hpp"
#include "host/ratings/value_facts.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace wf {
namespace {

constexpr int kSweeps = 40;             // at most: 100,000 ratings of a catalogue need 12 to 27, 9 M synthetic ones 5
constexpr float kTolerance = 1e-6F;     // change of a sweep, of the largest bias; printed are four digits of an RMSE
constexpr Position kRows = 1024;        // of a task: 10 us
constexpr Position kRatings = 1 << 14;  // of a task: 20 us

float bias_of(const HostBuffer<float>& biases, RowId row) {
  return row >= 0 && row < biases.size() ? biases[row] : 0.0F;
}

float largest_of(const HostBuffer<float>& biases, ThreadPool& pool) {
  return largest_magnitude(biases.span(), pool);
}

/// Sums of errors in fixed point.
struct IntegerSums {
  std::int64_t squared = 0, absolute = 0;
};

/// The errors value - guess(n); no guess lies further than `reach` from 0. Sums are exact, so that neither the order of
/// the ratings nor the number of threads matters; a squared error is rounded to largest^2 * n / 2^62, 1e-9 of the
/// largest one with 10 M ratings.
template <class Guess>
ErrorSums errors_against(const RatingsView<Host>& ratings, double reach, ThreadPool& pool, Ranks& ranks,
                         const Guess& guess) {
  const Position total = ranks.sum(ratings.size());
  double largest = static_cast<double>(largest_magnitude(ratings.value, pool)) + reach;
  if (!std::isfinite(largest)) largest = std::numeric_limits<double>::infinity();  // there is no largest NaN
  ranks.most({&largest, 1});
  if (!std::isfinite(largest)) return {largest, largest, largest, total};
  const FixedPoint sizes(largest, total), squares(largest * largest, total);
  HostBuffer<IntegerSums> parts((ratings.size() + kRatings - 1) / kRatings);
  pool.for_chunks(ratings.size(), kRatings, [&](Position begin, Position end) {
    IntegerSums sums;
    for (Position n = begin; n < end; ++n) {
      const double error = ratings.value[n] - guess(n);
      sums.squared += squares.of(error * error);
      sums.absolute += sizes.of(std::fabs(error));
    }
    parts[begin / kRatings] = sums;
  });
  IntegerSums all;
  for (const IntegerSums& part : parts) {
    all.squared += part.squared;
    all.absolute += part.absolute;
  }
  const double squared = squares.value(ranks.sum(all.squared));
  return {squared, squared, sizes.value(ranks.sum(all.absolute)), total};
}

int useful_tasks(const RatingsView<Host>& ratings, int threads) {
  return useful_threads(threads, (ratings.size() + kRatings - 1) / kRatings);
}

/// How far a step moved, and where it led.
struct Movement {
  float change = 0, largest = 0;
  double sum = 0;      // of the biases
  Position rated = 0;  // rows with ratings: the others keep the bias 0
};

/// One side of the fit: its biases, and what does not change from sweep to sweep.
class Side {
 public:
  Side(const RatingSource& ratings, RatingSide side, HostBuffer<float>& biases, ThreadPool& pool)
      : ratings_(ratings),
        side_(side),
        biases_(biases),
        sums_(ratings.size(), biases.size(), pool.size()),
        counts_(biases.size()),
        pool_(pool) {
    sums_.sum(
        ratings_, side_, [](const RatingsView<Host>& /*part*/, Position /*n*/) { return 1; }, pool_);
    pool_.for_chunks(biases_.size(), kRows, [&](Position begin, Position end) {
      for (Position r = begin; r < end; ++r) counts_[r] = sums_[r];
    });
    for (const Position count : counts_) most_ = std::max(most_, count);
  }

  /// The exact minimum over this side with the other fixed: bias = sum of residuals / (count + penalty). Residuals
  /// are below `reach` + the largest fixed bias, and rounded to 2^-36 where those are below 10 and a row has 2 M
  /// ratings: a bias is off by less than 1e-11, a hundredth of a float's rounding of 0.01.
  Movement fit(double mean, double reach, const HostBuffer<float>& fixed, double penalty) {
    const double largest = reach + static_cast<double>(largest_of(fixed, pool_));
    const FixedPoint point(largest, most_);
    const RatingSide other = side_ == RatingSide::user ? RatingSide::item : RatingSide::user;
    const auto residual = [&](const RatingsView<Host>& part, Position n) {
      return point.of(static_cast<double>(part.value[n]) - mean - static_cast<double>(fixed[rows_of(part, other)[n]]));
    };
    sums_.sum(ratings_, side_, residual, pool_);
    return move(largest,
                [&](Position r) { return point.value(sums_[r]) / (static_cast<double>(counts_[r]) + penalty); });
  }

  void shift(double by) {
    const double largest = static_cast<double>(largest_of(biases_, pool_)) + std::fabs(by);
    move(largest, [&](Position r) { return static_cast<double>(biases_[r]) + by; });
  }

 private:
  /// A chunk's movement, its sum in fixed point: no order of the rows shows.
  struct Part {
    float change = 0, largest = 0;
    std::int64_t sum = 0;
    Position rated = 0;
  };

  /// Every rated row's bias becomes bias_of(row), which is `largest` at most.
  template <class BiasOf>
  Movement move(double largest, const BiasOf& bias_of) {
    const FixedPoint point(2 * largest, biases_.size());  // twice: a float may be rounded up
    HostBuffer<Part> parts((biases_.size() + kRows - 1) / kRows);
    pool_.for_chunks(biases_.size(), kRows, [&](Position begin, Position end) {
      Part part;
      for (Position r = begin; r < end; ++r) {
        if (counts_[r] == 0) continue;
        const auto bias = static_cast<float>(bias_of(r));
        const float before = std::exchange(biases_[r], bias);
        part.change = std::max(part.change, std::fabs(bias - before));
        part.largest = std::max(part.largest, std::fabs(bias));
        part.sum += point.of(static_cast<double>(bias));
        ++part.rated;
      }
      parts[begin / kRows] = part;
    });
    Part all;
    for (const Part& part : parts) {
      all.change = std::max(all.change, part.change);
      all.largest = std::max(all.largest, part.largest);
      all.sum += part.sum;
      all.rated += part.rated;
    }
    return {all.change, all.largest, point.value(all.sum), all.rated};
  }

  const RatingSource& ratings_;
  RatingSide side_;
  HostBuffer<float>& biases_;
  RowSums sums_;
  HostBuffer<Position> counts_;
  Position most_ = 1;  // ratings of a row
  ThreadPool& pool_;
};

}  // namespace

ErrorSums BiasBaseline::errors(const RatingsView<Host>& ratings, int threads, Ranks& ranks) const {
  ThreadPool pool(useful_tasks(ratings, threads));
  const double reach = std::fabs(mean) + static_cast<double>(largest_of(user_bias, pool)) +
                       static_cast<double>(largest_of(item_bias, pool));
  return errors_against(ratings, reach, pool, ranks, [&](Position n) {
    return mean + (static_cast<double>(bias_of(user_bias, ratings.user[n])) + bias_of(item_bias, ratings.item[n]));
  });
}

ErrorSums BiasBaseline::mean_errors(const RatingsView<Host>& ratings, int threads, Ranks& ranks) const {
  ThreadPool pool(useful_tasks(ratings, threads));
  return errors_against(ratings, std::fabs(mean), pool, ranks, [&](Position /*n*/) { return mean; });
}

BiasBaseline fit_biases(const RatingSource& train, Position n_users, Position n_items, double penalty, int threads) {
  BiasBaseline baseline;
  baseline.user_bias = HostBuffer<float>(n_users, 0.0F);
  baseline.item_bias = HostBuffer<float>(n_items, 0.0F);
  const ValueFacts facts = facts_of(train, threads);
  baseline.mean = facts.mean;
  if (facts.count == 0) return baseline;
  const double reach =
      std::max(baseline.mean - static_cast<double>(facts.least), static_cast<double>(facts.most) - baseline.mean);
  ThreadPool pool(useful_threads(threads, train.size() / kRatings));
  Side users(train, RatingSide::user, baseline.user_bias, pool);
  Side items(train, RatingSide::item, baseline.item_bias, pool);
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    const Movement item = items.fit(baseline.mean, reach, baseline.user_bias, penalty);
    const Movement user = users.fit(baseline.mean, reach, baseline.item_bias, penalty);
    // What users gain and items lose changes no residual, only the penalty. Alternating steps close 4 % of that gap a
    // sweep with 9 M ratings; here it is closed at once.
    const double gap = (item.sum - user.sum) / static_cast<double>(item.rated + user.rated);
    users.shift(gap);
    items.shift(-gap);
    const float change = std::max(item.change, user.change);
    if (change <= kTolerance * std::max(item.largest, user.largest)) break;
  }
  return baseline;
}

}  // namespace wf
