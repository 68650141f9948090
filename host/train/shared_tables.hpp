// The tables of a rank that has some of the rows (host/schedule/row_sharing.hpp): how they begin, and how the model
// comes of them.
#pragma once
#include "host/model/model.hpp"
#include "host/schedule/row_sharing.hpp"

namespace wf {

/// A model of the rows that are here, as `shape` and `config` would begin them: factors drawn by the names of all rows,
/// biases taken from `shape`, which has those of all rows and no factors.
Model model_of_rank(const Model& shape, const RowSharing& sharing, const TrainConfig& config);

/// Into the tables of rank 0's model, each row from the rank that finds it; the other ranks' become empty. For all
/// ranks together.
void gather_rows(Tables mine, const RowSharing& sharing, Model& model);

}  // namespace wf
