#include "host/model/safetensors.hpp"

#include "host/base/atomic_file.hpp"
#include "host/base/error.hpp"
#include "host/base/shown.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

namespace wf {
namespace {

static_assert(std::endian::native == std::endian::little, "the container is little-endian and copied as it is");

using Json = nlohmann::json;  // sorted: ordered_json looks names up one by one, hours for the longest header
constexpr Position kLargestHeader = 100'000'000;  // the format's own limit
constexpr const char* kWanted = "give a .safetensors file";

constexpr const char* kDamagedFile = "the file is damaged or incomplete; copy or write it again";

// the types of whole bytes; a model's file may hold others beside its tables
constexpr std::array<std::pair<std::string_view, int>, 17> kDtypes{{{"BOOL", 1},
                                                                    {"U8", 1},
                                                                    {"I8", 1},
                                                                    {"F8_E5M2", 1},
                                                                    {"F8_E4M3", 1},
                                                                    {"F8_E8M0", 1},
                                                                    {"I16", 2},
                                                                    {"U16", 2},
                                                                    {"F16", 2},
                                                                    {"BF16", 2},
                                                                    {"I32", 4},
                                                                    {"U32", 4},
                                                                    {"F32", 4},
                                                                    {"I64", 8},
                                                                    {"U64", 8},
                                                                    {"F64", 8},
                                                                    {"C64", 8}}};

/// Bytes of one element; 0: an unknown type.
int bytes_of(std::string_view dtype) {
  for (const auto& [name, bytes] : kDtypes) {
    if (name == dtype) return bytes;
  }
  return 0;
}

bool whole_number(const Json& value) {
  return value.is_number_unsigned() && value.get<std::uint64_t>() <= static_cast<std::uint64_t>(INT64_MAX);
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
  if (bytes_of(info.dtype) == 0) throw std::invalid_argument("has the unknown dtype " + shown(info.dtype));
  for (const Json& size : value["shape"]) {
    if (!whole_number(size)) throw std::invalid_argument("has a shape that is no list of sizes");
    info.shape.push_back(size.get<Position>());
  }
  const Json& offsets = value["data_offsets"];
  if (!whole_number(offsets[0]) || !whole_number(offsets[1]))
    throw std::invalid_argument("has data_offsets that are no numbers");
  info.begin = offsets[0].get<Position>();
  info.end = offsets[1].get<Position>();
  if (info.begin > info.end) throw std::invalid_argument("ends before it begins");
  if (info.end > data_bytes) {
    throw std::invalid_argument("would end " + std::to_string(info.end - data_bytes) + " bytes behind the file's end");
  }
  Position expected = 0;
  try {
    expected = checked_product(info.elements(), bytes_of(info.dtype));
  } catch (const Error&) {
    throw std::invalid_argument("has a shape that no memory holds");
  }
  if (expected != info.end - info.begin) throw std::invalid_argument("has a shape that does not fit its bytes");
  return info;
}

bool is_text(std::string_view bytes) {
  if (bytes.substr(0, 3) == "\xEF\xBB\xBF") bytes.remove_prefix(3);  // a byte order mark
  return std::all_of(bytes.begin(), bytes.end(),
                     [](char c) { return c == '\n' || c == '\r' || c == '\t' || c >= ' '; });
}

/// What a file is whose first bytes are no header of this format, and the cure.
std::pair<std::string, std::string> guess_kind(const std::string& first_bytes) {
  const auto starts_with = [&](std::string_view magic) { return first_bytes.compare(0, magic.size(), magic) == 0; };
  if (first_bytes.empty()) return {"is empty", kWanted};
  if (starts_with("PK\x03\x04") || starts_with("\x80")) {
    return {"is a pickle, as torch.save writes it, not a .safetensors file",
            "in Python: safetensors.torch.save_file(model.state_dict(), NAME)"};
  }
  if (starts_with("\x1F\x8B") || starts_with("\x28\xB5\x2F\xFD")) {
    return {"is compressed, not a .safetensors file", "unpack it first"};
  }
  if (starts_with("\x93NUMPY")) return {"is a NumPy array, not a .safetensors file", kWanted};
  if (is_text(first_bytes)) return {"is text, not a model", "give the .safetensors file that train has written"};
  return {"is no .safetensors file, or only its beginning", kWanted};
}

}  // namespace

Position TensorInfo::elements() const {
  Position count = 1;
  for (const Position size : shape) count = checked_product(count, size);
  return count;
}

void SafetensorsReader::fail(const std::string& what, const std::string& cure) const {
  throw InputError(Place{path()}, what, cure);
}

SafetensorsReader::SafetensorsReader(const std::string& path) : file_(path) {
  const Position size = file_.size();
  std::string first_bytes(static_cast<std::size_t>(std::min<Position>(size, 8)), '\0');
  file_.read_at(0, first_bytes.data(), static_cast<Position>(first_bytes.size()));
  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, first_bytes.data(), first_bytes.size());
  if (size < 8 || header_bytes > static_cast<std::uint64_t>(std::min(kLargestHeader, size - 8))) {
    const auto [kind, cure] = guess_kind(first_bytes);
    fail(kind, cure);
  }
  std::string header(header_bytes, '\0');
  data_start_ = 8 + static_cast<Position>(header_bytes);
  file_.read_at(8, header.data(), static_cast<Position>(header_bytes));
  parse_header(header, size - data_start_);
}

