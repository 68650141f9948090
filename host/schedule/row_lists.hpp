// Ratings by user and, once more, by item: what algorithms that work row by row go through.
#pragma once
#include "host/ratings/rating_source.hpp"

#include <memory>

namespace wf {

struct RowSharing;

/// The ratings of row r are number begin[r] .. begin[r + 1] - 1: the other side's row, ascending, and the value.
template <class Space>
struct RowListsView {
  Span<const Position, Space> begin;  ///< [rows + 1]
  Span<const RowId, Space> partner;   ///< [ratings]
  Span<const float, Space> value;     ///< [ratings]

  WF_HD Position rows() const { return begin.size > 0 ? begin.size - 1 : 0; }
  WF_HD Position count(Position row) const { return begin[row + 1] - begin[row]; }
};

/// Owner of one side's lists: 8 bytes a rating and 8 a row.
struct RowLists {
  HostBuffer<Position> begin;
  HostBuffer<RowId> partner;
  HostBuffer<float> value;

  Position size() const { return partner.size(); }
  Position rows() const { return std::max<Position>(begin.size() - 1, 0); }
  RowListsView<Host> view() const { return {begin.span(), partner.span(), value.span()}; }
};

struct RatingLists {
  RowLists user, item;
  /// Where several ranks have the rows between them (host/schedule/row_sharing.hpp): who has which. Else empty.
  std::shared_ptr<const RowSharing> sharing = nullptr;

  Position size() const { return user.size(); }
  Position n_all_ratings() const;  ///< of all ranks
  Ranks& ranks() const;
};

/// The ratings by item, those of an item in any order; takes 8 bytes a rating beside the source.
RowLists list_by_item(ThreadPool& pool, const RatingSource& ratings, Position n_items);

/// From the lists by item, those by user. They depend on the set of ratings alone: not on their order, nor on the
/// number of threads. Of ratings that name the same user and item, all stay, by ascending value. Takes 8 bytes a rating
/// more.
RowLists list_by_user(ThreadPool& pool, const RowLists& by_item, Position n_users);

/// Both, with the same promises.
RatingLists list_both(ThreadPool& pool, RowLists by_item, Position n_users);

/// Ratings that name the same user and item become one, their sum: of a matrix whose cells they are.
void sum_repeated(RatingLists& lists);

/// Of all values.
double sum_of_squares(const RowLists& lists);

/// Rows 0 .. rows - 1 cut into at most `parts` ranges of about equal cost, in order: part p is rows cuts[p] ..
/// cuts[p + 1] - 1. A row costs `row_cost` ratings beside its own.
HostBuffer<Position> cut_lists(Span<const Position, Host> begin, Position parts, Position row_cost);

}  // namespace wf
