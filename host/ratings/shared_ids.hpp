// Ids that several ranks have read, numbered as one would have numbered them.
#pragma once
#include "host/ranks/ranks.hpp"
#include "host/ratings/id_map.hpp"

namespace wf {

/// A dictionary whose parts lie on all ranks: an id is kept by the rank that its hash says, which finds the first rank
/// that has it. New ids get rows in the order of the ranks, and within a rank in its own: the order of first
/// appearance, where what rank r has read stands before what rank r + 1 has. `ids`, the first `known` of which are the
/// same everywhere, becomes that of all ranks, and `rows`, this rank's, are renamed. If one rank has strings, all do.
/// Kind rows: the most rows count. All ranks call it together. Throws std::invalid_argument, on all, for more ids than
/// rows can be.
void share_ids(Ranks& ranks, IdMap& ids, Position known, Span<RowId, Host> rows);

}  // namespace wf
