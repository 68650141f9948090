// Ratings go to the ranks that work with them.
#pragma once
#include "host/ratings/rating_source.hpp"

#include <functional>

namespace wf {

/// The ratings of all ranks that belong to this one; owner(user, item) is the rank that one belongs to. For all ranks
/// together. Takes 36 bytes a rating until it is done, and 12 after.
Ratings hand_over(const RatingSource& source, const std::function<int(RowId user, RowId item)>& owner);

}  // namespace wf
