#include "host/train/ring_tables.hpp"

#include "host/base/resident_memory.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace wf {
namespace {

HostBuffer<RowId> old_names(Span<const RowId, Host> new_names) {
  HostBuffer<RowId> old(new_names.size);
  for (Position row = 0; row < new_names.size; ++row) old[new_names[row]] = static_cast<RowId>(row);
  return old;
}

/// What the rows of one side begin with, by the model's names.
struct SideStart {
  RowDraws draws;
  const HostBuffer<Position>& counts;
  const HostBuffer<float>& biases;  // or empty
  HostBuffer<float> bias_shares;    // or empty
  RowId padding;
  float accumulator;
  bool nonnegative;

  void set(RowId row, const RowLayout& layout, float* factors, float* into) const {
    std::fill_n(factors, layout.padded_rank, 0.0F);
    if (row != padding && counts[row] > 0) draws.draw(row, factors);
    if (nonnegative) {
      for (int f = 0; f < layout.rank; ++f) factors[f] = std::fabs(factors[f]);
    }
    keep_factors(factors, layout, into);
    start_record(into, accumulator, biases.empty() ? 0 : biases[row], bias_shares.empty() ? 0 : bias_shares[row]);
  }
};

}  // namespace

RingTables::RingTables(Model& model, const BlockGrid& grid, const TrainConfig& config, int padded_rank, int offset)
    : grid_(&grid),
      layout_{model.rank, padded_rank, config.storage},
      biases_(model.has_biases()),
      offset_(offset),
      user_(checked_product(model.n_users, layout_.pitch())),
      item_(checked_product(model.n_items, layout_.pitch())) {
  const auto start = [&](const HostBuffer<Position>& counts, const HostBuffer<float>& biases, Purpose purpose,
                         RowId padding) {
    return SideStart{{config.init, counts.size(), model.rank, config.seed, purpose},
                     counts,
                     biases,
                     penalty_shares(counts, biases_ ? config.lambda_bias : 0, RegScaling::none),
                     padding,
                     static_cast<float>(config.accumulator),
                     config.nonnegative};
  };
  const SideStart users =
      start(grid.counts().user, model.tables.user_biases, Purpose::user_factors, config.user_padding);
  const SideStart items =
      start(grid.counts().item, model.tables.item_biases, Purpose::item_factors, config.item_padding);
  const HostBuffer<RowId> old_users = old_names(grid.new_users()), old_items = old_names(grid.new_items());
  HostBuffer<float> factors(padded_rank);
  const auto set = [&](const SideStart& side, const HostBuffer<RowId>& old, const RowRange& range,
                       HostBuffer<float>& table) {
    for (RowId row = range.begin; row < range.end; ++row) {
      side.set(old[row], layout_, factors.data(), table.data() + Position{row} * layout_.pitch() + kRecord);
    }
  };
  for_ranges([&](const RowRange& of_users, const RowRange& of_items) {
    set(users, old_users, of_users, user_);
    set(items, old_items, of_items, item_);
  });
}

void RingTables::release(Span<float, Host> rows) {
  release_pages(rows.begin(), rows.end());
}

SgdTables<Host> RingTables::view(const Model& shape) {
  const auto rows = [&](HostBuffer<float>& table, Position count) {
    return Rows<float, Host>{table.data() + kRecord, count, layout_.padded_rank, layout_.pitch()};
  };
  return {rows(user_, shape.n_users), rows(item_, shape.n_items), biases_, shape.global_mean, layout_.storage};
}

void RingTables::copy_to(HostMemory&, RingTables& other) const {
  if (other.grid_ == nullptr) {
    other.grid_ = grid_;
    other.layout_ = layout_;
    other.biases_ = biases_;
    other.user_ = HostBuffer<float>(user_.size());
    other.item_ = HostBuffer<float>(item_.size());
  }
  release_pages(other.item_.begin(), other.item_.end());  // ranges that are elsewhere now
  other.offset_ = offset_;
  const auto copy = [&](const HostBuffer<float>& from, HostBuffer<float>& to, const RowRange& range) {
    const Position pitch = layout_.pitch();
    std::copy(from.begin() + range.begin * pitch, from.begin() + range.end * pitch, to.begin() + range.begin * pitch);
  };
  for_ranges([&](const RowRange& of_users, const RowRange& of_items) {
    copy(user_, other.user_, of_users);
    copy(item_, other.item_, of_items);
  });
}

void RingTables::to_model(Model& model) {
  Ranks& ranks = grid_->ranks();
  const bool keeps = ranks.rank() == 0;
  const int row_floats = model.rank + 1;  // with the bias
  HostBuffer<float> held(model.rank);
  model.tables = keeps ? make_model(model.n_users, model.n_items, model.rank, biases_).tables : Tables();

  const auto pack = [&](const HostBuffer<float>& table, const RowRange& range, HostBuffer<float>& into) {
    for (Position row = range.begin; row < range.end; ++row) {
      const float* from = table.data() + row * layout_.pitch() + kRecord;
      fetch_factors(from, layout_, held.data());
      for (const float factor : held) into.push_back(factor);
      into.push_back(record_of(from)[kBias]);
    }
  };
  const auto unpack = [&](const float* from, Span<const RowId, Host> old, HostBuffer<float>& factors,
                          HostBuffer<float>& biases) {
    for (const RowId row : old) {
      std::copy_n(from, model.rank, factors.data() + Position{row} * model.rank);
      if (biases_) biases[row] = from[model.rank];
      from += row_floats;
    }
  };
  const HostBuffer<RowId> old_users = old_names(grid_->new_users()), old_items = old_names(grid_->new_items());
  // a range of users and one of items at a time: nobody holds another copy of a table
  const Owners owners = grid_->owners();
  const int size = grid_->size();
  for (int g = 0; g < size; ++g) {
    const Block& block = grid_->blocks()[Position{g} * size + (g + offset_) % size];
    const int owner = owners.of(g);
    const Position n_users = block.users.end - block.users.begin, n_items = block.items.end - block.items.begin;
    HostBuffer<float> rows;
    if (owner == ranks.rank()) {
      pack(user_, block.users, rows);
      pack(item_, block.items, rows);
      if (owner != 0) ranks.start_send(0, bytes_of(std::as_const(rows).span()))->wait();
    }
    if (!keeps) continue;
    if (owner != 0) {
      rows.resize(checked_product(n_users + n_items, row_floats));
      ranks.start_receive(owner, writable_bytes_of(rows.span()))->wait();
    }
    unpack(rows.data(), old_users.span().part(block.users.begin, n_users), model.tables.user_factors,
           model.tables.user_biases);
    unpack(rows.data() + n_users * row_floats, old_items.span().part(block.items.begin, n_items),
           model.tables.item_factors, model.tables.item_biases);
  }
  user_ = {};
  item_ = {};
}

}  // namespace wf
