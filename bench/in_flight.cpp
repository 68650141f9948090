// The program, with a simulated device: how well does a model become when so many ratings are in flight at once? Takes
// the ratings in the order of the cuda engine and loses the steps that it loses, at a depth that is chosen: a group of
// lanes after the other asks for the rows of its next rating, then all step the rating at hand, then all store; of two
// stores of a row the later one is kept. WF_IN_FLIGHT is the number of groups. WF_STORAGE rounds what is stored: fp16
// or bf16 as the device does, at random; fp16-nearest or bf16-nearest as it must not. WF_HOT does what the device does
// not: so many items, those with most ratings, lose no steps, each thread block collects its own. After WF_HOT_ROUNDS
// ratings of each group their sum goes to the rows in memory; with WF_HOT_MEAN=1, the mean of the blocks'.
//
//     WF_IN_FLIGHT=4096 warpfactor-in-flight train ratings.csv --engine cuda
//     WF_IN_FLIGHT=4096 WF_HOT=16 WF_HOT_ROUNDS=32 warpfactor-in-flight train ratings.csv --engine cuda
#include "host/api/cuda_module.hpp"
#include "host/base/error.hpp"
#include "host/config/names.hpp"
#include "host/cpu/cpu.hpp"
#include "host/kernels/half.hpp"
#include "host/schedule/chunks.hpp"
#include "host/train/engine_of.hpp"

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace wf {
namespace {

Position number_of_environment(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? 0 : std::atoll(text);
}
Position depth_of_environment() {
  const Position depth = number_of_environment("WF_IN_FLIGHT");
  if (depth < 1) throw UsageError("WF_IN_FLIGHT is not the number of ratings in flight", "WF_IN_FLIGHT=4096");
  return depth;
}

/// How factors are rounded when they are stored.
class Rounding {
 public:
  Rounding() {
    const char* text = std::getenv("WF_STORAGE");
    std::string name = text == nullptr ? "fp32" : text;
    const std::string nearest = "-nearest";
    to_nearest_ = name.ends_with(nearest);
    if (to_nearest_) name.erase(name.size() - nearest.size());
    const std::optional<Storage> storage = from_name<Storage>(name);
    if (!storage)
      throw UsageError("WF_STORAGE is no way to store factors", "fp32, fp16, bf16, fp16-nearest, bf16-nearest");
    storage_ = *storage;
  }
  void operator()(float* row, int rank) {
    if (storage_ == Storage::fp32) return;
    for (int f = 0; f < rank; ++f) {
      const std::uint32_t random = to_nearest_ ? kToNearest : mixed(state_ += 0x9E3779B9U) >> 16;
      row[f] = from_storage(storage_, to_storage(storage_, row[f], random));
    }
  }

 private:
  Storage storage_ = Storage::fp32;
  bool to_nearest_ = false;
  std::uint32_t state_ = 1;
};

/// Copies of rows, with their records: one for each group of lanes, or each item that is shared.
class Registers {
 public:
  Registers(Position rows, const Rows<float, Host>& like)
      : values_(checked_product(rows, like.pitch)), count_(rows), rank_(like.rank), pitch_(like.pitch) {}

  Rows<float, Host> rows() { return {values_.data() + kRecord, count_, rank_, pitch_}; }
  float* row(Position n) { return rows().row(n); }
  void load(Position n, const float* from) { move(from, row(n)); }
  void store(Position n, float* to) { move(row(n), to); }
  void take(Position n, Registers& from) { load(n, from.row(n)); }

 private:
  void move(const float* from, float* to) const { std::copy_n(record_of(from), kRecord + rank_, record_of(to)); }

  HostBuffer<float> values_;
  Position count_;
  int rank_;
  Position pitch_;
};

/// Rows of the items with most ratings of a stratum: each thread block has copies of them, as in its shared memory, to
/// which its groups add their steps. After so many rounds what all copies have learnt goes to the rows in memory, and
/// copies begin from these anew.
class HotRows {
 public:
  HotRows(const Rows<float, Host>& table, const RatingsView<Host>& ratings, Span<const Block, Host> blocks,
          Position groups)
      : table_(table),
        blocks_((groups - 1) / groups_of_block() + 1),
        items_(most_rated(ratings, blocks, std::min(number_of_environment("WF_HOT"), table.count))),
        place_(static_cast<std::size_t>(table.count), -1),
        base_(count(), table),
        copies_(blocks_ * count(), table) {
    for (Position n = 0; n < count(); ++n) place_[items_[n]] = n;
    begin();
  }

  bool has(RowId item) const { return place_[item] >= 0; }
  /// Where a group finds the row of any item.
  float* row(Position group, RowId item) {
    return has(item) ? copy(group / groups_of_block(), place_[item]) : table_.row(item);
  }
  /// Adds what has become of a row that was `before`: row_adagrad's sums as well; lengths do not add.
  void add(float* row, float* after, const float* before, float share = 1) const {
    unscale_row(after, table_.rank);
    for (const int column : {kSlowSum, kFastSum, kBias}) {
      record_of(row)[column] += share * (record_of(after)[column] - record_of(before)[column]);
    }
    for (int f = 0; f < table_.rank; ++f) row[f] += share * (after[f] - before[f]);
    measure_row(row, table_.rank);
  }
  void end_round() {
    if (++round_ % rounds_ == 0) merge();
  }
  void merge() {
    for (Position n = 0; n < count(); ++n) {
      Position writers = 0;
      for (Position b = 0; b < blocks_; ++b) writers += has_stepped(b, n);
      const float share = mean_ && writers > 0 ? 1 / static_cast<float>(writers) : 1;
      for (Position b = 0; b < blocks_; ++b) add(table_.row(items_[n]), copy(b, n), base_.row(n), share);
    }
    begin();
  }

 private:
  std::vector<RowId> most_rated(const RatingsView<Host>& ratings, Span<const Block, Host> blocks, Position most) const {
    if (most == 0) return {};
    std::vector<Position> ratings_of(static_cast<std::size_t>(table_.count));
    for (const Block& block : blocks) {
      for (Position n = block.begin; n < block.end; ++n) ++ratings_of[ratings.item[n]];
    }
    std::vector<RowId> items(ratings_of.size());
    std::iota(items.begin(), items.end(), 0);
    std::stable_sort(items.begin(), items.end(), [&](RowId a, RowId b) { return ratings_of[a] > ratings_of[b]; });
    items.resize(static_cast<std::size_t>(most));
    return items;
  }
  void begin() {
    for (Position n = 0; n < count(); ++n) {
      unscale_row(table_.row(items_[n]), table_.rank);
      base_.load(n, table_.row(items_[n]));
      for (Position b = 0; b < blocks_; ++b) copies_.load(b * count() + n, base_.row(n));
    }
  }
  Position count() const { return static_cast<Position>(items_.size()); }
  /// Of 256 threads, which have four factors each (cuda/kernels/sgd_chunks.cu).
  Position groups_of_block() const { return 256 / std::clamp(table_.rank / 4, 4, 32); }
  float* copy(Position block, Position n) { return copies_.row(block * count() + n); }
  bool has_stepped(Position block, Position n) {
    return !std::equal(base_.row(n), base_.row(n) + table_.rank, copy(block, n));
  }

  Position rounds_ = std::max<Position>(1, number_of_environment("WF_HOT_ROUNDS")), round_ = 0;
  bool mean_ = number_of_environment("WF_HOT_MEAN") > 0;
  Rows<float, Host> table_;
  Position blocks_;
  std::vector<RowId> items_;
  std::vector<Position> place_;  // of an item among these
  Registers base_, copies_;      // the rows in memory; [blocks x items]
};

class InFlight : public Cpu {
 public:
  static constexpr const char* kName = "cuda";

  explicit InFlight(Position groups) : groups_(groups) {}
  GridWish grid_wish() const { return {.in_block = BlockOrder::by_user}; }

  void sgd_update(const SgdTables<Host>& tables, const RatingsView<Host>& ratings, Span<const Block, Host> blocks,
                  const SgdSettings& settings, const RowPenalties<Host>& penalties) {
    if (!penalties.user.empty() || !penalties.item.empty()) throw std::logic_error("penalties by row");
    for (Position begin = 0, end = 0; begin < blocks.size; begin = end) {
      end = end_of_stratum(blocks, begin);
      run_stratum(tables, ratings, blocks.part(begin, end - begin), settings);
    }
  }

 private:
  void run_stratum(const SgdTables<Host>& tables, const RatingsView<Host>& ratings, Span<const Block, Host> blocks,
                   const SgdSettings& settings) {
    Position chunks = 0;
    const std::vector<ChunkedBlock> list = chunked(blocks, chunks);
    if (chunks == 0) return;
    const Scatter scatter = order_of_chunks(blocks[0], chunks, settings.seed, settings.epoch);
    const Span<const ChunkedBlock, Host> all{list.data(), static_cast<Position>(list.size())};
    const Position depth = std::min(groups_, chunks);
    std::vector<Chunk> at(static_cast<std::size_t>(depth));
    Registers user(depth, tables.user), item(depth, tables.item), next_user(depth, tables.user),
        next_item(depth, tables.item), item_before(depth, tables.item);
    HotRows hot(tables.item, ratings, blocks, depth);
    Ratings round;
    round.resize(depth);
    for (Position g = 0; g < depth; ++g) round.user[g] = round.item[g] = static_cast<RowId>(g);
    SgdTables<Host> own = tables;
    Position begun = 0;
    for (Position busy = depth; busy > 0;) {
      for (Position g = 0; g < depth; ++g) {  // chunks begin, and next rows are asked for
        Chunk& chunk = at[static_cast<std::size_t>(g)];
        if (chunk.begin == chunk.end && begun < chunks) {
          chunk = chunk_of(all, scatter(begun++));
          user.load(g, tables.user.row(ratings.user[chunk.begin]));
          item.load(g, hot.row(g, ratings.item[chunk.begin]));
          item_before.take(g, item);
        }
        if (chunk.end - chunk.begin < 2) continue;
        next_user.load(g, tables.user.row(ratings.user[chunk.begin + 1]));
        next_item.load(g, hot.row(g, ratings.item[chunk.begin + 1]));
      }
      own.user = user.rows();
      own.item = item.rows();
      busy = 0;
      for (Position g = 0; g < depth; ++g) {  // each its rating, of rows of its own
        const Chunk& chunk = at[static_cast<std::size_t>(g)];
        if (chunk.begin == chunk.end) continue;
        round.value[busy] = ratings.value[chunk.begin];
        round.user[busy] = round.item[busy] = static_cast<RowId>(g);
        ++busy;
      }
      const Block block{0, busy};
      Cpu::sgd_update(own, round.view(), {&block, 1}, settings, {});
      for (Position g = 0; g < depth; ++g) {
        Chunk& chunk = at[static_cast<std::size_t>(g)];
        if (chunk.begin == chunk.end) continue;
        const Position n = chunk.begin++;
        const bool last = chunk.begin == chunk.end;
        if (last || ratings.item[n + 1] != ratings.item[n]) {
          rounding_(item.rows().row(g), tables.rank());
          float* const to = hot.row(g, ratings.item[n]);
          if (hot.has(ratings.item[n])) {
            hot.add(to, item.row(g), item_before.row(g));
          } else {
            item.store(g, to);
          }
          if (!last) {
            item.take(g, next_item);
            item_before.take(g, next_item);
          }
        }
        if (last || ratings.user[n + 1] != ratings.user[n]) {
          rounding_(user.rows().row(g), tables.rank());
          user.store(g, tables.user.row(ratings.user[n]));
          if (!last) user.take(g, next_user);
        }
      }
      hot.end_round();
    }
    hot.merge();
  }

  Position groups_;
  Rounding rounding_;
};

std::vector<CudaDevice> devices() {
  return {{"simulation", 90, 132, Position{1} << 40}};
}
std::string versions() {
  return "a simulation";
}
std::string problem() {
  return "";
}
std::unique_ptr<Engine> make(bool, SgdPlan, int) {
  return std::make_unique<EngineOf<InFlight>>(depth_of_environment());
}

}  // namespace

std::string cuda_absence() {
  return "";
}

const CudaModule& cuda_module() {
  static constexpr CudaModule kModule{kCudaModuleVersion, devices, versions, problem, make};
  return kModule;
}

}  // namespace wf
