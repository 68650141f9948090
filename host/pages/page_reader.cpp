// The pages themselves: read side by side, each to its place among the ratings.
#include "host/base/error.hpp"
#include "host/base/thread_pool.hpp"
#include "host/pages/page_file.hpp"
#include "host/pages/page_ids.hpp"

#include <xxhash.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace wf {

/// Reads pages of one file, one at a time. Its buffer is faulted in once.
class PageDecoder {
 public:
  explicit PageDecoder(const PageFile& file) : file_(file) {}

  /// The page's ratings to `into`, from place `begin` on: there is room.
  void read(Position number, Ratings& into, Position begin) {
    const PageEntry& page = file_.directory_[number];
    if (page.ratings == 0) return;
    const PageShape shape(page.ratings, page.segments, file_.table_.empty() ? 4 : 1);
    buffer_.resize(shape.padded / 4);
    file_.file_.read_at(page.offset, buffer_.data(), shape.padded);
    if (page.hash != XXH3_64bits(buffer_.data(), static_cast<std::size_t>(shape.padded))) {
      fail(number, "is not what was written: its checksum is another");
    }
    take_users(number, buffer_.data(), into.user.data() + begin);
    take_items(number, buffer_.data() + shape.items / 4, into.item.data() + begin);
    take_values(number, reinterpret_cast<const unsigned char*>(buffer_.data()) + shape.values,
                into.value.data() + begin);
  }

 private:
  void take_users(Position number, const std::uint32_t* users, RowId* into) const {
    const PageEntry& page = file_.directory_[number];
    const std::uint32_t* counts = users + page.segments;
    Position total = 0;
    std::uint32_t highest = 0;
    for (Position s = 0; s < page.segments; ++s) {
      total += counts[s];
      if (total > page.ratings) break;  // before it can wrap
      highest = std::max(highest, users[s]);
    }
    if (total != page.ratings) fail(number, "has other counts than ratings");
    if (Position{highest} >= file_.header_.n_users) fail(number, "has a user beyond the ids");
    for (Position s = 0; s < page.segments; ++s) into = std::fill_n(into, counts[s], static_cast<RowId>(users[s]));
  }

  void take_items(Position number, const std::uint32_t* items, RowId* into) const {
    const Position count = file_.directory_[number].ratings;
    std::uint32_t highest = 0;
    for (Position n = 0; n < count; ++n) {
      highest = std::max(highest, items[n]);
      into[n] = static_cast<RowId>(items[n]);
    }
    if (Position{highest} >= file_.header_.n_items) fail(number, "has an item beyond the ids");
  }

  void take_values(Position number, const unsigned char* values, float* into) const {
    const Position count = file_.directory_[number].ratings;
    if (file_.table_.empty()) {
      std::memcpy(into, values, static_cast<std::size_t>(4 * count));
      const bool finite = std::all_of(into, into + count, [](float value) { return std::isfinite(value); });
      if (!finite) fail(number, "holds a value that is not finite");
      return;
    }
    const unsigned char highest = *std::max_element(values, values + count);
    if (Position{highest} >= file_.table_.size()) fail(number, "has a value beyond the table");
    const float* table = file_.table_.data();
    for (Position n = 0; n < count; ++n) into[n] = table[values[n]];
  }

  [[noreturn]] void fail(Position number, const std::string& what) const {
    file_.fail("page " + std::to_string(number) + " " + what);
  }

  const PageFile& file_;
  HostBuffer<std::uint32_t> buffer_;
};

