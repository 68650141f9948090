#include "tests/support/npz.hpp"

#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string_view>

namespace wf::test {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error("npz: " + what);
}

template <class T>
T value_at(std::string_view bytes, std::size_t place) {
  if (place > bytes.size() || bytes.size() - place < sizeof(T)) fail("truncated");
  T value;
  std::memcpy(&value, bytes.data() + place, sizeof(T));
  return value;
}

/// `count` bytes from `place`, all of them there.
std::string_view part(std::string_view bytes, std::size_t place, std::size_t count) {
  if (place > bytes.size() || bytes.size() - place < count) fail("truncated");
  return bytes.substr(place, count);
}

std::size_t after(std::string_view header, std::string_view key) {
  const std::size_t place = header.find(key);
  if (place == std::string_view::npos) fail("header without " + std::string(key));
  return place + key.size();
}

std::string quoted_after(std::string_view header, std::string_view key) {
  const std::size_t start = header.find('\'', after(header, key));
  if (start == std::string_view::npos) fail("bad header");
  const std::size_t end = header.find('\'', start + 1);
  if (end == std::string_view::npos) fail("bad header");
  return std::string(header.substr(start + 1, end - start - 1));
}

/// "(37, 20)", "(400,)" or "()"; sizes up to nine digits.
std::vector<std::int64_t> shape_of(std::string_view header) {
  const std::size_t open = header.find('(', after(header, "'shape':"));
  if (open == std::string_view::npos) fail("bad shape");
  const std::size_t close = header.find(')', open);
  if (close == std::string_view::npos) fail("bad shape");
  std::vector<std::int64_t> shape;
  std::string digits;
  for (const char c : header.substr(open + 1, close - open)) {
    if (c >= '0' && c <= '9' && digits.size() < 9) {
      digits += c;
    } else if (c == ',' || c == ')') {
      if (!digits.empty()) shape.push_back(std::stoll(digits));
      digits.clear();
    } else if (c != ' ') {
      fail("bad shape");
    }
  }
  return shape;
}

template <class T>
void take_values(Array& array, std::string_view data, std::size_t count) {
  if (data.size() / sizeof(T) != count || data.size() % sizeof(T) != 0) fail("shape and size of the values disagree");
  for (std::size_t n = 0; n < count; ++n) {
    array.values.push_back(static_cast<double>(value_at<T>(data, n * sizeof(T))));
  }
}

void take_text(Array& array, std::string_view data) {
  for (std::size_t place = 0; place < data.size(); place += 4) {
    const auto letter = value_at<std::uint32_t>(data, place);
    if (letter > 127) fail("text beyond ASCII");
    if (letter != 0) array.text += static_cast<char>(letter);
  }
}

Array parse_npy(std::string_view bytes) {
  if (bytes.substr(0, 8) != std::string_view("\x93NUMPY\x01\x00", 8)) fail("not an .npy of version 1.0");
  const std::size_t header_bytes = value_at<std::uint16_t>(bytes, 8);
  const std::string_view header = part(bytes, 10, header_bytes);
  const std::string_view data = bytes.substr(10 + header_bytes);
  if (header.find("'fortran_order': False") == std::string_view::npos) fail("not in C order");
  Array array;
  array.shape = shape_of(header);
  std::size_t count = 1;
  for (const std::int64_t size : array.shape) {
    if (count > bytes.size()) fail("more values than the file has bytes");  // before a product can overflow
    count *= static_cast<std::size_t>(size);
  }
  const std::string type = quoted_after(header, "'descr'");
  if (type == "<i8") {
    take_values<std::int64_t>(array, data, count);
  } else if (type == "<f4") {
    take_values<float>(array, data, count);
  } else if (type == "<f8") {
    take_values<double>(array, data, count);
  } else if (type == "<U" + std::to_string(data.size() / 4) && array.shape.empty()) {
    take_text(array, data);
  } else {
    fail("unknown type " + type);
  }
  return array;
}

}  // namespace

std::map<std::string, Array> read_npz(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail("cannot open " + path);
  const std::string content((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const std::string_view bytes(content);
  // sizes stand in the central directory; local headers may leave them open
  const std::size_t end = bytes.rfind(std::string_view("PK\x05\x06", 4));
  if (end == std::string_view::npos) fail("not a zip archive: " + path);
  std::map<std::string, Array> arrays;
  std::size_t entry = value_at<std::uint32_t>(bytes, end + 16);
  for (int n = value_at<std::uint16_t>(bytes, end + 10); n > 0; --n) {
    if (value_at<std::uint32_t>(bytes, entry) != 0x02014B50) fail("bad directory");
    if (value_at<std::uint16_t>(bytes, entry + 10) != 0) fail("compressed; numpy.savez stores");
    const std::size_t size = value_at<std::uint32_t>(bytes, entry + 24);
    const std::size_t name_bytes = value_at<std::uint16_t>(bytes, entry + 28);
    const std::size_t local = value_at<std::uint32_t>(bytes, entry + 42);
    const std::string name(part(bytes, entry + 46, name_bytes));
    const std::size_t data =
        local + 30 + value_at<std::uint16_t>(bytes, local + 26) + value_at<std::uint16_t>(bytes, local + 28);
    if (name.size() < 4 || name.substr(name.size() - 4) != ".npy") fail("not an .npy: " + name);
    const Array array = parse_npy(part(bytes, data, size));
    if (!arrays.emplace(name.substr(0, name.size() - 4), array).second) fail("twice: " + name);
    entry += 46 + name_bytes + value_at<std::uint16_t>(bytes, entry + 30) + value_at<std::uint16_t>(bytes, entry + 32);
  }
  return arrays;
}

}  // namespace wf::test
