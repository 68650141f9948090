// Every text format of ratings, what is detected in it, and each override.
#include "tests/host/readers_support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wf {
namespace {

using test::read_back;
using test::read_text_as_file;
using test::ReadBack;
using test::Triples;
using testing::HasSubstr;

const Triples kTwo{{"1", "31", 2.5F}, {"7", "1029", 3.0F}};

struct Format {
  const char* name;
  const char* text;
  const char* separator;
  bool header;
};

class ReaderFormats : public testing::TestWithParam<Format> {};

TEST_P(ReaderFormats, GiveTheSameTwoRatings) {
  const ReadBack read = read_text_as_file(GetParam().text);
  EXPECT_EQ(read.triples, kTwo);
  EXPECT_EQ(read.report.separator, GetParam().separator);
  EXPECT_EQ(read.report.header.has_value(), GetParam().header);
  EXPECT_EQ(read.report.ratings, 2);
  EXPECT_EQ(read.report.bad_lines, 0);
  EXPECT_EQ(read.data.users.kind(), IdKind::integers);
}

INSTANTIATE_TEST_SUITE_P(
    All, ReaderFormats,
    testing::Values(
        Format{"MovieLensCsv", "userId,movieId,rating,timestamp\n1,31,2.5,12\n7,1029,3.0,13\n", ",", true},
        Format{"CsvWithoutHeader", "1,31,2.5\n7,1029,3\n", ",", false},
        Format{"Tsv", "1\t31\t2.5\t881250949\n7\t1029\t3\t891717742\n", "\t", false},
        Format{"TsvWithHeader", "user_id:token\titem_id:token\trating:float\n1\t31\t2.5\n7\t1029\t3\n", "\t", true},
        Format{"DoubleColon", "1::31::2.5::978300760\n7::1029::3::978302109\n", "::", false},
        Format{"Blanks", "1 31 2.5\n7 1029 3\n", " ", false},
        Format{"ManyBlanks", "  1   31 \t 2.5  \n 7  1029  3\n", " ", false},
        Format{"BlanksWithHeader", "user item rating\n1 31 2.5\n7 1029 3\n", " ", true},
        Format{"Semicolons", "\"User-ID\";\"ISBN\";\"Book-Rating\"\n\"1\";\"31\";\"2.5\"\n7;1029;3\n", ";", true},
        Format{"Bars", "1|31|2.5\n7|1029|3\n", "|", false},
        Format{"CarriageReturns", "u,i,r\r\n1,31,2.5\r\n7,1029,3\r\n", ",", true},
        Format{"ByteOrderMark",
               "\xEF\xBB\xBF"
               "userId,movieId,rating\n1,31,2.5\n7,1029,3\n",
               ",", true},
        Format{"ByteOrderMarkWithoutHeader",
               "\xEF\xBB\xBF"
               "1,31,2.5\n7,1029,3\n",
               ",", false},
        Format{"NoNewlineAtTheEnd", "1,31,2.5\n7,1029,3", ",", false},
        Format{"QuotedFields", "\"1\",\"31\",\"2.5\"\n \"7\" ,\"1029\", \"3\"\n", ",", false},
        Format{"BlanksAroundFields", "1, 31 , 2.5\n 7,\t1029 , 3 \n", ",", false},
        Format{"CommentsAndBlankLines", "# about\n\n% more\n1,31,2.5\n \n#x\n7,1029,3\n\n", ",", false},
        Format{"ExponentsAndSigns", "1,31,+25e-1\n7,1029,.3E1\n", ",", false},
        Format{"ColumnsInOtherOrder", "rating,date,movie_id,USER ID\n2.5,9,31,1\n3,9,1029,7\n", ",", true},
        Format{"UnknownNames", "who,what,when,how\n1,31,2.5,0\n7,1029,3,0\n", ",", true},
        Format{"IndexOfADataFrame", ",user,item,rating\n0,1,31,2.5\n1,7,1029,3\n", ",", true},
        Format{"TimeIsNoRating", "student,lecturer,timestamp,grade\n1,31,99,2.5\n7,1029,99,3\n", ",", true}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(Reader, NamesTheColumnsItTook) {
  const ReadReport report = read_text_as_file("rating,date,movie_id,USER ID\n2.5,9,31,1\n").report;
  EXPECT_EQ(report.user_column, "USER ID");
  EXPECT_EQ(report.item_column, "movie_id");
  EXPECT_EQ(report.rating_column, "rating");
  EXPECT_EQ(report.header, "rating,date,movie_id,USER ID");
}

TEST(Reader, CountsEveryLine) {
  const ReadReport report = read_text_as_file("# a\n\nuser,item,rating\n1,2,3\n% b\n\t \n4,5,1\n").report;
  EXPECT_EQ(report.lines, 7);
  EXPECT_EQ(report.comments, 2);
  EXPECT_EQ(report.blank, 2);
  EXPECT_EQ(report.ratings, 2);
  EXPECT_EQ(report.bytes, 41);
  EXPECT_EQ(report.min_value, 1);
  EXPECT_EQ(report.max_value, 3);
  EXPECT_EQ(report.mean_value, 2);
}

TEST(Reader, SeesPastAnyNumberOfComments) {
  std::string text;
  for (int n = 0; n < 20'000; ++n) text += "# line " + std::to_string(n) + " of a long preface\n";
  const ReadBack read = read_text_as_file(text + "1,31,2.5\n7,1029,3\n");
  EXPECT_EQ(read.triples, kTwo);
  EXPECT_EQ(read.report.comments, 20'000);
}

TEST(Reader, TakesPairsAsOnes) {
  const ReadBack read = read_text_as_file("1 31\n7 1029\n");
  EXPECT_EQ(read.triples, (Triples{{"1", "31", 1.0F}, {"7", "1029", 1.0F}}));
  EXPECT_TRUE(read.report.implicit());
  EXPECT_TRUE(read_text_as_file("user,item\n1,31\n").report.header.has_value());
  EXPECT_TRUE(read_text_as_file("user,artist_name\n1,31\n").report.header.has_value()) << "one known, above numbers";
  EXPECT_FALSE(read_text_as_file("user,bob\nann,31\n").report.header.has_value());
  EXPECT_FALSE(read_text_as_file("ann,bob\n1,31\n").report.header.has_value()) << "two names may be two ids";
}

TEST(Reader, LeavesATimestampAloneWhereThereIsNoRating) {
  const ReadBack read = read_text_as_file("user,item,timestamp\n1,31,978300760\n");
  EXPECT_EQ(read.triples, (Triples{{"1", "31", 1.0F}}));
  EXPECT_EQ(read.report.rating_column, "none");
}

TEST(Reader, KeepsStringIdsAsTheyAre) {
  const ReadBack read =
      read_text_as_file("user,item,rating\n\"a \"\"b\"\", c\",0054890,1\n Zoë ,54890,2\n\"\"\"\",x y,3\n");
  EXPECT_EQ(read.triples, (Triples{{"a \"b\", c", "0054890", 1.0F}, {"Zoë", "54890", 2.0F}, {"\"", "x y", 3.0F}}));
  EXPECT_EQ(read.data.users.kind(), IdKind::strings);
}

TEST(Reader, KeepsEarlierIdsWhenALaterOneIsText) {
  const ReadBack read = read_text_as_file("1,5,1\n2,6,2\nx,05,3\n1,5,4\n");
  EXPECT_EQ(read.triples, (Triples{{"1", "5", 1.0F}, {"2", "6", 2.0F}, {"x", "05", 3.0F}, {"1", "5", 4.0F}}));
  EXPECT_EQ(read.data.users.size(), 3);
  EXPECT_EQ(read.data.items.size(), 3);
}

TEST(Reader, AppendsASecondFileWithTheSameIds) {
  const test::TemporaryFolder folder;
  Dataset data;
  read_ratings(folder.write("one", "1,31,2.5\n"), {}, data);
  const ReadReport report = read_ratings(folder.write("two", "user\titem\trating\n2\t31\t1\n1\t8\t4\n"), {}, data);
  EXPECT_EQ(test::triples_of(data), (Triples{{"1", "31", 2.5F}, {"2", "31", 1.0F}, {"1", "8", 4.0F}}));
  EXPECT_EQ(report.ratings, 2);
  EXPECT_EQ(data.users.size(), 2);
  EXPECT_EQ(data.items.size(), 2);
}

TEST(Reader, SeesSeparatorsInsideIdsForWhatTheyAre) {
  EXPECT_EQ(read_text_as_file("\"a;b\",\"c;d\",3\n\"e;f\",\"g;h\",4\n").triples,
            (Triples{{"a;b", "c;d", 3.0F}, {"e;f", "g;h", 4.0F}}));
  EXPECT_EQ(read_text_as_file("1;x,31,2.5\n2;y,30,3\n").triples, (Triples{{"1;x", "31", 2.5F}, {"2;y", "30", 3.0F}}));
  EXPECT_EQ(read_text_as_file("Ann Lee Poe,Dune One 3\nBo,Emma 1 2\n").triples,
            (Triples{{"Ann Lee Poe", "Dune One 3", 1.0F}, {"Bo", "Emma 1 2", 1.0F}}));
}

TEST(Reader, ObeysTheSeparator) {
  EXPECT_EQ(read_text_as_file("1,2;3;4\n1,5;6;2\n", {.separator = ";"}).triples,
            (Triples{{"1,2", "3", 4.0F}, {"1,5", "6", 2.0F}}));
  EXPECT_EQ(read_text_as_file("1 a,3,4\n", {.separator = ","}).triples, (Triples{{"1 a", "3", 4.0F}}));
}

TEST(Reader, ObeysTheHeaderSwitch) {
  EXPECT_EQ(read_text_as_file("1,2,3\n4,5,6\n", {.header = true}).triples, (Triples{{"4", "5", 6.0F}}));
  EXPECT_THAT(test::read_error("user,item,rating\n4,5,6\n", {.header = false}), HasSubstr("ratings.csv:1:11: rating"));
}

TEST(Reader, ObeysTheColumns) {
  const char* headed = "time,score,who,what,other\n9,2.5,1,31,4\n";
  EXPECT_EQ(read_text_as_file(headed, {.user_column = "who", .item_column = "WHAT", .rating_column = "score"}).triples,
            (Triples{{"1", "31", 2.5F}}));
  EXPECT_EQ(read_text_as_file(headed, {.user_column = "3", .item_column = "4", .rating_column = "5"}).triples,
            (Triples{{"1", "31", 4.0F}}));
  EXPECT_EQ(read_text_as_file("9,2.5,1,31\n", {.user_column = "3", .item_column = "4", .rating_column = "2"}).triples,
            (Triples{{"1", "31", 2.5F}}));
  const ReadBack none = read_text_as_file("1,31,2.5\n", {.rating_column = "none"});
  EXPECT_EQ(none.triples, (Triples{{"1", "31", 1.0F}}));
  EXPECT_TRUE(none.report.implicit());
}

TEST(Reader, TakesNoDataForAHeaderWhereTheColumnsAreGiven) {
  const ReadBack read = read_text_as_file("2026-01-01\tann\tdune\t4\n2026-01-02\tbob\temma\t5\n",
                                          {.user_column = "2", .item_column = "3", .rating_column = "4"});
  EXPECT_EQ(read.triples, (Triples{{"ann", "dune", 4.0F}, {"bob", "emma", 5.0F}}));
}

TEST(Reader, ObeysTheKindOfIds) {
  const ReadBack strings = read_text_as_file("1,9223372036854775808,3\n", {.ids = IdKind::strings});
  EXPECT_EQ(strings.triples, (Triples{{"1", "9223372036854775808", 3.0F}}));
  EXPECT_EQ(strings.data.users.kind(), IdKind::strings);

  const ReadBack rows = read_text_as_file("4,2,3\n0,7,1\n", {.ids = IdKind::rows});
  EXPECT_EQ(rows.data.users.kind(), IdKind::rows);
  EXPECT_EQ(rows.data.users.size(), 5);
  EXPECT_EQ(rows.data.items.size(), 8);
  EXPECT_EQ(rows.data.ratings.user[0], 4);

  Dataset declared{{}, IdMap::rows(10), IdMap::rows(20)};
  const test::TemporaryFolder folder;
  read_ratings(folder.write("r", "4,2,3\n"), {.ids = IdKind::rows}, declared);
  EXPECT_EQ(declared.users.size(), 10);
  EXPECT_EQ(declared.items.size(), 20);
}

TEST(Reader, IgnoresTheRatingOfPairsToPredict) {
  const ReadBack read = read_text_as_file("user,item,rating\n1,31,unknown\n", {.need_rating = false});
  EXPECT_EQ(read.triples, (Triples{{"1", "31", 1.0F}}));
}

TEST(Reader, CrossesTheEdgesOfItsBuffer) {
  std::string text;
  Triples expected;
  for (int n = 0; n < 60'000; ++n) {
    const std::string user = std::to_string(n * 7919);
    text += user + "," + std::to_string(n) + ",0.5\n";
    expected.emplace_back(user, std::to_string(n), 0.5F);
  }
  ASSERT_GT(text.size(), 4U << 18);
  EXPECT_EQ(read_text_as_file(text).triples, expected);
}

TEST(Reader, DescribesWhatItFound) {
  EXPECT_THAT(describe(read_text_as_file("userId,movieId,rating\n1,2,3\n").report),
              testing::AllOf(testing::StartsWith("comma, header userId,movieId,rating"), HasSubstr("1 rating in "),
                             testing::EndsWith("0 bad lines")));
  EXPECT_THAT(describe(read_text_as_file("1\t2\t3\n#\n4\t5\t6\n").report),
              testing::AllOf(HasSubstr("tab, no header"), HasSubstr("2 ratings"), HasSubstr("1 comment")));
  EXPECT_EQ(with_thousands(20'000'263), "20,000,263");
  EXPECT_EQ(with_thousands(999), "999");
  EXPECT_EQ(with_thousands(-1'234'567), "-1,234,567");
  EXPECT_EQ(with_thousands(-123), "-123");
}

TEST(Names, AreReadWithOrWithoutAHeader) {
  using Names = std::vector<std::pair<std::string, std::string>>;
  const test::TemporaryFolder folder;
  const std::string movies = folder.write("a", "movieId,title,genres\n1,\"Heat, the (1995)\",A|B\n2,Emma,C\n");
  EXPECT_EQ(read_names(movies), (Names{{"1", "Heat, the (1995)"}, {"2", "Emma"}}));
  const std::string turned = folder.write("f", "title,movieId\nEmma,2\n");
  EXPECT_EQ(read_names(turned), (Names{{"2", "Emma"}}));
  const std::string old = folder.write("b", "0001::One::X\n0002::\"Great\" Two: 2 (1998)::Y\n");
  EXPECT_EQ(read_names(old), (Names{{"0001", "One"}, {"0002", "\"Great\" Two: 2 (1998)"}}));
  const std::string quoted = folder.write("d", "1::\"Great\" One::X\n2::\"Two::Y\n");
  EXPECT_EQ(read_names(quoted), (Names{{"1", "\"Great\" One"}, {"2", "\"Two"}}));
  const std::string two = folder.write("e", "id,name\n1,Emma\n");
  EXPECT_EQ(read_names(two), (Names{{"1", "Emma"}}));
  const std::string books = folder.write("c", "book_id,original_title,Title\n5,,Dune\n");
  EXPECT_EQ(read_names(books), (Names{{"5", "Dune"}}));
}

TEST(Names, RefuseALineWithAnotherCountOfFields) {
  const test::TemporaryFolder folder;
  const auto error_of = [&](const std::string& text) -> std::string {
    try {
      read_names(folder.write("a", text));
    } catch (const InputError& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(error_of("movieId,title,genres\n1,Emma,x\n2\n"), HasSubstr("a:3: expected 3 fields, found 1: \"2\""));
  EXPECT_THAT(error_of("movieId,title,genres\n1,Heat, the (1995),x\n"),
              testing::AllOf(HasSubstr("a:2: expected 3 fields, found 4"), HasSubstr("quote a name")))
      << "a name that is not quoted must not be cut";
}

}  // namespace
}  // namespace wf
