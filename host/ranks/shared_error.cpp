#include "host/ranks/shared_error.hpp"

#include <algorithm>

namespace wf {

void throw_first(Ranks& ranks, const std::optional<Error>& mine) {
  const int kind = mine ? static_cast<int>(mine->kind()) : 0;
  const HostBuffer<int> kinds = ranks.gather(Span<const int, Host>{&kind, 1});
  const int* const first = std::find_if(kinds.begin(), kinds.end(), [](int any) { return any != 0; });
  if (first == kinds.end()) return;
  const int from = static_cast<int>(first - kinds.begin());
  const std::string problem = ranks.broadcast(from, mine ? mine->problem() : "");
  const std::string cure = ranks.broadcast(from, mine ? mine->cure() : "");
  const std::string where = ranks.broadcast(from, mine ? mine->where() : "");
  throw Error(static_cast<ErrorKind>(*first), problem, cure, where);
}

}  // namespace wf
