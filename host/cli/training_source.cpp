#include "host/cli/training_source.hpp"

#include "host/base/resident_memory.hpp"
#include "host/base/shown.hpp"
#include "host/settings/words.hpp"

#include <fmt/format.h>

#include <utility>

namespace wf::cli {
namespace {

void collect_seen(const TrainRequest& request, OpenedRatings& opened) {
  if (!request.save_seen) return;
  const Dataset& ids = opened.source.data;
  opened.seen = {*opened.source.ratings, ids.users.size(), ids.items.size(), request.config.threads};
}

/// A page file, ready for as many passes as a run needs.
OpenedRatings open_pages(Console& console, const TrainRequest& request) {
  refuse_reader_request(request.data, request.reader);
  auto file = std::make_unique<PageFile>(request.data);
  OpenedRatings opened;
  opened.about = file->source();
  opened.source.data = file->ids();
  console.line("read", fmt::format("{}: page file of {} · {}, page by page", request.data, opened.about.report.path,
                                   plural(file->size(), "rating")));
  opened.source.ratings = std::move(file);
  collect_seen(request, opened);
  return opened;
}

OpenedRatings open_in_memory(Console& console, const TrainRequest& request) {
  OpenedRatings opened;
  opened.source.data = new_dataset(request.reader, bytes_a_row(request.config.rank));
  opened.about =
      (request.cache ? read_through_cache : read_source)(console, request.data, request.reader, opened.source.data);
  opened.source.ratings = std::make_unique<RatingsInMemory>(opened.source.data.ratings.view());
  collect_seen(request, opened);
  return opened;
}

/// The ratings that count, for a loss of pairs. Rows that have others alone stay: nobody is known to like them.
OpenedRatings open_positives(Console& console, const TrainRequest& request) {
  OpenedRatings opened = open_in_memory(console, request);
  const Position all = opened.source.data.ratings.size();
  keep_positives(request.config, opened.source.data.ratings);
  const Position kept = opened.source.data.ratings.size();
  const std::optional<double> least = request.config.positive_from;
  const std::string what = least ? fmt::format("{} and above", *least) : "above 0";
  if (kept == 0) {
    throw UsageError(fmt::format("no rating is {}: there is nothing to rank", what), "take another --positive-from");
  }
  if (kept < all) {
    console.line("", fmt::format("{} of them {} count, the others are as if they were not there", grouped(kept), what),
                 "--positive-from");
  }
  opened.source.ratings = std::make_unique<RatingsInMemory>(opened.source.data.ratings.view());
  return opened;
}

Ratings read_validation(Console& console, const TrainRequest& request, const Dataset& known, std::string& hash) {
  Dataset valid{{}, known.users.clone(), known.items.clone()};
  hash = read_file(console, request.valid, request.reader.options, valid).hash;
  if (is_pairwise(request.config.loss)) keep_positives(request.config, valid.ratings);
  return std::move(valid.ratings);
}

OpenedRatings open_training_part(Console& console, const TrainRequest& request, bool stays) {
  if (is_pairwise(request.config.loss)) return open_positives(console, request);
  if (stays && is_page_file(request.data)) return open_pages(console, request);
  if (request.memory > 0) {
    throw UsageError(fmt::format("--memory trains from a page file, and {} is a text", request.data),
                     fmt::format("warpfactor convert {} writes one", request.data));
  }
  return open_in_memory(console, request);
}

}  // namespace

OpenedRatings open_ratings(Console& console, const TrainRequest& request, bool stays) {
  OpenedRatings opened = open_training_part(console, request, stays);
  if (!request.valid.empty()) {
    opened.source.valid = read_validation(console, request, opened.source.data, opened.valid_hash);
  }
  opened.source.memory = request.memory;
  return opened;
}

void print_room(Console& console, const TrainRequest& request, const BlockGrid& grid) {
  if (request.memory == 0) return;
  const std::string size = short_bytes(kRatingBytes * grid.n_ratings());
  console.line(
      "memory",
      grid.in_memory()
          ? fmt::format("{} hold all ratings, {}", short_bytes(request.memory), size)
          : fmt::format("{}: the ratings, {}, are in a scratch file beside the model, blocks of a {} × {} grid",
                        short_bytes(request.memory), size, grid.size(), grid.size()),
      "--memory, --grid");
}

}  // namespace wf::cli
