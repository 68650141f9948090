#include "host/readers/byte_source.hpp"

#include "host/base/error.hpp"
#include "host/base/file_stamp.hpp"
#include "host/base/hash.hpp"
#include "host/readers/unpacked_limit.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <new>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace wf {
namespace {

constexpr std::size_t kRawBuffer = 1 << 18;
constexpr const char* kCheckDisk = "check the file and the disk";

std::string system_reason() {
  return std::strerror(errno);
}

struct KnownFormat {
  std::string_view magic;
  const char* name;
  const char* cure;
};
// magics long enough that no user's name is mistaken for one
constexpr std::array<KnownFormat, 8> kNotRead{{
    {"BZh?1AY&SY", "bzip2", "bzip2 -dc FILE | warpfactor train -"},
    {std::string_view("\xFD"
                      "7zXZ\0",
                      6),
     "xz", "xz -dc FILE | warpfactor train -"},
    {"PK\x03\x04", "a zip archive", "name the file if SciPy wrote it, else unzip -p FILE | warpfactor train -"},
    {"PAR1\x15", "Parquet", "write it as CSV first"},
    {"\xFF\xFE", "UTF-16 text", "iconv -f UTF-16 -t UTF-8 FILE | warpfactor train -"},
    {"\xFE\xFF", "UTF-16 text", "iconv -f UTF-16 -t UTF-8 FILE | warpfactor train -"},
    {"\x89HDF", "HDF5", "write it as CSV first"},
    {"\x89WFR", "a page file", "name the file: it cannot be read from a pipe, nor by this option"},
}};

/// A "?" in `magic` stands for any byte.
bool starts_with(std::string_view text, std::string_view magic) {
  if (text.size() < magic.size()) return false;
  return std::equal(magic.begin(), magic.end(), text.begin(), [](char a, char b) { return a == '?' || a == b; });
}

/// A frame of data, or one of the sixteen kinds of skippable frame that may stand before it (RFC 8878, 3.1).
bool is_zstd(std::string_view start) {
  if (starts_with(start, "\x28\xB5\x2F\xFD")) return true;
  return starts_with(start, "?\x2A\x4D\x18") && (static_cast<unsigned char>(start[0]) & 0xF0) == 0x50;
}

}  // namespace

