// The model's tables as per-rating SGD works on them: rows with their records, in the memory of a kernel set.
#pragma once
#include "host/kernels/contract.hpp"
#include "host/train/penalties.hpp"
#include "host/train/row_records.hpp"

#include <string>
#include <utility>

namespace wf {

/// The rows of SgdTables as those of a model.
template <class Space>
ModelView<float, Space> model_view(const SgdTables<Space>& tables) {
  if (!tables.biases) return {tables.user, tables.item, {}, {}, tables.global_mean, tables.storage};
  const auto biases = [](const Rows<float, Space>& rows) {
    return Rows<float, Space>{record_of(rows.data) + kBias, rows.count, 1, rows.pitch};
  };
  return {tables.user, tables.item, biases(tables.user), biases(tables.item), tables.global_mean, tables.storage};
}

/// As SpaceTables (host/train/training_loop.hpp); biases stand in the records. 32 bytes a row more than the model's. In
/// the memory of K, which is a kernel set or HostMemory.
template <class K>
class RecordTables {
 public:
  using Space = typename K::Space;

  RecordTables() = default;
  /// `ratings` of every row; `padded_rank` of the kernel set that steps the rows.
  RecordTables(K& kernels, Model& model, const RowCounts& ratings, const TrainConfig& config, int padded_rank)
      : layout_{model.rank, padded_rank, config.storage},  // a step leaves zeros what they are
        biases_(model.has_biases()) {
    const double lambda = biases_ ? config.lambda_bias : 0;
    const auto move = [&](HostBuffer<float>& factors, HostBuffer<float>& biases, const HostBuffer<Position>& counts) {
      const HostBuffer<float> shares = penalty_shares(counts, lambda, RegScaling::none);
      add_records(factors, layout_, {biases, shares, static_cast<float>(config.accumulator)});
      biases = {};
      return kernels.to_space(std::move(factors));
    };
    user_ = move(model.tables.user_factors, model.tables.user_biases, ratings.user);
    item_ = move(model.tables.item_factors, model.tables.item_biases, ratings.item);
  }

  void to_host(K& kernels, Model& model) {
    const auto move = [&](auto& table, Position rows, HostBuffer<float>& factors, HostBuffer<float>& biases) {
      factors = kernels.to_host(std::move(table));
      biases = HostBuffer<float>(biases_ ? rows : 0);
      remove_records(factors, layout_, biases);
    };
    move(user_, model.n_users, model.tables.user_factors, model.tables.user_biases);
    move(item_, model.n_items, model.tables.item_factors, model.tables.item_biases);
  }
  void copy_to(K& kernels, RecordTables& other) const {
    kernels.copy(user_, other.user_);
    kernels.copy(item_, other.item_);
    other.layout_ = layout_;
    other.biases_ = biases_;
  }

  /// Records as well: row_adagrad's accumulators are in them.
  template <class Visit>
  void state(Visit&& visit, const std::string& prefix) {
    visit(prefix + "user_rows", user_);
    visit(prefix + "item_rows", item_);
  }

  SgdTables<Space> sgd_view(const Model& shape) {
    return {rows(user_, shape.n_users), rows(item_, shape.n_items), biases_, shape.global_mean, layout_.storage};
  }
  ModelView<float, Space> view(const Model& shape) { return model_view(sgd_view(shape)); }

 private:
  using Buffer = typename K::template Buffer<float>;

  Rows<float, Space> rows(Buffer& table, Position count) const {
    if (table.empty()) return {nullptr, 0, layout_.padded_rank, layout_.pitch()};
    return {table.data() + kRecord, count, layout_.padded_rank, layout_.pitch()};
  }

  Buffer user_, item_;
  RowLayout layout_;
  bool biases_ = false;
};

}  // namespace wf
