// What is refused, and the exact words: place, text found, cure.
#include "host/readers/byte_source.hpp"
#include "tests/host/readers_support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <vector>

namespace wf {
namespace {

using test::read_error;
using test::read_text_as_file;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(Reader, RefusesLettersInARatingWithTheirPlace) {
  EXPECT_EQ(
      read_error("userId,movieId,rating\n1,31,2.5\n7,1029,abc\n"),
      "ratings.csv:3:8: rating \"abc\" is not a number (--skip-bad ignores such lines, --col-rating picks another "
      "field)");
}

TEST(Reader, RefusesNaNAndInfinityWithTheirPlace) {
  for (const std::string bad : {"nan", "NaN", "-nan", "inf", "Inf", "-INF", "infinity"}) {
    EXPECT_THAT(read_error("1,2,3\n1,31," + bad + "\n"),
                StartsWith("ratings.csv:2:6: rating \"" + bad + "\" is not finite (--skip-bad"));
  }
  EXPECT_THAT(read_error("ann,emma,NaN\nbob,dune,3\n"), StartsWith("ratings.csv:1:10: rating \"NaN\" is not finite"))
      << "the first line, too, is data and no header";
}

TEST(Reader, RefusesWhatIsOnlyPartlyANumber) {
  for (const std::string bad : {"3x", "3 4", "0x10", "1e", "++1", "+-1", "-", ".", "1.2.3", "٣", "4€"}) {
    EXPECT_THAT(read_error("1,2,3\n1,31," + bad + "\n"),
                StartsWith("ratings.csv:2:6: rating \"" + bad + "\" is not a number"));
  }
  EXPECT_THAT(read_error("1;2;3\n1;31;4,5\n"), StartsWith("ratings.csv:2:6: rating \"4,5\" is not a number"));
  EXPECT_THAT(read_error("1;31;4,5\n1;2;3\n"), HasSubstr("rating \"4,5\" is not a number"));
}

TEST(Reader, RefusesRatingsBeyondAFloat) {
  for (const std::string bad : {"1e39", "-1e400", "3.5e38"}) {
    EXPECT_THAT(read_error("1,2,3\n1,31," + bad + "\n"),
                StartsWith("ratings.csv:2:6: rating \"" + bad + "\" does not fit a 32-bit float"));
  }
}

TEST(Reader, RefusesDecimalCommasAlsoBetweenBlanks) {
  // cut at the commas, these would be pairs of "1 2 4" and 5
  EXPECT_THAT(read_error("1 2 4,5\n1 3 2,5\n"), StartsWith("ratings.csv:1:5: rating \"4,5\" is not a number"));
  EXPECT_THAT(read_error("user item rating\n1 2 4,5\n"), StartsWith("ratings.csv:2:5: rating \"4,5\""));
  EXPECT_EQ(read_text_as_file("1 2,3 4\n5 6,7 8\n").triples,
            (test::Triples{{"1 2", "3 4", 1.0F}, {"5 6", "7 8", 1.0F}}));
}

TEST(Reader, RefusesAMissingRating) {
  EXPECT_THAT(read_error("1,2,3\n1,31,\n"), StartsWith("ratings.csv:2:6: the rating is missing"));
  EXPECT_THAT(read_error("ann,emma,\nbob,dune,3\n"), StartsWith("ratings.csv:1:10: the rating is missing"));
}

TEST(Reader, RefusesAnotherCountOfFields) {
  EXPECT_THAT(read_error("1,31,2.5,9\n1,31,2.5\n"),
              AllOf(StartsWith("ratings.csv:2:6: expected 4 fields, found 3: \"1,31,2.5\""), HasSubstr("--skip-bad")));
  EXPECT_THAT(read_error("1,31,2.5\n1,31,2.5,trailing text\n"), HasSubstr("expected 3 fields, found 4"));
  EXPECT_THAT(read_error("1 31 2.5\n1 31 2.5 trailing\n"), HasSubstr("ratings.csv:2:10: expected 3 fields, found 4"));
  EXPECT_THAT(read_error("1 31\n1\n"), StartsWith("ratings.csv:2:1: expected 2 fields, found 1"));
  EXPECT_THAT(read_error("1 31\n2 3\n1\n"), HasSubstr("ratings.csv:3:1: expected 2 fields, found 1"));
}

TEST(Reader, RefusesIdsThatAreEmptyOrTooLarge) {
  EXPECT_THAT(read_error("1,2,3\n,31,4\n"), StartsWith("ratings.csv:2:1: user id is empty (--skip-bad"));
  EXPECT_THAT(read_error("1,2,3\n7, ,4\n"), StartsWith("ratings.csv:2:4: item id is empty"));
  EXPECT_EQ(
      read_error("1,2,3\n9223372036854775808,31,4\n"),
      "ratings.csv:2:1: user id \"9223372036854775808\" does not fit a 64-bit integer (--ids strings keeps ids as "
      "text, --skip-bad ignores such lines)");
  EXPECT_THAT(read_error("1,2,3\n4,9223372036854775808,4\n"), StartsWith("ratings.csv:2:3: item id \"92233720"));
}

TEST(Reader, RefusesIdsThatAreNotOfTheKindAskedFor) {
  EXPECT_THAT(read_error("1,2,3\n-1,2,3\n", {.ids = IdKind::rows}),
              AllOf(StartsWith("ratings.csv:2:1: user id \"-1\" is no row number"), HasSubstr("without --ids rows")));
  EXPECT_THAT(read_error("1,2,3\n1,abc,3\n", {.ids = IdKind::integers}),
              AllOf(StartsWith("ratings.csv:2:3: item id \"abc\" is no integer"), HasSubstr("--ids strings")));
}

TEST(Reader, ARefusedLineLeavesNoIdBehind) {
  const auto read = read_text_as_file("1,2,3\n5,,3\n,6,3\n7,8,x\n9223372036854775808,9,1\n2,2,2\n", {.skip_bad = true});
  EXPECT_EQ(read.data.users.size(), 2);
  EXPECT_EQ(read.data.items.size(), 1);
}

TEST(Reader, RefusesQuotesThatDoNotClose) {
  EXPECT_THAT(read_error("1,2,3\n1,\"31,4\n1,2,3\n"),
              StartsWith("ratings.csv:2:3: a quote that is not closed: \"\"31,4\""));
  EXPECT_THAT(read_error("1,2,3\n1,\"31\"x,4\n"), StartsWith("ratings.csv:2:7: text after a closing quote: \"x,4\""));
  EXPECT_THAT(read_error("\"1,2,3\n"), StartsWith("ratings.csv:1:1: a quote that is not closed"));
  EXPECT_THAT(read_error("1 2 3\n1 \"31\"x 4\n"), StartsWith("ratings.csv:2:7: text after a closing quote"));
}

TEST(Reader, RefusesCarriageReturnsThatEndLinesAlone) {
  for (const std::string text : {"1,2\r3,4\r", "1,2,3\r4,5,6\r",
                                 "1,2"
                                 "\r"
                                 "x,3\n4,5,6\n"}) {
    EXPECT_THAT(read_error(text),
                AllOf(HasSubstr("a carriage return inside a line"), HasSubstr("tr '\\r' '\\n' < FILE")));
  }
  EXPECT_THAT(read_error("user,item,rating\r1,2,3\r"), StartsWith("ratings.csv:1:17: a carriage return"));
}

TEST(Reader, ShowsForeignTextShortAndHarmless) {
  const std::string message = read_error("1,2,3\n1,2,\x1B[31m\x7F" + std::string(5'000, 'z') + "\n");
  EXPECT_THAT(message,
              AllOf(HasSubstr("\"\\x1b[31m\\x7fzzz"), HasSubstr("z…\" is not a number"), Not(HasSubstr("\x1B"))));
  EXPECT_LT(message.size(), 200U);
}

TEST(Reader, RefusesFilesWithoutRatings) {
  for (const std::string none : {"", "\n\n", "user,item,rating\n", "# only\n% comments\n", "\xEF\xBB\xBF"}) {
    EXPECT_EQ(read_error(none), "ratings.csv: holds no ratings (one line each: user, item, rating)");
  }
}

TEST(Reader, RefusesALineOfAMegabyte) {
  EXPECT_THAT(read_error("1,2,3\n" + std::string(1 << 20, '7') + ",2,3\n"),
              StartsWith("ratings.csv:2: is longer than 262144 bytes"));
  EXPECT_THAT(read_error(std::string(1 << 20, '7')), StartsWith("ratings.csv:1: is longer than 262144 bytes"));
  EXPECT_THAT(read_error("1,2,3\n1," + std::string(262'141, '7') + "a,3\n"), HasSubstr("is longer than 262144"));
  EXPECT_EQ(read_error("1,2,3\n1," + std::string(262'139, '7') + "a,3\n"), "no error");
}

TEST(Reader, RefusesWhatIsNoFileOfText) {
  EXPECT_THAT(read_error(std::string("1,2,3\n4,5\0,6\n", 13)), StartsWith("ratings.csv:2:4: a NUL byte"));
  EXPECT_THAT(read_error(std::string("\xFF\xFE"
                                     "1\0,\0",
                                     6)),
              HasSubstr("is UTF-16 text"));
  EXPECT_THAT(read_error(std::string("\xFE\xFF\0"
                                     "1\0,",
                                     6)),
              AllOf(HasSubstr("is UTF-16 text"), HasSubstr("iconv")));
  EXPECT_THAT(read_error("BZh91AY&SY\x01\x02"), AllOf(HasSubstr("is bzip2"), HasSubstr("bzip2 -dc")));
  EXPECT_THAT(read_error(std::string("\xFD"
                                     "7zXZ\0\0",
                                     7)),
              HasSubstr("xz -dc FILE | warpfactor train -"));
  EXPECT_THAT(read_error("PK\x03\x04zip"), AllOf(HasSubstr("is a zip archive"), HasSubstr("unzip -p")));
  EXPECT_THAT(read_error("PAR1\x15\x04"), HasSubstr("is Parquet"));
}

TEST(Reader, TakesNamesThatLookLikeMagicForNames) {
  EXPECT_EQ(read_text_as_file("PAR1,x,1\nBZhang,y,2\n", {.header = false}).report.ratings, 2);
  EXPECT_EQ(read_text_as_file("BZh9,x,1\nPAR1,y,2\n").report.ratings, 2);
}

std::string path_error(const std::string& path) {
  Dataset data;
  try {
    read_ratings(path, {}, data);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Reader, RefusesWhatItCannotOpen) {
  const test::TemporaryFolder folder;
  EXPECT_THAT(path_error(folder.file("nowhere.csv")),
              HasSubstr("nowhere.csv: cannot be opened: No such file or directory"));
  EXPECT_THAT(path_error(folder.path().string()), HasSubstr("is a directory (name a file in it)"));
  EXPECT_THAT(path_error(""), HasSubstr("cannot be opened"));
}

TEST(Reader, RefusesAFileWithoutPermission) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  const test::TemporaryFolder folder;
  const std::string path = folder.write("secret.csv", "1,2,3\n");
  std::filesystem::permissions(path, std::filesystem::perms::none);
  EXPECT_THAT(path_error(path), HasSubstr("cannot be opened: Permission denied"));
}

TEST(Reader, RefusesLinesWithoutASeparatorOrASecondColumn) {
  EXPECT_THAT(read_error("# x\n12345\n678\n"), StartsWith("ratings.csv:2: no separator found in \"12345\""));
  EXPECT_THAT(read_error("1,2,3\n", {.separator = ";"}), StartsWith("ratings.csv:1: has one column, \"1,2,3\""));
  EXPECT_THAT(read_error("user,timestamp\n1,2\n"), HasSubstr("has no column for the item"));
}

TEST(Reader, RefusesColumnsThatAreNotThere) {
  EXPECT_THAT(read_error("a,b,c\n1,2,3\n", {.user_column = "nobody"}),
              HasSubstr("--col-user \"nobody\" is none of its columns: a, b, c"));
  EXPECT_THAT(read_error("a,b,c\n1,2,3\n", {.item_column = "4"}), HasSubstr("--col-item \"4\" is none of its columns"));
  EXPECT_THAT(read_error("a,b,c\n1,2,3\n", {.item_column = "0"}), HasSubstr("--col-item \"0\" is none of its columns"));
  EXPECT_THAT(read_error("1,2,3\n", {.rating_column = "stars"}),
              AllOf(HasSubstr("--col-rating \"stars\" is none of its columns: 1, 2, 3"), HasSubstr("has no header")));
  EXPECT_THAT(read_error("1,2,3\n", {.user_column = "none"}), HasSubstr("--col-user \"none\" is none of its columns"));
  EXPECT_THAT(read_error("1,2,3\n", {.item_column = "none"}), HasSubstr("--col-item \"none\" is none of its columns"));
  EXPECT_THAT(read_error(",user,item,rating\n0,1,2,3\n", {.user_column = "_"}), HasSubstr("\"_\" is none of"));
  EXPECT_THAT(read_error("1,2,3\n", {.user_column = "1", .item_column = "1"}),
              HasSubstr("one column cannot be two of"));
}

TEST(Reader, SkipsAndCountsBadLinesWhenAsked) {
  const auto read =
      read_text_as_file("1,31,2.5\nx,y\n1,2,nan\n7,1029,3\n8,\"9,1\n9223372036854775808,1,1\n", {.skip_bad = true});
  EXPECT_EQ(read.triples, (test::Triples{{"1", "31", 2.5F}, {"7", "1029", 3.0F}}));
  EXPECT_EQ(read.report.bad_lines, 4);
  EXPECT_EQ(read.report.ratings, 2);
  EXPECT_THAT(read.report.first_bad, HasSubstr("ratings.csv:2:3: expected 3 fields, found 2"));
  EXPECT_THAT(describe(read.report), testing::EndsWith("4 bad lines"));
}

TEST(Reader, SkipsABadLineAlsoWhereSeparatorsAreDetected) {
  const auto read = read_text_as_file("1,31,2.5\ngarbage\n7,1029,3\n", {.skip_bad = true});
  EXPECT_EQ(read.triples, (test::Triples{{"1", "31", 2.5F}, {"7", "1029", 3.0F}}));
  EXPECT_EQ(read.report.bad_lines, 1);
}

TEST(Reader, StillRefusesAFileOfBadLinesOnly) {
  EXPECT_THAT(
      read_error("user,item,rating\n1,2,x\n3,4,y\n", {.skip_bad = true}),
      AllOf(HasSubstr("holds no ratings: all of its 2 lines are bad"), HasSubstr("rating \"x\" is not a number")));
}

TEST(Reader, DoesNotMixRowNumbersIntoADictionary) {
  const test::TemporaryFolder folder;
  const std::string path = folder.write("r", "1,2,3\n");
  Dataset data;
  read_ratings(path, {}, data);
  EXPECT_THROW(read_ratings(path, {.ids = IdKind::rows}, data), std::logic_error);
}

TEST(Reader, RefusesASheetOfUsersByItems) {
  std::string sheet;
  for (int user = 0; user < 3; ++user) {
    for (int item = 0; item < 20; ++item)
      sheet += std::to_string((user * 7 + item * 3) % 20) + (item < 19 ? "," : "\n");
  }
  EXPECT_THAT(test::read_error(sheet), testing::HasSubstr("has 20 columns without names"));
  EXPECT_EQ(
      test::read_text_as_file(sheet, {.user_column = "1", .item_column = "2", .rating_column = "3"}).triples.size(),
      3U);
}

/// Reads a file up to its middle, lets `change` have it, and reads on: the error, or "no error".
template <class Change>
std::string error_after(const Change& change) {
  const test::TemporaryFolder folder;
  std::string text;
  for (int n = 0; n < 100'000; ++n) text += std::to_string(n) + ",2,3\n";
  const std::string path = folder.write("ratings.csv", text);
  std::vector<char> part(1000);
  try {
    ByteSource source(path);
    source.read(part.data(), 1000);
    change(path);
    while (source.read(part.data(), 1000) > 0) {
    }
  } catch (const InputError& error) {
    return error.problem() + " (" + error.cure() + ")";
  }
  return "no error";
}

TEST(Reader, RefusesAFileThatChangesMeanwhile) {
  const std::string refused = "changed while it was read (do not write to it meanwhile, or read a copy)";
  EXPECT_EQ(error_after([](const std::string& path) { std::filesystem::resize_file(path, 500'000); }), refused);
  EXPECT_EQ(error_after([](const std::string& path) { std::filesystem::resize_file(path, 0); }), refused);
  EXPECT_EQ(error_after([](const std::string& path) { std::ofstream(path, std::ios::app) << "7,8,9\n"; }), refused);
  EXPECT_EQ(error_after([](const std::string& path) {
              std::fstream(path, std::ios::in | std::ios::out) << "7";  // of the same length
              const auto later = std::filesystem::last_write_time(path) + std::chrono::seconds(1);
              std::filesystem::last_write_time(path, later);  // clocks of files may be coarse
            }),
            refused);
  EXPECT_EQ(error_after([](const std::string& path) { std::filesystem::remove(path); }), "no error") << "it is whole";
}

}  // namespace
}  // namespace wf
