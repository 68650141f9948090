#include "host/ratings/subsets.hpp"

#include "host/ratings/by_user.hpp"
#include "host/ratings/split.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace wf {
namespace {

/// A rating among those it is compared with: the first test.
struct Candidate {
  std::int64_t age;   // larger: older; 0 where time does not matter
  std::uint64_t key;  // random, of the pair
  Position rating;

  bool operator<(const Candidate& other) const {
    if (age != other.age) return age < other.age;
    return key != other.key ? key < other.key : rating < other.rating;
  }
};

/// How many of some ratings test and how many validate.
struct Counts {
  Position test, valid;
};

class Candidates {
 public:
  Candidates(const Dataset& data, const SplitConfig& config)
      : data_(data), seed_(config.seed), by_time_(config.order == SplitOrder::timestamp) {}

  Candidate operator[](Position n) const {
    const std::uint64_t key = split_key(seed_, data_.ratings.user[n], data_.ratings.item[n]);
    return {by_time_ ? ~data_.timestamps[n] : 0, key, n};  // ~t = -1 - t falls as t rises and does not overflow
  }
  bool by_time() const { return by_time_; }

 private:
  const Dataset& data_;
  std::uint64_t seed_;
  bool by_time_;
};

Position rounded(double share, Position count) {
  return std::llround(share * static_cast<double>(count));
}

/// Of `n` ratings of a user or of all.
Counts wanted(const SplitConfig& config, Position n) {
  if (config.method == SplitMethod::leave_one_out) return {config.leave_out, config.leave_valid ? config.leave_out : 0};
  const Position test = rounded(config.test_frac, n);
  return {test, rounded(config.test_frac + config.valid_frac, n) - test};
}

/// `cut`, behind the last rating of the pair that it goes through, or before its first where that would be the end.
std::size_t beside_pair(const std::vector<Candidate>& sorted, std::size_t cut) {
  if (cut == 0) return 0;
  const std::uint64_t key = sorted[cut - 1].key;
  std::size_t behind = cut;
  while (behind < sorted.size() && sorted[behind].key == key) ++behind;
  if (behind < sorted.size()) return behind;
  while (cut > 0 && sorted[cut - 1].key == key) --cut;
  return cut;
}

/// Marks a user's ratings, at least one of which stays.
void mark_user(std::vector<Candidate>& ratings, const SplitConfig& config, HostBuffer<Subset>& subsets) {
  const auto n = static_cast<Position>(ratings.size());
  const Counts counts = wanted(config, n);
  std::sort(ratings.begin(), ratings.end());
  const bool whole_pairs = config.order == SplitOrder::random;
  const auto cut_at = [&](Position count) {
    const auto cut = static_cast<std::size_t>(std::min(count, n - 1));
    return whole_pairs ? beside_pair(ratings, cut) : cut;
  };
  const std::size_t test = cut_at(counts.test);
  const std::size_t valid = counts.valid == 0 ? test : cut_at(static_cast<Position>(test) + counts.valid);
  for (std::size_t r = 0; r < valid; ++r) subsets[ratings[r].rating] = r < test ? Subset::test : Subset::valid;
}

void mark_by_user(const Dataset& data, const SplitConfig& config, ThreadPool& pool, HostBuffer<Subset>& subsets) {
  constexpr Position kUsers = 256;  // a task
  const ByUser by_user(data.ratings.view().user, data.users.size());
  const Candidates candidates(data, config);
  pool.for_chunks(data.users.size(), kUsers, [&](Position begin, Position end) {
    std::vector<Candidate> own;
    for (Position u = begin; u < end; ++u) {
      own.clear();
      for (Position r = by_user.first[u]; r < by_user.first[u + 1]; ++r) own.push_back(candidates[by_user.order[r]]);
      if (!own.empty()) mark_user(own, config, subsets);
    }
  });
}

void mark_newest(const Dataset& data, const SplitConfig& config, HostBuffer<Subset>& subsets) {
  const Counts counts = wanted(config, data.ratings.size());
  const Candidates candidates(data, config);
  std::vector<Candidate> all;
  all.reserve(static_cast<std::size_t>(data.ratings.size()));
  for (Position n = 0; n < data.ratings.size(); ++n) all.push_back(candidates[n]);
  const auto behind = [&](Position count) { return all.begin() + count; };
  std::nth_element(all.begin(), behind(counts.test + counts.valid), all.end());
  std::nth_element(all.begin(), behind(counts.test), behind(counts.test + counts.valid));
  for (auto rating = all.begin(); rating != behind(counts.test + counts.valid); ++rating)
    subsets[rating->rating] = rating < behind(counts.test) ? Subset::test : Subset::valid;
}

void mark_by_cut(const Dataset& data, const SplitConfig& config, HostBuffer<Subset>& subsets) {
  const std::int64_t test_from = *config.test_from, valid_from = config.valid_from.value_or(test_from);
  for (Position n = 0; n < data.ratings.size(); ++n) {
    const std::int64_t time = data.timestamps[n];
    if (time >= valid_from) subsets[n] = time >= test_from ? Subset::test : Subset::valid;
  }
}

/// Test is what the smallest keys take, validation what is between them and the smallest keys for both.
void mark_at_random(const Dataset& data, const SplitConfig& config, ThreadPool& pool, HostBuffer<Subset>& subsets) {
  const RatingsInMemory ratings(data.ratings.view());
  const HeldOut both(ratings, config.test_frac + config.valid_frac, config.seed, pool);
  const HeldOut test(ratings, config.test_frac, config.seed, pool);
  for (Position n = 0; n < ratings.size(); ++n) {
    if (both[n]) subsets[n] = test[n] ? Subset::test : Subset::valid;
  }
}

void check(const Dataset& data, const SplitConfig& config) {
  const bool by_time = config.order == SplitOrder::timestamp || config.test_from;
  if (by_time && data.timestamps.size() != data.ratings.size()) {
    throw UsageError("a split by time needs timestamps, and the ratings have none",
                     "--col-timestamp names their column; --order random needs none");
  }
  if (config.valid_from && *config.valid_from >= *config.test_from) {
    throw UsageError("validation would begin when the test does, or later", "--valid-cut is before --cut");
  }
  if (config.method == SplitMethod::leave_one_out || config.test_from) return;
  const double both = config.test_frac + config.valid_frac;
  if (!(config.test_frac >= 0 && config.valid_frac >= 0 && both < 1)) {
    throw UsageError("the shares of test and validation leave nothing to train on", "together they are below 1");
  }
  if (both == 0)
    throw UsageError("the shares of test and validation are 0: nothing to split off", "take --test-frac 0.2");
}

void check_drawn(const HostBuffer<Subset>& subsets, bool at_cut) {
  const auto training = std::count(subsets.begin(), subsets.end(), Subset::train);
  if (at_cut && (training == 0 || training == subsets.size())) {
    throw UsageError(training == 0 ? "no rating is from before the cut" : "all ratings are from before the cut",
                     "take another --cut: a date, or a number in the unit of the timestamps");
  }
  if (training == 0) throw UsageError("the split leaves no rating to train on", "take smaller shares");
  if (training == subsets.size()) {
    throw UsageError("the split takes no rating out: there are too few for these shares",
                     "take a larger --test-frac, or another --method; users keep one rating at least to train on");
  }
}

}  // namespace

HostBuffer<Subset> draw_subsets(const Dataset& data, const SplitConfig& config, ThreadPool& pool) {
  check(data, config);
  HostBuffer<Subset> subsets(data.ratings.size(), Subset::train);
  if (config.test_from) {
    mark_by_cut(data, config, subsets);
  } else if (config.method != SplitMethod::ratio) {
    mark_by_user(data, config, pool, subsets);
  } else if (config.order == SplitOrder::timestamp) {
    mark_newest(data, config, subsets);
  } else {
    mark_at_random(data, config, pool, subsets);
  }
  check_drawn(subsets, config.test_from.has_value());
  return subsets;
}

}  // namespace wf
