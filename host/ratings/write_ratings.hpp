// Ratings for other programs: lines with their ids, or a matrix whose rows and columns are numbered.
#pragma once
#include "host/config/config.hpp"
#include "host/ratings/ratings.hpp"

#include <string>

namespace wf {

/// "42" or "a,b" as a field of a CSV line: quoted where a reader needs it.
std::string csv_field(const std::string& text);

/// "user,item,rating,timestamp" and a line feed, without the columns that are not there.
std::string csv_header(const Dataset& data, bool with_rating);
/// Rating n under that header.
std::string csv_line(const Dataset& data, Position n, bool with_rating);

/// Whether the format has ids. Those that have not number the rows.
bool has_ids(RatingsFormat format);

/// Replaces `path` whole, in any format but `pages` (host/pages/write_pages.hpp). Without `with_rating` every value is
/// 1 and is left out where the format can say so. Lists and SciPy's matrix are by user, others in the order of the
/// data. Throws UsageError for an id that the format cannot hold. Takes a copy of the ratings where they are by user.
void write_ratings(const std::string& path, RatingsFormat format, const Dataset& data, bool with_rating);

/// Replaces `path` whole: the id of row 0, 1, ... a line. Throws UsageError for an id that holds a line end.
void write_ids(const std::string& path, const IdMap& ids);

}  // namespace wf
