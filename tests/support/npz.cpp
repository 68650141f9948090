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
  if (place + sizeof(T) > bytes.size()) fail("truncated");
  T value;
  std::memcpy(&value, bytes.data() + place, sizeof(T));
  return value;
}

std::string quoted_after(std::string_view header, std::string_view key) {
  const std::size_t start = header.find('\'', header.find(key) + key.size());
  const std::size_t end = header.find('\'', start + 1);
  if (end == std::string_view::npos) fail("bad header");
  return std::string(header.substr(start + 1, end - start - 1));
}

std::vector<std::int64_t> shape_of(std::string_view header) {
  const std::size_t open = header.find('(', header.find("'shape'"));
  const std::size_t close = header.find(')', open);
  if (close == std::string_view::npos) fail("bad shape");
  std::vector<std::int64_t> shape;
  std::string digits;
  for (const char c : header.substr(open, close - open + 1)) {
    if (c >= '0' && c <= '9') {
      digits += c;
    } else if (!digits.empty()) {
      shape.push_back(std::stoll(digits));
      digits.clear();
    }
  }
  return shape;
}

template <class T>
void take_values(Array& array, std::string_view data, std::int64_t count) {
  for (std::int64_t n = 0; n < count; ++n) {
    array.values.push_back(static_cast<double>(value_at<T>(data, static_cast<std::size_t>(n) * sizeof(T))));
  }
}

Array parse_npy(std::string_view bytes) {
  if (bytes.substr(0, 8) != std::string_view("\x93NUMPY\x01\x00", 8)) fail("not an .npy of version 1.0");
  const std::size_t header_bytes = value_at<std::uint16_t>(bytes, 8);
  const std::string_view header = bytes.substr(10, header_bytes);
  const std::string_view data = bytes.substr(10 + header_bytes);
  if (header.find("'fortran_order': False") == std::string_view::npos) fail("not in C order");
  Array array;
  array.shape = shape_of(header);
  std::int64_t count = 1;
  for (const std::int64_t size : array.shape) count *= size;
  const std::string type = quoted_after(header, "'descr'");
  if (type == "<i8") {
    take_values<std::int64_t>(array, data, count);
  } else if (type == "<f4") {
    take_values<float>(array, data, count);
  } else if (type == "<f8") {
    take_values<double>(array, data, count);
  } else if (type.substr(0, 2) == "<U" && array.shape.empty()) {
    for (std::size_t n = 0; n < std::stoul(type.substr(2)); ++n) {
      const auto letter = value_at<std::uint32_t>(data, 4 * n);
      if (letter > 127) fail("text beyond ASCII");
      if (letter != 0) array.text += static_cast<char>(letter);
    }
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
    std::string name(bytes.substr(entry + 46, name_bytes));
    const std::size_t data =
        local + 30 + value_at<std::uint16_t>(bytes, local + 26) + value_at<std::uint16_t>(bytes, local + 28);
    if (data + size > bytes.size()) fail("truncated");
    if (name.size() < 4 || name.substr(name.size() - 4) != ".npy") fail("not an .npy: " + name);
    arrays[name.substr(0, name.size() - 4)] = parse_npy(bytes.substr(data, size));
    entry += 46 + name_bytes + value_at<std::uint16_t>(bytes, entry + 30) + value_at<std::uint16_t>(bytes, entry + 32);
  }
  return arrays;
}

}  // namespace wf::test
