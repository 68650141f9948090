// Which distinct rows a batch touches, for both of its sides, without a word to the host.
//
// racing      a row's first thread claims it by compare-and-swap and takes the next group number
//   launch    three kernels per side, a thread per rating or group; moves about 40 bytes per rating
//   order     group numbers race; what is computed per group does not depend on its number
// repeatable  (row, position) sorted stably by row; groups are the runs, numbered by a scan over their heads
//   launch    sort, scan and three kernels per side; moves about 100 bytes per rating
//   order     rows ascending, members of a group in the order of the batch
// Nothing of the size of a table is swept: the table of group numbers is mended where the last batch had rows.
#include "cuda/device/walk.cuh"
#include "cuda/kernels/cuda_kernels.hpp"
#include "cuda/runtime/ranges.hpp"
#include "cuda/runtime/sort.hpp"

namespace wf {
namespace {

constexpr RowId kClaimed = -2;  // the thread that will write the number is on its way

/// Forgets the batch before: its rows' group numbers, and the arrays of groups.
__global__ void forget_groups_kernel(Span<RowId, Device> rows, Span<RowId, Device> counts, RowId* group_of_row,
                                     RowId* n_groups) {
  const Walk walk = thread_walk();
  if (walk.first == 0) *n_groups = 0;
  for (Position g = walk.first; g < rows.size; g += walk.step) {
    if (group_of_row != nullptr && rows[g] != kNoRow) group_of_row[rows[g]] = kNoRow;
    rows[g] = kNoRow;
    counts[g] = 0;
  }
}

__global__ void claim_rows_kernel(Span<const RowId, Device> batch, RowId* group_of_row, RowId* rows, RowId* n_groups) {
  const Walk walk = thread_walk();
  for (Position n = walk.first; n < batch.size; n += walk.step) {
    const RowId row = batch[n];
    if (__ldcv(group_of_row + row) != kNoRow) continue;  // spares a hot row most of its compare-and-swaps
    if (atomicCAS(group_of_row + row, kNoRow, kClaimed) != kNoRow) continue;
    const RowId group = atomicAdd(n_groups, 1);
    rows[group] = row;
    atomicExch(group_of_row + row, group);
  }
}

__global__ void join_groups_kernel(Span<const RowId, Device> batch, const RowId* group_of_row, RowId* group_of,
                                   RowId* counts) {
  const Walk walk = thread_walk();
  for (Position n = walk.first; n < batch.size; n += walk.step) {
    const RowId group = group_of_row[batch[n]];
    group_of[n] = group;
    atomicAdd(counts + group, 1);
  }
}

__global__ void number_ratings_kernel(Span<const RowId, Device> batch, RowId* keys, RowId* members) {
  const Walk walk = thread_walk();
  for (Position n = walk.first; n < batch.size; n += walk.step) {
    keys[n] = batch[n];
    members[n] = static_cast<RowId>(n);
  }
}

__global__ void mark_heads_kernel(Span<const RowId, Device> keys, RowId* heads) {
  const Walk walk = thread_walk();
  for (Position n = walk.first; n < keys.size; n += walk.step) heads[n] = n == 0 || keys[n] != keys[n - 1] ? 1 : 0;
}

/// `ordinals`: of the run that each sorted rating is in, from 1. Heads write starts, tails write the counts' ends.
__global__ void describe_runs_kernel(Span<const RowId, Device> keys, const RowId* ordinals, RowId* rows, RowId* starts,
                                     RowId* ends) {
  const Walk walk = thread_walk();
  for (Position n = walk.first; n < keys.size; n += walk.step) {
    const RowId group = ordinals[n] - 1;
    if (n == 0 || keys[n] != keys[n - 1]) {
      rows[group] = keys[n];
      starts[group] = static_cast<RowId>(n);
    }
    if (n + 1 == keys.size || keys[n] != keys[n + 1]) ends[group] = static_cast<RowId>(n + 1);
  }
}

/// ends -> counts, and each group's number of chunks beyond its first.
__global__ void count_members_kernel(Span<const RowId, Device> rows, const RowId* starts, RowId* counts,
                                     RowId* extra_chunks) {
  const Walk walk = thread_walk();
  for (Position g = walk.first; g < rows.size; g += walk.step) {
    const RowId count = rows[g] == kNoRow ? 0 : counts[g] - starts[g];
    counts[g] = count;
    if (extra_chunks != nullptr) extra_chunks[g] = count == 0 ? 0 : (count - 1) / kSumChunk;
  }
}

}  // namespace

/// Arrays for `n_groups` groups, all empty, and nothing left of the batch before.
void Cuda::reset_groups(Side& side, Position n_groups) {
  const auto forget = [&](Position count) {
    launch(gpu_, "group_rows", threads_over(count), forget_groups_kernel, side.rows.span().part(0, count),
           side.counts.span().part(0, count), side.group_of_row.data(), side.n_groups.data());
  };
  if (side.n_groups.empty()) side.n_groups = DeviceBuffer<RowId>(1, gpu_.compute());
  if (n_groups > side.rows.size()) {
    if (side.used > 0) forget(side.used);
    side.rows.grow(n_groups, gpu_.compute());
    side.counts.grow(n_groups, gpu_.compute());
    fill_with_no_row(side.rows);
  }
  forget(std::max(side.used, n_groups));
  side.used = n_groups;
}

void Cuda::fill_with_no_row(DeviceBuffer<RowId>& rows) {
  static_assert(kNoRow == -1);  // all of whose bytes are 0xFF
  check_cuda(cudaMemsetAsync(rows.data(), 0xFF, static_cast<std::size_t>(rows.bytes()), gpu_.compute()),
             "cudaMemsetAsync");
}

RowGroups<Device> Cuda::group_racing(Side& side, Span<const RowId, Device> batch, Position n_rows) {
  const Position n_groups = std::min(n_rows, batch.size);
  if (n_rows > side.group_of_row.size()) {
    side.group_of_row = DeviceBuffer<RowId>(n_rows, gpu_.compute());
    fill_with_no_row(side.group_of_row);
  }
  reset_groups(side, n_groups);
  side.group_of.grow(batch.size, gpu_.compute());
  launch(gpu_, "group_rows", threads_over(batch.size), claim_rows_kernel, batch, side.group_of_row.data(),
         side.rows.data(), side.n_groups.data());
  launch(gpu_, "group_rows", threads_over(batch.size), join_groups_kernel, batch, side.group_of_row.data(),
         side.group_of.data(), side.counts.data());
  RowGroups<Device> groups;
  groups.rows = side.rows.span().part(0, n_groups);
  groups.counts = side.counts.span().part(0, n_groups);
  groups.group_of = side.group_of.span().part(0, batch.size);
  return groups;
}

RowGroups<Device> Cuda::group_sorted(Side& side, Span<const RowId, Device> batch, Position n_rows) {
  const Position n_groups = std::min(n_rows, batch.size);
  reset_groups(side, n_groups);
  for (DeviceBuffer<RowId>* array : {&side.keys, &side.members, &side.ordinals}) {
    array->grow(batch.size, gpu_.compute());
  }
  side.starts.grow(n_groups, gpu_.compute());
  side.extra_ends.grow(n_groups, gpu_.compute());
  const Span<RowId, Device> keys = side.keys.span().part(0, batch.size);
  const Span<RowId, Device> members = side.members.span().part(0, batch.size);
  const Span<RowId, Device> ordinals = side.ordinals.span().part(0, batch.size);
  const Span<RowId, Device> extra_ends = side.extra_ends.span().part(0, batch.size > kSumChunk ? n_groups : 0);
  RowGroups<Device> groups;
  groups.rows = side.rows.span().part(0, n_groups);
  groups.counts = side.counts.span().part(0, n_groups);
  groups.starts = side.starts.span().part(0, n_groups);
  groups.members = members;
  groups.extra_ends = extra_ends;

  launch(gpu_, "group_rows", threads_over(batch.size), number_ratings_kernel, batch, keys.data, members.data);
  sort_pairs(gpu_, keys, members);
  launch(gpu_, "group_rows", threads_over(batch.size), mark_heads_kernel, keys, ordinals.data);
  sum_up_to(gpu_, ordinals, ordinals);
  launch(gpu_, "group_rows", threads_over(batch.size), describe_runs_kernel, keys, ordinals.data, side.rows.data(),
         side.starts.data(), side.counts.data());
  launch(gpu_, "group_rows", threads_over(n_groups), count_members_kernel, groups.rows, side.starts.data(),
         side.counts.data(), extra_ends.empty() ? nullptr : extra_ends.data);
  if (!extra_ends.empty()) sum_up_to(gpu_, extra_ends, extra_ends);
  return groups;
}

BatchGroups<Device> Cuda::group_rows(const RatingsView<Device>& batch, Position n_users, Position n_items) {
  if (batch.size() == 0) return {};
  const Range range("group rows");
  if (order_ == Order::racing) {
    return {group_racing(sides_[0], batch.user, n_users), group_racing(sides_[1], batch.item, n_items)};
  }
  return {group_sorted(sides_[0], batch.user, n_users), group_sorted(sides_[1], batch.item, n_items)};
}

}  // namespace wf
