#include "host/readers/zip_archive.hpp"

#include "host/base/error.hpp"
#include "host/base/shown.hpp"
#include "host/readers/unpacked_limit.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <new>
#include <string_view>

namespace wf {
namespace {

constexpr std::uint32_t kLocal = 0x04034B50, kCentral = 0x02014B50, kEnd = 0x06054B50;
constexpr std::uint32_t kEnd64 = 0x06064B50, kLocator64 = 0x07064B50;
constexpr Position kLocalBytes = 30, kCentralBytes = 46, kEndBytes = 22, kEnd64Bytes = 56, kLocatorBytes = 20;
constexpr Position kLongestComment = 65535;
constexpr Position kMostEntries = 1000;    // a matrix has six
constexpr Position kMostOfDeflate = 1032;  // bytes that one packed byte can stand for: zlib's technical details
constexpr std::size_t kRawBytes = 1 << 16;

template <class T>
T value_at(const std::string& bytes, Position place) {
  T value{};
  std::memcpy(&value, bytes.data() + place, sizeof(T));
  return value;
}

/// A size beyond int64 becomes -1, which no check lets pass.
Position size_at(const std::string& bytes, Position place) {
  return std::max<Position>(static_cast<Position>(value_at<std::uint64_t>(bytes, place)), -1);
}

/// What the field for large sizes (4.5.3) has for those that are all ones in the record, in this order.
bool read_large_sizes(const std::string& extra, const std::array<Position*, 3>& sizes) {
  const auto is_large = [](const Position* size) { return *size == 0xFFFFFFFF; };
  if (std::none_of(sizes.begin(), sizes.end(), is_large)) return true;
  const auto extra_bytes = static_cast<Position>(extra.size());
  for (Position at = 0; at + 4 <= extra_bytes;) {
    const Position end = at + 4 + value_at<std::uint16_t>(extra, at + 2);
    if (end > extra_bytes) return false;
    if (value_at<std::uint16_t>(extra, at) == 1) {
      at += 4;
      for (Position* size : sizes) {
        if (!is_large(size)) continue;
        if (at + 8 > end) return false;
        *size = size_at(extra, at);
        at += 8;
      }
      return true;
    }
    at = end;
  }
  return false;
}

std::string bytes_of(const DiskFile& file, Position place, Position bytes) {
  std::string text(static_cast<std::size_t>(bytes), '\0');
  file.read_at(place, text.data(), bytes);
  return text;
}

}  // namespace

bool is_zip_file(const std::string& path) {
  std::error_code ignored;
  if (path == "-" || !std::filesystem::is_regular_file(path, ignored)) return false;
  try {
    const DiskFile file(path);
    return file.size() >= 4 && bytes_of(file, 0, 4) == "PK\x03\x04";
  } catch (const InputError&) {
    return false;  // whoever reads it as text says why
  }
}

struct ZipArchive::Directory {
  Position begin = 0, bytes = 0, entries = 0;
};

ZipArchive::ZipArchive(const std::string& path) : file_(path) {
  const Directory directory = find_directory();
  read_entries(directory);
  place_entries(directory.begin);
}

void ZipArchive::fail(const std::string& what) const {
  throw InputError(Place{file_.path()}, "is a zip archive that cannot be read: " + what,
                   "copy it again if it is SciPy's; of a text in an archive: unzip -p FILE | warpfactor train -");
}

ZipArchive::Directory ZipArchive::find_directory() const {
  const Position tail = std::min(file_.size(), kEndBytes + kLongestComment);
  const std::string bytes = bytes_of(file_, file_.size() - tail, tail);
  Position at = tail - kEndBytes;
  while (at >= 0 && value_at<std::uint32_t>(bytes, at) != kEnd) --at;
  if (at < 0) fail("it has no directory at its end");
  Directory directory{value_at<std::uint32_t>(bytes, at + 16), value_at<std::uint32_t>(bytes, at + 12),
                      value_at<std::uint16_t>(bytes, at + 10)};
  Position end = file_.size() - tail + at;
  const Position locator = at - kLocatorBytes;
  if (locator >= 0 && value_at<std::uint32_t>(bytes, locator) == kLocator64) {
    const Position place = size_at(bytes, locator + 8);
    if (place < 0 || place > end - kLocatorBytes - kEnd64Bytes) fail("its directory's end lies outside");
    const std::string record = bytes_of(file_, place, kEnd64Bytes);
    if (value_at<std::uint32_t>(record, 0) != kEnd64) fail("its directory's end is none");
    directory = {size_at(record, 48), size_at(record, 40), size_at(record, 32)};
    end = place;
  }
  if (directory.bytes < 0 || directory.begin < 0 || directory.begin > end || directory.bytes > end - directory.begin)
    fail("its directory lies outside");
  if (directory.entries < 0 || directory.entries > directory.bytes / kCentralBytes)
    fail("its directory has fewer entries than it says");
  if (directory.entries > kMostEntries) fail("it has " + std::to_string(directory.entries) + " entries");
  return directory;
}

void ZipArchive::read_entries(const Directory& directory) {
  const std::string bytes = bytes_of(file_, directory.begin, directory.bytes);
  Position at = 0;
  for (Position n = 0; n < directory.entries; ++n) {
    if (directory.bytes - at < kCentralBytes || value_at<std::uint32_t>(bytes, at) != kCentral)
      fail("its directory ends too early");
    const Position name_bytes = value_at<std::uint16_t>(bytes, at + 28);
    const Position extra_bytes = value_at<std::uint16_t>(bytes, at + 30);
    const Position whole = kCentralBytes + name_bytes + extra_bytes + value_at<std::uint16_t>(bytes, at + 32);
    if (directory.bytes - at < whole) fail("its directory ends too early");
    ZipEntry entry;
    entry.name = bytes.substr(static_cast<std::size_t>(at + kCentralBytes), static_cast<std::size_t>(name_bytes));
    entry.method = value_at<std::uint16_t>(bytes, at + 10);
    entry.sum = value_at<std::uint32_t>(bytes, at + 16);
    entry.packed = value_at<std::uint32_t>(bytes, at + 20);
    entry.bytes = value_at<std::uint32_t>(bytes, at + 24);
    entry.begin = value_at<std::uint32_t>(bytes, at + 42);  // of its header, for now
    const std::string extra =
        bytes.substr(static_cast<std::size_t>(at + kCentralBytes + name_bytes), static_cast<std::size_t>(extra_bytes));
    const bool sizes_known = read_large_sizes(extra, {&entry.bytes, &entry.packed, &entry.begin});
    if (!sizes_known || std::min({entry.bytes, entry.packed, entry.begin}) < 0)
      fail(shown(entry.name) + " has no sizes");
    const bool is_encrypted = (value_at<std::uint16_t>(bytes, at + 8) & 1) != 0;
    if (is_encrypted) fail(shown(entry.name) + " is encrypted");
    if (find(entry.name) != nullptr) fail(shown(entry.name) + " occurs twice");
    entries_.push_back(std::move(entry));
    at += whole;
  }
}

/// Finds the bytes behind each entry's own header, up to the next entry's or, of the last, to `end`.
void ZipArchive::place_entries(Position end) {
  std::vector<ZipEntry*> by_place;
  for (ZipEntry& entry : entries_) by_place.push_back(&entry);
  std::sort(by_place.begin(), by_place.end(), [](auto* a, auto* b) { return a->begin > b->begin; });
  for (ZipEntry* entry : by_place) {  // from behind
    const Position place = entry->begin;
    if (place > end - kLocalBytes) fail(shown(entry->name) + " overlaps another entry or the directory");
    const std::string header = bytes_of(file_, place, kLocalBytes);
    if (value_at<std::uint32_t>(header, 0) != kLocal) fail(shown(entry->name) + " has no header");
    entry->begin += kLocalBytes + value_at<std::uint16_t>(header, 26) + value_at<std::uint16_t>(header, 28);
    if (entry->begin > end || entry->packed > end - entry->begin)
      fail(shown(entry->name) + " overlaps another entry or the directory");
    if (entry->method != 0 && entry->method != 8) fail(shown(entry->name) + " is neither stored nor deflated");
    const bool fits = entry->method == 0 ? entry->bytes == entry->packed
                                         : entry->bytes <= checked_product(entry->packed, kMostOfDeflate);
    if (!fits) fail(shown(entry->name) + " has another size than it says");
    end = place;
  }
  Position unpacked = 0;  // of at most 1000 entries, each below 1032 times the file
  for (const ZipEntry& entry : entries_) unpacked += entry.bytes;
  if (unpacks_too_far(unpacked, file_.size())) {
    throw InputError(Place{file_.path()}, unpacks_too_far_text(),
                     "if it is to be so: scipy.sparse.save_npz(FILE, matrix, compressed=False)");
  }
}

const ZipEntry* ZipArchive::find(const std::string& name) const {
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [&](const ZipEntry& entry) { return entry.name == name; });
  return found == entries_.end() ? nullptr : &*found;
}

