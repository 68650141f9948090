#include "host/readers/npy_reader.hpp"

#include "host/base/error.hpp"
#include "host/base/shown.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

namespace wf {
namespace {

constexpr const char* kCopyAgain = "copy the file again; it is damaged";
constexpr Position kLongestHeader = 1 << 16;
constexpr int kWidestText = 64;  // bytes; the names of formats are short

const ZipEntry& entry_of(const ZipArchive& archive, const std::string& name) {
  const ZipEntry* const entry = archive.find(name + ".npy");
  if (entry != nullptr) return *entry;
  throw InputError(Place{archive.file().path()}, "has no array " + name, "write it by scipy.sparse.save_npz");
}

/// What stands behind 'key': in the literal of a dictionary; empty: there is no such key.
std::string_view value_of(std::string_view header, std::string_view key) {
  const std::string quoted = "'" + std::string(key) + "':";
  const std::size_t place = header.find(quoted);
  if (place == std::string_view::npos) return {};
  header.remove_prefix(place + quoted.size());
  header.remove_prefix(std::min(header.find_first_not_of(' '), header.size()));
  return header;
}

template <class T>
T value_at(const char* bytes, Position n) {
  T value{};
  std::memcpy(&value, bytes + n * Position{sizeof(T)}, sizeof(T));
  return value;
}

/// f(T{}) with the type of the values; false: they are no numbers that are read.
template <class F>
bool with_type(char kind, int width, const F& f) {
  const auto is = [&](char k, int w) { return kind == k && width == w; };
  if (is('f', 4)) return f(float{}), true;
  if (is('f', 8)) return f(double{}), true;
  if (is('i', 1)) return f(std::int8_t{}), true;
  if (is('i', 2)) return f(std::int16_t{}), true;
  if (is('i', 4)) return f(std::int32_t{}), true;
  if (is('i', 8)) return f(std::int64_t{}), true;
  if (is('u', 1) || is('b', 1)) return f(std::uint8_t{}), true;
  if (is('u', 2)) return f(std::uint16_t{}), true;
  if (is('u', 4)) return f(std::uint32_t{}), true;
  if (is('u', 8)) return f(std::uint64_t{}), true;
  return false;
}

bool is_number(char kind, int width) {
  return with_type(kind, width, [](auto) {});
}

}  // namespace

NpyReader::NpyReader(const ZipArchive& archive, const std::string& name)
    : archive_(archive), name_(name), bytes_(archive, entry_of(archive, name)) {
  read_header();
}

void NpyReader::fail(const std::string& what, const std::string& cure) const {
  throw InputError(Place{archive_.file().path()}, "its array " + name_ + " " + what, cure);
}

void NpyReader::read_header() {
  std::array<char, 8> magic{};
  if (bytes_.left() < 12) fail("is none of NumPy's", kCopyAgain);
  bytes_.read(magic.data(), 8);
  const bool is_known = std::memcmp(magic.data(), "\x93NUMPY", 6) == 0 && magic[6] >= 1 && magic[6] <= 3;
  if (!is_known) fail("is none of NumPy's, or of a newer version", kCopyAgain);
  std::uint32_t length = 0;
  bytes_.read(&length, magic[6] == 1 ? 2 : 4);
  if (length > bytes_.left() || length > kLongestHeader) fail("has a header that is too long", kCopyAgain);
  std::string header(length, '\0');
  bytes_.read(header.data(), length);
  parse(header);
  Position total = 0;
  if (__builtin_mul_overflow(size_, Position{width_}, &total) || total != bytes_.left())
    fail("has another number of values than its shape says", kCopyAgain);
  left_ = size_;
}

void NpyReader::parse(std::string_view header) {
  const std::string_view type = value_of(header, "descr"), shape = value_of(header, "shape");
  const std::size_t end = type.empty() ? std::string_view::npos : type.find(type.front(), 1);
  if (type.empty() || (type.front() != '\'' && type.front() != '"') || end == std::string_view::npos || end < 4)
    fail("has a type that is not read", "write it by scipy.sparse.save_npz");
  const std::string_view word = type.substr(1, end - 1);  // "<f4"
  if (word[0] == '>') {
    fail("is big-endian, " + shown(word), fmt::format("matrix.data = matrix.data.astype(\"<{}\")", word.substr(1)));
  }
  kind_ = word[1];
  const auto [stop, error] = std::from_chars(word.data() + 2, word.data() + word.size(), width_);
  if (error != std::errc{} || stop != word.data() + word.size() || width_ < 1 || width_ > 1 << 20)
    fail("has a type that is not read: " + shown(word), "matrix.data = matrix.data.astype(\"f4\")");
  if (kind_ == 'U') width_ *= 4;
  parse_shape(shape);
}

void NpyReader::parse_shape(std::string_view text) {
  if (text.empty() || text.front() != '(') fail("has no shape", kCopyAgain);
  size_ = 1;
  const char* at = text.data() + 1;
  const char* const end = text.data() + text.size();
  const auto skip = [&](std::string_view some) {
    while (at != end && some.find(*at) != std::string_view::npos) ++at;
  };
  for (skip(" "); at != end && *at != ')'; skip(", ")) {
    Position& length = shape_.emplace_back(-1);
    const auto [stop, error] = std::from_chars(at, end, length);
    if (error != std::errc{} || length < 0 || shape_.size() > 32) fail("has a shape that is none", kCopyAgain);
    if (__builtin_mul_overflow(size_, length, &size_)) fail("has a shape that no file fills", kCopyAgain);
    at = stop;
    if (at != end && *at != ',' && *at != ')') fail("has a shape that is none", kCopyAgain);
  }
  if (at == end) fail("has a shape that does not end", kCopyAgain);
}

/// The bytes of the next `count` values, until the next call.
const char* NpyReader::next_bytes(Position count) {
  if (count > left_) fail("has fewer values than another array of the matrix", "write it by scipy.sparse.save_npz");
  raw_.resize(static_cast<std::size_t>(count * width_));
  bytes_.read(raw_.data(), count * width_);
  left_ -= count;
  return raw_.data();
}

void NpyReader::read(Span<std::int64_t, Host> into) {
  if (kind_ == 'f' || !is_number(kind_, width_))
    fail("does not hold whole numbers", "scipy.sparse.save_npz writes them");
  const char* const bytes = next_bytes(into.size);
  with_type(kind_, width_, [&](auto zero) {
    for (Position n = 0; n < into.size; ++n) into[n] = static_cast<std::int64_t>(+value_at<decltype(zero)>(bytes, n));
  });
}

void NpyReader::read(Span<float, Host> into) {
  if (!is_number(kind_, width_)) {
    fail(fmt::format("has a type that is not read: {}{}", kind_, width_), "matrix.data = matrix.data.astype(\"f4\")");
  }
  const Position first = size_ - left_;
  const char* const bytes = next_bytes(into.size);
  with_type(kind_, width_, [&](auto zero) {
    for (Position n = 0; n < into.size; ++n) {
      const auto value = value_at<decltype(zero)>(bytes, n);
      if constexpr (std::is_floating_point_v<decltype(zero)>) {
        if (!std::isfinite(value) || std::abs(value) > std::numeric_limits<float>::max()) {
          fail(fmt::format("has a value {} at {}, which is no finite 32-bit float", value, first + n),
               "take such ratings out of the matrix");
        }
      }
      into[n] = static_cast<float>(value);
    }
  });
}

std::string NpyReader::read_text() {
  const bool is_text = (kind_ == 'S' || kind_ == 'U') && size_ == 1 && width_ <= kWidestText;
  if (!is_text) fail("is no short text", "write it by scipy.sparse.save_npz");
  const char* const bytes = next_bytes(1);
  const int step = kind_ == 'U' ? 4 : 1;
  std::string text;
  for (int at = 0; at < width_ && bytes[at] != 0; at += step) {
    const bool is_ascii = bytes[at] > 0x1F && (step == 1 || (bytes[at + 1] | bytes[at + 2] | bytes[at + 3]) == 0);
    text += is_ascii ? bytes[at] : '?';
  }
  return text;
}

}  // namespace wf
