// Outside ids (64-bit integers or strings) <-> rows 0, 1, 2, ... in order of first appearance.
#pragma once
#include "host/base/types.hpp"
#include "host/base/view.hpp"
#include "host/ratings/id_rules.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace wf {

/// How ids are kept. `rows`: an id is itself the row number, nothing is stored.
enum class IdKind { rows, integers, strings };

/// One side's dictionary. It begins as `integers` and becomes `strings` for good when an id appears whose text is not
/// the canonical decimal form of an int64 ("007", "+1", "abc"), so that ids come out exactly as they went in.
class IdMap {
 public:
  explicit IdMap(IdKind kind = IdKind::integers);
  static IdMap rows(Position n_rows);
  /// Kind rows, where ids beyond the declared rows are refused instead of making more.
  static IdMap declared_rows(Position n_rows);
  /// Kind rows, where more than `limit` rows are refused because memory does not hold them.
  static IdMap rows_in_memory(Position limit);
  /// From a model file; the texts or numbers in row order. Throws std::invalid_argument on a duplicate.
  static IdMap from_integers(Span<const std::int64_t, Host> ids);
  /// `offsets` has n + 1 entries into `bytes`, checked by the caller to be ascending and inside.
  static IdMap from_strings(Span<const char, Host> bytes, Span<const std::int64_t, Host> offsets);

  IdMap(IdMap&&) noexcept;
  IdMap& operator=(IdMap&&) noexcept;
  ~IdMap();
  IdMap clone() const;

  /// The row of `id`; a new id gets the next row. Throws std::invalid_argument, with the reason as its text, for an id
  /// that is empty; in digits beyond int64 while the kind is not fixed to strings; or (kind rows) no row number.
  RowId insert(std::string_view id);
  /// rows[n] = insert(std::to_string(ids[n])) for each n in turn, without the texts. Where ids are row numbers, the
  /// caller has checked them.
  void insert_integers(Span<const std::int64_t, Host> ids, Span<RowId, Host> rows);
  /// The reason why insert would throw for `id`, apart from a full table; empty: it would not.
  std::string why_not(std::string_view id) const { return rules().why_not(id); }
  const IdRules& rules() const;
  std::optional<RowId> find(std::string_view id) const;

  IdKind kind() const;
  /// `strings` asked for by the user: digits beyond int64 are then text like any other.
  void fix_strings();
  /// `integers` asked for by the user: an id that is none is then refused.
  void fix_integers();
  Position size() const;              ///< kind rows: the declared rows, or the largest row seen plus one
  std::string text(RowId row) const;  ///< the id as it was read

  /// Kind integers: [size]. Kind strings: offsets [size + 1] into bytes.
  Span<const std::int64_t, Host> integers() const;
  Span<const char, Host> bytes() const;
  Span<const std::int64_t, Host> offsets() const;

 private:
  struct Tables;
  std::unique_ptr<Tables> tables_;
};

}  // namespace wf
