// Ratings at fixed places, in memory or in a scratch file.
#pragma once
#include "host/base/scratch_file.hpp"
#include "host/ratings/rating_source.hpp"

#include <memory>
#include <string>

namespace wf {

inline constexpr Position kRatingBytes = 12;

class RatingStore final : public RatingSource {
 public:
  /// `size` ratings, not yet set: in memory, or in a file in `folder` if that is not empty.
  explicit RatingStore(Position size = 0, const std::string& folder = {}, Ranks& ranks = Ranks::alone());

  bool in_memory() const { return file_ == nullptr; }
  Position size() const override { return size_; }
  Ranks& ranks() const override { return *ranks_; }

  /// Sets the ratings from place `at` on. Any thread; no place by two at once.
  void put(Position at, const RatingsView<Host>& ratings);
  /// Ratings at .. at + count - 1 to `into`, from its place `to` on.
  void get(Position at, Position count, Ratings& into, Position to) const;

  /// All at once: in memory only.
  Ratings& ratings() { return ratings_; }
  const Ratings& ratings() const { return ratings_; }

  using RatingSource::for_parts;
  void for_parts(ThreadPool& pool, int shares, const Visit& visit) const override;

 private:
  Position size_;
  Ranks* ranks_;                       // of which this one has these ratings
  Ratings ratings_;                    // in memory
  std::unique_ptr<ScratchFile> file_;  // else: all users, all items, all values
};

}  // namespace wf
