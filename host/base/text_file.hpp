// Text on its way to a file that is replaced whole.
#pragma once
#include "host/base/atomic_file.hpp"

#include <array>
#include <charconv>
#include <string>
#include <string_view>

namespace wf {

/// An AtomicFile that is written by the megabyte. Throws what that throws.
class TextFile {
 public:
  explicit TextFile(const std::string& path) : file_(path) {}

  TextFile& operator<<(std::string_view text) {
    text_ += text;
    if (text_.size() >= kAtOnce) flush();
    return *this;
  }
  /// In the fewest digits that are read as the same number.
  template <class Number>
  TextFile& number(Number value) {
    std::array<char, 32> text{};
    const auto result = std::to_chars(text.data(), text.data() + text.size(), value);
    return *this << std::string_view(text.data(), static_cast<std::size_t>(result.ptr - text.data()));
  }
  void commit() {
    flush();
    file_.commit();
  }

 private:
  static constexpr std::size_t kAtOnce = 1 << 20;
  void flush() {
    file_.write(text_.data(), static_cast<Position>(text_.size()));
    text_.clear();
  }

  AtomicFile file_;
  std::string text_;
};

}  // namespace wf