void SafetensorsReader::parse_header(const std::string& header, Position data_bytes) {
  const Json json = Json::parse(header, nullptr, false);
  if (!json.is_object()) fail("is no .safetensors file: its header is not a JSON object", kWanted);
  struct Extent {
    Position begin, end;
    std::string name;
  };
  std::vector<Extent> extents;
  for (const auto& [name, value] : json.items()) {
    if (name == "__metadata__") {
      if (!value.is_object()) fail("__metadata__ is not an object of strings", kDamagedFile);
      for (const auto& [key, text] : value.items()) {
        if (!text.is_string()) fail("__metadata__ " + shown(key) + " is not a string", kDamagedFile);
        metadata_[key] = text.get<std::string>();
      }
      continue;
    }
    TensorInfo info;
    try {
      info = parse_tensor(value, data_bytes);
    } catch (const std::invalid_argument& error) {
      fail("tensor " + shown(name) + " " + error.what(), kDamagedFile);
    }
    extents.push_back({info.begin, info.end, name});
    tensors_[name] = std::move(info);
  }
  std::sort(extents.begin(), extents.end(),
            [](const Extent& a, const Extent& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
  Position covered = 0;
  for (const auto& [begin, end, name] : extents) {
    if (begin < covered) fail("tensor " + shown(name) + " overlaps another", kDamagedFile);
    if (begin > covered) fail("tensor " + shown(name) + " begins behind a hole", kDamagedFile);
    covered = end;
  }
  if (covered != data_bytes) {
    fail("ends with " + std::to_string(data_bytes - covered) + " bytes that belong to no tensor", kDamagedFile);
  }
}

std::string SafetensorsReader::tensor_names() const {
  constexpr int kShown = 8;
  std::string names;
  int count = 0;
  for (const auto& entry : tensors_) {
    if (++count > kShown) return names + ", …";
    names += (names.empty() ? "" : ", ") + shown(entry.first);
  }
  return names.empty() ? "none" : names;
}

const TensorInfo& SafetensorsReader::tensor(const std::string& name, const std::string& dtype) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) {
    fail("has no tensor " + name + "; it has " + tensor_names(), "name the tensors as the PyTorch module does");
  }
  if (found->second.dtype != dtype) {
    fail("tensor " + name + " is " + found->second.dtype + ", not " + dtype,
         dtype == "F32" ? "convert it, e.g. by .float(), and save it again" : kDamagedFile);
  }
  return found->second;
}

void SafetensorsReader::read_bytes(const TensorInfo& info, void* into) const {
  file_.read_at(data_start_ + info.begin, into, info.end - info.begin);
}

void SafetensorsWriter::add(const std::string& name, const std::string& dtype, std::vector<Position> shape,
                            const void* data, Position bytes) {
  entries_.push_back({name, {dtype, std::move(shape), bytes_, bytes_ + bytes}, data});
  bytes_ += bytes;
}

void SafetensorsWriter::write(const std::string& path, const std::map<std::string, std::string>& metadata) const {
  AtomicFile file(path);
  write([&file](const void* data, Position bytes) { file.write(data, bytes); }, metadata);
  file.commit();
}

void SafetensorsWriter::write(const Sink& sink, const std::map<std::string, std::string>& metadata) const {
  Json json;
  for (const auto& [key, value] : metadata) json["__metadata__"][key] = value;
  for (const Entry& entry : entries_) {
    json[entry.name] = {
        {"dtype", entry.info.dtype}, {"shape", entry.info.shape}, {"data_offsets", {entry.info.begin, entry.info.end}}};
  }
  std::string header = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  header.resize((header.size() + 7) / 8 * 8, ' ');  // so that the data begins at a multiple of 8
  const std::uint64_t header_bytes = header.size();
  sink(&header_bytes, 8);
  sink(header.data(), static_cast<Position>(header.size()));
  for (const Entry& entry : entries_) sink(entry.data, entry.info.end - entry.info.begin);
}

}  // namespace wf
