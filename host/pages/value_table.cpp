#include "host/pages/value_table.hpp"

#include "host/pages/page_format.hpp"

#include <algorithm>
#include <bit>
#include <mutex>

namespace wf {

std::size_t ValueTable::slot_in(const Slots& slots, std::uint32_t bits) {
  constexpr std::uint32_t kGolden = 0x9E3779B9;  // Knuth's multiplicative hashing
  std::size_t slot = bits * kGolden >> 22;
  while (slots[slot].used && slots[slot].bits != bits) slot = (slot + 1) % kSlots;
  return slot;
}

std::size_t ValueTable::slot_of(float value) const {
  return slot_in(slots_, std::bit_cast<std::uint32_t>(value));
}

/// In any order; stops behind kMostTableValues.
std::vector<std::uint32_t> ValueTable::distinct(Span<const float, Host> values) {
  Slots seen{};
  std::vector<std::uint32_t> found;
  for (const float value : values) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    Slot& slot = seen[slot_in(seen, bits)];
    if (slot.used) continue;
    slot = {bits, true, 0};
    found.push_back(bits);
    if (static_cast<Position>(found.size()) > kMostTableValues) break;
  }
  return found;
}

ValueTable::ValueTable(Span<const float, Host> values, ThreadPool& pool) {
  constexpr Position kChunk = 1 << 16;
  std::mutex mutex;
  std::vector<std::uint32_t> all;
  pool.for_chunks(values.size, kChunk, [&](Position begin, Position end) {
    const std::vector<std::uint32_t> found = distinct(values.part(begin, end - begin));
    const std::lock_guard<std::mutex> lock(mutex);
    if (static_cast<Position>(all.size()) > kMostTableValues) return;
    all.insert(all.end(), found.begin(), found.end());
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
  });
  if (static_cast<Position>(all.size()) > kMostTableValues) return;
  for (const std::uint32_t bits : all) values_.push_back(std::bit_cast<float>(bits));
  std::stable_sort(values_.begin(), values_.end());  // -0 and 0, which are equal, by their bits
  for (std::size_t n = 0; n < values_.size(); ++n) {
    const auto bits = std::bit_cast<std::uint32_t>(values_[n]);
    slots_[slot_in(slots_, bits)] = {bits, true, static_cast<std::uint8_t>(n)};
  }
}

}  // namespace wf
