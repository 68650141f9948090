// Ratings as text, plain or compressed, as a matrix and as an archive: which, the reader tells by the bytes. The last
// byte chooses its options.
#include "host/readers/byte_source.hpp"
#include "host/readers/read_ratings.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace {

using namespace wf;

ReadOptions options_of(unsigned way) {
  ReadOptions options;
  options.skip_bad = (way & 1) != 0;
  options.timestamps = (way & 2) != 0;
  options.lists = (way & 4) != 0;
  options.need_rating = (way & 8) == 0;
  if ((way & 16) != 0) options.ids = IdKind::strings;
  if ((way & 32) != 0) options.header = false;
  options.threads = (way & 64) != 0 ? 2 : 1;
  return options;
}

/// What a compressed text of `size` bytes comes to, as far as it can be unpacked, and `size` of anything else.
std::size_t unpacked_bytes(const std::string& path, std::size_t size) {
  std::size_t bytes = 0;
  try {
    ByteSource source(path);
    // a frame may ask for a window of 128 MB, whatever it holds: RFC 8878, 3.1.1.1.2
    if (source.compression() == "zstd") bytes += (std::size_t{136} << 20) / fuzz::kPerByte;
    std::vector<char> part(1 << 16);
    while (const Position count = source.read(part.data(), static_cast<Position>(part.size()))) {
      bytes += static_cast<std::size_t>(count);
    }
  } catch (const Error&) {  // the reader under test says why
  }
  return std::max(bytes, size);
}

/// A rating has a user and an item that have ids, and a value that is a number.
void check(const Dataset& data, const ReadReport& report) {
  const Ratings& ratings = data.ratings;
  fuzz::require(report.ratings == ratings.size() && ratings.size() > 0);
  for (Position n = 0; n < ratings.size(); ++n) {
    fuzz::require(ratings.user[n] >= 0 && ratings.user[n] < data.users.size());
    fuzz::require(ratings.item[n] >= 0 && ratings.item[n] < data.items.size());
    fuzz::require(std::isfinite(ratings.value[n]));
  }
  fuzz::require(data.timestamps.empty() || data.timestamps.size() == ratings.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return -1;
  const fuzz::MemoryFile file(data, size - 1);
  fuzz::read_or_refuse(unpacked_bytes(file.path(), size), [&] {
    Dataset into;
    const ReadReport report = read_ratings(file.path(), options_of(data[size - 1]), into);
    check(into, report);
  });
  return 0;
}
