// The ids of one side as bytes of a page file, and back.
#pragma once
#include "host/base/host_buffer.hpp"
#include "host/ratings/id_map.hpp"

namespace wf {

/// rows: nothing; integers: int64[n]; strings: int64[n + 1] offsets, then the texts.
HostBuffer<char> id_bytes(const IdMap& ids);

/// Throws std::invalid_argument, with the reason as its text, for bytes that are not those of `count` different ids.
IdMap ids_from_bytes(IdKind kind, Position count, const HostBuffer<char>& bytes);

/// Rows of `from` -> rows of `to`, which gets the ids that it lacks. Not for kind rows: its ids are numbers already.
/// Throws std::invalid_argument for an id that `to` refuses.
HostBuffer<RowId> translated(const IdMap& from, IdMap& to);

}  // namespace wf
