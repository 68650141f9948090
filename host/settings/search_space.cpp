#include "host/settings/search_space.hpp"

#include "host/base/philox.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace wf {
namespace {

std::string drawn_number(const SearchRange& range, double share) {
  const bool log = range.scale == Scale::log;
  // a whole number has the half above and below it
  const double from = range.whole ? range.from - 0.5 : range.from, to = range.whole ? range.to + 0.5 : range.to;
  double value = log ? from * std::pow(to / from, share) : from + (to - from) * share;
  if (range.whole) return fmt::format("{:.0f}", std::clamp(std::round(value), range.from, range.to));
  std::string text = fmt::format("{:.4g}", value);
  const double rounded = std::strtod(text.c_str(), nullptr);
  if (rounded < range.from || rounded > range.to) text = fmt::format("{}", value);
  return text;
}

}  // namespace

std::map<std::string, std::string> drawn_settings(const std::vector<SearchRange>& space, std::uint64_t seed,
                                                  Position trial) {
  std::map<std::string, std::string> values;
  for (std::size_t n = 0; n < space.size(); ++n) {
    const SearchRange& range = space[n];
    const RandomBits bits =
        random_bits(seed, Purpose::search, static_cast<std::uint64_t>(trial), static_cast<std::uint32_t>(n));
    values[range.key] = range.choices.empty()
                            ? drawn_number(range, to_unit_double(bits.word[0], bits.word[1]))
                            : range.choices[to_index(bits.word[0], bits.word[1], range.choices.size())];
  }
  return values;
}

}  // namespace wf
