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

using Json = nlohmann::json;
constexpr const char* kWanted = "give a .safetensors file";

constexpr const char* kDamagedFile = "the file is damaged or incomplete; copy or write it again";

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

void SafetensorsReader::fail(const std::string& what, const std::string& cure) const {
  throw InputError(Place{path()}, what, cure);
}

SafetensorsReader::SafetensorsReader(std::shared_ptr<const DiskFile> file) : file_(std::move(file)) {
  const Position size = file_->size();
  std::string first_bytes(static_cast<std::size_t>(std::min<Position>(size, 8)), '\0');
  file_->read_at(0, first_bytes.data(), static_cast<Position>(first_bytes.size()));
  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, first_bytes.data(), first_bytes.size());
  if (size < 8 || header_bytes > static_cast<std::uint64_t>(std::min(kLargestHeader, size - 8))) {
    const auto [kind, cure] = guess_kind(first_bytes);
    fail(kind, cure);
  }
  std::string header(header_bytes, '\0');
  data_start_ = 8 + static_cast<Position>(header_bytes);
  file_->read_at(8, header.data(), static_cast<Position>(header_bytes));
  parse_header(header, size - data_start_);
}

void SafetensorsReader::parse_header(const std::string& header, Position data_bytes) {
  try {
    std::optional<SafetensorsHeader> parsed = parse_safetensors_header(header, data_bytes);
    if (!parsed) fail("is no .safetensors file: its header is not a JSON object", kWanted);
    metadata_ = std::move(parsed->metadata);
    tensors_ = std::move(parsed->tensors);
  } catch (const std::invalid_argument& error) {
    fail(error.what(), kDamagedFile);
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
  file_->read_at(data_start_ + info.begin, into, info.end - info.begin);
}

Position SafetensorsWriter::add(const std::string& name, const std::string& dtype, std::vector<Position> shape,
                                const void* data, Position bytes) {
  entries_.push_back({name, {dtype, std::move(shape), bytes_, bytes_ + bytes}, data});
  return std::exchange(bytes_, bytes_ + bytes);
}

std::string SafetensorsWriter::header(const std::map<std::string, std::string>& metadata) const {
  Json json;
  for (const auto& [key, value] : metadata) json["__metadata__"][key] = value;
  for (const Entry& entry : entries_) {
    json[entry.name] = {
        {"dtype", entry.info.dtype}, {"shape", entry.info.shape}, {"data_offsets", {entry.info.begin, entry.info.end}}};
  }
  std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  text.resize((text.size() + 7) / 8 * 8, ' ');  // so that the data begins at a multiple of 8
  const std::uint64_t length = text.size();
  text.insert(0, reinterpret_cast<const char*>(&length), sizeof(length));
  return text;
}

void SafetensorsWriter::write(const std::string& path, const std::map<std::string, std::string>& metadata) const {
  AtomicFile file(path);
  const std::string head = header(metadata);
  file.write(head.data(), static_cast<Position>(head.size()));
  for (const Entry& entry : entries_) file.write(entry.data, entry.info.end - entry.info.begin);
  file.commit();
}

}  // namespace wf
