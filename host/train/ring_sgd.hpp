// Per-rating SGD by several ranks: DSGD, with a row of the grid's blocks, or some, for each rank. Gemulla, Haas,
// Nijkamp, Sismanis: Large-scale matrix factorization with distributed stochastic gradient descent. KDD 2011.
#pragma once
#include "host/kernels/contract.hpp"
#include "host/train/exact_errors.hpp"
#include "host/train/ring_steps.hpp"
#include "host/train/ring_tables.hpp"

#include <memory>
#include <vector>

namespace wf {

/// From one stratum to the next, a rank's ranges of items stay but one: that of its outermost range of users goes to
/// the rank beside, and one comes from the other side. A range leaves as soon as its block is done, and is needed last
/// where it arrives, so that the blocks between hide the way. Each epoch a rank sends every item once, k factors and a
/// record, and receives it once: docs/scaling.md.
template <KernelSet K>
class RingSgd {
 public:
  /// The tables and the grid must outlive this.
  RingSgd(K& kernels, RingTables& tables, const Model& shape, BlockGrid& grid, const RatingsView<Host>& valid,
          const TrainConfig& config)
      : tables_(tables),
        grid_(grid),
        valid_(valid),
        config_(config),
        first_(grid.owners().first(rank())),
        end_(grid.owners().first(rank() + 1)),
        steps_(kernels, tables, shape, grid, {users(first_).begin, users(end_ - 1).end}, items_here(), config),
        scores_(valid.size()),
        pool_(config.threads) {
    find_valid_blocks();
    settle();
    if (config.optimizer == Optimizer::row_adagrad) steps_.send_home();
  }

  /// Of all ranks. after_stratum(this rank's ratings done).
  template <class AfterStratum>
  ErrorSums run_epoch(int epoch, double lr, const AfterStratum& after_stratum) {
    SgdSettings settings = sgd_settings(config_, epoch, lr, grid_);
    settings.ratings = grid_.n_all_ratings();
    grid_.start_epoch(epoch);
    turn_to(offset_of(0));
    std::vector<ErrorSums> errors;  // of this rank's blocks, by strata
    Position done = 0;
    for (int s = 0; s < size(); ++s) {
      const int next = s + 1 < size() ? offset_of(s + 1) : tables_.offset();
      run_stratum(s, next, settings, errors);
      for (const Block& block : my_blocks(s)) done += block.end - block.begin;
      after_stratum(done);
    }
    finish_moves();
    settle();
    steps_.send_home();
    return sum_of_all(errors);
  }

  /// Of all ranks' ratings that validate: the ranges of items go round once more.
  ErrorSums errors(const ScoreOptions& options) {
    const int ranks = grid_.ranks().size();
    for (int turn = 0; turn < ranks; ++turn) {
      const int from = (rank() + turn) % ranks;  // whose items are here
      if (turn > 0) bring_items_of(from, turn);
      for_items_of(from, [&](int item_range) { score_valid(item_range, options); });
      if (turn > 0) for_items_of(from, [&](int h) { tables_.release(tables_.item_rows(items(h))); });
    }
    return exact_errors(std::as_const(scores_).span(), valid_.value, config_.loss, pool_, grid_.ranks());
  }

  Position bytes_sent() const { return bytes_sent_; }  ///< of rows, by this rank, in epochs

  template <class Visit>
  void state(Visit&&) {}

 private:
  int size() const { return grid_.size(); }
  int rank() const { return grid_.ranks().rank(); }
  int offset_of(int s) { return grid_.stratum(s)[0].item_range; }
  const RowRange& users(int g) const { return grid_.blocks()[Position{g} * size()].users; }
  const RowRange& items(int h) const { return grid_.blocks()[h].items; }
  Span<const Block, Host> my_blocks(int s) { return grid_.stratum(s).part(first_, end_ - first_); }

  /// A rank to each side; the ring closes.
  int owner_of(int user_range) const { return grid_.owners().of((user_range + size()) % size()); }

  /// Ranges of items that are with this rank.
  std::vector<RowRange> items_here() const {
    std::vector<RowRange> here;
    for_items_of(rank(), [&](int h) { here.push_back(items(h)); });
    return here;
  }

  /// `next`: the offset of the stratum after this one; this one's, where there is none.
  void run_stratum(int s, int next, const SgdSettings& settings, std::vector<ErrorSums>& errors) {
    const Span<const Block, Host> blocks = my_blocks(s);
    const Position half = blocks.size / 2;
    if (const int step = step_to(next); step != 0) step_ = step;  // after the last stratum there is none
    const bool forward = step_ > 0;
    // the range that leaves is in the first half, the one that arrives in the other
    const Span<const Block, Host> low = blocks.part(0, forward ? half : blocks.size - half);
    const Span<const Block, Host> high = blocks.part(low.size, blocks.size - low.size);
    const std::size_t at = errors.size();
    errors.resize(at + static_cast<std::size_t>(blocks.size));
    ErrorSums* const of_low = errors.data() + at;
    if (half == 0) {  // one block, which arrives and leaves
      finish_arrival();
      step_blocks(blocks, settings, of_low);
      start_move(next);
      return;
    }
    step_blocks(forward ? low : high, settings, forward ? of_low : of_low + low.size);
    std::unique_ptr<Message> arriving = std::move(move_.received);
    start_move(next);
    if (arriving) arriving->wait();
    step_blocks(forward ? high : low, settings, forward ? of_low + low.size : of_low);
  }

