// TensorBoard's event files: records under checksums, each a protobuf message tensorflow.Event.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wf {

/// CRC-32C (Castagnoli): 0xE3069283 of "123456789" (RFC 3720, B.4).
std::uint32_t crc32c(std::string_view bytes);

/// A message as the file has it: u64 length, u32 masked CRC-32C of these 8 bytes, the message, u32 masked CRC-32C of
/// it; little-endian. Masked: rotated right by 15 bits, plus 0xA282EAD8, so that no CRC is of bytes that hold one.
std::string event_record(std::string_view message);

/// The first message of a file: its version. `wall_time` in seconds since 1970.
std::string version_event(double wall_time);

/// A number with a name of its own; none where it was not measured.
struct EventScalar {
  std::string_view tag;
  std::optional<double> value;
};
/// The scalars of a step that have a value, as floats, which is all that the format has.
std::string scalar_event(double wall_time, std::int64_t step, const std::vector<EventScalar>& scalars);

}  // namespace wf
