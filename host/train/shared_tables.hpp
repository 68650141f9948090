// The tables of a rank that has some of the rows (host/schedule/row_sharing.hpp): how they begin, what of them a
// checkpoint has, and how the model comes of them.
#pragma once
#include "host/model/model.hpp"
#include "host/schedule/row_sharing.hpp"
#include "host/train/space_tables.hpp"
#include "host/train/training_state.hpp"

#include <memory>
#include <string>
#include <utility>

namespace wf {

/// A model of the rows that are here, as `shape` and `config` would begin them: factors drawn by the names of all rows,
/// biases taken from `shape`, which has those of all rows and no factors.
Model model_of_rank(const Model& shape, const RowSharing& sharing, const TrainConfig& config);

/// Into the tables of rank 0's model, each row from the rank that finds it; the other ranks' become empty. For all
/// ranks together.
void gather_rows(Tables mine, const RowSharing& sharing, Model& model);

/// What rank `rank` has found of a table of `width` values a row.
SharedState<float> own_rows(HostBuffer<float>& table, const SharedRows& rows, int width, int rank);

/// SpaceTables of a rank: its own rows, and copies of those of other ranks that it needs.
template <KernelSet K>
class SharedTables : public SpaceTables<K> {
 public:
  SharedTables() = default;
  /// `mine`: model_of_rank. `biases`: whether the model has any, as a rank may have no row.
  SharedTables(K& kernels, Model& mine, std::shared_ptr<const RowSharing> sharing, bool biases)
      : SpaceTables<K>(kernels, mine), sharing_(std::move(sharing)), biases_(biases) {}

  void copy_to(K& kernels, SharedTables& other) const {
    SpaceTables<K>::copy_to(kernels, other);
    other.sharing_ = sharing_;
    other.biases_ = biases_;
  }
  /// Copies become what their ranks have, as at the end of each half of an epoch. For all ranks together.
  void bring(const Model& shape) {
    const ModelView<float, Host> view = this->view(shape);
    sharing_->users.bring(sharing_->ranks, view.user_factors);
    sharing_->items.bring(sharing_->ranks, view.item_factors);
    if (!biases_) return;
    sharing_->users.bring(sharing_->ranks, view.user_biases);
    sharing_->items.bring(sharing_->ranks, view.item_biases);
  }

  /// A rank's own rows, by the names and of the sizes of SpaceTables: what one process has saved, several go on from,
  /// and the other way.
  template <class Visit>
  void state(Visit&& visit, const std::string& prefix) {
    const auto share = [&](const char* name, HostBuffer<float>& table, const SharedRows& rows, int width) {
      const SharedState<float> own = own_rows(table, rows, width, sharing_->ranks.rank());
      visit(prefix + name, own);
    };
    share("user_factors", this->user_factors_, sharing_->users, this->rank_);
    share("item_factors", this->item_factors_, sharing_->items, this->rank_);
    if (!biases_) return;
    share("user_biases", this->user_biases_, sharing_->users, 1);
    share("item_biases", this->item_biases_, sharing_->items, 1);
  }

 private:
  std::shared_ptr<const RowSharing> sharing_;
  bool biases_ = false;
};

}  // namespace wf
