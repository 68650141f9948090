#include "host/readers/read_ratings.hpp"

#include "host/readers/matrix_npz.hpp"
#include "host/readers/ratings_reader.hpp"
#include "host/readers/zip_archive.hpp"

#include <fmt/format.h>

namespace wf {

ReadReport read_ratings(const std::string& path, const ReadOptions& options, Dataset& into,
                        const std::function<void(Position bytes)>& progress, Ranks& ranks) {
  if (!is_zip_file(path)) return RatingsReader(path, options, into, kChunkBytes, ranks).run(progress);
  if (!ranks.is_alone()) refuse_for_ranks(path, "is a matrix of SciPy, whose arrays are read whole");
  return read_matrix_npz(path, options, into);
}

void refuse_for_ranks(const std::string& file, const std::string& is) {
  throw UsageError(fmt::format("several processes read a part of the ratings each, and {} {}", file, is),
                   fmt::format("warpfactor convert {} writes a page file, or start one process", file));
}

}  // namespace wf
