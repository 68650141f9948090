#include "host/pages/page_ids.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace wf {
namespace {

template <class T>
HostBuffer<T> copied(const char* bytes, Position count) {
  HostBuffer<T> values(count);
  if (count > 0) std::memcpy(values.data(), bytes, static_cast<std::size_t>(count) * sizeof(T));
  return values;
}

IdMap strings_from_bytes(Position count, const HostBuffer<char>& bytes) {
  const Position table = 8 * (count + 1);
  if (bytes.size() < table) throw std::invalid_argument("they are too short");
  const HostBuffer<std::int64_t> offsets = copied<std::int64_t>(bytes.data(), count + 1);
  const Span<const char, Host> texts{bytes.data() + table, bytes.size() - table};
  if (offsets[0] != 0 || offsets[count] != texts.size || !std::is_sorted(offsets.begin(), offsets.end())) {
    throw std::invalid_argument("their offsets do not ascend to the end of the texts");
  }
  return IdMap::from_strings(texts, offsets.span());
}

}  // namespace

HostBuffer<char> id_bytes(const IdMap& ids) {
  if (ids.kind() == IdKind::rows) return {};
  const Span<const std::int64_t, Host> numbers = ids.kind() == IdKind::integers ? ids.integers() : ids.offsets();
  const Span<const char, Host> texts = ids.kind() == IdKind::strings ? ids.bytes() : Span<const char, Host>{};
  HostBuffer<char> bytes(8 * numbers.size + texts.size);
  if (!numbers.empty()) std::memcpy(bytes.data(), numbers.data, static_cast<std::size_t>(8 * numbers.size));
  std::copy(texts.begin(), texts.end(), bytes.data() + 8 * numbers.size);
  return bytes;
}

IdMap ids_from_bytes(IdKind kind, Position count, const HostBuffer<char>& bytes) {
  if (kind == IdKind::strings) return strings_from_bytes(count, bytes);
  if (bytes.size() != (kind == IdKind::rows ? 0 : 8 * count)) throw std::invalid_argument("their count is another");
  if (kind == IdKind::rows) return IdMap::rows(count);
  return IdMap::from_integers(copied<std::int64_t>(bytes.data(), count).span());
}

HostBuffer<RowId> translated(const IdMap& from, IdMap& to) {
  HostBuffer<RowId> rows(from.size());
  if (from.kind() == IdKind::integers && to.kind() == IdKind::integers) {
    to.insert_integers(from.integers(), rows.span());
    return rows;
  }
  for (Position row = 0; row < rows.size(); ++row) rows[row] = to.insert(from.text(static_cast<RowId>(row)));
  return rows;
}

}  // namespace wf
