// The CUDA engine's kernel set. Each op enqueues on the compute stream and returns. The device is waited for in finish,
// fetch, to_host, wait_rows, take_errors and take_solved, and in solve_rows where lists may be long; stage, borrow,
// to_space and sgd_update wait for a chunk of pinned memory to come free, which is two uploads behind.
#pragma once
#include "cuda/device/solve_plan.hpp"
#include "cuda/kernels/device_groups.hpp"
#include "cuda/kernels/visiting_rows.hpp"
#include "cuda/runtime/blas.hpp"
#include "cuda/runtime/context.hpp"
#include "cuda/runtime/memory.hpp"
#include "cuda/runtime/nccl.hpp"
#include "cuda/runtime/transfer.hpp"
#include "host/kernels/device_memory.hpp"
#include "host/kernels/op_types.hpp"
#include "host/schedule/chunks.hpp"

#include <array>
#include <memory>
#include <optional>

namespace wf {

/// Which order the ops of a mini-batch keep.
enum class Order {
  racing,      ///< gradients are added by atomics: the same up to rounding
  repeatable,  ///< gradients are summed along sorted runs, in the order of the cpu engine: the same bits in every run
};

/// Each op is documented in host/kernels/contract.hpp; each is in the file of its name in this folder. What connects
/// the devices of ranks is documented by ConnectsRanks in host/train/ring_steps.hpp.
class Cuda {
 public:
  static constexpr const char* kName = "cuda";
  using Space = Device;
  template <class T>
  using Buffer = DeviceBuffer<T>;

  explicit Cuda(Order order, SgdPlan plan = SgdPlan::chunks) : order_(order), plan_(plan) {}
  ~Cuda();  // when the device is done with what it owns
  Cuda(const Cuda&) = delete;
  Cuda& operator=(const Cuda&) = delete;

  template <class T>
  DeviceBuffer<T> borrow(Span<const T, Host> values) {
    DeviceBuffer<T> copy(values.size, gpu_.compute());
    const HostBytes bytes{values.data, copy.bytes()};
    transfer_.upload(gpu_.compute(), copy.data(), {bytes});
    return copy;
  }
  static int padded_rank(int rank) { return (rank + 7) / 8 * 8; }  // rows are whole vectors of 16 bytes
  bool keeps(Storage storage) const { return storage == Storage::fp32 || order_ == Order::racing; }
  template <class T>
  DeviceBuffer<T> to_space(HostBuffer<T>&& values) {
    const HostBuffer<T> taken = std::move(values);
    return borrow(taken.span());
  }
  template <class T>
  HostBuffer<T> to_host(DeviceBuffer<T>&& values) {
    const DeviceBuffer<T> taken = std::move(values);
    HostBuffer<T> copy(taken.size());
    fetch(taken.span(), copy.span());
    return copy;
  }
  template <class T>
  void copy(const DeviceBuffer<T>& from, DeviceBuffer<T>& to) {
    if (to.size() != from.size()) to = DeviceBuffer<T>(from.size(), gpu_.compute());
    if (from.empty()) return;
    check_cuda(cudaMemcpyAsync(to.data(), from.data(), static_cast<std::size_t>(from.bytes()), cudaMemcpyDeviceToDevice,
                               gpu_.compute()),
               "cudaMemcpyAsync on the device");
  }
  template <class T>
  DeviceBuffer<T> filled(Position size, T value) {
    if (value != T{}) return to_space(HostBuffer<T>(size, value));
    DeviceBuffer<T> zeros(size, gpu_.compute());
    if (size > 0) clear(zeros.data(), zeros.bytes());
    return zeros;
  }
  template <class T>
  DeviceBuffer<T> room(Position size) {
    return DeviceBuffer<T>(size, gpu_.compute());
  }
  template <class T>
  DeviceBuffer<T> output(Span<T, Host> values) {
    return DeviceBuffer<T>(values.size, gpu_.compute());
  }
  template <class T>
  void finish(const DeviceBuffer<T>& from, Span<T, Host> to) {
    fetch(from.span(), to);
  }
  template <class T>
  void fetch(Span<const T, Device> from, Span<T, Host> to) {
    transfer_.download(gpu_.compute(), to.data, from.data, checked_product(from.size, sizeof(T)));
  }
  RatingsView<Device> stage(const RatingsView<Host>& ratings);
  StagedBlocks<Device> stage_blocks(const RatingsView<Host>& ratings, Span<const Block, Host> blocks);
  template <class T>
  PinnedRange pin(Span<const T, Host> values) const {
    return {values.data, checked_product(values.size, sizeof(T))};
  }
  Rows<float, Device> bring_rows(RowSide side, const RowRange& range, const Rows<float, Host>& table);
  void return_rows(RowSide side, const RowRange& range, const Rows<float, Host>& table);
  void wait_rows();
  bool connect(Ranks& ranks) {
    nccl_ = Nccl::connect(ranks);
    return nccl_ != nullptr;
  }
  std::shared_ptr<Message> swap_rows(Span<const float, Device> leaving, int to, Span<float, Device> arriving,
                                     int from) {
    return nccl_->swap(gpu_, leaving, to, arriving, from);
  }
  std::optional<DeviceMemory> memory() const { return gpu_.memory(); }
  Position batch_bytes(Position n_users, Position n_items, int rank, Position batch) const;
  ErrorSums take_errors();

