#include "host/report/event_file.hpp"

#include <array>
#include <bit>
#include <cstring>

namespace wf {
namespace {

constexpr std::uint32_t kCastagnoli = 0x82F63B78;  // the polynomial, bits reversed

constexpr std::array<std::uint32_t, 256> crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kCastagnoli : 0);
    table.at(byte) = crc;
  }
  return table;
}
constexpr std::array<std::uint32_t, 256> kCrcTable = crc_table();

std::uint32_t masked_crc(std::string_view bytes) {
  return std::rotr(crc32c(bytes), 15) + 0xA282EAD8U;
}

template <class T>
std::string bytes_of(T value) {
  static_assert(std::endian::native == std::endian::little);
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}

/// Seven bits a byte, the lowest first; all but the last have the top bit.
std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}

enum class Wire : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

/// Numbers below 16, as all of an event are: their keys take one byte.
std::string key(int number, Wire wire) {
  return {static_cast<char>(number << 3 | static_cast<int>(wire))};
}

std::string text_field(int number, std::string_view text) {
  return key(number, Wire::bytes) + varint(text.size()) + std::string(text);
}

/// Numbers of fields are those of tensorflow/core/util/event.proto and framework/summary.proto.
std::string wall_time_field(double wall_time) {
  return key(1, Wire::fixed64) + bytes_of(wall_time);
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t crc = 0xFFFFFFFF;
  for (const char c : bytes) crc = (crc >> 8) ^ kCrcTable.at((crc ^ static_cast<unsigned char>(c)) & 0xFF);
  return ~crc;
}

std::string event_record(std::string_view message) {
  const std::string length = bytes_of(static_cast<std::uint64_t>(message.size()));
  return length + bytes_of(masked_crc(length)) + std::string(message) + bytes_of(masked_crc(message));
}

std::string version_event(double wall_time) {
  return wall_time_field(wall_time) + text_field(3, "brain.Event:2");
}

std::string scalar_event(double wall_time, std::int64_t step, const std::vector<EventScalar>& scalars) {
  std::string summary;
  for (const EventScalar& scalar : scalars) {
    if (!scalar.value) continue;
    summary +=
        text_field(1, text_field(1, scalar.tag) + key(2, Wire::fixed32) + bytes_of(static_cast<float>(*scalar.value)));
  }
  return wall_time_field(wall_time) + key(2, Wire::varint) + varint(static_cast<std::uint64_t>(step)) +
         text_field(5, summary);
}

}  // namespace wf
