// ratings -> train + validation, by a random function of (seed, user, item).
#pragma once
#include "host/base/thread_pool.hpp"
#include "host/ratings/rating_source.hpp"

namespace wf {

/// The random key of a pair of rows: ratings are drawn by their keys, so that their order does not matter.
std::uint64_t split_key(std::uint64_t seed, RowId user, RowId item);

/// round(fraction * n) ratings of the n of all ranks, drawn without replacement. Which ones is a function of the seed
/// and of the set of ratings: every pair of rows has a random key, and the smallest keys are taken. Ratings of one pair
/// stay together, so the count may fall short by those of the pair at the cut. Keeps a bit a rating; drawing takes a
/// byte more.
class HeldOut {
 public:
  /// Throws std::invalid_argument unless 0 <= fraction <= 1.
  HeldOut(const RatingSource& ratings, double fraction, std::uint64_t seed, ThreadPool& pool);

  Position size() const { return taken_; }  ///< of this rank's
  /// Whether rating n of the source is held out.
  bool operator[](Position n) const { return (bits_[n / 64] >> (n % 64) & 1) != 0; }

 private:
  Position taken_ = 0;
  HostBuffer<std::uint64_t> bits_;
};

/// The ratings of a source that are held out, or the others. Both the source and HeldOut must outlive it.
class SplitPart final : public RatingSource {
 public:
  enum class Side { train, held_out };
  SplitPart(const RatingSource& all, const HeldOut& held_out, Side side)
      : all_(all), held_out_(held_out), side_(side) {}

  using RatingSource::for_parts;
  Ranks& ranks() const override { return all_.ranks(); }
  Position size() const override { return side_ == Side::held_out ? held_out_.size() : all_.size() - held_out_.size(); }
  /// Parts begin where those of the source do: they leave gaps.
  void for_parts(ThreadPool& pool, int shares, const Visit& visit) const override;

 private:
  const RatingSource& all_;
  const HeldOut& held_out_;
  Side side_;
};

/// Moves the ratings that HeldOut takes out of `ratings`; both keep their order.
Ratings split_off(Ratings& ratings, double fraction, std::uint64_t seed, ThreadPool& pool);

}  // namespace wf
