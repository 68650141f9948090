#include "host/model/safetensors.hpp"

#include "host/base/atomic_file.hpp"
#include "host/base/error.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

namespace wf {
namespace {

static_assert(std::endian::native == std::endian::little, "the container is little-endian and copied as it is");

using Json = nlohmann::ordered_json;
constexpr Position kLargestHeader = 100'000'000;  // the format's own limit
constexpr const char* kWanted = "give a .safetensors file";

constexpr std::array<std::pair<std::string_view, int>, 13> kDtypes{{{"BOOL", 1},
                                                                    {"U8", 1},
                                                                    {"I8", 1},
                                                                    {"F8_E5M2", 1},
                                                                    {"F8_E4M3", 1},
                                                                    {"I16", 2},
                                                                    {"U16", 2},
                                                                    {"F16", 2},
                                                                    {"BF16", 2},
                                                                    {"I32", 4},
                                                                    {"F32", 4},
                                                                    {"I64", 8},
                                                                    {"F64", 8}}};

/// Bytes of one element; 0: an unknown type.
int bytes_of(std::string_view dtype) {
  for (const auto& [name, bytes] : kDtypes) {
    if (name == dtype) return bytes;
  }
  return 0;
}

bool whole_number(const Json& value) {
  return value.is_number_unsigned() && value.get<std::uint64_t>() <= INT64_MAX;
}

/// One entry of the header, checked against the bytes there are. Throws std::invalid_argument with what is wrong.
TensorInfo parse_tensor(const Json& value, Position data_bytes) {
  if (!value.is_object() || !value.contains("dtype") || !value["dtype"].is_string())
    throw std::invalid_argument("has no dtype");
  if (!value.contains("shape") || !value["shape"].is_array()) throw std::invalid_argument("has no shape");
  if (!value.contains("data_offsets") || !value["data_offsets"].is_array() || value["data_offsets"].size() != 2) {
    throw std::invalid_argument("has no data_offsets");
  }
  TensorInfo info;
  info.dtype = value["dtype"].get<std::string>();
  if (bytes_of(info.dtype) == 0) throw std::invalid_argument("has the unknown dtype " + info.dtype);
  for (const Json& size : value["shape"]) {
    if (!whole_number(size)) throw std::invalid_argument("has a shape that is no list of sizes");
    info.shape.push_back(size.get<Position>());
  }
  const Json& offsets = value["data_offsets"];
  if (!whole_number(offsets[0]) || !whole_number(offsets[1]))
    throw std::invalid_argument("has data_offsets that are no numbers");
  info.begin = offsets[0].get<Position>();
  info.end = offsets[1].get<Position>();
  if (info.begin > info.end || info.end > data_bytes) throw std::invalid_argument("lies outside the file");
  Position expected = 0;
  try {
    expected = checked_product(info.elements(), bytes_of(info.dtype));
  } catch (const Error&) {
    throw std::invalid_argument("has a shape that no memory holds");
  }
  if (expected != info.end - info.begin) throw std::invalid_argument("has a shape that does not fit its bytes");
  return info;
}

}  // namespace

Position TensorInfo::elements() const {
  Position count = 1;
  for (const Position size : shape) count = checked_product(count, size);
  return count;
}

void SafetensorsReader::fail(const std::string& what, const std::string& cure) const {
  throw InputError(Place{path_}, what, cure);
}

SafetensorsReader::SafetensorsReader(std::string path) : path_(std::move(path)) {
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor_ < 0)
    fail(std::string("cannot be opened: ") + std::strerror(errno), "check the path and its permissions");
  try {
    struct stat facts {};
    if (::fstat(descriptor_, &facts) != 0) fail(std::string("cannot be read: ") + std::strerror(errno), kWanted);
    if (S_ISDIR(facts.st_mode)) fail("is a directory", "name the .safetensors file in it");
    const Position size = facts.st_size;
    std::uint64_t header_bytes = 0;
    if (size < 8) fail("is too short for a model", kWanted);
    read_at(0, &header_bytes, 8);
    if (header_bytes > static_cast<std::uint64_t>(std::min(kLargestHeader, size - 8))) {
      if (std::memcmp(&header_bytes, "PK\x03\x04", 4) == 0 || (header_bytes & 0xFF) == 0x80) {
        fail("is a pickle, not a .safetensors file", "save it with safetensors.torch.save_file");
      }
      fail("is no .safetensors file: its header would have " + std::to_string(header_bytes) + " bytes", kWanted);
    }
    std::string header(header_bytes, '\0');
    data_start_ = 8 + static_cast<Position>(header_bytes);
    read_at(8, header.data(), static_cast<Position>(header_bytes));
    parse_header(header, size - data_start_);
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

SafetensorsReader::~SafetensorsReader() {
  ::close(descriptor_);
}

void SafetensorsReader::parse_header(const std::string& header, Position data_bytes) {
  const Json json = Json::parse(header, nullptr, false);
  if (!json.is_object()) fail("is no .safetensors file: its header is not a JSON object", kWanted);
  std::vector<std::pair<Position, Position>> extents;
  for (const auto& [name, value] : json.items()) {
    if (name == "__metadata__") {
      if (!value.is_object()) fail("__metadata__ is not an object of strings", "write the file again");
      for (const auto& [key, text] : value.items()) {
        if (!text.is_string()) fail("__metadata__ \"" + key + "\" is not a string", "write the file again");
        metadata_[key] = text.get<std::string>();
      }
      continue;
    }
    TensorInfo info;
    try {
      info = parse_tensor(value, data_bytes);
    } catch (const std::invalid_argument& error) {
      fail(std::string("tensor ").append(name).append(": ").append(error.what()),
           "the file is damaged; write it again");
    }
    extents.emplace_back(info.begin, info.end);
    tensors_[name] = std::move(info);
  }
  std::sort(extents.begin(), extents.end());
  Position covered = 0;
  for (const auto& [begin, end] : extents) {
    if (begin != covered) fail("its tensors overlap or leave holes", "the file is damaged; write it again");
    covered = end;
  }
  if (covered != data_bytes) fail("has bytes that belong to no tensor", "the file is damaged; write it again");
}

const TensorInfo& SafetensorsReader::tensor(const std::string& name, const std::string& dtype) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) {
    std::string names;
    for (const auto& entry : tensors_) names += (names.empty() ? "" : ", ") + entry.first;
    fail("has no tensor " + name + "; it has " + (names.empty() ? "none" : names),
         "name the tensors as the PyTorch module does");
  }
  if (found->second.dtype != dtype) {
    fail("tensor " + name + " is " + found->second.dtype + ", not " + dtype,
         "convert it, e.g. by .float(), and save again");
  }
  return found->second;
}