  void predict(const ModelView<const float, Device>& model, const ScoreOptions& options, Span<const RowId, Device> user,
               Span<const RowId, Device> item, Span<float, Device> scores);
  void rating_errors(const ModelView<const float, Device>& model, const ScoreOptions& options,
                     const RatingsView<Device>& ratings);
  void score_items(const ModelView<const float, Device>& model, const ScoreOptions& options,
                   Span<const RowId, Device> users, Rows<float, Device> scores);

  BatchGroups<Device> group_rows(const RatingsView<Device>& batch, Position n_users, Position n_items);
  void renormalise_rows(Rows<float, Device> table, Span<const RowId, Device> rows, const NormLimit& limit);
  void loss_slopes(const ModelView<const float, Device>& model, const RatingsView<Device>& batch, Loss loss,
                   float scale, Span<float, Device> slopes);
  void row_gradients(const RowGroups<Device>& groups, Span<const float, Device> slopes,
                     Span<const RowId, Device> partners, Rows<const float, Device> partner_table,
                     Rows<const float, Device> own_table, const GradientOptions<Device>& options,
                     Rows<float, Device> gradients);
  void bias_gradients(const RowGroups<Device>& groups, Span<const float, Device> slopes,
                      Rows<const float, Device> own_table, const GradientOptions<Device>& options,
                      Rows<float, Device> gradients);
  void optimizer_step(const RuleSettings& settings, Position step, Rows<float, Device> table,
                      Span<const RowId, Device> rows, Rows<const float, Device> gradients, RowId skip,
                      const OptimizerState<Device>& state);
  void catch_up_rows(const RuleSettings& settings, Position step, Rows<float, Device> table,
                     Span<const RowId, Device> rows, const OptimizerState<Device>& state);
  void catch_up_table(const RuleSettings& settings, Position step, Rows<float, Device> table,
                      const OptimizerState<Device>& state);

  GridWish grid_wish() const;
  void settle_rows(const SgdTables<Device>& tables);
  void sgd_update(const SgdTables<Device>& tables, const RatingsView<Device>& ratings, Span<const Block, Host> blocks,
                  const SgdSettings& settings, const RowPenalties<Device>& penalties);
  void rank_update(const SgdTables<Device>& tables, const RatingsView<Device>& ratings, Span<const Block, Host> blocks,
                   const SgdSettings& settings, const RowPenalties<Device>& penalties,
                   const Positives<Device>& positives);

