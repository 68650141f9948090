#include "host/schedule/block_grid.hpp"

#include "host/schedule/permutation.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace wf {
namespace {

/// The range of every row: rows in random order, cut where the running count of ratings passes a multiple of n / G.
HostBuffer<std::int16_t> cut_rows(Span<const RowId, Host> rows, Position n_rows, int ranges, std::uint64_t seed,
                                  Purpose purpose) {
  HostBuffer<Position> counts(n_rows, 0);
  for (const RowId row : rows) ++counts[row];
  HostBuffer<RowId> order(n_rows);
  std::iota(order.begin(), order.end(), RowId{0});
  shuffle(order.data(), n_rows, seed, purpose);

  HostBuffer<std::int16_t> range_of_row(n_rows);
  const Position total = std::max<Position>(1, rows.size);
  Position before = 0;
  for (const RowId row : order) {
    const Position middle = before + counts[row] / 2;
    const Position range = middle * ranges / total;  // below 2^63 up to 2^53 ratings: ranges <= kMaxGrid
    range_of_row[row] = static_cast<std::int16_t>(std::min<Position>(range, ranges - 1));
    before += counts[row];
  }
  return range_of_row;
}

template <class T>
HostBuffer<T> gather(const HostBuffer<T>& values, const HostBuffer<Position>& target) {
  HostBuffer<T> moved(values.size());
  for (Position n = 0; n < values.size(); ++n) moved[target[n]] = values[n];
  return moved;
}

}  // namespace

int default_grid_size(Position n_ratings, Position n_users, Position n_items, int most) {
  constexpr Position kRatingsPerRange = 10'000;
  const Position wanted = std::clamp<Position>(n_ratings / kRatingsPerRange, 1, most);
  return static_cast<int>(std::max<Position>(1, std::min({wanted, n_users, n_items})));
}

BlockGrid::BlockGrid(Ratings ratings, Position n_users, Position n_items, int size, Shuffle order, std::uint64_t seed)
    : ratings_(std::move(ratings)),
      size_(size),
      order_(order),
      seed_(seed),
      blocks_(Position{size} * size, Block{}),
      offsets_(size),
      stratum_(size) {
  std::iota(offsets_.begin(), offsets_.end(), 0);
  if (size_ == 1) {
    block(0, 0) = {0, ratings_.size()};
    return;
  }
  const auto user_range = cut_rows(ratings_.user.span(), n_users, size_, seed_, Purpose::permute_users);
  const auto item_range = cut_rows(ratings_.item.span(), n_items, size_, seed_, Purpose::permute_items);
  const auto block_of = [&](Position n) -> Block& {
    return block(user_range[ratings_.user[n]], item_range[ratings_.item[n]]);
  };
  for (Position n = 0; n < ratings_.size(); ++n) ++block_of(n).end;
  Position begin = 0;
  for (Block& b : blocks_) {
    const Position count = b.end;
    b = {begin, begin};
    begin += count;
  }
  HostBuffer<Position> target(ratings_.size());
  for (Position n = 0; n < ratings_.size(); ++n) target[n] = block_of(n).end++;
  ratings_.user = gather(ratings_.user, target);
  ratings_.item = gather(ratings_.item, target);
  ratings_.value = gather(ratings_.value, target);
}

void BlockGrid::start_epoch(int epoch) {
  if (order_ == Shuffle::none) return;
  const auto stream = static_cast<std::uint32_t>(epoch);
  shuffle(offsets_.data(), size_, seed_, Purpose::strata, stream);
  for (Position b = 0; b < blocks_.size(); ++b) {
    const Block& block = blocks_[b];
    RowId* user = ratings_.user.data() + block.begin;
    RowId* item = ratings_.item.data() + block.begin;
    float* value = ratings_.value.data() + block.begin;
    // the block's own seed: two blocks of one size would otherwise be shuffled alike
    const std::uint64_t block_seed = seed_ + static_cast<std::uint64_t>(b) * 0x9E3779B97F4A7C15U;
    shuffle(block.end - block.begin, block_seed, Purpose::shuffle, stream, [&](Position x, Position y) {
      std::swap(user[x], user[y]);
      std::swap(item[x], item[y]);
      std::swap(value[x], value[y]);
    });
  }
}

Span<const Block, Host> BlockGrid::stratum(int s) {
  for (int g = 0; g < size_; ++g) stratum_[g] = block(g, (g + offsets_[s]) % size_);
  return std::as_const(stratum_).span();
}

}  // namespace wf
