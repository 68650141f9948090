#include "host/model/safetensors_header.hpp"

#include "host/base/error.hpp"
#include "host/base/shown.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace wf {
namespace {

using Json = nlohmann::json;
constexpr std::size_t kMostMetadata = 1 << 16;  // entries: each takes some 200 bytes, and 9 in the file
constexpr std::size_t kMostSides = 64;          // of a shape, as NumPy's

[[noreturn]] void refuse_tensor(const std::string& name, const std::string& what) {
  throw std::invalid_argument("tensor " + shown(name) + " " + what);
}

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

constexpr Position kNoWholeNumber = -1;

/// A list of sizes or places, as far as it is one.
struct WholeNumbers {
  std::vector<Position> values;
  bool valid = true;

  void add(Position value) {
    valid = valid && value >= 0 && values.size() < kMostSides;
    if (valid) values.push_back(value);
  }
};

/// What an entry of the header has said so far.
struct TensorWords {
  std::optional<std::string> dtype;
  std::optional<WholeNumbers> shape, offsets;
};

/// The entry, checked against the bytes there are.
TensorInfo checked_tensor(const std::string& name, TensorWords words, Position data_bytes) {
  if (!words.dtype) refuse_tensor(name, "has no dtype");
  if (!words.shape) refuse_tensor(name, "has no shape");
  if (!words.offsets || (words.offsets->valid && words.offsets->values.size() != 2)) {
    refuse_tensor(name, "has no data_offsets");
  }
  TensorInfo info;
  info.dtype = std::move(*words.dtype);
  if (bytes_of(info.dtype) == 0) refuse_tensor(name, "has the unknown dtype " + shown(info.dtype));
  if (!words.shape->valid) refuse_tensor(name, "has a shape that is no list of sizes");
  if (!words.offsets->valid) refuse_tensor(name, "has data_offsets that are no numbers");
  info.shape = std::move(words.shape->values);
  info.shape.shrink_to_fit();
  info.begin = words.offsets->values[0];
  info.end = words.offsets->values[1];
  if (info.begin > info.end) refuse_tensor(name, "ends before it begins");
  if (info.end > data_bytes) {
    refuse_tensor(name, "would end " + std::to_string(info.end - data_bytes) + " bytes behind the file's end");
  }
  Position expected = 0;
  try {
    expected = checked_product(info.elements(), bytes_of(info.dtype));
  } catch (const Error&) {
    refuse_tensor(name, "has a shape that no memory holds");
  }
  if (expected != info.end - info.begin) refuse_tensor(name, "has a shape that does not fit its bytes");
  return info;
}

/// Takes the events of the parser. Containers that are open: 1 the header, 2 a tensor or the metadata, 3 a list.
class HeaderEvents : public nlohmann::json_sax<Json> {
 public:
  explicit HeaderEvents(Position data_bytes) : data_bytes_(data_bytes) {}

  SafetensorsHeader header;

