// Users and items that several ranks have between them, for algorithms that work row by row: each rank finds its own
// rows, and needs copies of those of the other side that its rows' ratings name. docs/scaling.md.
#pragma once
#include "host/ranks/ranks.hpp"
#include "host/schedule/block.hpp"
#include "host/schedule/row_lists.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace wf {

/// Rows whose products are added up together, in the order of all rows: a Gram matrix is the sum of such pieces
/// (Cpu::gram), whoever has them.
inline constexpr Position kGramRows = 64;

/// The rows of one side that a rank's table has, in the order of all rows.
class SharedRows {
 public:
  /// All rows, of one rank alone.
  explicit SharedRows(Position n_rows);
  /// Rank r finds the rows starts[r] .. starts[r + 1] - 1 of all; this one needs those with needed[row] beside its own,
  /// and with `whole_pieces` the rest of the last piece that it begins, of kGramRows. For all ranks together.
  SharedRows(Ranks& ranks, HostBuffer<RowId> starts, HostBuffer<std::uint8_t> needed, bool whole_pieces);

  Position n_all() const { return n_all_; }                                       ///< rows of all ranks
  Position n_here() const { return held_[ranks()]; }                              ///< rows of the table
  RowRange own() const { return from(rank_); }                                    ///< of the table: neighbours
  RowRange from(int rank) const { return {held_[rank], held_[rank + 1]}; }        ///< of the table: what rank has found
  RowRange all_of(int rank) const { return {starts_[rank], starts_[rank + 1]}; }  ///< of all rows: the same rank's own
  /// The pieces whose first row is this rank's, of the table.
  RowRange pieces() const { return pieces_; }
  /// [n_here] the row of all rows that a row of the table is: ascending.
  Span<const RowId, Host> names() const { return names_.span(); }
  /// The same of one, which may be beyond the table, an unknown id: then it is beyond all rows, as far.
  RowId name_of(Position row) const;
  /// [n_all] and back; of rows that are here.
  HostBuffer<RowId> table_rows() const;

  /// The table's own rows go to the ranks that have copies of them, and the copies here become what their ranks have
  /// found. For all ranks together. `table`: [n_here x rank], pitch = rank. Returns the bytes that this rank has sent.
  Position bring(Ranks& ranks, const Rows<float, Host>& table) const;

 private:
  int ranks() const { return static_cast<int>(held_.size()) - 1; }

  Position n_all_;
  int rank_ = 0;
  HostBuffer<RowId> starts_, held_;        // [ranks + 1]
  HostBuffer<RowId> names_;                // [n_here]; empty: all rows are here
  std::vector<HostBuffer<RowId>> wanted_;  // [ranks] own rows of the table that a rank has copies of
  RowRange pieces_{};
};

/// Who finds which rows. `counts` and `n_ratings` are those of all ratings.
struct RowSharing {
  Ranks& ranks;
  SharedRows users, items;
  RowCounts counts;
  Position n_ratings;
};

/// Of one rank alone, which has all of these.
std::shared_ptr<const RowSharing> whole_tables(const RatingLists& lists);

/// What a rank works on.
struct SharedRatings {
  RatingLists lists;  ///< by user of its own users, by item of its own items; partners by the rows of its tables
  Ratings valid;      ///< those of its own users, by the rows of its tables; unknown ids are beyond these
};

/// Cuts users and items into ranges of about equal cost, one for each rank and maybe without rows, and hands the
/// ratings over: once to the rank of their user, once to that of their item. A function of the set of ratings and the
/// number of ranks alone. `rank` factors; `whole_pieces` for Gram matrices. For all ranks together.
SharedRatings share_by_row(ThreadPool& pool, const RatingSource& train, const RatingSource& valid, Position n_users,
                           Position n_items, int rank, bool whole_pieces);

}  // namespace wf
