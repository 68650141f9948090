// TensorBoard's event files, byte by byte.
#include "host/report/event_file.hpp"

#include <gtest/gtest.h>

#include <string>

namespace wf::test {
namespace {

std::string text_of(std::initializer_list<int> bytes) {
  std::string text;
  for (const int byte : bytes) text += static_cast<char>(byte);
  return text;
}

TEST(EventFile, ChecksumsAreThoseOfRfc3720) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43U);
  EXPECT_EQ(crc32c(""), 0U);
}

TEST(EventFile, ARecordIsALengthAMessageAndTheirMaskedChecksums) {
  // the masked checksums were computed bit by bit, without a table
  EXPECT_EQ(event_record("123456789"), text_of({9, 0, 0, 0, 0, 0, 0, 0}) + text_of({0x37, 0xF9, 0x71, 0x39}) +
                                           "123456789" + text_of({0xE5, 0xB0, 0x8A, 0xC7}));
}

TEST(EventFile, BeginsWithItsVersion) {
  EXPECT_EQ(version_event(1.5), text_of({0x09, 0, 0, 0, 0, 0, 0, 0xF8, 0x3F, 0x1A, 13}) + "brain.Event:2");
}

TEST(EventFile, AScalarIsAFloatWithATag) {
  const std::string head = text_of({0x09, 0, 0, 0, 0, 0, 0, 0xF8, 0x3F, 0x10});
  EXPECT_EQ(scalar_event(1.5, 3, {{"a", 2.0}, {"not measured", std::nullopt}, {"bc", -0.5}}),
            head + text_of({3, 0x2A, 21, 0x0A, 8, 0x0A, 1, 'a', 0x15, 0, 0, 0, 0x40}) +
                text_of({0x0A, 9, 0x0A, 2, 'b', 'c', 0x15, 0, 0, 0, 0xBF}));
  EXPECT_EQ(scalar_event(1.5, 300, {}), head + text_of({0xAC, 0x02, 0x2A, 0})) << "7 bits a byte, the lowest first";
}

}  // namespace
}  // namespace wf::test
