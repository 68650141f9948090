// The page file as it lies on disk: docs/formats.md has the same as a table. Little-endian, 64-bit offsets.
#pragma once
#include "host/base/types.hpp"

#include <bit>
#include <cstddef>
#include <type_traits>

namespace wf {

static_assert(std::endian::native == std::endian::little, "the file is little-endian and copied as it is");

/// No text begins so, and a copy that changes line ends changes it.
inline constexpr char kPageMagic[8] = {'\x89', 'W', 'F', 'R', '\r', '\n', '\x1A', '\n'};
inline constexpr std::uint32_t kPageVersion = 1;
inline constexpr Position kPageAlignment = 64;         ///< of every section and page; the gaps are zeros
inline constexpr Position kMostTableValues = 256;      ///< an index of one byte
inline constexpr std::uint64_t kPageSeed = 42;         ///< of the cuts into ranges
inline constexpr Position kLargestMetadata = 2 << 20;  ///< as JSON in memory up to 24 times as much

/// A part of the file before the pages. Its hash, XXH3-64, covers the zeros up to the next section as well.
struct PageSection {
  Position offset = 0, bytes = 0;
  std::uint64_t hash = 0;
};

struct PageHeader {
  char magic[8] = {};
  std::uint32_t version = 0;
  std::uint32_t grid = 0;   ///< G: the pages are the blocks of a G x G grid, user range major
  std::uint64_t seed = 0;   ///< of its ranges
  Position file_bytes = 0;  ///< of the whole file
  Position ratings = 0;
  Position n_users = 0, n_items = 0;
  std::uint32_t user_kind = 0, item_kind = 0;  ///< 0 rows, 1 integers, 2 strings
  PageSection metadata;                        ///< JSON: what the pages were made from
  PageSection user_ids, item_ids;  ///< rows: empty; integers: int64[n]; strings: int64[n + 1] offsets, bytes
  PageSection values;              ///< float[<= 256], ascending; empty: pages hold floats
  PageSection directory;           ///< PageEntry[G * G]
  std::uint64_t hash = 0;          ///< of what stands before it
};
static_assert(sizeof(PageHeader) == 192 && std::is_trivially_copyable_v<PageHeader>);

/// A page: user rows uint32[segments], their counts uint32[segments], item rows uint32[ratings], and values: uint8
/// indices into the table, or floats.
struct PageEntry {
  Position offset = 0;
  Position ratings = 0;
  Position segments = 0;   ///< users of the page
  std::uint64_t hash = 0;  ///< of its bytes and the zeros behind them
};
static_assert(sizeof(PageEntry) == 32);

inline Position padded(Position bytes) {
  return (bytes + kPageAlignment - 1) / kPageAlignment * kPageAlignment;
}

/// Where the arrays of a page begin, in bytes from its own begin.
struct PageShape {
  Position counts, items, values, bytes, padded;

  PageShape(Position ratings, Position segments, Position value_bytes)
      : counts(4 * segments),
        items(8 * segments),
        values(items + 4 * ratings),
        bytes(values + value_bytes * ratings),
        padded(wf::padded(bytes)) {}
};

}  // namespace wf
