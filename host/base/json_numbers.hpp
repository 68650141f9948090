// Whole numbers out of JSON that nobody vouches for.
#pragma once

#include <concepts>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

namespace wf {

/// The whole number that `value` is, or none: for anything else, for 1.0 too, and for what T cannot hold.
/// nlohmann's get<T>() casts, which is undefined for 1e24 and wraps for 2^63.
template <std::integral T>
std::optional<T> whole_number(const nlohmann::json& value) {
  if (value.is_number_unsigned()) {
    const auto number = value.get<std::uint64_t>();
    return std::in_range<T>(number) ? std::optional(static_cast<T>(number)) : std::nullopt;
  }
  if (!value.is_number_integer()) return std::nullopt;
  const auto number = value.get<std::int64_t>();
  return std::in_range<T>(number) ? std::optional(static_cast<T>(number)) : std::nullopt;
}

/// object[key]. Throws nlohmann::json::exception where it is absent or no whole number that T holds.
template <std::integral T>
T whole_number_at(const nlohmann::json& object, const char* key) {
  const nlohmann::json& value = object.at(key);
  if (const std::optional<T> number = whole_number<T>(value)) return *number;
  throw nlohmann::json::type_error::create(302, std::string(key) + " is no whole number of its range", &value);
}

/// The same; an absent one is `otherwise`.
template <std::integral T>
T whole_number_at(const nlohmann::json& object, const char* key, T otherwise) {
  return object.contains(key) ? whole_number_at<T>(object, key) : otherwise;
}

}  // namespace wf