struct ByteSource::State {
  explicit State(std::string file) : path(std::move(file)), raw(kRawBuffer) {}
  ~State() {
    if (inflating) inflateEnd(&inflater);
    if (decompressor != nullptr) ZSTD_freeDStream(decompressor);
    if (owns_descriptor) ::close(descriptor);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  [[noreturn]] void fail(const std::string& what, const std::string& cure) const {
    throw InputError(Place{path}, what, cure);
  }

  /// Refills the raw buffer once it is used up; false at the end of the file.
  bool refill() {
    if (begin < end) return true;
    begin = end = 0;
    return append();
  }

  /// Reads behind the bytes that are there; false at the end of the file.
  bool append() {
    const std::size_t count = read_file(raw.data() + end, raw.size() - end);
    end += count;
    return count > 0;
  }

  /// Bytes as they lie on disk, hashed and counted; 0 at the end of the file, or of the part.
  std::size_t read_file(char* into, std::size_t size) {
    if (part) size = std::min(size, static_cast<std::size_t>(part_end - part_first - raw_bytes));
    for (;;) {
      const ::ssize_t count = size > 0 ? ::read(descriptor, into, size) : 0;
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail("cannot be read: " + system_reason(), kCheckDisk);
      if (count == 0) end_part();
      if (count == 0) check_unchanged();
      if (part)
        part->add(into, count);
      else
        hash.add(into, count);
      raw_bytes += count;
      return static_cast<std::size_t>(count);
    }
  }

  /// The block that the part ends in, to its end.
  void end_part() {
    if (!part || part->missing() == 0) return;
    std::array<char, HashOfPart::kBlock> rest{};
    const Position missing = part->missing();
    read_at(part_end, rest.data(), missing);
    part->add(rest.data(), missing);
  }

  void read_at(Position place, char* into, Position size) const {
    while (size > 0) {
      const ::ssize_t count = ::pread(descriptor, into, static_cast<std::size_t>(size), place);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail("cannot be read: " + system_reason(), kCheckDisk);
      if (count == 0) fail(kChangedWhileRead, kLeaveUnchanged);
      place += count;
      into += count;
      size -= count;
    }
  }

  /// Half of an old file and half of a new one, or a line that is half written, may look like ratings.
  void check_unchanged() const {
    if (stamp && stamp_of(descriptor) != stamp) fail(kChangedWhileRead, kLeaveUnchanged);
  }

  /// Text goes where it is wanted without a stop in the raw buffer, but for the first bytes, which were looked at.
  Position read_plain(char* into, Position size) {
    if (begin == end) return static_cast<Position>(read_file(into, static_cast<std::size_t>(size)));
    const std::size_t count = std::min(static_cast<std::size_t>(size), end - begin);
    std::memcpy(into, raw.data() + begin, count);
    begin += count;
    return static_cast<Position>(count);
  }

  Position read_gzip(char* into, Position size) {
    inflater.next_out = reinterpret_cast<Bytef*>(into);
    inflater.avail_out = static_cast<uInt>(size);
    while (inflater.avail_out == static_cast<uInt>(size)) {
      if (!refill()) {
        if (!between_members) fail("the gzip data ends too early", "copy the file again; it is truncated");
        return 0;
      }
      inflater.next_in = reinterpret_cast<Bytef*>(raw.data() + begin);
      inflater.avail_in = static_cast<uInt>(end - begin);
      between_members = false;
      const int result = inflate(&inflater, Z_NO_FLUSH);
      begin = end - inflater.avail_in;
      if (result == Z_STREAM_END) {
        between_members = true;
        inflateReset(&inflater);
      } else if (result != Z_OK && result != Z_BUF_ERROR) {
        fail("the gzip data is damaged", "gzip -t FILE says where; copy the file again");
      }
    }
    return size - static_cast<Position>(inflater.avail_out);
  }

  Position read_zstd(char* into, Position size) {
    ZSTD_outBuffer output{into, static_cast<std::size_t>(size), 0};
    while (output.pos == 0) {
      const bool more = refill();
      if (!more && between_members) return 0;
      ZSTD_inBuffer input{raw.data() + begin, end - begin, 0};
      const std::size_t result = ZSTD_decompressStream(decompressor, &output, &input);
      if (ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge) {
        fail("was compressed by zstd --long and needs over 128 MB to be read",
             "zstd -dc --long=31 FILE | warpfactor train -");
      }
      if (ZSTD_isError(result) != 0) {
        fail(std::string("the zstd data is damaged: ") + ZSTD_getErrorName(result),
             "zstd -t FILE; copy the file again");
      }
      begin += input.pos;
      between_members = result == 0;
      if (!more && output.pos == 0) fail("the zstd data ends too early", "copy the file again; it is truncated");
    }
    return static_cast<Position>(output.pos);
  }

  void count_unpacked(Position bytes) {
    unpacked += bytes;
    if (!unpacks_too_far(unpacked, raw_bytes)) return;  // else before memory is filled with it
    fail(unpacks_too_far_text(), compression == "gzip" ? "if it is to be so: gzip -dc FILE | warpfactor train -"
                                                       : "if it is to be so: zstd -dc FILE | warpfactor train -");
  }

  std::string path;
  int descriptor = -1;
  bool owns_descriptor = false;
  std::optional<FileStamp> stamp;  // when it was opened; none: no regular file
  std::vector<char> raw;
  std::size_t begin = 0, end = 0;  // unread part of raw
  Position raw_bytes = 0, unpacked = 0;
  Hash hash;
  std::optional<HashOfPart> part;  // of the bytes that are read
  Position part_first = 0, part_end = 0;
  std::string compression;
  z_stream inflater{};
  bool inflating = false;
  bool between_members = true;  // nothing of a gzip member or zstd frame is pending
  ZSTD_DStream* decompressor = nullptr;
};

ByteSource::ByteSource(const std::string& path) : state_(std::make_unique<State>(path == "-" ? "stdin" : path)) {
  State& state = *state_;
  state.descriptor = path == "-" ? 0 : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  state.owns_descriptor = path != "-" && state.descriptor >= 0;
  if (state.descriptor < 0) state.fail("cannot be opened: " + system_reason(), "check the path and its permissions");
  struct stat facts {};
  if (::fstat(state.descriptor, &facts) == 0 && S_ISDIR(facts.st_mode)) {
    state.fail("is a directory", "name a file in it");
  }
  state.stamp = stamp_of(state.descriptor);

  constexpr std::size_t kLongestMagic = 10;
  while (state.end < kLongestMagic && state.append()) {  // a pipe may give single bytes
  }
  const std::string_view start(state.raw.data(), state.end);
  for (const KnownFormat& format : kNotRead) {
    if (starts_with(start, format.magic))
      state.fail(std::string("is ") + format.name + ", which is not read", format.cure);
  }
  if (starts_with(start, "\x1F\x8B")) {
    constexpr int kGzipOnly = 15 + 16;  // largest window, gzip wrapper
    if (inflateInit2(&state.inflater, kGzipOnly) != Z_OK) state.fail("zlib does not start", "free some memory");
    state.inflating = true;
    state.compression = "gzip";
  } else if (is_zstd(start)) {
    state.decompressor = ZSTD_createDStream();
    if (state.decompressor == nullptr) throw std::bad_alloc();
    state.compression = "zstd";
  }
}

ByteSource::~ByteSource() = default;

Position ByteSource::read(char* into, Position size) {
  if (state_->compression.empty()) return state_->read_plain(into, size);
  const Position count = state_->inflating ? state_->read_gzip(into, size) : state_->read_zstd(into, size);
  state_->count_unpacked(count);
  return count;
}

bool ByteSource::has_parts() const {
  return state_->stamp && state_->compression.empty();
}

void ByteSource::read_part(Position first, Position end) {
  State& state = *state_;
  if (::lseek(state.descriptor, first, SEEK_SET) < 0) state.fail("cannot be read: " + system_reason(), kCheckDisk);
  state.begin = state.end = 0;
  state.raw_bytes = 0;
  state.part_first = first;
  state.part_end = end;
  state.part.emplace(first, file_size());
}

void ByteSource::read_at(Position place, char* into, Position size) const {
  state_->read_at(place, into, size);
  state_->check_unchanged();
}

const HashOfPart& ByteSource::part_hash() const {
  return *state_->part;
}

const std::string& ByteSource::compression() const {
  return state_->compression;
}
Position ByteSource::file_size() const {
  return state_->stamp ? state_->stamp->bytes : 0;
}
Position ByteSource::raw_bytes() const {
  return state_->raw_bytes;
}

std::string ByteSource::hash() const {
  return state_->hash.text();
}

std::string hash_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const auto check = [&](bool good) {
    if (!good)
      throw InputError(Place{path}, "cannot be read: " + system_reason(), "check the path and its permissions");
  };
  check(file.is_open());
  Hash hash;
  std::vector<char> buffer(kRawBuffer);
  while (file) {
    file.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    hash.add(buffer.data(), static_cast<Position>(file.gcount()));
  }
  check(file.eof());
  return hash.text();
}

}  // namespace wf
