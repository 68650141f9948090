// The JSON header of a safetensors file, read value by value: what it may come to in memory follows from what is kept.
#pragma once
#include "host/base/types.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace wf {

/// One tensor of a file: where its bytes lie and what they are.
struct TensorInfo {
  std::string dtype;  ///< "F32", "I64", "U8", ...
  std::vector<Position> shape;
  Position begin = 0, end = 0;  ///< bytes, from the start of the data

  Position elements() const;
};

struct SafetensorsHeader {
  std::map<std::string, std::string> metadata;
  std::map<std::string, TensorInfo> tensors;
};

/// Every tensor has a known type and a shape that fits its bytes, and they fill `data_bytes` without overlaps and
/// holes. std::nullopt: the text is no JSON object. Throws std::invalid_argument with the tensor and what is wrong.
/// Takes less than 8 bytes of memory for a byte of text, whatever it holds.
std::optional<SafetensorsHeader> parse_safetensors_header(const std::string& text, Position data_bytes);

}  // namespace wf
