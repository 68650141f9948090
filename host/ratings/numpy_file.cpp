#include "host/ratings/numpy_file.hpp"

#include "host/base/append_bytes.hpp"
#include "host/base/error.hpp"
#include "host/base/shown.hpp"
#include "host/base/utf8.hpp"
#include "host/ratings/id_map.hpp"

#include <zlib.h>

#include <algorithm>
#include <utility>

namespace wf {
namespace {

/// What stands before the values: magic, version, and a Python literal that ends with a newline at a multiple of 64.
std::string npy_header(const NumpyArray& array) {
  std::string shape;
  for (const std::int64_t size : array.shape) shape += std::to_string(size) + ", ";
  if (array.shape.size() > 1) shape.resize(shape.size() - 2);
  if (array.shape.size() == 1) shape.resize(shape.size() - 1);
  std::string text = "{'descr': '" + array.type + "', 'fortran_order': False, 'shape': (" + shape + "), }";
  constexpr std::size_t kBefore = 10, kAlignment = 64;
  const std::size_t whole = (kBefore + text.size() + 1 + kAlignment - 1) / kAlignment * kAlignment;
  text.resize(whole - kBefore - 1, ' ');
  text += '\n';
  std::string header("\x93NUMPY\x01\x00", 8);
  append_bytes(header, static_cast<std::uint16_t>(text.size()));
  return header + text;
}

/// A text's characters. `valid` becomes false where it is no UTF-8.
std::u32string characters_of(std::string_view text, bool& valid) {
  std::u32string characters;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) {
      valid = false;
      return {};
    }
    characters += utf8_character(text.substr(0, length));
    text.remove_prefix(length);
  }
  return characters;
}

std::uint32_t checksum(std::uint32_t sum, const void* data, Position bytes) {
  return static_cast<std::uint32_t>(crc32_z(sum, static_cast<const Bytef*>(data), static_cast<z_size_t>(bytes)));
}

/// One file of the archive. APPNOTE.TXT 6.3, sections 4.3.7, 4.3.12 and 4.5.3; 1980-01-01 is the earliest date it has.
struct Entry {
  std::string name;
  std::uint32_t sum = 0;
  std::uint64_t bytes = 0, offset = 0;

  bool is_large() const { return bytes >= 0xFFFFFFFF || offset >= 0xFFFFFFFF; }

  std::string record(bool in_directory) const {
    std::string extra;
    if (is_large()) {
      append_bytes(extra, std::uint16_t{1});  // ZIP64
      append_bytes(extra, static_cast<std::uint16_t>(in_directory ? 24 : 16));
      append_bytes(extra, bytes);
      append_bytes(extra, bytes);
      if (in_directory) append_bytes(extra, offset);
    }
    const auto version = static_cast<std::uint16_t>(is_large() ? 45 : 20);
    const std::uint32_t size = is_large() ? 0xFFFFFFFF : static_cast<std::uint32_t>(bytes);
    std::string text;
    append_bytes(text, in_directory ? std::uint32_t{0x02014B50} : std::uint32_t{0x04034B50});
    if (in_directory) append_bytes(text, version);
    append_bytes(text, version);
    for (const int value : {0, 0, 0, 0x21})
      append_bytes(text, static_cast<std::uint16_t>(value));  // no flags, stored, time, date
    append_bytes(text, sum);
    append_bytes(text, size);
    append_bytes(text, size);
    append_bytes(text, static_cast<std::uint16_t>(name.size()));
    append_bytes(text, static_cast<std::uint16_t>(extra.size()));
    if (in_directory) {
      for (int n = 0; n < 3; ++n) append_bytes(text, std::uint16_t{0});  // comment, disk, attributes
      append_bytes(text, std::uint32_t{0600U << 16});
      append_bytes(text, is_large() ? 0xFFFFFFFF : static_cast<std::uint32_t>(offset));
    }
    return text + name + extra;
  }
};

