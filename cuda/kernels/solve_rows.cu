// Least squares for the rows of one side, each by its list, while the other side stands.
//
//   (sum of curvature q q' + unobserved * gram + ridge) x = sum of pull q     with a bias as one more unknown, whose
//                                                                             partner is 1
//   Koren, Bell, Volinsky: Matrix factorization techniques for recommender systems. Computer 42(8), 2009
//   Hu, Koren, Volinsky: Collaborative filtering for implicit feedback datasets. ICDM 2008
//   Rendle, Krichene, Zhang, Koren: iALS++: speeding up matrix factorization with subspace optimization. 2021
//
// shapes  lists of n ratings and m rows; sides.factors [m x rank], .partner_factors [partners x rank]; biases [x 1]
// launch  up to 128 unknowns: a block per row, 32 to 160 threads. 16 x 16 tiles of 4 x 4 or 8 x 8 elements of the lower
//         half lie in registers from the first rating to the solution: nothing of the matrix goes to memory. Lists
//         above kLongList are summed by several blocks (device/pieces.cuh). Short lists: solve_short.cu. More
//         unknowns: solve_large.cu, and for conjugate gradients descend_rows.cu
// moves   4 * rank + 8 bytes per rating, 4 * rank per row, of an implicit row 2 rank^2 more from the cache; rank^2
//         operations per rating, rank^3 / 3 per row. Subspace: 8 * rank + 8 per rating and 8 more for each block of
//         factors, rank * block operations
// order   ratings in the order of the list, tiles from left to right, fixed trees, no atomics but on counts: on any
//         device the same bits
#include "cuda/device/lists.cuh"
#include "cuda/device/score.cuh"
#include "cuda/device/solve_tiles.cuh"
#include "cuda/kernels/cuda_kernels.hpp"
#include "cuda/kernels/solve_tensors.hpp"
#include "cuda/runtime/ranges.hpp"

