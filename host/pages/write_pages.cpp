#include "host/pages/write_pages.hpp"

#include "host/base/atomic_file.hpp"
#include "host/pages/page_format.hpp"
#include "host/pages/page_ids.hpp"
#include "host/pages/value_table.hpp"
#include "host/schedule/block_grid.hpp"
#include "host/schedule/block_layout.hpp"
#include "host/schedule/block_sort.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

namespace wf {
namespace {

constexpr int kRank = 64;
constexpr Position kStagingBytes = 64 << 20;

int grid_for(const Dataset& data) {
  const Position n = data.ratings.size();
  const int of_training = default_grid_size(n, data.users.size(), data.items.size(), kRank);
  const auto most = static_cast<int>(std::sqrt(static_cast<double>(n) / static_cast<double>(kLeastPageRatings)));
  return std::max(1, std::min(of_training, most));
}

HostBuffer<RowId> old_names(const RowRanges& side) {
  HostBuffer<RowId> old(side.renamed.size());
  for (Position row = 0; row < old.size(); ++row) old[side.renamed[row]] = static_cast<RowId>(row);
  return old;
}

std::uint64_t hash_of(const HostBuffer<char>& bytes) {
  return XXH3_64bits(bytes.data(), static_cast<std::size_t>(bytes.size()));
}

/// A page before it has a place.
struct Page {
  PageEntry entry;
  HostBuffer<char> bytes;
};

/// The ratings of a file laid out as pages.
class PageEncoder {
 public:
  PageEncoder(const Dataset& data, int grid, ThreadPool& pool)
      : grid_(grid), table_(data.ratings.value.span(), pool), store_(data.ratings.size()) {
    const RatingsInMemory ratings(data.ratings.view());
    const RowCounts counts = row_counts(ratings, data.users.size(), data.items.size(), pool);
    pool.for_each(2, [&](Position side) {
      if (side == 0) {
        users_ = cut_rows(counts.user, grid, kPageSeed, Purpose::permute_users);
        old_users_ = old_names(users_);
      } else {
        items_ = cut_rows(counts.item, grid, kPageSeed, Purpose::permute_items);
        old_items_ = old_names(items_);
      }
    });
    blocks_ = lay_out_by_block(pool, ratings, users_, items_, kStagingBytes, store_);
  }

  const std::vector<float>& table() const { return table_.values(); }

  /// Users ascending, a user's items ascending, equal pairs by value. The new names of a range ascend as the old ones
  /// do, so that they can be sorted by.
  Page encode(Position block) const {
    std::vector<RatingTriple> ratings;
    const Position begin = blocks_[block].begin, end = blocks_[block].end;
    ratings.reserve(static_cast<std::size_t>(end - begin));
    const RatingsView<Host> laid_out = store_.ratings().view();
    for (Position n = begin; n < end; ++n) {
      ratings.push_back({laid_out.user[n], laid_out.item[n], laid_out.value[n]});
    }
    std::vector<RatingTriple> scratch;
    sort_by_rows(ratings, scratch, users_.new_names(block / grid_), items_.new_names(block % grid_));
    return encoded(ratings);
  }

 private:
  Page encoded(const std::vector<RatingTriple>& ratings) const {
    Page page;
    page.entry.ratings = static_cast<Position>(ratings.size());
    for (std::size_t n = 0; n < ratings.size(); ++n) {
      page.entry.segments += n == 0 || ratings[n].user != ratings[n - 1].user ? 1 : 0;
    }
    const Position value_bytes = table_.empty() ? 4 : 1;
    const PageShape shape(page.entry.ratings, page.entry.segments, value_bytes);
    page.bytes = HostBuffer<char>(shape.padded, 0);
    char* const bytes = page.bytes.data();
    Position segment = -1;
    std::uint32_t count = 0;
    for (Position n = 0; n < page.entry.ratings; ++n) {
      const RatingTriple& rating = ratings[static_cast<std::size_t>(n)];
      if (n == 0 || rating.user != ratings[static_cast<std::size_t>(n - 1)].user) {
        put(bytes + 4 * ++segment, old_users_[rating.user]);
        count = 0;
      }
      put(bytes + shape.counts + 4 * segment, ++count);
      put(bytes + shape.items + 4 * n, old_items_[rating.item]);
      char* const value = bytes + shape.values + value_bytes * n;
      if (table_.empty()) {
        put(value, rating.value);
      } else {
        put(value, table_.index_of(rating.value));
      }
    }
    page.entry.hash = hash_of(page.bytes);
    return page;
  }

