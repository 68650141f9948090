// Which rating trains, validates or tests: by share, by user, by time.
#pragma once
#include "host/base/thread_pool.hpp"
#include "host/config/split_config.hpp"
#include "host/ratings/ratings.hpp"

namespace wf {

enum class Subset : std::uint8_t { train, valid, test };

/// The subset of each of `data`'s ratings, [ratings]. A function of the seed, the rows, the timestamps and the set of
/// ratings; `pool` does not matter.
///
/// ratio takes round(share * ratings) of them; at random by the keys of split.hpp, so that a pair rated twice stays
/// together; with `test_from` instead those of that time and later, and from `valid_from` to it those that validate.
/// user-ratio takes round(share * n) of a user's n ratings, leave-one-out `leave_out`, and both leave every user at
/// least one rating to train on: validation gives way first, then the test. At random they take a user's pairs whole,
/// one rating more than asked for where the last pair is rated twice. By timestamp the newest ratings test and
/// those before them validate; of ratings at the same time the seed decides.
///
/// Throws UsageError for shares outside [0, 1), shares and cuts that leave nothing to train on or take nothing out,
/// a validation that begins with the test, and order timestamp or a cut without timestamps.
HostBuffer<Subset> draw_subsets(const Dataset& data, const SplitConfig& config, ThreadPool& pool);

}  // namespace wf