/// Sections 4.3.14 to 4.3.16.
std::string end_of(std::size_t entries, std::uint64_t offset, std::uint64_t bytes) {
  std::string text;
  const bool large = offset + bytes >= 0xFFFFFFFF;
  if (large) {
    append_bytes(text, std::uint32_t{0x06064B50});
    append_bytes(text, std::uint64_t{44});
    append_bytes(text, std::uint16_t{45});
    append_bytes(text, std::uint16_t{45});
    append_bytes(text, std::uint64_t{0});  // disks
    append_bytes(text, std::uint64_t{entries});
    append_bytes(text, std::uint64_t{entries});
    append_bytes(text, bytes);
    append_bytes(text, offset);
    append_bytes(text, std::uint32_t{0x07064B50});
    append_bytes(text, std::uint32_t{0});
    append_bytes(text, offset + bytes);
    append_bytes(text, std::uint32_t{1});
  }
  append_bytes(text, std::uint32_t{0x06054B50});
  append_bytes(text, std::uint32_t{0});
  append_bytes(text, static_cast<std::uint16_t>(entries));
  append_bytes(text, static_cast<std::uint16_t>(entries));
  append_bytes(text, static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes, 0xFFFFFFFF)));
  append_bytes(text, static_cast<std::uint32_t>(large ? 0xFFFFFFFF : offset));
  append_bytes(text, std::uint16_t{0});
  return text;
}

}  // namespace

NumpyArray numpy_array(Span<const float, Host> values, Position rows, Position columns) {
  NumpyArray array{"<f4", {rows}, values.data, values.size * Position{sizeof(float)}, {}};
  if (columns > 0) array.shape.push_back(columns);
  return array;
}

NumpyArray numpy_value(float value) {
  NumpyArray array{"<f4", {}, nullptr, sizeof(float), {}};
  append_bytes(array.owned, value);
  return array;
}

NumpyArray numpy_ids(const IdMap& ids, Position rows) {
  NumpyArray array{"<i8", {rows}, nullptr, 0, {}};
  if (ids.kind() != IdKind::strings) {
    for (RowId row = 0; row < rows; ++row) {
      append_bytes(array.owned, ids.kind() == IdKind::rows ? std::int64_t{row} : ids.integers()[row]);
    }
  } else {
    std::size_t width = 1;
    for (RowId row = 0; row < rows; ++row) {
      bool valid = true;
      width = std::max(width, characters_of(ids.text(row), valid).size());
      if (!valid) {
        throw UsageError("the id " + shown(ids.text(row)) + " is no UTF-8, as NumPy's texts are", "another --format");
      }
    }
    constexpr Position kMost = Position{1} << 33;  // bytes: a NumPy text is as wide as the longest
    if (checked_product(rows, static_cast<Position>(4 * width)) > kMost) {
      throw UsageError("an id of " + std::to_string(width) + " characters makes NumPy's array of ids larger than 8 GB",
                       "--format npy, which has no ids");
    }
    array.type = "<U" + std::to_string(width);
    for (RowId row = 0; row < rows; ++row) {
      bool valid = true;
      std::u32string text = characters_of(ids.text(row), valid);
      text.resize(width, 0);
      array.owned.append(reinterpret_cast<const char*>(text.data()), width * sizeof(char32_t));
    }
  }
  array.bytes = static_cast<Position>(array.owned.size());
  return array;
}

void write_npy(const std::string& path, const NumpyArray& array) {
  AtomicFile file(path);
  const std::string header = npy_header(array);
  file.write(header.data(), static_cast<Position>(header.size()));
  file.write(array.data != nullptr ? array.data : array.owned.data(), array.bytes);
  file.commit();
}

void write_npz(const std::string& path, const std::vector<std::pair<std::string, NumpyArray>>& arrays) {
  AtomicFile file(path);
  std::uint64_t offset = 0;
  const auto write = [&](const void* data, Position bytes) {
    file.write(data, bytes);
    offset += static_cast<std::uint64_t>(bytes);
  };
  const auto write_text = [&](const std::string& text) { write(text.data(), static_cast<Position>(text.size())); };
  std::vector<Entry> entries;
  for (const auto& [name, array] : arrays) {
    const std::string header = npy_header(array);
    const void* const data = array.data != nullptr ? array.data : array.owned.data();
    Entry entry{name + ".npy", checksum(0, header.data(), static_cast<Position>(header.size())),
                header.size() + static_cast<std::uint64_t>(array.bytes), offset};
    entry.sum = checksum(entry.sum, data, array.bytes);
    write_text(entry.record(false));
    write_text(header);
    write(data, array.bytes);
    entries.push_back(entry);
  }
  std::string directory;
  for (const Entry& entry : entries) directory += entry.record(true);
  const std::uint64_t begin = offset;
  write_text(directory);
  write_text(end_of(entries.size(), begin, directory.size()));
  file.commit();
}

}  // namespace wf
