#include "host/readers/matrix_npz.hpp"

#include "host/base/error.hpp"
#include "host/base/shown.hpp"
#include "host/base/stopwatch.hpp"
#include "host/ratings/value_facts.hpp"
#include "host/readers/byte_source.hpp"
#include "host/readers/npy_reader.hpp"
#include "host/readers/prepare_ids.hpp"
#include "host/readers/text_chunk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace wf {
namespace {

constexpr Position kBlock = 1 << 14;  // values read at a time

/// Reads a matrix behind the ratings that are there: first its own row numbers, then the rows of their ids.
class MatrixReader {
 public:
  MatrixReader(const std::string& path, Dataset& into)
      : archive_(path), into_(into), first_(into.ratings.size()), block_(kBlock) {}

  /// "csr", "csc" or "coo".
  std::string run(bool with_values) {
    if (archive_.find("format.npy") == nullptr) {
      throw InputError(place(), "is a zip archive without a matrix of SciPy's",
                       "scipy.sparse.save_npz writes one; of a text in an archive: unzip -p FILE | warpfactor train -");
    }
    std::string format = NpyReader(archive_, "format").read_text();
    read_shape();
    Ratings& ratings = into_.ratings;
    if (format != "csr" && format != "csc" && format != "coo") {
      throw InputError(place(), "is a SciPy matrix in the format " + shown(format) + ", which is not read",
                       "scipy.sparse.save_npz(FILE, matrix.tocsr())");
    }
    check_lengths(format == "coo" ? std::vector<const char*>{"row", "col"} : std::vector<const char*>{"indices"});
    if (format == "csr") {
      read_compressed(ratings.item, n_items_, ratings.user, n_users_);
    } else if (format == "csc") {
      read_compressed(ratings.user, n_users_, ratings.item, n_items_);
    } else {
      read_numbers("row", ratings.user, n_users_);
      read_numbers("col", ratings.item, n_items_);
    }
    read_values(with_values);
    if (ratings.size() == first_) throw InputError(place(), "holds no ratings", "store a value for each rating");
    declare_rows(into_.users, n_users_, "user", archive_.file().path());
    declare_rows(into_.items, n_items_, "item", archive_.file().path());
    insert_ids(into_.users, ratings.user);
    insert_ids(into_.items, ratings.item);
    return format;
  }

  Position bytes() const { return archive_.file().size(); }

 private:
  Place place() const { return {archive_.file().path()}; }

  void read_shape() {
    NpyReader shape(archive_, "shape");
    if (shape.size() != 2) shape.fail("is not of two sides", "a matrix is users by items");
    std::array<std::int64_t, 2> sides{};
    shape.read(Span<std::int64_t, Host>{sides.data(), 2});
    for (const std::int64_t side : sides) {
      if (side < 0 || side > kMaxRows) {
        shape.fail(fmt::format("has {} rows or columns: 0 to {} are read", side, kMaxRows), "leave out empty ones");
      }
    }
    n_users_ = sides[0];
    n_items_ = sides[1];
  }

  /// Before memory is taken for any of them.
  void check_lengths(const std::vector<const char*>& others) const {
    const Position values = NpyReader(archive_, "data").size();
    for (const char* name : others) {
      if (NpyReader(archive_, name).size() == values) continue;
      throw InputError(place(), "has arrays of different lengths", "write it by scipy.sparse.save_npz");
    }
  }

  /// Whole numbers of 0 to limit - 1, a block at a time: memory is taken as they come, and not as a header says.
  template <class Take>
  void for_numbers(NpyReader& array, Position limit, const Take& take) {
    if (array.shape().size() != 1) array.fail("is not of one side", "write it by scipy.sparse.save_npz");
    while (array.left() > 0) {
      const Span<std::int64_t, Host> block = block_.span().part(0, std::min(kBlock, array.left()));
      array.read(block);
      for (const std::int64_t number : block) {
        if (number < 0 || number >= limit) {
          array.fail(fmt::format("has a number {}, which is not within 0 to {}", number, limit - 1),
                     "write it by scipy.sparse.save_npz");
        }
        take(number);
      }
    }
  }

  void read_numbers(const char* name, HostBuffer<RowId>& into, Position limit) {
    NpyReader array(archive_, name);
    for_numbers(array, limit, [&](std::int64_t number) { into.push_back(static_cast<RowId>(number)); });
  }

  /// indptr[r] to indptr[r + 1] are the entries of major row r.
  void read_compressed(HostBuffer<RowId>& minor, Position n_minor, HostBuffer<RowId>& major, Position n_major) {
    read_numbers("indices", minor, n_minor);
    const Position entries = minor.size() - first_;
    NpyReader ends(archive_, "indptr");
    const auto refuse = [&] {
      ends.fail("does not divide the entries into rows", "write it by scipy.sparse.save_npz");
    };
    if (ends.size() != n_major + 1) refuse();
    Position begin = 0;
    RowId row = -1;
    for_numbers(ends, entries + 1, [&](std::int64_t end) {
      if (end < begin || (row < 0 && end != 0)) refuse();
      for (; begin < end; ++begin) major.push_back(row);
      ++row;
    });
    if (begin != entries) refuse();
  }

  void read_values(bool with_values) {
    NpyReader array(archive_, "data");
    if (array.shape().size() != 1) array.fail("is not of one side", "write it by scipy.sparse.save_npz");
    HostBuffer<float> block(kBlock);
    while (array.left() > 0) {
      const Span<float, Host> some = block.span().part(0, std::min(kBlock, array.left()));
      array.read(some);
      for (const float value : some) into_.ratings.value.push_back(with_values ? value : 1);
    }
  }

  void insert_ids(IdMap& ids, HostBuffer<RowId>& rows) {
    for (Position first = first_; first < rows.size(); first += kBlock) {
      const Span<RowId, Host> part = rows.span().part(first, std::min(kBlock, rows.size() - first));
      std::copy(part.begin(), part.end(), block_.begin());
      ids.insert_integers(block_.span().part(0, part.size), part);
    }
  }

  ZipArchive archive_;
  Dataset& into_;
  Position first_;
  Position n_users_ = 0, n_items_ = 0;
  HostBuffer<std::int64_t> block_;
};

}  // namespace

ReadReport read_matrix_npz(const std::string& path, const ReadOptions& options, Dataset& into) {
  const auto start = std::chrono::steady_clock::now();
  refuse_layout_options(options, path, "a SciPy matrix");
  apply_id_kind(options, into.users);
  apply_id_kind(options, into.items);
  const bool with_values = options.need_rating && options.rating_column != "none";
  const Position first = into.ratings.size();
  ReadReport report;
  MatrixReader reader(path, into);
  report.kind = "SciPy " + reader.run(with_values);
  report.path = path;
  report.user_column = "row";
  report.item_column = "column";
  report.rating_column = options.rating_column == "none" ? "none" : "data";
  report.ratings = into.ratings.size() - first;
  Tally tally;
  for (Position n = first; n < into.ratings.size(); ++n) tally.add(into.ratings.value[n]);
  report.min_value = tally.min;
  report.max_value = tally.max;
  ThreadPool pool(1);
  report.mean_value = mean_of(std::as_const(into.ratings.value).span().part(first, report.ratings), pool);
  report.bytes = reader.bytes();
  report.hash = hash_of_file(path);
  report.seconds = seconds_since(start);
  return report;
}

}  // namespace wf