namespace wf {
namespace {

/// Rows without ratings become zeros: a warp per row.
__global__ void __launch_bounds__(kBlockThreads)
    clear_empty_rows_kernel(RowListsView<Device> lists, Rows<float, Device> factors, Rows<float, Device> biases,
                            SolvedRows* solved) {
  const Walk walk = lanes_walk();
  for (Position row = walk.first; row < lists.rows(); row += walk.step) {
    if (lists.count(row) > 0) continue;
    for (int f = this_lane(); f < factors.rank; f += kWarp) factors.row(row)[f] = 0;
    if (this_lane() != 0) continue;
    if (!biases.empty()) *biases.row(row) = 0;
    add_to(solved->empty, 1);
  }
}

/// scores[n] = <row, partner> + the row's bias.
template <class Rank>
__global__ void __launch_bounds__(kBlockThreads) list_scores_kernel(SolveWork work, Rank rank) {
  for (PairWalk walk = pair_walk(work.scores.size); walk.warp_has_work(); walk.piece += walk.step) {
    const bool here = walk.has_piece();
    const Position row = here ? row_of_rating(work.lists.begin, walk.piece) : 0;
    const float* const x = work.sides.factors.row(row);
    const float* const q = work.sides.partner_factors.row(here ? work.lists.partner[walk.piece] : 0);
    float score = pair_dot(here, x, q, rank);
    if (!here || this_half() != 0) continue;
    if (!work.sides.biases.empty()) score += *work.sides.biases.row(row);
    work.scores[walk.piece] = score;
  }
}

/// Appends lists above kLongList to lists[1 ..], in any order; lists[0].row becomes their number.
__global__ void __launch_bounds__(kBlockThreads) find_long_lists_kernel(RowListsView<Device> lists, LongList* found) {
  const Walk walk = thread_walk();
  for (Position row = walk.first; row < lists.rows(); row += walk.step) {
    if (lists.count(row) <= kLongList) continue;
    const auto before = atomicAdd(reinterpret_cast<unsigned long long*>(&found->row), 1ULL);
    found[1 + before] = {row, lists.begin[row], lists.begin[row + 1]};
  }
}

/// A float's bits without sign are ordered as its magnitude is.
__device__ unsigned magnitude(float x) {
  return __float_as_uint(x) & 0x7FFFFFFFU;
}
__global__ void __launch_bounds__(kBlockThreads)
    find_largest_kernel(Rows<const float, Device> table, Span<const float, Device> values, Largest* largest) {
  unsigned factor = 0, value = 0;
  const Walk rows = lanes_walk(), walk = thread_walk();
  for (Position r = rows.first; r < table.count; r += rows.step) {
    for (int f = this_lane(); f < table.rank; f += kWarp) factor = max(factor, magnitude(table.row(r)[f]));
  }
  for (Position n = walk.first; n < values.size; n += walk.step) value = max(value, magnitude(values[n]));
  for (int lanes = kWarp / 2; lanes > 0; lanes /= 2) {
    factor = max(factor, __shfl_xor_sync(kAllLanes, factor, lanes));
    value = max(value, __shfl_xor_sync(kAllLanes, value, lanes));
  }
  if (this_lane() != 0) return;
  atomicMax(&largest->factor, factor);
  atomicMax(&largest->value, value);
}

bool by_tensors(const SolveSettings& settings, const SolvedColumns& unknown) {
  return settings.precision != Precision::fp32 && unknown.columns.count <= kTileColumns;
}

template <class T>
int threads_for(int columns) {
  const int across = (columns + T::kTile - 1) / T::kTile;
  const int threads = std::max({across * (across + 1) / 2, across * T::kTile, 1});
  return (threads + kWarp - 1) / kWarp * kWarp;
}

}  // namespace

std::vector<LongList> Cuda::long_lists(const RowListsView<Device>& lists) {
  const Position most = lists.partner.size / kLongList;
  if (most == 0) return {};
  long_lists_.grow(1 + most, gpu_.compute());
  clear(long_lists_.data(), sizeof(LongList));
  launch(gpu_, "solve_rows", threads_over(lists.rows()), find_long_lists_kernel, lists, long_lists_.data());
  LongList head;
  fetch(std::as_const(long_lists_).span().part(0, 1), Span<LongList, Host>{&head, 1});
  std::vector<LongList> found(static_cast<std::size_t>(head.row));
  if (!found.empty()) {
    fetch(std::as_const(long_lists_).span().part(1, head.row), Span<LongList, Host>{found.data(), head.row});
  }
  std::sort(found.begin(), found.end(), [](const LongList& a, const LongList& b) { return a.row < b.row; });
  return found;
}

SolveCounts Cuda::solve_counts(const RowListsView<Device>& lists, bool in_turn) {
  if (in_turn) open_rows_.grow(lists.rows(), gpu_.compute());
  return {solved_.data(), in_turn ? open_rows_.data() : nullptr};
}

/// solve(choice) with the parts of some lists at a time, so that parts take no more than a quarter of a gigabyte, or of
/// one list.
template <class Solve>
void Cuda::solve_long_lists(const SolveWork& work, const SolvedColumns& unknown,
                            const std::vector<LongList>& long_lists, int threads, const Solve& solve) {
  with_tiles(unknown.columns.count, [&](auto tiles) {
    using T = decltype(tiles);
    const int across = (unknown.columns.count + T::kSide - 1) / T::kSide;
    const int squares = std::max(across * (across + 1) / 2, 1);
    const Position floats = checked_product(squares, part_floats<T>(threads));
    const Position most = std::max<Position>((Position{1} << 26) / floats, 1);
    for (std::size_t next = 0; next < long_lists.size();) {
      std::vector<Piece> pieces;
      std::vector<LongRow> rows;
      for (; next < long_lists.size(); ++next) {
        const LongList& list = long_lists[next];
        const Position size = piece_size(list.end - list.first, squares);
        const Position count = (list.end - list.first + size - 1) / size;
        const auto before = static_cast<Position>(pieces.size());
        if (before > 0 && before + count > most) break;
        rows.push_back({list.row, before, count});
        for (Position first = list.first; first < list.end; first += size) {
          pieces.push_back({first, std::min(first + size, list.end)});
        }
      }
      const auto count = static_cast<Position>(pieces.size());
      solve_parts_.grow(checked_product(count, floats), gpu_.compute());
      piece_terms_.grow(count, gpu_.compute());
      long_rows_.grow(static_cast<Position>(rows.size()), gpu_.compute());
      transfer_.upload(gpu_.compute(), long_rows_.data(),
                       {{rows.data(), static_cast<Position>(rows.size() * sizeof(LongRow))}});
      if (by_tensors(work.settings, unknown)) {
        launch(gpu_, "solve_rows", {count, threads, 0}, tensor_pieces_kernel<T>(work.settings), work, unknown,
               upload_pieces(pieces), solve_parts_.data(), piece_terms_.data());
      } else {
        const auto kernel = work.settings.implicit ? sum_pieces_kernel<T, Weight::given, ListRatings>
                                                   : sum_pieces_kernel<T, Weight::one, ListRatings>;
        launch(gpu_, "solve_rows", {count * squares, threads, 0}, kernel, ListRatings{work}, unknown.columns,
               unknown.vector, upload_pieces(pieces), squares, solve_parts_.data(), piece_terms_.data());
      }
      solve(RowChoice{
          0, {long_rows_.data(), static_cast<Position>(rows.size())}, solve_parts_.data(), piece_terms_.data()});
    }
  });
}

void Cuda::solve_columns(const SolveWork& work, const SolvedColumns& unknown, const std::vector<LongList>& long_lists) {
  if (unknown.columns.count > kTileColumns) {
    forget_columns(work, unknown);
    if (static_cast<Position>(long_lists.size()) < work.lists.rows())
      solve_large(work, unknown, {.longest = kLongList});
    return solve_long_lists(work, unknown, long_lists, kBlockThreads,
                            [&](const RowChoice& choice) { solve_large(work, unknown, choice); });
  }
  const SolveCounts counts = solve_counts(work.lists, !unknown.first || !unknown.last);
  with_tiles(unknown.columns.count, [&](auto tiles) {
    using T = decltype(tiles);
    const int threads = threads_for<T>(unknown.columns.count);
    const RowsKernel kernel = by_tensors(work.settings, unknown) ? tensor_rows_kernel<T>(work.settings)
                              : work.settings.implicit           ? solve_rows_kernel<T, Weight::given, Precision::fp32>
                                                                 : solve_rows_kernel<T, Weight::one, Precision::fp32>;
    launch(gpu_, "solve_rows", grid_over(work.lists.rows(), 1, threads), kernel, work, unknown,
           RowChoice{.longest = kLongList}, counts);
    solve_long_lists(work, unknown, long_lists, threads, [&](const RowChoice& choice) {
      launch(gpu_, "solve_rows", grid_over(choice.long_rows.size, 1, threads), kernel, work, unknown, choice, counts);
    });
  });
}

void Cuda::solve_rows(const RowListsView<Device>& lists, const SolveSides<Device>& sides,
                      Rows<const float, Device> gram, const SolveSettings& settings) {
  if (lists.rows() == 0) return;
  const Range range("solve rows");
  if (solved_.empty()) {
    solved_ = DeviceBuffer<SolvedRows>(1, gpu_.compute());
    clear(solved_.data(), solved_.bytes());
  }
  launch(gpu_, "solve_rows", lanes_over(lists.rows()), clear_empty_rows_kernel, lists, sides.factors, sides.biases,
         solved_.data());
  if (lists.partner.empty()) return;
  SolveWork work{lists, sides, {}, settings, {}};
  if (settings.implicit && settings.unobserved != 0) work.gram = gram;
  const int rank = sides.rank();
  if (settings.solver == Solver::cg && rank > kTileColumns) return descend_rows(work);
  solve_short(work);
  if (settings.precision == Precision::fp16) {
    largest_.grow(1, gpu_.compute());
    clear(largest_.data(), largest_.bytes());
    launch(gpu_, "solve_rows", lanes_over(sides.partner_factors.count), find_largest_kernel, sides.partner_factors,
           settings.implicit ? lists.value : Span<const float, Device>{}, largest_.data());
    work.largest = largest_.data();
  }
  const std::vector<LongList> found = long_lists(lists);
  int block = rank + 1;
  if (settings.solver == Solver::subspace) {
    block = settings.block;
    list_scores_.grow(lists.partner.size, gpu_.compute());
    work.scores = {list_scores_.data(), lists.partner.size};
    with_rank(rank, has_vector_rows(sides.factors) && has_vector_rows(sides.partner_factors), [&](auto of) {
      launch(gpu_, "solve_rows", pairs_over(work.scores.size), list_scores_kernel<decltype(of)>, work, of);
    });
  }
  const int unknowns = rank + (sides.biases.empty() ? 0 : 1);
  for (int from = 0; from < unknowns; from += block) {
    const int end = std::min(from + block, unknowns);
    const Columns columns{from, std::min(end, rank) - from};
    const bool vector = has_vector_rows(sides.partner_factors) && columns.from % 4 == 0 && columns.count % 4 == 0;
    solve_columns(work, {columns, end > rank, from == 0, end == unknowns, vector}, found);
  }
}

SolvedRows Cuda::take_solved() {
  SolvedRows solved;
  if (solved_.empty()) return solved;
  fetch(std::as_const(solved_).span(), Span<SolvedRows, Host>{&solved, 1});
  clear(solved_.data(), solved_.bytes());
  return solved;
}

Span<const Piece, Device> Cuda::upload_pieces(const std::vector<Piece>& pieces) {
  const auto count = static_cast<Position>(pieces.size());
  pieces_.grow(count, gpu_.compute());
  transfer_.upload(gpu_.compute(), pieces_.data(), {{pieces.data(), count * Position{sizeof(Piece)}}});
  return {pieces_.data(), count};
}

}  // namespace wf