  void gram(Rows<const float, Device> table, Rows<float, Device> sums);
  void solve_rows(const RowListsView<Device>& lists, const SolveSides<Device>& sides, Rows<const float, Device> gram,
                  const SolveSettings& settings);
  void list_errors(const RowListsView<Device>& lists, const ModelView<const float, Device>& model,
                   const SolveSettings& settings);
  SolvedRows take_solved();

  void multiply_rows(const RowListsView<Device>& lists, Rows<const float, Device> table, const RowShift<Device>& shift,
                     Rows<float, Device> out);
  void multiply_table(Rows<const float, Device> left, Rows<const float, Device> right, Rows<float, Device> out);
  void column_sums(Rows<const float, Device> table, Span<const float, Device> weights, Span<float, Device> sums);
  void nmf_rows(const RowListsView<Device>& lists, Rows<const float, Device> partners, Rows<const float, Device> shared,
                Rows<const float, Device> products, Rows<float, Device> factors, const NmfSettings& settings);
  void list_errors(const RowListsView<Device>& lists, const ModelView<const float, Device>& model,
                   const NmfSettings& settings);

  void penalise_rows(const RowListsView<Device>& lists, Rows<const float, Device> own, const SolveSettings& settings,
                     Rows<float, Device> gradients);
  void row_penalties(const RowListsView<Device>& lists, Rows<const float, Device> table, const SolveSettings& settings);
  void move_rows(Rows<const float, Device> from, Rows<const float, Device> along, float rate, Rows<float, Device> to);
  void list_rests(const RowListsView<Device>& lists, const ModelView<const float, Device>& model, RowSide side,
                  Span<float, Device> rests);
  void descend_column(const RowListsView<Device>& lists, Span<float, Device> rests, const ColumnStep<Device>& step,
                      const SolveSettings& settings);

 private:
  /// One of two homes for staged ratings: one is filled while the ratings of the other are computed with.
  struct Slot {
    DeviceBuffer<char> memory;
    Event filled, released;
  };
  /// The index arrays of one side of a batch.
  struct Side {
    DeviceBuffer<RowId> group_of_row;  // [rows of the table] kNoRow, or the group in the batch at hand; racing only
    DeviceBuffer<RowId> rows, counts, starts, extra_ends;   // [groups]
    DeviceBuffer<RowId> group_of, keys, members, ordinals;  // [batch]
    DeviceBuffer<RowId> n_groups;                           // [1]
    Position used = 0;                                      // entries of rows that the last batch may have set
  };

  /// sgd_update of blocks that share no row: a warp per block, which keeps the order of the ratings.
  void sgd_blocks(const SgdTables<Device>& tables, const RatingsView<Device>& ratings, Span<const Block, Host> blocks,
                  const SgdSettings& settings, const RowPenalties<Device>& penalties);
  /// The same by all lanes of the device, a chunk of ratings at a time.
  void sgd_chunks(const SgdTables<Device>& tables, const RatingsView<Device>& ratings, Span<const Block, Host> blocks,
                  const SgdSettings& settings, const RowPenalties<Device>& penalties);

  /// The same with the items of a block in shared memory, where they fit.
  void sgd_tiles(const SgdTables<Device>& tables, const RatingsView<Device>& ratings, Span<const Block, Host> blocks,
                 const SgdSettings& settings, const RowPenalties<Device>& penalties);
  bool has_tiles(const SgdTables<Device>& tables, Span<const Block, Host> blocks, const SgdSettings& settings) const;
  static Position tile_bytes(const SgdTables<Device>& tables, Span<const Block, Host> blocks);

  /// Ratings in the slot that comes free next: fill(memory) enqueues their copies on the copy stream, and the compute
  /// stream waits for them.
  template <class Fill>
  RatingsView<Device> fill_slot(Position ratings, const Fill& fill);