  bool null() override { return take_other(); }
  bool boolean(bool) override { return take_other(); }
  bool number_integer(number_integer_t) override { return take_number(kNoWholeNumber); }  // a negative one
  bool number_float(number_float_t, const string_t&) override { return take_number(kNoWholeNumber); }
  bool number_unsigned(number_unsigned_t value) override {
    const bool fits = value <= static_cast<number_unsigned_t>(INT64_MAX);
    return take_number(fits ? static_cast<Position>(value) : kNoWholeNumber);
  }
  bool string(string_t& text) override {
    if (open_ != 2 || (!in_metadata_ && field_ != "dtype")) return take_other();
    if (!in_metadata_) {
      tensor_.dtype = std::move(text);
      return true;
    }
    header.metadata[field_] = std::move(text);
    if (header.metadata.size() > kMostMetadata) {
      throw std::invalid_argument("__metadata__ has more than " + std::to_string(kMostMetadata) + " entries");
    }
    return true;
  }
  bool binary(binary_t&) override { return take_other(); }  // JSON has none
  bool key(string_t& text) override {
    if (open_ <= 2) (open_ == 1 ? name_ : field_) = std::move(text);
    return true;
  }
  bool start_object(std::size_t) override {
    if (open_ == 1) begin_entry();
    if (open_ > 1) take_other();
    ++open_;
    return true;
  }
  bool end_object() override {
    --open_;
    if (open_ != 1 || in_metadata_) return true;
    const auto [place, is_new] =
        header.tensors.try_emplace(name_, checked_tensor(name_, std::move(tensor_), data_bytes_));
    if (!is_new) refuse_tensor(place->first, "occurs twice");
    return true;
  }
  bool start_array(std::size_t) override {
    if (open_ == 2 && list_of_field() != nullptr) {
      *list_of_field() = WholeNumbers{};
    } else if (!take_other()) {
      return false;
    }
    ++open_;
    return true;
  }
  bool end_array() override {
    --open_;
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

 private:
  void begin_entry() {
    in_metadata_ = name_ == "__metadata__";
    tensor_ = {};
  }
  /// Where the numbers of the field go that is open; nullptr: it is none of numbers.
  std::optional<WholeNumbers>* list_of_field() {
    if (in_metadata_) return nullptr;
    return field_ == "shape" ? &tensor_.shape : field_ == "data_offsets" ? &tensor_.offsets : nullptr;
  }
  bool take_number(Position value) {
    if (open_ != 3 || list_of_field() == nullptr || !*list_of_field()) return take_other();
    (*list_of_field())->add(value);
    return true;
  }
  /// A value where its kind has no meaning. False: the header is no object.
  bool take_other() {
    if (open_ == 0) return false;
    if (open_ == 1 && name_ == "__metadata__") throw std::invalid_argument("__metadata__ is not an object of strings");
    if (open_ == 1) refuse_tensor(name_, "has no dtype");
    if (open_ == 2 && in_metadata_) throw std::invalid_argument("__metadata__ " + shown(field_) + " is not a string");
    if (open_ == 3 && list_of_field() != nullptr && *list_of_field()) (*list_of_field())->add(kNoWholeNumber);
    return true;
  }

  Position data_bytes_;
  std::size_t open_ = 0;
  std::string name_, field_;  // the last keys of the header and of what is open in it
  bool in_metadata_ = false;
  TensorWords tensor_;
};

/// Tensors lie one behind the other and fill the data.
void check_places(const std::map<std::string, TensorInfo>& tensors, Position data_bytes) {
  std::vector<const std::pair<const std::string, TensorInfo>*> by_place;
  by_place.reserve(tensors.size());
  for (const auto& entry : tensors) by_place.push_back(&entry);
  std::sort(by_place.begin(), by_place.end(), [](const auto* a, const auto* b) {
    return std::pair(a->second.begin, a->second.end) < std::pair(b->second.begin, b->second.end);
  });
  Position covered = 0;
  for (const auto* entry : by_place) {
    if (entry->second.begin < covered) refuse_tensor(entry->first, "overlaps another");
    if (entry->second.begin > covered) refuse_tensor(entry->first, "begins behind a hole");
    covered = entry->second.end;
  }
  if (covered != data_bytes) {
    throw std::invalid_argument("ends with " + std::to_string(data_bytes - covered) +
                                " bytes that belong to no tensor");
  }
}

}  // namespace

Position TensorInfo::elements() const {
  Position count = 1;
  for (const Position size : shape) count = checked_product(count, size);
  return count;
}

std::optional<SafetensorsHeader> parse_safetensors_header(const std::string& text, Position data_bytes) {
  HeaderEvents events(data_bytes);
  if (!Json::sax_parse(text, &events)) return std::nullopt;
  check_places(events.header.tensors, data_bytes);
  return std::move(events.header);
}

}  // namespace wf
