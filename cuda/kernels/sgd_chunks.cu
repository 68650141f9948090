// sgd_update, racing, plan chunks: one SGD step for each rating of the blocks, thousands at once. A group of lanes
// takes a chunk of ratings after the other (host/schedule/chunks.hpp), a user's row in registers for as long as its
// ratings last, and asks for the rows of the next rating before it steps this one.
//
//   err = -loss' / 2 of <p_u, q_i>;  p_u = keep_u p_u + take_u q_i;  q_i = keep_i q_i + take_i p_u, from the old p_u
//   sgd: keep = 1 - lr lambda, take = lr err; row_adagrad: lr / sqrt(accumulator) of the part of the row for lr
//   (host/kernels/sgd_rules.hpp; scales stay 1: two writers would not agree on them)
//   Niu, Recht, Re, Wright: Hogwild!: a lock-free approach to parallelizing stochastic gradient descent. NIPS 2011
//   Xie, Tan, Fong, Liang: CuMF_SGD: parallelized stochastic gradient descent for matrix factorization on GPUs. HPDC
//   2017
//
// shapes  ratings.user, .item, .value [n]; blocks [b]; tables.user [n_users x rank], .item [n_items x rank], with
//         records, rows of whole vectors of 16 bytes, four factors or eight
// launch  a lane a vector, a power of two from 4 to 32 lanes a chunk, 256 threads a block; above four vectors a lane a
//         warp a block and 2 * rank floats of dynamic shared memory; over chunks in random order
// moves   12 bytes a rating; 8 * rank + 64 bytes a rating for the item's row, read and written, from the second cache
//         where the items fit; as much for the user's row, a time per run of one user's ratings in a chunk; of factors
//         of 16 bits 4 * rank + 64
// order   in a chunk the ratings'; between chunks none: of two steps of a row at one time the later store is kept
#include "cuda/device/sgd_chunk.cuh"
#include "cuda/device/walk.cuh"
#include "cuda/kernels/cuda_kernels.hpp"

#include <algorithm>
#include <vector>

namespace wf {
namespace {

struct ChunkWork {
  SgdWork sgd;
  Span<const ChunkedBlock, Device> blocks;
  Position chunks;
  Scatter scatter;
};

// one block a multiprocessor is enough: asked for more, ptxas spills
template <Storage kStorage, int kGroup, int kVectors>
__global__ void __launch_bounds__(kBlockThreads, 1) sgd_chunks_kernel(ChunkWork work, ErrorSums* sums_of_block) {
  const Group<kStorage, kGroup, kVectors> group(work.sgd.tables);
  const ItemsInMemory items{work.sgd.tables.item};
  const int groups = static_cast<int>(blockDim.x) / kGroup;
  const Walk walk{Position{blockIdx.x} * groups + threadIdx.x / kGroup, Position{gridDim.x} * groups};
  WF_DYNAMIC_SHARED(float, rows);
  ErrorSums sums;
  for (Position turn = walk.first; turn - this_lane() / kGroup < work.chunks; turn += walk.step) {
    Chunk chunk;
    if (turn < work.chunks) chunk = chunk_of(work.blocks, work.scatter(turn));
    step_chunk(group, work.sgd, items, chunk, rows, sums);
  }
  add_block_errors(sums, sums_of_block + blockIdx.x);
}

}  // namespace

void Cuda::sgd_chunks(const SgdTables<Device>& tables, const RatingsView<Device>& ratings,
                      Span<const Block, Host> blocks, const SgdSettings& settings,
                      const RowPenalties<Device>& penalties) {
  Position chunks = 0;
  const std::vector<ChunkedBlock> list = chunked(blocks, chunks);
  if (chunks == 0) return;
  chunked_blocks_.grow(blocks.size, gpu_.compute());
  transfer_.upload(gpu_.compute(), chunked_blocks_.data(),
                   {{list.data(), blocks.size * Position{sizeof(ChunkedBlock)}}});
  const ChunkWork work{{tables, ratings, settings, penalties},
                       {chunked_blocks_.data(), blocks.size},
                       chunks,
                       order_of_chunks(blocks[0], chunks, settings.seed, settings.epoch)};
  const Position at_once = most_chunks_at_once(settings.ratings, blocks.size, settings.ranges);
  with_storage(tables.storage, [&]<Storage kStorage>() {
    const int vectors = tables.rank() / factors_of_vector(kStorage);
    with_group(vectors, [&]<int kGroup, int kVectors>() {
      const bool small = kVectors == 0 || at_once < 8 * kBlockThreads / kGroup;
      const int threads = small ? kWarp : kBlockThreads;
      const Position row_floats =
          kVectors > 0 ? 0 : (vectors + kWarp - 1) / kWarp * kWarp * factors_of_vector(kStorage);
      const Shape shape =
          grid_over(std::min(chunks, at_once), threads / kGroup, threads, 2 * row_floats * Position{sizeof(float)});
      launch(gpu_, "sgd_update", shape, sgd_chunks_kernel<kStorage, kGroup, kVectors>, work,
             error_partials(shape.blocks));
    });
  });
}

}  // namespace wf
