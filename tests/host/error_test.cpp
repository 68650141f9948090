// An error is one sentence of where, what and cure, and its kind is the exit code.
#include "host/base/error.hpp"

#include "host/base/shown.hpp"

#include <gtest/gtest.h>

namespace wf {
namespace {

TEST(Error, JoinsPlaceProblemAndCure) {
  const InputError error(Place{"ratings.csv", 7, 9}, "rating \"abc\" is not a number", "--skip-bad ignores such lines");
  EXPECT_STREQ(error.what(), "ratings.csv:7:9: rating \"abc\" is not a number (--skip-bad ignores such lines)");
  EXPECT_EQ(error.where(), "ratings.csv:7:9");
  EXPECT_EQ(error.problem(), "rating \"abc\" is not a number");
  EXPECT_EQ(error.cure(), "--skip-bad ignores such lines");
}

TEST(Error, LeavesOutTheCureAndThePlaceThatAreUnknown) {
  EXPECT_STREQ(UsageError("no such verb").what(), "no such verb");
  EXPECT_STREQ(InputError(Place{}, "is empty").what(), "is empty");
}

TEST(Error, KindsAreTheExitCodes) {
  EXPECT_EQ(static_cast<int>(FailedError("x").kind()), 1);
  EXPECT_EQ(static_cast<int>(UsageError("x").kind()), 2);
  EXPECT_EQ(static_cast<int>(InputError(Place{}, "x").kind()), 3);
  EXPECT_EQ(static_cast<int>(DeviceError("x").kind()), 4);
}

TEST(Error, EveryKindIsCaughtAsError) {
  EXPECT_THROW(throw UsageError("x"), Error);
  EXPECT_THROW(throw DeviceError("x"), std::runtime_error);
}

TEST(Place, ShowsOnlyWhatIsKnown) {
  EXPECT_EQ(to_string(Place{"a.csv"}), "a.csv");
  EXPECT_EQ(to_string(Place{"a.csv", 3}), "a.csv:3");
  EXPECT_EQ(to_string(Place{"a.csv", 3, 4}), "a.csv:3:4");
  EXPECT_EQ(to_string(Place{"a.csv", 0, 4}), "a.csv");  // a column without a line says nothing
}

TEST(CheckedProduct, IsExactUpToTheLastPosition) {
  EXPECT_EQ(checked_product(3, 4), 12);
  EXPECT_EQ(checked_product(INT64_MAX, 1), INT64_MAX);
  EXPECT_EQ(checked_product(0, INT64_MAX), 0);
  EXPECT_EQ(checked_product(Position{1} << 31, Position{1} << 31), Position{1} << 62);
}

TEST(CheckedProduct, RefusesToWrap) {
  EXPECT_THROW(checked_product(INT64_MAX, 2), Error);
  EXPECT_THROW(checked_product(Position{1} << 32, Position{1} << 31), Error);
  try {
    checked_product(Position{1} << 40, Position{1} << 40);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::device);
    EXPECT_NE(std::string(error.what()).find("1099511627776 x 1099511627776"), std::string::npos) << error.what();
  }
}

TEST(Shown, QuotesAndEscapesWhatATerminalWouldObey) {
  EXPECT_EQ(shown("abc"), "\"abc\"");
  EXPECT_EQ(shown("a\tb"), "\"a\\tb\"");
  EXPECT_EQ(shown("\x1b[2J"), "\"\\x1b[2J\"");
  EXPECT_EQ(shown(std::string_view("a\0b", 3)), "\"a\\x00b\"");
  EXPECT_EQ(shown(""), "\"\"");
}

TEST(Shown, CutsLongTextAtTheEndOfACharacter) {
  EXPECT_EQ(shown(std::string(40, 'a')), "\"" + std::string(40, 'a') + "\"");
  EXPECT_EQ(shown(std::string(41, 'a')), "\"" + std::string(40, 'a') + "…\"");
  EXPECT_EQ(shown(std::string(39, 'a') + "éé"), "\"" + std::string(39, 'a') + "…\"");  // é has two bytes
}

}  // namespace
}  // namespace wf
