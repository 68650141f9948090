// How ratings are cut into train, validation and test, with the defaults.
#pragma once
#include <cstdint>
#include <optional>

namespace wf {

/// ratio: a share of all ratings; user-ratio: a share of each user's; leave-one-out: one rating of each user, or N.
enum class SplitMethod { ratio, user_ratio, leave_one_out };
/// Which of them: drawn at random, or the newest.
enum class SplitOrder { random, timestamp };

struct SplitConfig {
  SplitMethod method = SplitMethod::ratio;
  SplitOrder order = SplitOrder::random;
  double test_frac = 0.2;  ///< in [0, 1), as valid_frac and their sum; ratio and user-ratio only
  double valid_frac = 0;
  std::optional<std::int64_t> test_from, valid_from;  ///< ratio: timestamps to cut at, instead of shares
  std::int64_t leave_out = 1;                         ///< leave-one-out: ratings of each user that test
  bool leave_valid = false;                           ///< leave-one-out: as many more of each user, for validation
  std::uint64_t seed = 42;
};

}  // namespace wf
