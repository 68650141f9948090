// sgd_update, racing, plan tiles: one SGD step for each rating of the blocks. A thread block takes a block of the grid
// and brings the rows of its items to shared memory; its groups of lanes take the chunks, as in plan chunks
// (sgd_chunks.cu, which has the equations); then the rows of the items go back.
//
//   Tan, Cao, Fong: Faster and cheaper: parallelizing large-scale matrix factorization on GPUs. HPDC 2016
//
// shapes  ratings.user, .item, .value [n]; blocks [b], which share no row; tables.user [n_users x rank], .item
//         [n_items x rank], with records, rows of whole vectors of 16 bytes, at most four vectors for each lane of a
//         warp
// launch  a thread block a block; groups of 4 to 32 lanes, 256 threads at most; the block's item rows of dynamic shared
//         memory
// moves   12 bytes a rating; 2 (4 * rank + 32) bytes for the user's row, read and written, a time per run of one user's
//         ratings in a chunk, and as many for each item of a block; of factors of 16 bits 2 (2 * rank + 32)
// order   in a chunk the ratings'; between chunks of a block none: of two steps of a row at one time the later store is
//         kept; between blocks nothing is shared
#include "cuda/device/sgd_chunk.cuh"
#include "cuda/device/walk.cuh"
#include "cuda/kernels/cuda_kernels.hpp"

#include <algorithm>

namespace wf {
namespace {

/// By all threads of the block; `floats` is a multiple of four.
__device__ void copy_tile(const float* from, float* to, Position floats) {
  for (Position f = 4 * Position{threadIdx.x}; f < floats; f += 4 * Position{blockDim.x}) {
    *reinterpret_cast<float4*>(to + f) = *reinterpret_cast<const float4*>(from + f);
  }
}

template <Storage kStorage, int kGroup, int kVectors>
__global__ void __launch_bounds__(kBlockThreads, 1)
    sgd_tiles_kernel(SgdWork work, Span<const Block, Device> blocks, ErrorSums* sums_of_range) {
  WF_DYNAMIC_SHARED(float, tile);
  const Block block = blocks[blockIdx.x];
  const Position ratings = block.end - block.begin;
  if (ratings == 0) return;
  const Rows<float, Device>& table = work.tables.item;
  float* const rows = record_of(table.row(block.items.begin));
  const Position floats = (block.items.end - block.items.begin) * table.pitch;
  allow_races(tile);
  copy_tile(rows, tile, floats);
  __syncthreads();
  const Group<kStorage, kGroup, kVectors> group(work.tables);
  const ItemsInTile items{tile + kRecord, table.pitch, block.items.begin};
  const ChunkedBlock all{block.begin, block.end, 0, number_of(block)};
  const Span<const ChunkedBlock, Device> one{&all, 1};
  const Position chunks = (ratings + kChunkRatings - 1) / kChunkRatings;
  const Scatter scatter = order_of_chunks(block, chunks, work.settings.seed, work.settings.epoch);
  const int groups = static_cast<int>(blockDim.x) / kGroup;
  ErrorSums sums;
  for (Position turn = threadIdx.x / kGroup; turn - this_lane() / kGroup < chunks; turn += groups) {
    Chunk chunk;
    if (turn < chunks) chunk = chunk_of(one, scatter(turn));
    step_chunk(group, work, items, chunk, nullptr, sums);
  }
  __syncthreads();
  copy_tile(tile, rows, floats);
  add_block_errors(sums, sums_of_range + block.user_range);
}

}  // namespace

Position Cuda::tile_bytes(const SgdTables<Device>& tables, Span<const Block, Host> blocks) {
  Position rows = 0;
  for (const Block& block : blocks) rows = std::max<Position>(rows, block.items.end - block.items.begin);
  return checked_product(rows, tables.item.pitch) * Position{sizeof(float)};
}

bool Cuda::has_tiles(const SgdTables<Device>& tables, Span<const Block, Host> blocks,
                     const SgdSettings& settings) const {
  if (2 * blocks.size < settings.ranges) return false;  // most of the device would have nothing to do
  const Position vectors = tables.rank() / factors_of_vector(tables.storage);
  return vectors <= kMostVectors && tile_bytes(tables, blocks) <= gpu_.tile_bytes();
}

void Cuda::sgd_tiles(const SgdTables<Device>& tables, const RatingsView<Device>& ratings,
                     Span<const Block, Host> blocks, const SgdSettings& settings,
                     const RowPenalties<Device>& penalties) {
  blocks_.grow(blocks.size, gpu_.compute());
  transfer_.upload(gpu_.compute(), blocks_.data(), {{blocks.data, blocks.size * Position{sizeof(Block)}}});
  const Position groups_of_block = most_chunks_at_once(settings.ratings, 1, settings.ranges);
  with_storage(tables.storage, [&]<Storage kStorage>() {
    with_group(tables.rank() / factors_of_vector(kStorage), [&]<int kGroup, int kVectors>() {
      if constexpr (kVectors > 0) {
        const Position lanes = (groups_of_block * kGroup + kWarp - 1) / kWarp * kWarp;
        const int threads = static_cast<int>(std::min<Position>(lanes, kBlockThreads));
        launch(gpu_, "sgd_update", {blocks.size, threads, tile_bytes(tables, blocks)},
               sgd_tiles_kernel<kStorage, kGroup, kVectors>, SgdWork{tables, ratings, settings, penalties},
               Span<const Block, Device>{blocks_.data(), blocks.size}, error_partials(ranges_of(blocks)));
      }
    });
  });
}

}  // namespace wf
