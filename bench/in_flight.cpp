// The program, with a simulated device: how well does a model become when so many ratings are in flight at once? Takes
// the ratings in the order of the cuda engine and loses the steps that it loses, at a depth that is chosen: a group of
// lanes after the other asks for the rows of its next rating, then all step the rating at hand, then all store; of two
// stores of a row the later one is kept. WF_IN_FLIGHT is the number of groups. WF_STORAGE rounds what is stored: fp16
// or bf16 as the device does, at random; fp16-nearest or bf16-nearest as it must not.
//
//     WF_IN_FLIGHT=4096 warpfactor-in-flight train ratings.csv --engine cuda
#include "host/api/cuda_module.hpp"
#include "host/base/error.hpp"
#include "host/config/names.hpp"
#include "host/cpu/cpu.hpp"
#include "host/kernels/half.hpp"
#include "host/schedule/chunks.hpp"
#include "host/train/engine_of.hpp"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace wf {
namespace {

Position depth_of_environment() {
  const char* text = std::getenv("WF_IN_FLIGHT");
  const Position depth = text == nullptr ? 0 : std::atoll(text);
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

/// Copies of rows, with their records: one for each group of lanes.
class Registers {
 public:
  Registers(Position groups, const Rows<float, Host>& like)
      : values_(checked_product(groups, like.pitch)), groups_(groups), rank_(like.rank), pitch_(like.pitch) {}

  Rows<float, Host> rows() { return {values_.data() + kRecord, groups_, rank_, pitch_}; }
  void load(Position group, const Rows<float, Host>& table, RowId row) { move(table.row(row), rows().row(group)); }
  void store(Position group, const Rows<float, Host>& table, RowId row) { move(rows().row(group), table.row(row)); }
  void take(Position group, Registers& from) { move(from.rows().row(group), rows().row(group)); }

 private:
  void move(const float* from, float* to) const { std::copy_n(record_of(from), kRecord + rank_, record_of(to)); }

  HostBuffer<float> values_;
  Position groups_;
  int rank_;
  Position pitch_;
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
        next_item(depth, tables.item);
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
          user.load(g, tables.user, ratings.user[chunk.begin]);
          item.load(g, tables.item, ratings.item[chunk.begin]);
        }
        if (chunk.end - chunk.begin < 2) continue;
        next_user.load(g, tables.user, ratings.user[chunk.begin + 1]);
        next_item.load(g, tables.item, ratings.item[chunk.begin + 1]);
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
          item.store(g, tables.item, ratings.item[n]);
          if (!last) item.take(g, next_item);
        }
        if (last || ratings.user[n + 1] != ratings.user[n]) {
          rounding_(user.rows().row(g), tables.rank());
          user.store(g, tables.user, ratings.user[n]);
          if (!last) user.take(g, next_user);
        }
      }
    }
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