ZipEntryReader::ZipEntryReader(const ZipArchive& archive, const ZipEntry& entry)
    : file_(archive.file()), entry_(entry), raw_(entry.method == 0 ? 0 : kRawBytes) {
  constexpr int kRawDeflate = -15;  // largest window, no wrapper
  if (entry.method != 0 && inflateInit2(&inflater_, kRawDeflate) != Z_OK) throw std::bad_alloc();
}

ZipEntryReader::~ZipEntryReader() {
  if (entry_.method != 0) inflateEnd(&inflater_);
}

void ZipEntryReader::fail(const std::string& what) const {
  throw InputError(Place{file_.path()}, shown(entry_.name) + " in it " + what, "copy the file again; it is damaged");
}

void ZipEntryReader::read(void* into, Position bytes) {
  if (bytes > left()) fail("ends too early");
  char* const next = static_cast<char*>(into);
  if (entry_.method == 0) {
    read_packed(next, bytes);
  } else {
    inflate_into(next, bytes);
  }
  taken_ += bytes;
  sum_ = static_cast<std::uint32_t>(crc32_z(sum_, static_cast<const Bytef*>(into), static_cast<z_size_t>(bytes)));
  if (left() == 0 && sum_ != entry_.sum) fail("has another checksum than it says");
}

void ZipEntryReader::read_packed(char* into, Position bytes) {
  file_.read_at(entry_.begin + unpacked_, into, bytes);
  unpacked_ += bytes;
}

void ZipEntryReader::inflate_into(char* into, Position bytes) {
  while (bytes > 0) {
    if (inflater_.avail_in == 0) {
      const Position more = std::min(static_cast<Position>(kRawBytes), entry_.packed - unpacked_);
      read_packed(raw_.data(), more);
      inflater_.next_in = reinterpret_cast<Bytef*>(raw_.data());
      inflater_.avail_in = static_cast<uInt>(more);
    }
    const auto room = static_cast<uInt>(std::min<Position>(bytes, 1 << 30));
    inflater_.next_out = reinterpret_cast<Bytef*>(into);
    inflater_.avail_out = room;
    const int result = inflate(&inflater_, Z_NO_FLUSH);
    const Position count = room - inflater_.avail_out;
    const bool stuck =
        count == 0 && (result == Z_STREAM_END || (inflater_.avail_in == 0 && unpacked_ == entry_.packed));
    if (stuck || (result != Z_OK && result != Z_STREAM_END)) fail("is no whole deflate data");
    into += count;
    bytes -= count;
  }
}

}  // namespace wf
