// model <-> the text that LIBMF's mf-train writes and mf-predict reads (mf_save_model in its mf.cpp):
//
//   f 0          the loss, by its number
//   m 2          users
//   n 3          items
//   k 4          factors
//   b 3.5        the answer where a row is unknown
//   p0 T 0.1 ... a user's factors; F in place of T: a row without ratings
//   q0 T 0.2 ... an item's
//
// Its rows have no ids but their numbers, and it has no biases.
#pragma once
#include "host/model/model.hpp"

#include <string>

namespace wf {

/// Is it such a text, by its first line?
bool is_libmf_model(const std::string& path);

/// The rows that are not F, with their numbers as ids: what LIBMF answers for the others, b, is what a model without
/// biases answers for unknown ids. `config` in the metadata names the loss. Throws InputError with the line.
Model read_libmf_model(const std::string& path);

/// A model with biases becomes one of two factors more, [p, b_u + mean, 1] and [q, 1, b_i], whose products are its
/// scores. Without biases, a row of zeros is one without ratings. Numbers are written so that they read back as they
/// are. Replaces `path` whole. Throws UsageError for a model with max_norm, and for a rank beyond what can be read
/// back.
void write_libmf_model(const Model& model, const std::string& path);

}  // namespace wf