  void clear(void* data, Position bytes) {
    check_cuda(cudaMemsetAsync(data, 0, static_cast<std::size_t>(bytes), gpu_.compute()), "cudaMemsetAsync");
  }
  template <class Settings>
  void errors_of_lists(const RowListsView<Device>& lists, const ModelView<const float, Device>& model,
                       const Settings& settings);
  /// Where block b of a launch adds its errors: non-atomic, as launches follow each other.
  ErrorSums* error_partials(Position blocks);
  void fill_with_no_row(DeviceBuffer<RowId>& rows);
  void reset_groups(Side& side, Position n_groups);
  RowGroups<Device> group_racing(Side& side, Span<const RowId, Device> rows, Position n_rows);
  RowGroups<Device> group_sorted(Side& side, Span<const RowId, Device> rows, Position n_rows);
  void clear_gradients(const RowGroups<Device>& groups, Rows<float, Device> gradients);
  void finish_gradients(const RowGroups<Device>& groups, Rows<const float, Device> extra_sums,
                        Rows<const float, Device> own_table, const GradientOptions<Device>& options,
                        Rows<float, Device> gradients);
  /// The rows of the table that `rows` names, or its first `n_rows` where `rows` is empty.
  void catch_up(const RuleSettings& settings, Position step, Rows<float, Device> table, Span<const RowId, Device> rows,
                Position n_rows, const OptimizerState<Device>& state);

  /// Lists that several blocks sum up: known to the host, which plans their pieces.
  std::vector<LongList> long_lists(const RowListsView<Device>& lists);
  Span<const Piece, Device> upload_pieces(const std::vector<Piece>& pieces);
  /// solve_rows for some columns of the factors, and the bias.
  void solve_columns(const SolveWork& work, const SolvedColumns& columns, const std::vector<LongList>& long_lists);
  template <class Solve>
  void solve_long_lists(const SolveWork& work, const SolvedColumns& columns, const std::vector<LongList>& long_lists,
                        int threads, const Solve& solve);
  void forget_columns(const SolveWork& work, const SolvedColumns& columns);
  void solve_large(const SolveWork& work, const SolvedColumns& columns, const RowChoice& choice);
  void descend_rows(const SolveWork& work);
  /// Rows with fewer ratings than factors, where that is of use, and work.done.
  void solve_short(SolveWork& work);
  SolveCounts solve_counts(const RowListsView<Device>& lists, bool in_turn);

  Order order_;
  SgdPlan plan_;
  Context gpu_;
  Transfer transfer_;
  std::array<Slot, 2> slots_;
  int slot_ = 0;
  std::vector<Block> staged_blocks_;
  VisitingRows visiting_users_, visiting_items_;
  std::unique_ptr<Nccl> nccl_;
  std::array<Side, 2> sides_;
  DeviceBuffer<float> extra_sums_;  // [chunks beyond the first of all groups x rank]
  DeviceBuffer<ErrorSums> errors_;  // [blocks of the largest launch so far]
  Position error_blocks_ = 0;       // of them in use since the last take_errors
  DeviceBuffer<Block> blocks_;      // of the stratum at hand
  DeviceBuffer<ChunkedBlock> chunked_blocks_;
  DeviceBuffer<float> user_rows_;  // factors of a block of users, side by side
  Blas blas_;
  DeviceBuffer<float> solve_parts_, solve_room_;  // of pieces; of blocks whose equations do not fit registers
  DeviceBuffer<TermSums> piece_terms_;
  DeviceBuffer<Piece> pieces_;
  DeviceBuffer<LongRow> long_rows_;
  DeviceBuffer<LongList> long_lists_;         // behind one that holds their number
  DeviceBuffer<float> list_scores_;           // [ratings]
  DeviceBuffer<char> open_rows_, done_rows_;  // [rows]
  DeviceBuffer<Largest> largest_;             // [1]
  DeviceBuffer<double> column_parts_;         // [pieces x rank]
  DeviceBuffer<SolvedRows> solved_;           // [1]; empty before the first solve_rows
};

}  // namespace wf
