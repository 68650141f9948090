#include "host/base/json_numbers.hpp"
#include "host/base/types.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace wf::test {
namespace {

using nlohmann::json;

TEST(JsonNumbers, HoldWhatTheTypeHolds) {
  EXPECT_EQ(whole_number<int>(json::parse("0")), 0);
  EXPECT_EQ(whole_number<int>(json::parse("-7")), -7);
  EXPECT_EQ(whole_number<RowId>(json::parse("2147483647")), 2147483647);
  EXPECT_EQ(whole_number<RowId>(json::parse("2147483648")), std::nullopt);
  EXPECT_EQ(whole_number<RowId>(json::parse("-2147483649")), std::nullopt);
  EXPECT_EQ(whole_number<Position>(json::parse("9223372036854775807")), std::numeric_limits<Position>::max());
  EXPECT_EQ(whole_number<Position>(json::parse("9223372036854775808")), std::nullopt);
  EXPECT_EQ(whole_number<std::uint64_t>(json::parse("18446744073709551615")),
            std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(whole_number<std::uint64_t>(json::parse("-1")), std::nullopt);
}

TEST(JsonNumbers, AreNothingElse) {
  for (const char* text :
       {"1.0", "1.79601e24", "-1e300", "1e400", "18446744073709551616", "true", "null", "\"1\"", "[1]", "{\"a\":1}"}) {
    const json value = json::parse(text, nullptr, false);
    EXPECT_EQ(whole_number<Position>(value), std::nullopt) << text;
    EXPECT_EQ(whole_number<std::uint64_t>(value), std::nullopt) << text;
  }
}

TEST(JsonNumbers, OfAKeyAreThereOrAnError) {
  const json object = json::parse(R"({"n": 5, "far": 1e24})");
  EXPECT_EQ(whole_number_at<Position>(object, "n"), 5);
  EXPECT_EQ(whole_number_at(object, "absent", Position{3}), 3);
  EXPECT_THROW(whole_number_at<Position>(object, "absent"), json::exception);
  EXPECT_THROW(whole_number_at<Position>(object, "far"), json::exception);
  EXPECT_THROW(whole_number_at(object, "far", Position{3}), json::exception);
}

}  // namespace
}  // namespace wf::test
