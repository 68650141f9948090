#include "host/readers/read_ratings.hpp"

#include "host/readers/matrix_npz.hpp"
#include "host/readers/ratings_reader.hpp"
#include "host/readers/zip_archive.hpp"

namespace wf {

ReadReport read_ratings(const std::string& path, const ReadOptions& options, Dataset& into,
                        const std::function<void(Position bytes)>& progress) {
  if (is_zip_file(path)) return read_matrix_npz(path, options, into);
  return RatingsReader(path, options, into).run(progress);
}

}  // namespace wf