void SafetensorsReader::read_at(Position place, void* into, Position bytes) const {
  char* next = static_cast<char*>(into);
  while (bytes > 0) {
    const ::ssize_t count = ::pread(descriptor_, next, static_cast<std::size_t>(bytes), place);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(std::string("cannot be read: ") + std::strerror(errno), "check the file and the disk");
    if (count == 0) fail("became shorter while it was read", "do not write to it meanwhile");
    next += count;
    place += count;
    bytes -= count;
  }
}

void SafetensorsReader::read_bytes(const TensorInfo& info, void* into) const {
  read_at(data_start_ + info.begin, into, info.end - info.begin);
}

void SafetensorsWriter::add(const std::string& name, const std::string& dtype, std::vector<Position> shape,
                            const void* data, Position bytes) {
  entries_.push_back({name, {dtype, std::move(shape), bytes_, bytes_ + bytes}, data});
  bytes_ += bytes;
}

void SafetensorsWriter::write(const std::string& path, const std::map<std::string, std::string>& metadata) const {
  Json json;
  for (const auto& [key, value] : metadata) json["__metadata__"][key] = value;
  for (const Entry& entry : entries_) {
    json[entry.name] = {
        {"dtype", entry.info.dtype}, {"shape", entry.info.shape}, {"data_offsets", {entry.info.begin, entry.info.end}}};
  }
  std::string header = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  header.resize((header.size() + 7) / 8 * 8, ' ');  // so that the data begins at a multiple of 8
  AtomicFile file(path);
  const std::uint64_t header_bytes = header.size();
  file.write(&header_bytes, 8);
  file.write(header.data(), static_cast<Position>(header.size()));
  for (const Entry& entry : entries_) file.write(entry.data, entry.info.end - entry.info.begin);
  file.commit();
}

}  // namespace wf
