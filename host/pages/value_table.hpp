// Values as indices of one byte: most ratings are a few steps of a scale.
#pragma once
#include "host/base/thread_pool.hpp"
#include "host/base/view.hpp"

#include <array>
#include <vector>

namespace wf {

class ValueTable {
 public:
  /// The distinct values of `values`, by their bits, ascending; empty where there are more than kMostTableValues.
  ValueTable(Span<const float, Host> values, ThreadPool& pool);

  const std::vector<float>& values() const { return values_; }
  bool empty() const { return values_.empty(); }
  /// Of a value that is in the table.
  std::uint8_t index_of(float value) const { return slots_[slot_of(value)].index; }

 private:
  struct Slot {
    std::uint32_t bits = 0;
    bool used = false;
    std::uint8_t index = 0;
  };
  static constexpr std::size_t kSlots = 1024;  // four times what it holds at most: a look-up is one comparison
  using Slots = std::array<Slot, kSlots>;

  static std::size_t slot_in(const Slots& slots, std::uint32_t bits);
  std::size_t slot_of(float value) const;
  static std::vector<std::uint32_t> distinct(Span<const float, Host> values);

  Slots slots_{};
  std::vector<float> values_;
};

}  // namespace wf
