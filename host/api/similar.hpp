// Rows like a row: the neighbours of an item among items, of a user among users, by their factors.
#pragma once
#include "host/model/model.hpp"

namespace wf {

/// A model in which both sides are the rows of one side of `model`, without biases: its scores are their similarities.
/// Rows are as scores see them, so that a max_norm has shortened them.
Model similarity_model(const Model& model, bool of_items, Similarity similarity);

}  // namespace wf
