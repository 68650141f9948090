// Losses of pairs, written once for host and device: which unrated row a rating is set against, and the step of the
// three rows. A rating's anchor is its user with bpr and warp, its item with bpr_item; the others are the rows of the
// other side, one that the anchor is rated with (positive) and one that it is not (negative).
#pragma once
#include "host/base/philox.hpp"
#include "host/kernels/losses.hpp"
#include "host/kernels/sgd_rules.hpp"
#include "host/schedule/block.hpp"
#include "host/schedule/chunks.hpp"
#include "host/schedule/positives.hpp"

namespace wf {

WF_HD constexpr bool anchors_items(Loss loss) {
  return loss == Loss::bpr_item;
}

/// The tables and lists of a rank update by their parts in it.
template <class Space>
struct RankTables {
  Rows<float, Space> anchors, others;
  Positives<Space> positives;  ///< of the anchors
  bool biases = false;         ///< the anchor's own takes no part: it is the same on both sides of a pair
};
template <class Space>
WF_HD inline RankTables<Space> rank_tables(Loss loss, const SgdTables<Space>& tables,
                                           const Positives<Space>& positives) {
  const bool items = anchors_items(loss);
  return {items ? tables.item : tables.user, items ? tables.user : tables.item, positives, tables.biases};
}

/// The first of `count` ascending values that is not below `least`; count: none. No branch that could be mispredicted.
WF_HD inline Position first_from(const RowId* values, Position count, RowId least) {
  Position first = 0;
  while (count > 0) {
    const Position half = count / 2;
    const bool below = values[first + half] < least;
    first = below ? first + half + 1 : first;
    count = below ? count - half - 1 : half;
  }
  return first;
}

/// The rows of a range that an anchor is not rated with.
struct Unrated {
  const RowId* rated = nullptr;  ///< those of the range that it is rated with, ascending
  Position n_rated = 0;
  RowId begin = 0;     ///< of the range
  Position count = 0;  ///< of the unrated

  WF_HD Unrated(const RowId* first, Position size, RowId range_begin, Position n_unrated)
      : rated(first), n_rated(size), begin(range_begin), count(n_unrated) {}
  template <class Space>
  WF_HD Unrated(const Positives<Space>& positives, RowId anchor, const RowRange& range)
      : rated(positives.partners.data + positives.starts[anchor]),
        n_rated(positives.starts[anchor + 1] - positives.starts[anchor]),
        begin(range.begin) {
    const Position skipped = first_from(rated, n_rated, range.begin);
    rated += skipped;
    n_rated = first_from(rated, n_rated - skipped, range.end);
    count = Position{range.end} - range.begin - n_rated;
  }

  /// Number `place` of them, ascending from 0: so that one draw is enough, however many are rated.
  WF_HD RowId operator[](Position place) const {
    Position first = 0, left = n_rated;  // rated rows that come before it
    while (left > 0) {
      const Position half = left / 2;
      const bool before = rated[first + half] - Position{begin} - (first + half) <= place;
      first = before ? first + half + 1 : first;
      left = before ? left - half - 1 : half;
    }
    return static_cast<RowId>(begin + place + first);
  }
};

/// What the negatives of a block's ratings are a function of: (seed, epoch, block, place in the block, draw).
struct NegativeDraws {
  std::uint64_t seed = 0;
  std::uint32_t epoch = 0;
  std::uint64_t block = 0;  ///< number_of

  /// Draw 0, 1, ... for a rating.
  WF_HD RowId operator()(const Unrated& unrated, Position place, int draw) const {
    constexpr int kPlaceBits = 44, kDrawBits = 12;  // a million epochs have 20
    const std::uint64_t index = block << kPlaceBits | static_cast<std::uint64_t>(place);
    const std::uint32_t stream = epoch << kDrawBits | static_cast<std::uint32_t>(draw / 2);
    const RandomBits bits = random_bits(seed, Purpose::negatives, index, stream);
    const bool second = draw % 2 == 1;  // no index that is known at run time: registers have none
    const std::uint32_t high = second ? bits.word[2] : bits.word[0], low = second ? bits.word[3] : bits.word[1];
    const std::uint64_t at = to_index(high, low, static_cast<std::uint64_t>(unrated.count));
    return unrated[static_cast<Position>(at)];
  }
};

inline constexpr int kMostNegatives = 1000;

/// Adds one rating's loss and, by the first of its pairs, whether the order was wrong.
template <class Sums>
WF_HD inline void add_pair_error(Sums& sums, typename Sums::Real loss, typename Sums::Real first_difference) {
  const auto wrong = static_cast<typename Sums::Real>(first_difference > 0 ? 0 : 1);
  sums.loss += loss;
  sums.squared += wrong;
  sums.absolute += wrong;
  ++sums.count;
}

/// What is the same for all ratings of an anchor's side and of the other side.
struct RankRates {
  float lambda_anchor, lambda_other;
  float l1_anchor, l1_other;
};
WF_HD inline RankRates rank_rates(const SgdSettings& s) {
  if (anchors_items(s.loss)) return {s.lambda_item, s.lambda_user, s.l1_item, s.l1_user};
  return {s.lambda_user, s.lambda_item, s.l1_user, s.l1_item};
}

}  // namespace wf
