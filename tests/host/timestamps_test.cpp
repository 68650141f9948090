// Timestamps of a ratings file: which column has them, what they are as seconds, and what is no timestamp.
#include "host/readers/timestamp.hpp"
#include "tests/host/readers_support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <utility>
#include <vector>

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

TEST(Timestamps, MayBeDatesAndDecimals) {
  EXPECT_THAT(timestamps_of("user_id:token\titem_id:token\ttimestamp:float\n1\t2\t1.2e9\n1\t3\t978300760.5\n"),
              ElementsAre(1'200'000'000, 978'300'760));
  EXPECT_THAT(timestamps_of("u,i,r,date\n1,2,3,2015-03-01\n1,3,3,\"2015-03-01 10:20:30\"\n1,4,3,12\n"),
              ElementsAre(1'425'168'000, 1'425'205'230, 12));
  EXPECT_THAT(timestamps_of("1,2,3,2015-03-01\n1,3,3,2015-03-01T10:20:30Z\n"),
              ElementsAre(1'425'168'000, 1'425'205'230))
      << "without a header";
  EXPECT_THAT(timestamps_of("1,2,3,0.25\n1,3,3,0.75\n"), IsEmpty()) << "weights, for all that anybody knows";
}

TEST(Timestamps, DatesAreSecondsSince1970) {
  // by `date -u -d TEXT +%s`
  const std::vector<std::pair<const char*, std::int64_t>> dates{{"1970-01-01", 0},
                                                                {"1969-12-31T23:59:59Z", -1},
                                                                {"2000-02-29", 951'782'400},
                                                                {"2000-03-01", 951'868'800},
                                                                {"1900-03-01", -2'203'891'200},
                                                                {"0001-01-01", -62'135'596'800},
                                                                {"9999-12-31 23:59:59", 253'402'300'799},
                                                                {"2015-03-01T10:20", 1'425'205'200},
                                                                {"2015-03-01T10:20:30.75Z", 1'425'205'230},
                                                                {"2015-03-01T10:20:30+02:00", 1'425'198'030},
                                                                {"2015-03-01T10:20:30-0530", 1'425'225'030},
                                                                {"2015-03-01 10:20:30+02", 1'425'198'030},
                                                                {"2016-12-31T23:59:60Z", 1'483'228'800}};
  for (const auto& [text, seconds] : dates) EXPECT_EQ(parse_timestamp(text), seconds) << text;
}

TEST(Timestamps, FractionsAreCutOffTowardsThePast) {
  EXPECT_EQ(parse_timestamp("978300760.9"), 978'300'760);
  EXPECT_EQ(parse_timestamp("-0.5"), -1);
  EXPECT_EQ(parse_timestamp("1e3"), 1000);
  EXPECT_EQ(parse_timestamp("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
  EXPECT_TRUE(is_whole_timestamp("1.2e9"));
  EXPECT_TRUE(is_whole_timestamp("2015-03-01"));
  EXPECT_FALSE(is_whole_timestamp("978300760.5"));
}

TEST(Timestamps, WhatIsNoTimeIsRefused) {
  for (const char* text : {"",
                           "soon",
                           "nan",
                           "inf",
                           "1e19",
                           "9223372036854775808",
                           "12 ",
                           "1.5x",
                           "2015-02-29",
                           "2015-13-01",
                           "2015-00-10",
                           "2015-04-31",
                           "0000-01-01",
                           "15-03-01",
                           "2015-3-1",
                           "2015-03-01T",
                           "2015-03-01T24:00",
                           "2015-03-01T10:60",
                           "2015-03-01T10",
                           "2015-03-01T10:20:61",
                           "2015-03-01T10:20:",
                           "2015-03-01T10:20:30.",
                           "2015-03-01T10:20:30+",
                           "2015-03-01T10:20:30 Z",
                           "2015-03-01T10:20:30Z2",
                           "2015-03-01Z",
                           "2015-03-01x"}) {
    EXPECT_EQ(parse_timestamp(text), std::nullopt) << text;
  }
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
  EXPECT_THAT(read_error("u,i,r,ts\n1,2,3,4\n1,2,3,soon\n", options),
              HasSubstr("ratings.csv:3:7: timestamp \"soon\" is neither a number nor a date as 2015-03-01T10:20:30Z "
                        "(--col-timestamp none"));
  EXPECT_THAT(read_error("u,i,r,ts\n1,2,3,\n", options), HasSubstr("timestamp \"\" is neither a number nor a date"));
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
