// Ratings out of nothing: planted factors, biases, noise and power-law popularity. A function of the shape and the
// seed.
#pragma once
#include "host/base/thread_pool.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace wf {

struct SyntheticShape {
  std::string name;
  Position n_users = 0, n_items = 0, n_ratings = 0;
  int rank = 16;           ///< of the planted factors
  double user_skew = 0.6;  ///< exponents of the popularity laws, count of the r-th row ~ r^-skew
  double item_skew = 0.9;
  double noise = 0.65;                     ///< standard deviation of the noise, in rating units
  double low = 0.5, high = 5, step = 0.5;  ///< ratings are low, low + step, ... up to high
};

/// tiny, ml-100k, ml-1m, ml-10m, ml-20m, ml-25m, netflix-4 (a quarter of the users), netflix, hugewiki.
const std::vector<SyntheticShape>& synthetic_shapes();

struct SyntheticRating {
  std::int32_t user, item;  ///< from 0; names are permuted, so that the popular rows are not the low numbers
  float value;
};

/// The ratings of a shape, each a function of its number: any thread can draw any of them.
class SyntheticRatings {
 public:
  /// Plants the tables, 4 bytes x (rank + 2) a row. Throws UsageError for sizes that make no sense.
  SyntheticRatings(const SyntheticShape& shape, std::uint64_t seed, ThreadPool& pool);
  ~SyntheticRatings();
  SyntheticRatings(const SyntheticRatings&) = delete;
  SyntheticRatings& operator=(const SyntheticRatings&) = delete;

  Position size() const;
  /// Ratings first .. first + count - 1. Pairs may repeat, and rare rows may not occur at all.
  void draw(Position first, Position count, SyntheticRating* out) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Calls `emit` with consecutive parts of the n_ratings triples, which do not depend on `threads` (0: all).
/// Throws UsageError for sizes that make no sense.
void synthesize(const SyntheticShape& shape, std::uint64_t seed,
                const std::function<void(const SyntheticRating* ratings, Position count)>& emit, int threads = 0);

/// The same as text, "user item rating\n" with the shortest digits that read back as the same value.
void synthesize_text(const SyntheticShape& shape, std::uint64_t seed,
                     const std::function<void(std::string_view text)>& emit, int threads = 0);

}  // namespace wf
