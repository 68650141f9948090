// The tables of a training by mini-batches or by row.
#pragma once
#include "host/kernels/contract.hpp"

#include <string>
#include <utility>

namespace wf {

/// The model's tables in the memory of a kernel set.
template <KernelSet K>
class SpaceTables {
 public:
  using Space = typename K::Space;

  SpaceTables() = default;
  SpaceTables(K& kernels, Model& model)
      : user_factors_(kernels.to_space(std::move(model.tables.user_factors))),
        item_factors_(kernels.to_space(std::move(model.tables.item_factors))),
        user_biases_(kernels.to_space(std::move(model.tables.user_biases))),
        item_biases_(kernels.to_space(std::move(model.tables.item_biases))),
        rank_(model.rank) {}

  void to_host(K& kernels, Model& model) {
    model.tables = {kernels.to_host(std::move(user_factors_)), kernels.to_host(std::move(item_factors_)),
                    kernels.to_host(std::move(user_biases_)), kernels.to_host(std::move(item_biases_))};
  }
  void copy_to(K& kernels, SpaceTables& other) const {
    kernels.copy(user_factors_, other.user_factors_);
    kernels.copy(item_factors_, other.item_factors_);
    kernels.copy(user_biases_, other.user_biases_);
    kernels.copy(item_biases_, other.item_biases_);
    other.rank_ = rank_;
  }
  template <class Visit>
  void state(Visit&& visit, const std::string& prefix) {
    visit(prefix + "user_factors", user_factors_);
    visit(prefix + "item_factors", item_factors_);
    visit(prefix + "user_biases", user_biases_);
    visit(prefix + "item_biases", item_biases_);
  }
  ModelView<float, Space> view(const Model& shape) {
    const auto rows = [](auto& buffer, Position count, int length) {
      return Rows<float, Space>{buffer.data(), buffer.empty() ? 0 : count, length, length};
    };
    return {rows(user_factors_, shape.n_users, rank_), rows(item_factors_, shape.n_items, rank_),
            rows(user_biases_, shape.n_users, 1), rows(item_biases_, shape.n_items, 1), shape.global_mean};
  }

 protected:
  typename K::template Buffer<float> user_factors_, item_factors_, user_biases_, item_biases_;
  int rank_ = 0;
};

}  // namespace wf
