// The tables of a rank that has some of the rows (host/schedule/row_sharing.hpp): how they begin, what of them a
// checkpoint has, and how the model comes of them.
#pragma once
#include "host/kernels/host_memory.hpp"
#include "host/model/model.hpp"
#include "host/schedule/row_sharing.hpp"
#include "host/train/training_state.hpp"

#include <memory>
#include <string>

namespace wf {

/// A rank's own rows, and copies of those of other ranks that it needs. As SpaceTables otherwise.
class SharedTables {
 public:
  SharedTables() = default;
  /// As `shape` and `config` would begin them: factors drawn by the names of all rows, biases taken from `shape`, which
  /// has those of all rows and no factors.
  SharedTables(const Model& shape, std::shared_ptr<const RowSharing> sharing, const TrainConfig& config);

  /// Of the rows that are here.
  const Model& here() const { return here_; }
  ModelView<float, Host> view(const Model&) { return here_.view(); }

  void copy_to(const HostMemory& memory, SharedTables& other) const;
  /// Copies become what their ranks have, as at the end of each half of an epoch. For all ranks together.
  void bring();
  /// Into the tables of rank 0's model, each row from the rank that finds it; the other ranks' become empty. The tables
  /// here are gone then. For all ranks together.
  void to_model(Model& model);

  /// A rank's own rows, by the names and of the sizes of SpaceTables: what one process has saved, several go on from,
  /// and the other way.
  template <class Visit>
  void state(Visit&& visit, const std::string& prefix) {
    const auto share = [&](const char* name, HostBuffer<float>& table, const SharedRows& rows, int width) {
      const SharedState<float> own = own_rows(table, rows, width);
      visit(prefix + name, own);
    };
    share("user_factors", here_.tables.user_factors, sharing_->users, here_.rank);
    share("item_factors", here_.tables.item_factors, sharing_->items, here_.rank);
    if (!biases_) return;
    share("user_biases", here_.tables.user_biases, sharing_->users, 1);
    share("item_biases", here_.tables.item_biases, sharing_->items, 1);
  }

 private:
  SharedState<float> own_rows(HostBuffer<float>& table, const SharedRows& rows, int width) const;

  std::shared_ptr<const RowSharing> sharing_;
  Model here_;
  bool biases_ = false;  // of the model: a rank may have no row
};

}  // namespace wf