namespace {

/// Gives `rows`, which are those of `from`, the rows of the same ids in `to`.
void rename_rows(const IdMap& from, IdMap& to, Span<RowId, Host> rows, ThreadPool& pool) {
  constexpr Position kChunk = 1 << 16;
  if (from.kind() != IdKind::rows) {
    const HostBuffer<RowId> renamed = translated(from, to);
    pool.for_chunks(rows.size, kChunk, [&](Position begin, Position end) {
      for (Position n = begin; n < end; ++n) rows[n] = renamed[rows[n]];
    });
    return;
  }
  const Position limit = to.rules().row_limit;
  if (to.kind() == IdKind::rows && from.size() > limit) {  // a row beyond it need not occur, but may
    throw std::invalid_argument("rows are 0 to " + std::to_string(limit - 1) + " here, and the file has " +
                                std::to_string(from.size()));
  }
  HostBuffer<std::int64_t> ids(std::min(kChunk, rows.size));  // by rating: there may be far more rows than ratings
  for (Position first = 0; first < rows.size; first += kChunk) {
    const Position count = std::min(kChunk, rows.size - first);
    std::copy_n(rows.data + first, count, ids.begin());
    to.insert_integers(std::as_const(ids).span().part(0, count), rows.part(first, count));
  }
}

/// A side whose ids can become the file's: it has none.
bool takes_all(const IdMap& ids, IdKind kind) {
  return ids.size() == 0 && (ids.kind() == kind || ids.kind() == IdKind::integers);
}

/// The rules that the reader of the source gave its ids: they hold for whatever is added later.
void apply_rules(IdMap& ids, const ReadOptions& options, Position declared) {
  if (ids.kind() == IdKind::rows && declared > 0) ids = IdMap::declared_rows(std::max(declared, ids.size()));
  if (options.ids == IdKind::strings && ids.kind() == IdKind::strings) ids.fix_strings();
  if (options.ids == IdKind::integers && ids.kind() == IdKind::integers) ids.fix_integers();
}

}  // namespace

void PageFile::for_parts(ThreadPool& pool, int shares, const Visit& visit) const {
  share_out(pool, shares, [&](int share, std::atomic<Position>& next) {
    PageDecoder decoder(*this);
    Ratings ratings;
    for (Position page = first_page_ + next++; page < end_page_; page = first_page_ + next++) {
      ratings.resize(directory_[page].ratings);
      decoder.read(page, ratings, 0);
      visit(share, {begins_[page] - begins_[first_page_], ratings.view()});
    }
  });
}

void PageFile::share_among(Ranks& ranks) {
  ranks_ = &ranks;
  const auto page_at = [&](int rank) {  // the first page that begins at the rank's share, or behind
    const Position begin = header_.ratings / ranks.size() * rank + header_.ratings % ranks.size() * rank / ranks.size();
    return std::lower_bound(begins_.begin(), begins_.end(), begin) - begins_.begin();
  };
  first_page_ = page_at(ranks.rank());
  end_page_ = ranks.rank() + 1 < ranks.size() ? page_at(ranks.rank() + 1) : directory_.size();
  n_ratings_ = 0;
  for (Position page = first_page_; page < end_page_; ++page) n_ratings_ += directory_[page].ratings;
}

Dataset PageFile::ids() const {
  IdMap users = read_ids(user_kind(), header_.n_users, header_.user_ids, "user ids");
  IdMap items = read_ids(item_kind(), header_.n_items, header_.item_ids, "item ids");
  apply_rules(users, source_.options, source_.declared_users);
  apply_rules(items, source_.options, source_.declared_items);
  return {{}, std::move(users), std::move(items)};
}

void PageFile::read_into(Dataset& into, int threads) const {
  Dataset own = ids();
  const Position first = into.ratings.size();
  into.ratings.resize(first + header_.ratings);
  ThreadPool pool(useful_threads(threads, directory_.size()));
  share_out(pool, pool.size(), [&](int /*share*/, std::atomic<Position>& next) {
    PageDecoder decoder(*this);
    for (Position page = next++; page < directory_.size(); page = next++) {
      decoder.read(page, into.ratings, first + begins_[page]);
    }
  });
  const auto take = [&](IdMap& ids, IdMap& known, HostBuffer<RowId>& rows, const char* side) {
    if (takes_all(known, ids.kind())) {
      known = std::move(ids);
      return;
    }
    try {
      rename_rows(ids, known, rows.span().part(first, header_.ratings), pool);
    } catch (const std::invalid_argument& refused) {
      throw InputError(Place{file_.path()}, std::string(side) + " " + refused.what(),
                       "its ids are not of the kind that the model has; read the text instead");
    }
  };
  take(own.users, into.users, into.ratings.user, "user");
  take(own.items, into.items, into.ratings.item, "item");
}

}  // namespace wf
