// Words as people type them: numbers with their range, words out of a list, the nearest known word, numbers for
// reading.
#pragma once
#include "host/base/error.hpp"
#include "host/config/names.hpp"

#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace wf {

/// The known word that `word` was probably meant to be; empty when none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& known);

/// "did you mean NEAREST?", or the whole list when none is near.
std::string suggestion(std::string_view word, const std::vector<std::string>& known);

/// A whole number in low..high. Throws UsageError naming the option, the text and the range.
Position parse_whole(const std::string& option, const std::string& text, Position low, Position high);
std::uint64_t parse_seed(const std::string& option, const std::string& text);

/// The range of a real number; an open end excludes its bound. Infinite bounds are never reached: values are finite.
struct Range {
  double low;
  double high;
  bool low_open = false;
  bool high_open = false;
};
inline constexpr double kInfinite = std::numeric_limits<double>::infinity();
inline constexpr Range kAnyNumber{-kInfinite, kInfinite};
inline constexpr Range kNotNegative{0, kInfinite};
inline constexpr Range kPositive{0, kInfinite, true};
inline constexpr Range kFraction{0, 1, false, true};

/// "500M", "1.5G", "2GiB": above 0; K, M, G and T are powers of 1000, as in short_bytes, Ki, Mi, Gi and Ti of 1024.
Position parse_bytes(const std::string& option, const std::string& text);

/// "90s", "5m", "1h30m", "2.5h": above 0; a number alone is seconds.
double parse_seconds(const std::string& option, const std::string& text);

/// "[0, 1)", "from 0", "above 0"; empty: any number.
std::string range_text(const Range& range);

double parse_number(const std::string& option, const std::string& text, const Range& range);

template <class Enum>
std::vector<std::string> words_of() {
  std::vector<std::string> words;
  words.reserve(std::size(Names<Enum>::table));
  for (const auto& [word, value] : Names<Enum>::table) words.emplace_back(word);
  return words;
}

[[noreturn]] void refuse_word(const std::string& option, const std::string& text,
                              const std::vector<std::string>& known);

template <class Enum>
Enum parse_word(const std::string& option, const std::string& text) {
  if (const auto value = from_name<Enum>(text)) return *value;
  refuse_word(option, text, words_of<Enum>());
}

std::string join(const std::vector<std::string>& words, std::string_view between);
std::string grouped(Position count);                ///< 20,000,263
std::string short_count(double value);              ///< 412 M, 3.2 k
std::string short_seconds(double seconds);          ///< 0.4 s, 3 min 20 s
std::string plural(Position n, const char* thing);  ///< "1 rating", "2,000 ratings"

/// "a,b" between commas: "a", "b"; of nothing, one empty word.
std::vector<std::string> split(const std::string& text, char between);

/// The same as a word that a shell takes as one.
std::string shell_word(const std::string& text);

}  // namespace wf