  void step_blocks(Span<const Block, Host> blocks, const SgdSettings& settings, ErrorSums* errors) {
    if (!blocks.empty()) steps_.step(blocks, settings, errors);
  }

  /// How the ring turns to that offset: 1, -1, or 0 where it is there.
  int step_to(int offset) const {
    if (offset == tables_.offset()) return 0;
    return (tables_.offset() + 1) % size() == offset ? 1 : -1;
  }

  void start_move(int offset) {
    const int step = step_to(offset);
    if (step == 0) return;
    finish_departure();  // what left before may come back
    // a step forward: the items of users g + 1 go to users g
    const int here = tables_.offset();
    const int leaves = step > 0 ? first_ : end_ - 1, arrives = step > 0 ? end_ - 1 : first_;
    const int to = owner_of(step > 0 ? first_ - 1 : end_), from = owner_of(step > 0 ? end_ : first_ - 1);
    tables_.set_offset(offset);
    if (to == rank()) return;
    const RowRange& leaving = items((leaves + here) % size());
    move_ = steps_.start_move(leaving, to, items((arrives + offset) % size()), from);
    leaving_ = tables_.item_rows(leaving);
    bytes_sent_ += leaving_.size * Position{sizeof(float)};
  }
  void finish_arrival() {
    if (move_.received) std::exchange(move_.received, nullptr)->wait();
  }
  void finish_departure() {
    if (!move_.sent) return;
    std::exchange(move_.sent, nullptr)->wait();
    tables_.release(leaving_);
  }
  void finish_moves() {
    finish_arrival();
    finish_departure();
  }
  void turn_to(int offset) {
    start_move(offset);
    finish_moves();
  }

  /// Rows that are here, for row_adagrad.
  void settle() {
    if (config_.optimizer != Optimizer::row_adagrad) return;
    const std::vector<RowRange> here = items_here();
    for (int g = first_; g < end_; ++g) steps_.settle(users(g), here[static_cast<std::size_t>(g - first_)]);
  }

  /// In the order of one process: by strata, in each by ranges of users.
  ErrorSums sum_of_all(const std::vector<ErrorSums>& mine) {
    const auto count = static_cast<Position>(mine.size());
    const HostBuffer<ErrorSums> all = grid_.ranks().gather(Span<const ErrorSums, Host>{mine.data(), count});
    const Owners owners = grid_.owners();
    ErrorSums sum;
    for (int s = 0; s < size(); ++s) {
      for (int r = 0; r < owners.ranks; ++r) {
        const int first = owners.first(r), ranges = owners.first(r + 1) - first;
        for (int g = 0; g < ranges; ++g) sum += all[Position{size()} * first + Position{s} * ranges + g];
      }
    }
    return sum;
  }

  /// f(range of items) for those that are with the users of a rank.
  template <class F>
  void for_items_of(int rank, const F& f) const {
    for (int g = grid_.owners().first(rank); g < grid_.owners().first(rank + 1); ++g) {
      f((g + tables_.offset()) % size());
    }
  }

  /// The items of rank `from` come as guests, while this rank's own go the same way to the rank as far on the other
  /// side.
  void bring_items_of(int from, int turn) {
    const int to = (rank() - turn + grid_.ranks().size()) % grid_.ranks().size();
    std::vector<std::unique_ptr<Message>> messages;
    for_items_of(from, [&](int h) {
      messages.push_back(grid_.ranks().start_receive(from, writable_bytes_of(tables_.item_rows(items(h)))));
    });
    for_items_of(rank(), [&](int h) {
      messages.push_back(grid_.ranks().start_send(to, bytes_of(Span<const float, Host>(tables_.item_rows(items(h))))));
    });
    for (const auto& message : messages) message->wait();
  }

  /// Where this rank's ratings that validate are, by blocks: of unknown rows, with the last range.
  void find_valid_blocks() {
    valid_starts_ = HostBuffer<Position>(Position{end_ - first_} * size() + 1, 0);
    for (Position n = 0; n < valid_.size(); ++n) {
      const Position users = grid_.user_range_of(valid_.user[n]) - first_;
      ++valid_starts_[users * size() + grid_.item_range_of(valid_.item[n]) + 1];
    }
    for (Position b = 1; b < valid_starts_.size(); ++b) valid_starts_[b] += valid_starts_[b - 1];
  }

  void score_valid(int item_range, const ScoreOptions& options) {
    for (int g = 0; g < end_ - first_; ++g) {
      const Position block = Position{g} * size() + item_range;
      const Position begin = valid_starts_[block], count = valid_starts_[block + 1] - begin;
      if (count == 0) continue;
      steps_.predict(users(first_ + g), items(item_range), options, valid_.user.part(begin, count),
                     valid_.item.part(begin, count), scores_.span().part(begin, count));
    }
  }

  RingTables& tables_;
  BlockGrid& grid_;
  RatingsView<Host> valid_;
  TrainConfig config_;
  int first_, end_;  // this rank's ranges of users
  RingSteps<K> steps_;
  HostBuffer<Position> valid_starts_;  // [this rank's ranges x G + 1]
  HostBuffer<float> scores_;           // [valid]
  ThreadPool pool_;
  RowMove move_;               // from one stratum to the next
  Span<float, Host> leaving_;  // its rows that leave
  int step_ = 1;               // the way that the ring turns in this epoch
  Position bytes_sent_ = 0;
};

}  // namespace wf
