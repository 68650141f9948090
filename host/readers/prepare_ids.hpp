// The dictionaries of a data set, made ready for a file.
#pragma once
#include "host/readers/read_ratings.hpp"

#include <string>

namespace wf {

/// Makes `ids` what `options.ids` asks for. Throws std::logic_error for row numbers beside a dictionary that has ids.
void apply_id_kind(const ReadOptions& options, IdMap& ids);

/// A matrix has `rows` on one side: where ids are row numbers, those without ratings are rows, too. Throws UsageError
/// where fewer were declared. `side`: "user" or "item".
void declare_rows(IdMap& ids, Position rows, const char* side, const std::string& file);

}  // namespace wf
