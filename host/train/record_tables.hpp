// The model's tables as per-rating SGD works on them: rows with their records, in the memory of a kernel set.
#pragma once
#include "host/kernels/contract.hpp"
#include "host/train/penalties.hpp"
#include "host/train/row_records.hpp"

#include <utility>

namespace wf {

/// As SpaceTables (host/train/training_loop.hpp); biases stand in the records. 32 bytes a row more than the model's.
template <KernelSet K>
class RecordTables {
 public:
  using Space = typename K::Space;

  RecordTables() = default;
  /// `ratings` of every row.
  RecordTables(K& kernels, Model& model, const RowCounts& ratings, const TrainConfig& config)
      : layout_{model.rank, K::padded_rank(model.rank), config.storage},  // a step leaves zeros what they are
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

  SgdTables<Space> sgd_view(const Model& shape) {
    const int rank = layout_.padded_rank;
    return {rows(user_, shape.n_users, kRecord, rank), rows(item_, shape.n_items, kRecord, rank), biases_,
            shape.global_mean, layout_.storage};
  }
  ModelView<float, Space> view(const Model& shape) {
    const SgdTables<Space> tables = sgd_view(shape);
    if (!biases_) return {tables.user, tables.item, {}, {}, shape.global_mean, layout_.storage};
    return {
        tables.user,       tables.item,    rows(user_, shape.n_users, kBias, 1), rows(item_, shape.n_items, kBias, 1),
        shape.global_mean, layout_.storage};
  }

 private:
  using Buffer = typename K::template Buffer<float>;

  Rows<float, Space> rows(Buffer& table, Position count, int first, int length) const {
    return {table.empty() ? nullptr : table.data() + first, table.empty() ? 0 : count, length, layout_.pitch()};
  }

  Buffer user_, item_;
  RowLayout layout_;
  bool biases_ = false;
};

}  // namespace wf
