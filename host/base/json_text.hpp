// Writes JSON objects as text, member by member. Reading JSON is record.cpp's business.
#pragma once
#include "host/base/types.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace wf {

/// "text" with quotes and escapes; bytes that are no UTF-8 become U+FFFD, as JSON allows no others.
std::string json_string(std::string_view text);

/// The shortest text that reads back as the same double; null for NaN and infinities, which JSON does not have.
std::string json_number(double value);
std::string json_number(float value);

class JsonObject {
 public:
  JsonObject& text(std::string_view key, std::string_view value) { return raw(key, json_string(value)); }
  JsonObject& number(std::string_view key, double value) { return raw(key, json_number(value)); }
  JsonObject& number(std::string_view key, float value) { return raw(key, json_number(value)); }
  JsonObject& number(std::string_view key, std::optional<double> value) {
    return raw(key, value ? json_number(*value) : "null");
  }
  JsonObject& number(std::string_view key, std::optional<float> value) {
    return raw(key, value ? json_number(*value) : "null");
  }
  JsonObject& count(std::string_view key, Position value) { return raw(key, std::to_string(value)); }
  JsonObject& boolean(std::string_view key, bool value) { return raw(key, value ? "true" : "false"); }
  JsonObject& raw(std::string_view key, std::string_view json);

  /// {"key": value, ...} on one line.
  std::string str() const { return '{' + members_ + '}'; }

 private:
  std::string members_;
};

}  // namespace wf
