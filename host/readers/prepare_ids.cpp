#include "host/readers/prepare_ids.hpp"

#include "host/base/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace wf {

void apply_id_kind(const ReadOptions& options, IdMap& ids) {
  if (options.ids == IdKind::rows && ids.kind() != IdKind::rows && ids.size() > 0) {
    throw std::logic_error("row numbers cannot be added to a dictionary of ids");
  }
  if (options.ids == IdKind::rows && ids.kind() != IdKind::rows && ids.size() == 0) ids = IdMap::rows(0);
  if (options.ids == IdKind::strings && ids.kind() != IdKind::rows) ids.fix_strings();
  if (options.ids == IdKind::integers && ids.kind() == IdKind::integers) ids.fix_integers();
}

void declare_rows(IdMap& ids, Position rows, const char* side, const std::string& file) {
  if (ids.kind() != IdKind::rows) return;
  const IdRules& rules = ids.rules();
  const Position declared = rules.row_limit;
  const bool open = rules.limit_of_memory || declared == kMaxRows;  // nobody declared a size
  if (declared < rows && open) {
    throw InputError({file},
                     fmt::format("has {} {}s, and memory does not hold tables of more than {}", rows, side, declared),
                     "--ids integers gives rows to those alone that have ratings");
  }
  if (declared < rows) {
    throw UsageError(fmt::format("{} has {} {}s, and --n-{}s declares {}", file, rows, side, side, declared),
                     fmt::format("leave --n-{}s out, or take {}", side, rows));
  }
  if (open) ids = IdMap::rows(std::max(rows, ids.size()));
}

}  // namespace wf
