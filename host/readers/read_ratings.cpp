#include "host/readers/read_ratings.hpp"

#include "host/readers/ratings_reader.hpp"

namespace wf {

ReadReport read_ratings(const std::string& path, const ReadOptions& options, Dataset& into,
                        const std::function<void(Position bytes)>& progress) {
  return RatingsReader(path, options, into).run(progress);
}

}  // namespace wf
