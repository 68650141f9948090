// A number as text that gives its bits back.
#pragma once
#include <array>
#include <charconv>
#include <string>

namespace wf {

/// The shortest text that is read as the same number; infinities and NaN as well.
template <class Real>
std::string round_trip(Real value) {
  std::array<char, 32> text{};
  const auto result = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), result.ptr};
}

}  // namespace wf
