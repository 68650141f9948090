#include "host/api/checkpoint_sums.hpp"

#include "host/base/error.hpp"
#include "host/base/hash.hpp"
#include "host/model/safetensors.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

namespace wf {
namespace {

constexpr Position kPiece = Position{4} << 20;
constexpr Position kSum = sizeof(std::uint64_t);

Position pieces_of(Position data_bytes) {
  return data_bytes / kPiece + (data_bytes % kPiece > 0 ? 1 : 0);
}

std::uint64_t hash_of_head(const std::string& head, Span<const std::uint64_t, Host> pieces) {
  Hash hash;
  hash.add(head.data(), static_cast<Position>(head.size()));
  hash.add(pieces.data, pieces.size * kSum);
  return hash.value();
}

/// Head and data of a file; nothing: no file of so many bytes has them.
struct Halves {
  Position head, data;
};
std::optional<Halves> halves_of(const DiskFile& file) {
  std::uint64_t length = 0;
  if (file.size() < Position{sizeof(length)} + kSum) return std::nullopt;
  file.read_at(0, &length, sizeof(length));
  const Position behind = file.size() - Position{sizeof(length)} - kSum;  // rest of the head, data, sums of pieces
  if (length > static_cast<std::uint64_t>(std::min(behind, kLargestHeader))) return std::nullopt;
  const Position rest = behind - static_cast<Position>(length);
  const Position pieces = rest / (kPiece + kSum) + (rest % (kPiece + kSum) > 0 ? 1 : 0);
  const Position data = rest - pieces * kSum;
  if (data < 0 || pieces_of(data) != pieces) return std::nullopt;
  return Halves{Position{sizeof(length)} + static_cast<Position>(length), data};
}

}  // namespace

Position count_of_sums(Position data_bytes) {
  return pieces_of(data_bytes) + 1;
}

HostBuffer<std::uint64_t> sums_of_share(const Ranks& ranks, Position head_bytes, Position data_bytes,
                                        const ReadAt& read_at) {
  const Position pieces = pieces_of(data_bytes);
  const auto first_of = [&](int rank) { return pieces * rank / ranks.size(); };
  const Position first = first_of(ranks.rank()), end = first_of(ranks.rank() + 1);
  HostBuffer<std::uint64_t> share(end - first);
  HostBuffer<char> piece(std::min(data_bytes, kPiece));
  for (Position n = first; n < end; ++n) {
    const Position begin = n * kPiece, bytes = std::min(kPiece, data_bytes - begin);
    read_at(head_bytes + begin, piece.data(), bytes);
    Hash hash;
    hash.add(piece.data(), bytes);
    share[n - first] = hash.value();
  }
  return share;
}

HostBuffer<std::uint64_t> all_sums(Ranks& ranks, const std::string& head, const HostBuffer<std::uint64_t>& share) {
  HostBuffer<std::uint64_t> sums = ranks.gather(share.span());
  sums.push_back(hash_of_head(head, std::as_const(sums).span()));
  return sums;
}

bool sums_are_right(Ranks& ranks, const DiskFile& file) {
  const std::optional<Halves> halves = halves_of(file);
  std::uint64_t last = 0;  // of all of it, but for damage
  if (halves) file.read_at(file.size() - kSum, &last, kSum);
  const Position mine[] = {file.size(), static_cast<Position>(last)};
  const HostBuffer<Position> files = ranks.gather(Span<const Position, Host>{mine, 2});
  for (Position n = 2; n < files.size(); ++n) {
    if (files[n] == files[n % 2]) continue;
    throw InputError({file.path()}, "is another file for each of several processes",
                     "let all see the same folder, and no other training write to it");
  }
  if (!halves) return false;
  std::string head(static_cast<std::size_t>(halves->head), '\0');
  file.read_at(0, head.data(), halves->head);
  HostBuffer<std::uint64_t> written(count_of_sums(halves->data));
  file.read_at(halves->head + halves->data, written.data(), written.size() * kSum);
  // before the data, so that a damaged head costs little
  const Span<const std::uint64_t, Host> of_pieces = std::as_const(written).span().part(0, written.size() - 1);
  if (ranks.any(last != hash_of_head(head, of_pieces))) return false;
  const auto read_at = [&](Position place, void* into, Position bytes) { file.read_at(place, into, bytes); };
  const HostBuffer<std::uint64_t> sums =
      all_sums(ranks, head, sums_of_share(ranks, halves->head, halves->data, read_at));
  return !ranks.any(!std::equal(sums.begin(), sums.end(), written.begin(), written.end()));
}

}  // namespace wf
