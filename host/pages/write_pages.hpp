// ratings -> page file.
#pragma once
#include "host/pages/page_source.hpp"
#include "host/ratings/ratings.hpp"

#include <string>

namespace wf {

/// Ratings that a page has at least, on average: below that, gaps and directory outweigh it.
inline constexpr Position kLeastPageRatings = 4096;

/// Writes `data`, with the rows it has, whole or not at all. Pages are the blocks of a grid for training at rank 64,
/// but of kLeastPageRatings at least, or of `grid` x `grid` blocks; their content and order are a function of the set
/// of ratings. Takes about 18 bytes a rating while it writes. `threads` 0: all. Returns the file's bytes. Throws
/// FailedError as AtomicFile does.
Position write_pages(const std::string& path, const Dataset& data, const PageSource& source, int threads = 0,
                     int grid = 0);

}  // namespace wf