  template <class T>
  static void put(char* into, T value) {
    std::memcpy(into, &value, sizeof value);
  }

  int grid_;
  ValueTable table_;
  RowRanges users_, items_;
  HostBuffer<RowId> old_users_, old_items_;  // new name -> old name
  HostBuffer<Block> blocks_;                 // [G x G]
  RatingStore store_;                        // by block, with new names
};

/// The sections before the pages, one after the other.
class FrontWriter {
 public:
  PageSection add(const void* data, Position bytes) {
    PageSection section{static_cast<Position>(sizeof(PageHeader)) + bytes_.size(), bytes, 0};
    const Position begin = bytes_.size();
    bytes_.resize(begin + padded(bytes));
    std::fill(bytes_.begin() + begin, bytes_.end(), 0);
    if (bytes > 0) std::memcpy(bytes_.data() + begin, data, static_cast<std::size_t>(bytes));
    section.hash = XXH3_64bits(bytes_.data() + begin, static_cast<std::size_t>(padded(bytes)));
    return section;
  }
  const HostBuffer<char>& bytes() const { return bytes_; }
  Position end() const { return static_cast<Position>(sizeof(PageHeader)) + bytes_.size(); }

 private:
  HostBuffer<char> bytes_;
};

/// Header and sections, once the pages are known: their entries get their offsets here.
PageHeader complete_front(const Dataset& data, const PageSource& source, int grid, const std::vector<float>& table,
                          std::vector<Page>& pages, FrontWriter& front) {
  PageHeader header;
  std::copy(std::begin(kPageMagic), std::end(kPageMagic), header.magic);
  header.version = kPageVersion;
  header.grid = static_cast<std::uint32_t>(grid);
  header.seed = kPageSeed;
  header.ratings = data.ratings.size();
  header.n_users = data.users.size();
  header.n_items = data.items.size();
  header.user_kind = static_cast<std::uint32_t>(data.users.kind());
  header.item_kind = static_cast<std::uint32_t>(data.items.kind());
  const std::string metadata = to_json(source);
  header.metadata = front.add(metadata.data(), static_cast<Position>(metadata.size()));
  const HostBuffer<char> users = id_bytes(data.users), items = id_bytes(data.items);
  header.user_ids = front.add(users.data(), users.size());
  header.item_ids = front.add(items.data(), items.size());
  header.values = front.add(table.data(), 4 * static_cast<Position>(table.size()));
  std::vector<PageEntry> directory;
  const auto directory_bytes = static_cast<Position>(pages.size() * sizeof(PageEntry));
  Position offset = front.end() + padded(directory_bytes);
  for (Page& page : pages) {
    page.entry.offset = offset;
    offset += page.bytes.size();
    directory.push_back(page.entry);
  }
  header.directory = front.add(directory.data(), directory_bytes);
  header.file_bytes = offset;
  header.hash = XXH3_64bits(&header, offsetof(PageHeader, hash));
  return header;
}

}  // namespace

Position write_pages(const std::string& path, const Dataset& data, const PageSource& source, int threads, int grid) {
  ThreadPool pool(useful_threads(threads, data.ratings.size() / kLeastPageRatings));
  if (grid == 0) grid = grid_for(data);
  const PageEncoder encoder(data, grid, pool);
  std::vector<Page> pages(static_cast<std::size_t>(Position{grid} * grid));
  pool.for_each(static_cast<Position>(pages.size()),
                [&](Position block) { pages[static_cast<std::size_t>(block)] = encoder.encode(block); });
  FrontWriter front;
  const PageHeader header = complete_front(data, source, grid, encoder.table(), pages, front);
  AtomicFile file(path);
  file.write(&header, sizeof header);
  file.write(front.bytes().data(), front.bytes().size());
  for (const Page& page : pages) file.write(page.bytes.data(), page.bytes.size());
  file.commit();
  return header.file_bytes;
}

}  // namespace wf
