#include "host/readers/text_part.hpp"

#include "host/base/hash.hpp"
#include "host/ranks/shared_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <iterator>

namespace wf {
namespace {

/// The first line that begins at `place` or behind it.
Position line_begin(const ByteSource& source, Position place) {
  const Position size = source.file_size();
  HostBuffer<char> text(std::min(kLongestLine + 2, size - place + 1));
  source.read_at(place - 1, text.data(), text.size());
  const void* const line_feed = std::memchr(text.data(), '\n', static_cast<std::size_t>(text.size()));
  if (line_feed == nullptr) return size;
  return place + (static_cast<const char*>(line_feed) - text.data());
}

Position cut(const ByteSource& source, Position body, int rank, int ranks) {
  if (rank == 0) return 0;
  const Position share = checked_product(source.file_size() - body, rank) / ranks;
  return share == 0 ? body : line_begin(source, body + share);
}

std::uint64_t hash_of_start(const ByteSource& source) {
  std::string start(static_cast<std::size_t>(std::min<Position>(source.file_size(), 1 << 16)), '\0');
  source.read_at(0, start.data(), static_cast<Position>(start.size()));
  Hash hash;
  hash.add(start.data(), static_cast<Position>(start.size()));
  return hash.value();
}

/// The last rank's end of the hash.
std::uint64_t finished(const HashOfPart::State& state, const ByteSource& source) {
  const Position total = source.file_size(), begin = HashOfPart::tail_begin(total);
  std::string tail(static_cast<std::size_t>(total - begin), '\0');
  source.read_at(begin, tail.data(), total - begin);
  return HashOfPart::finish(state, tail, total);
}

}  // namespace

TextPart part_of(const ByteSource& source, Position body, const Ranks& ranks) {
  return {cut(source, body, ranks.rank(), ranks.size()), cut(source, body, ranks.rank() + 1, ranks.size())};
}

std::string hash_of_all(const ByteSource& source, Ranks& ranks) {
  HashOfPart::State state = HashOfPart::begin();
  const Span<HashOfPart::State, Host> travels{&state, 1};
  if (ranks.rank() > 0) ranks.start_receive(ranks.rank() - 1, writable_bytes_of(travels))->wait();
  state = source.part_hash().joined(state);
  const int last = ranks.size() - 1;
  std::uint64_t hash = 0;
  if (ranks.rank() < last) {
    ranks.start_send(ranks.rank() + 1, bytes_of(Span<const HashOfPart::State, Host>(travels)))->wait();
  }
  on_all(ranks, [&] {
    if (ranks.rank() == last) hash = finished(state, source);
  });
  ranks.broadcast(last, Span<std::uint64_t, Host>{&hash, 1});
  return hash_text(hash);
}

void check_same_file(const LineReader& lines, Ranks& ranks) {
  std::int64_t mine[] = {lines.source().file_size(), lines.place(), 0};
  on_all(ranks, [&] { mine[2] = static_cast<std::int64_t>(hash_of_start(lines.source())); });
  const HostBuffer<std::int64_t> all = ranks.gather(Span<const std::int64_t, Host>{mine, std::size(mine)});
  for (Position n = 0; n < all.size(); ++n) {
    if (all[n] == all[n % 3]) continue;
    throw InputError(Place{lines.name()},
                     fmt::format("is one file in process 0, of {} bytes, and another in process {}, of {}", all[0],
                                 n / 3, all[n / 3 * 3]),
                     "give all processes the same file");
  }
}

}  // namespace wf
