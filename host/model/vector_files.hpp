// The rows of one side as vectors for other programs: search by inner product, or text.
#pragma once
#include "host/model/model.hpp"

#include <string>

namespace wf {

/// The file of a faiss IndexFlatIP over the items: faiss.read_index takes it. A model with biases has one component
/// more, the item's bias, to be searched with a user's factors and a 1 behind them: inner products are then scores, but
/// for what is the same for all items. faiss/impl/index_write.cpp: write_index_header, IndexFlat. Replaces `path`
/// whole.
void write_faiss_index(const Model& model, const std::string& path);

/// word2vec's text: "rows factors", then a row's id and its factors, blanks between. Numbers read back as they are.
/// Throws UsageError for an id with a blank or a line's end in it. Replaces `path` whole.
void write_word2vec(const Model& model, bool of_items, const std::string& path);

}  // namespace wf
