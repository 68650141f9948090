// One chunk of ratings, stepped by a group of lanes: what the plans of racing per-rating SGD have in common.
#pragma once
#include "cuda/device/errors.cuh"
#include "cuda/device/sgd_group.cuh"
#include "host/kernels/op_types.hpp"
#include "host/schedule/chunks.hpp"

namespace wf {

/// What all chunks of a launch have in common.
struct SgdWork {
  SgdTables<Device> tables;
  RatingsView<Device> ratings;
  SgdSettings settings;
  RowPenalties<Device> penalties;
};

/// Where the rows of items are: in the device's memory, which all multiprocessors write;
struct ItemsInMemory {
  static constexpr bool kShared = false;
  Rows<float, Device> table;
  __device__ float* row(RowId item) const { return table.row(item); }
};
/// or those of one range in the shared memory of the block, each with its record.
struct ItemsInTile {
  static constexpr bool kShared = true;
  float* first;
  Position pitch;
  RowId begin;
  __device__ float* row(RowId item) const { return first + (item - begin) * pitch; }
};

/// Random bits of a lane for a chunk, where factors are rounded.
template <bool kRounds>
__device__ inline RoundingBits rounding_bits(const SgdSettings& settings, const Chunk& chunk) {
  if constexpr (!kRounds) return RoundingBits(0);
  const auto draw = chunk.number * kWarp + static_cast<std::uint64_t>(this_lane());
  return RoundingBits(random_bits(settings.seed, Purpose::rounding, draw, settings.epoch).word[0]);
}

/// Steps the ratings of `chunk`, and adds their errors before the step to `sums`. The user's row is in registers for as
/// long as its ratings last; the rows of the next rating are asked for before this one is stepped. All lanes of a warp
/// come here at once and make as many steps: those without a chunk, or with a shorter one, make theirs for nothing.
/// `rows`: shared memory for 2 * kFactors * kWarp * group.vectors() floats, where lanes hold no rows in registers.
template <class Lanes, class Items>
__device__ inline void step_chunk(const Lanes& group, const SgdWork& work, const Items& items, const Chunk& chunk,
                                  [[maybe_unused]] float* rows, ErrorSums& sums) {
  using Row = typename Lanes::Row;
  constexpr bool kShared = Items::kShared;
  const SgdSettings& settings = work.settings;
  const RatingsView<Device>& ratings = work.ratings;
  const Rows<float, Device>& users = work.tables.user;
  const float mean = work.tables.biases ? work.tables.global_mean : 0;
  const float lambda = group.of_item() ? settings.lambda_item : settings.lambda_user;
  const Span<const float, Device> penalties = group.of_item() ? work.penalties.item : work.penalties.user;
  Row user{}, item{}, next_user{}, next_item{};
  if constexpr (!Lanes::kRegisters) {
    user.value = next_user.value = rows;
    item.value = next_item.value = rows + Lanes::kFactors * kWarp * group.vectors();
  }
  typename Lanes::State state{}, next_state{};
  RoundingBits random = rounding_bits<Lanes::kRounds>(settings, chunk);
  FewErrors errors;
  RowId u = 0, i = 0;
  float *user_row = nullptr, *item_row = nullptr;
  if (chunk.begin < chunk.end) {
    u = ratings.user[chunk.begin];
    i = ratings.item[chunk.begin];
    user_row = users.row(u);
    item_row = items.row(i);
    group.load(user_row, user);
    group.template load<kShared>(item_row, item);
    state = group.template load_state<kShared>(user_row, item_row);
  }
  for (Position n = chunk.begin, steps = 0; steps < kChunkRatings; ++n, ++steps) {
    const bool active = n < chunk.end, last = n + 1 >= chunk.end;
    if (__all_sync(kAllLanes, !active)) break;
    __syncwarp();  // lanes load records that others have stored
    RowId next_u = u, next_i = i;
    if (!last) {
      next_u = ratings.user[n + 1];
      next_i = ratings.item[n + 1];
    }
    const bool item_goes = last || next_i != i, user_goes = last || next_u != u;
    float* const next_item_row = items.row(next_i);
    float* const next_user_row = user_goes ? users.row(next_u) : user_row;
    const bool own_goes = group.of_item() ? item_goes : user_goes;
    if (!last) {
      if (Lanes::kRegisters && item_goes) group.template load<kShared>(next_item_row, next_item);
      if (Lanes::kRegisters && user_goes) group.load(next_user_row, next_user);
      if (own_goes) next_state = group.template load_state<kShared>(next_user_row, next_item_row);
    }
    const float rating = active ? ratings.value[n] : 0;
    const float penalty = lambda + penalty_of(penalties, group.of_item() ? i : u);
    const float predicted = group.step(settings, mean, work.tables.biases, penalty, rating, user, item, state);
    if (!active) continue;
    if (group.counts()) add_error(settings.loss, errors, predicted, rating);
    if (item_goes) {
      group.template store<kShared>(item, item_row, random);
      group.template store_state<kShared>(state, item_row, true);
      if (!Lanes::kRegisters && !last) group.template load<kShared>(next_item_row, next_item);
      item = next_item;
    }
    if (user_goes) {
      group.store(user, user_row, random);
      group.store_state(state, user_row, false);
      if (!Lanes::kRegisters && !last) group.load(next_user_row, next_user);
      user = next_user;
    }
    if (own_goes) state = next_state;
    u = next_u;
    i = next_i;
    user_row = next_user_row;
    item_row = next_item_row;
  }
  add(sums, errors);
}

}  // namespace wf
