#include "host/cli/training_source.hpp"

#include "host/base/resident_memory.hpp"
#include "host/base/shown.hpp"
#include "host/settings/words.hpp"

#include <fmt/format.h>

#include <utility>

namespace wf::cli {
namespace {

/// What the model keeps of them; it waits on disk, so that the training has the memory.
void collect_seen(Console& console, const TrainRequest& request, OpenedRatings& opened) {
  if (!request.save_seen || opened.source.scratch_folder.empty()) return;
  const TrainingSource& source = opened.source;
  const Position n_users = source.data.users.size();
  const Position rows = n_users + source.data.items.size();
  const Position model = checked_product(rows, 4 * Position{request.config.rank});  // beside it, in the end
  const Position bytes = ItemSets::bytes(source.ratings->size(), n_users) + model;
  if (request.memory > 0 && request.memory < resident_bytes() + bytes) {
    console.note(
        fmt::format("the model does not keep what users have rated: to collect that takes {} of --memory {}; "
                    "recommend reads it from {} again",
                    short_bytes(bytes), short_bytes(request.memory), request.data));
    return;
  }
  const ItemSets seen(*source.ratings, n_users, source.data.items.size(), request.config.threads);
  opened.seen = std::make_unique<StoredItemSets>(seen, source.scratch_folder);
}

/// A page file, ready for as many passes as a run needs.
void open_pages(Console& console, const TrainRequest& request, Ranks& ranks, OpenedRatings& opened) {
  refuse_reader_request(request.data, request.reader);
  auto file = std::make_unique<PageFile>(request.data);
  file->share_among(ranks);
  opened.about = file->source();
  opened.source.data = file->ids();
  console.line("read", fmt::format("{}: page file of {} · {}, page by page", request.data, opened.about.report.path,
                                   plural(file->total(), "rating")));
  opened.source.ratings = std::move(file);
  collect_seen(console, request, opened);
}

void open_in_memory(Console& console, const TrainRequest& request, Ranks& ranks, OpenedRatings& opened) {
  opened.source.data = new_dataset(request.reader, bytes_a_row(request.config.rank));
  Dataset& data = opened.source.data;
  opened.about = request.cache ? read_through_cache(console, request.data, request.reader, data)
                               : read_source(console, request.data, request.reader, data, ranks);
  opened.source.ratings = std::make_unique<RatingsInMemory>(data.ratings.view(), ranks);
  collect_seen(console, request, opened);
}

/// The ratings that count, for a loss of pairs. Rows that have others alone stay: nobody is known to like them.
void open_positives(Console& console, const TrainRequest& request, OpenedRatings& opened) {
  open_in_memory(console, request, Ranks::alone(), opened);
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
}

Ratings read_validation(Console& console, const TrainRequest& request, const Dataset& known, Ranks& ranks,
                        std::string& hash) {
  Dataset valid{{}, known.users.clone(), known.items.clone()};
  hash = read_file(console, request.valid, request.reader.options, valid, ranks).hash;
  if (is_pairwise(request.config.loss)) keep_positives(request.config, valid.ratings);
  return std::move(valid.ratings);
}

void open_training_part(Console& console, const TrainRequest& request, bool stays, Ranks& ranks,
                        OpenedRatings& opened) {
  if (is_pairwise(request.config.loss)) return open_positives(console, request, opened);
  if (stays && is_page_file(request.data)) return open_pages(console, request, ranks, opened);
  if (request.memory > 0) {
    throw UsageError(fmt::format("--memory trains from a page file, and {} is a text", request.data),
                     fmt::format("warpfactor convert {} writes one", request.data));
  }
  open_in_memory(console, request, ranks, opened);
}

}  // namespace

OpenedRatings open_ratings(Console& console, const TrainRequest& request, bool stays, std::string scratch_folder,
                           Ranks& ranks) {
  OpenedRatings opened;
  opened.source.scratch_folder = std::move(scratch_folder);
  open_training_part(console, request, stays, ranks, opened);
  if (!request.valid.empty()) {
    opened.source.valid = read_validation(console, request, opened.source.data, ranks, opened.valid_hash);
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
