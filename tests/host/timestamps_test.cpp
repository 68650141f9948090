// Timestamps of a ratings file: which column has them, and what is no timestamp.
#include "tests/host/readers_support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wf::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::int64_t> timestamps_of(const std::string& text, const std::string& column = "") {
  const ReadBack read = read_text_as_file(text, {.timestamp_column = column, .timestamps = true});
  return {read.data.timestamps.begin(), read.data.timestamps.end()};
}

TEST(Timestamps, AreInTheColumnOfThatName) {
  EXPECT_THAT(timestamps_of("timestamp,user,item,rating\n964982703,1,2,3\n-5,1,3,4\n"), ElementsAre(964982703, -5));
  EXPECT_THAT(timestamps_of("user_id:token\titem_id:token\ttimestamp:float\n1\t2\t77\n"), ElementsAre(77));
}

TEST(Timestamps, AreBehindTheRatingWithoutAHeader) {
  EXPECT_THAT(timestamps_of("196\t242\t3\t881250949\n186\t302\t3\t891717742\n"), ElementsAre(881250949, 891717742));
  EXPECT_THAT(timestamps_of("1::1193::5::978300760\n"), ElementsAre(978300760));
  EXPECT_THAT(timestamps_of("1,2,3,good\n1,3,4,bad\n"), IsEmpty()) << "the column behind the rating has words";
  EXPECT_THAT(timestamps_of("1,2,3\n"), IsEmpty());
}

TEST(Timestamps, CanBeNamedAndLeftOut) {
  EXPECT_THAT(timestamps_of("user,item,rating,seen\n1,2,3,40\n"), IsEmpty());
  EXPECT_THAT(timestamps_of("user,item,rating,seen\n1,2,3,40\n", "seen"), ElementsAre(40));
  EXPECT_THAT(timestamps_of("user,item,rating,time\n1,2,3,yesterday\n", "none"), IsEmpty());
}

TEST(Timestamps, AreNotReadUnlessAskedFor) {
  const ReadBack read = read_text_as_file("user,item,rating,timestamp\n1,2,3,never\n");
  EXPECT_TRUE(read.data.timestamps.empty());
  EXPECT_EQ(read.report.timestamp_column, "none");
}

TEST(Timestamps, TheReportNamesTheirColumn) {
  const ReadOptions options{.timestamps = true};
  EXPECT_EQ(read_text_as_file("u,i,r,ts\n1,2,3,4\n", options).report.timestamp_column, "ts");
  EXPECT_EQ(read_text_as_file("1 2 3 4\n", options).report.timestamp_column, "4");
}

TEST(Timestamps, ThatAreNoneAreErrorsWithTheirPlace) {
  const ReadOptions options{.timestamps = true};
  EXPECT_THAT(read_error("u,i,r,ts\n1,2,3,4\n1,2,3,4.5\n", options),
              HasSubstr("ratings.csv:3:7: timestamp \"4.5\" is not a whole number (--col-timestamp none"));
  EXPECT_THAT(read_error("u,i,r,ts\n1,2,3,\n", options), HasSubstr("timestamp \"\" is not a whole number"));
  EXPECT_THAT(read_error("u,i,r\n1,2,3\n", {.timestamp_column = "item", .timestamps = true}),
              HasSubstr("--col-timestamp \"item\" is none of its columns"));
  EXPECT_THAT(read_error("u,i,r\n1,2,3\n", {.timestamp_column = "2", .timestamps = true}),
              HasSubstr("cannot be that of the user"));
}

TEST(Timestamps, StayWithTheirRatingsWhenChunksAndBadLinesComeBetween) {
  std::string text = "user,item,rating,timestamp\n";
  constexpr int kLines = 60'000;  // several chunks
  for (int n = 0; n < kLines; ++n) {
    // a line of each kind: read at once, with care, as text, and not at all
    if (n % 1000 == 7) text += "1,2,x,3\n";
    text += (n == 40'000  ? "a,2,"
             : n % 5 == 0 ? "\"1\", 2 ,"
                          : "1,2,") +
            std::to_string(n % 5) + ',' + std::to_string(1'000'000'000 + n) + '\n';
  }
  const ReadBack read = read_text_as_file(text, {.timestamps = true, .skip_bad = true, .threads = 3});
  ASSERT_EQ(read.data.ratings.size(), kLines);
  ASSERT_EQ(read.data.timestamps.size(), kLines);
  for (Position n = 0; n < kLines; ++n) {
    ASSERT_EQ(read.data.timestamps[n], 1'000'000'000 + n);
    ASSERT_EQ(read.data.ratings.value[n], static_cast<float>(n % 5));
  }
}

}  // namespace
}  // namespace wf::test
