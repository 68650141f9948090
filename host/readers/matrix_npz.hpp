// A matrix that scipy.sparse.save_npz wrote: CSR, CSC or COO, users by items.
#pragma once
#include "host/readers/read_ratings.hpp"

#include <string>

namespace wf {

/// As read_ratings; ids are the numbers of rows and columns, from 0. CSR gives its ratings by row, CSC by column.
/// Throws InputError for what is no such matrix or does not fit together, and UsageError for options of texts. Takes 12
/// bytes a rating.
ReadReport read_matrix_npz(const std::string& path, const ReadOptions& options, Dataset& into);

}  // namespace wf
