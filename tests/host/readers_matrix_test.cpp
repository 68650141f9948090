// Matrix Market files and LightGCN's lists: what is read of them, and what is refused where.
#include "host/readers/ratings_reader.hpp"
#include "tests/host/readers_support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wf {
namespace {

using test::read_back;
using test::read_error;
using test::read_text_as_file;
using test::ReadBack;
using test::Triples;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

const std::string kGeneral = "%%MatrixMarket matrix coordinate real general\n";
const std::string kFixtures = std::string(WF_FIXTURES) + "/";

TEST(MatrixMarket, IsReadAsSciPyWroteIt) {
  const ReadBack general = read_back(kFixtures + "matrix_market/general.mtx");
  EXPECT_EQ(general.triples,
            (Triples{{"1", "2", 2.5F}, {"1", "5", 3.0F}, {"2", "1", 5.0F}, {"4", "3", 0.5F}, {"4", "5", 4.0F}}));
  EXPECT_EQ(general.report.kind, "Matrix Market");
  EXPECT_EQ(general.report.lines, 8);
  EXPECT_EQ(general.report.comments, 2);
  const ReadBack pattern = read_back(kFixtures + "matrix_market/pattern.mtx");
  EXPECT_TRUE(pattern.report.implicit());
  EXPECT_EQ(pattern.triples.size(), 5U);
  EXPECT_EQ(pattern.triples.back(), (test::ReadTriple{"4", "5", 1.0F}));
}

TEST(MatrixMarket, MirrorsWhatIsSymmetric) {
  const ReadBack read = read_back(kFixtures + "matrix_market/symmetric.mtx");
  EXPECT_EQ(read.triples,
            (Triples{{"1", "1", 7.0F}, {"2", "1", 1.0F}, {"3", "2", 2.0F}, {"1", "2", 1.0F}, {"2", "3", 2.0F}}));
  EXPECT_EQ(read.report.ratings, 5);
  EXPECT_EQ(read.report.mean_value, 13.0 / 5);
  EXPECT_EQ(read_back(kFixtures + "matrix_market/symmetric.mtx", {.ids = IdKind::strings}).triples, read.triples);
  const std::string banner = "%%MatrixMarket matrix coordinate real symmetric\n";
  EXPECT_THAT(read_error(banner + "2 2 2\n1 2 1\n2 1 1\n"), HasSubstr("on both sides of its diagonal"));
  EXPECT_THAT(read_error(banner + "2 3 1\n1 2 1\n"),
              StartsWith("ratings.csv:2: is a symmetric matrix that is not square"));
}

TEST(MatrixMarket, GivesRowNumbersTheMatrixsSizes) {
  const ReadBack read = read_back(kFixtures + "matrix_market/general.mtx", {.ids = IdKind::rows});
  EXPECT_EQ(read.data.users.size(), 4) << "the third has no ratings";
  EXPECT_EQ(read.data.items.size(), 5);
  EXPECT_EQ(read.data.ratings.user[0], 0) << "rows count from 0, the file from 1";
  EXPECT_EQ(read.data.ratings.item[4], 4);
  EXPECT_EQ(read_back(kFixtures + "matrix_market/general.mtx").data.users.size(), 3);
  const test::TemporaryFolder folder;
  const std::string path = folder.write("m.mtx", kGeneral + "2 20 1\n1 20 4\n");
  Dataset declared{{}, IdMap::declared_rows(5), IdMap::declared_rows(10)};
  EXPECT_THROW(read_ratings(path, {.ids = IdKind::rows}, declared), UsageError);
  Dataset wide{{}, IdMap::declared_rows(5), IdMap::declared_rows(20)};
  read_ratings(path, {.ids = IdKind::rows}, wide);
  EXPECT_EQ(wide.users.size(), 5);
}

TEST(MatrixMarket, HasABannerInAnyCaseAndCommentsAnywhere) {
  const Triples one{{"1", "2", 4.0F}};
  for (const std::string banner : {"%%MatrixMarket", "%%matrixmarket", "%MatrixMarket"}) {
    EXPECT_EQ(read_text_as_file(banner + " MATRIX Coordinate Integer GENERAL\n2 2 1\n1 2 4\n").triples, one);
  }
  EXPECT_EQ(read_text_as_file(kGeneral + "% a\n\n%\n 2  2\t1 \n% b\n\n 1 2 \t4e0\r\n%\n").triples, one);
}

TEST(MatrixMarket, ObeysWhatItCan) {
  EXPECT_EQ(read_text_as_file(kGeneral + "2 2 1\n1 2 4\n", {.rating_column = "none"}).triples,
            (Triples{{"1", "2", 1.0F}}));
  EXPECT_EQ(read_text_as_file(kGeneral + "2 2 2\n1 x 4\n1 2 4\n", {.skip_bad = true}).report.bad_lines, 1);
  EXPECT_THROW(read_text_as_file(kGeneral + "2 2 1\n1 2 4\n", {.separator = ","}), UsageError);
  EXPECT_THROW(read_text_as_file(kGeneral + "2 2 1\n1 2 4\n", {.item_column = "1"}), UsageError);
}

TEST(MatrixMarket, RefusesMatricesThatHoldNoRatings) {
  const auto refused = [](const std::string& rest) {
    return read_error("%%MatrixMarket " + rest + "\n2 2 1\n1 1 4\n");
  };
  EXPECT_THAT(refused("matrix array real general"),
              AllOf(StartsWith("ratings.csv:1: "), HasSubstr("with every cell"), HasSubstr("coo_matrix")));
  EXPECT_THAT(refused("matrix coordinate complex general"), HasSubstr("of \"complex\" values"));
  EXPECT_THAT(refused("matrix coordinate complex hermitian"), HasSubstr("of \"complex\" values"));
  EXPECT_THAT(refused("matrix coordinate real skew-symmetric"), HasSubstr("that is \"skew-symmetric\""));
  EXPECT_THAT(refused("matrix coordinate real"), HasSubstr("is no banner"));
  EXPECT_THAT(refused("vector coordinate real general"), HasSubstr("is no banner"));
}

TEST(MatrixMarket, NamesThePlaceOfAWrongEntry) {
  EXPECT_THAT(read_error(kGeneral + "2 3 2\n1 3 4\n3 1 4\n"),
              StartsWith("ratings.csv:4:1: user \"3\" is not within the matrix, 1 to 2"));
  EXPECT_THAT(read_error(kGeneral + "2 3 2\n1 3 4\n2 4 4\n"),
              StartsWith("ratings.csv:4:3: item \"4\" is not within the matrix, 1 to 3"));
  for (const char* user : {"0", "-1", "01", "x", "9223372036854775808", "1.0"}) {
    EXPECT_THAT(read_error(kGeneral + "2 3 1\n" + user + " 1 4\n"), StartsWith("ratings.csv:3:1: user ")) << user;
    EXPECT_THAT(read_error(kGeneral + "2 3 1\n" + user + " 1 4\n", {.ids = IdKind::strings}),
                StartsWith("ratings.csv:3:1: user "))
        << user;
  }
  EXPECT_THAT(read_error(kGeneral + "2 3 1\n1 1\n"), StartsWith("ratings.csv:3:3: expected 3 fields, found 2"));
  EXPECT_THAT(read_error(kGeneral + "2 3 1\n1 1 nan\n"), StartsWith("ratings.csv:3:5: rating \"nan\" is not finite"));
  EXPECT_THAT(read_error(kGeneral + "2 3 2\n1 1 1\n"),
              StartsWith("ratings.csv:3: ends with 1 entries, and its size line has 2"));
  EXPECT_THAT(read_error(kGeneral + "2 3 1\n1 1 1\n1 2 1\n"), StartsWith("ratings.csv:4: ends with 2 entries"));
}

TEST(MatrixMarket, RefusesSizesThatAreNone) {
  for (const char* size : {"2 3", "2 3 4 5", "2 3 x", "-2 3 1", "2.0 3 1", "99999999999999999999 1 1"}) {
    EXPECT_THAT(read_error(kGeneral + size + "\n1 1 4\n"), StartsWith("ratings.csv:2: is no size line")) << size;
  }
  EXPECT_THAT(read_error(kGeneral + "1152921504606846976 3 1\n1 1 4\n"),
              HasSubstr("more rows or columns than 2147483647"));
  EXPECT_THAT(read_error(kGeneral + "2 3 1152921504606846976\n1 1 4\n"), HasSubstr("ends with 1 entries"));
  EXPECT_THAT(read_error(kGeneral + "% nothing\n"), HasSubstr("ends before its size line"));
  EXPECT_THAT(read_error(kGeneral + "2 3 0\n"), HasSubstr("holds no ratings"));
  EXPECT_THAT(read_error(kGeneral + "0 0 1\n1 1 1\n"), HasSubstr("item \"1\" is not within the matrix"));
}

TEST(MatrixMarket, IsRefusedWhereverItIsCut) {
  const std::string whole = kGeneral + "4 5 3\n1 2 2.5\n4 3 5\n4 5 4.25\n";
  ASSERT_EQ(read_error(whole), "no error");
  const std::size_t last = whole.size() - 5;  // behind "4 5 4": a value that is cut is a value, too
  for (std::size_t size = kGeneral.size(); size < last; ++size)
    EXPECT_NE(read_error(whole.substr(0, size)), "no error") << size;
  for (std::size_t size = 0; size < kGeneral.size(); ++size) {
    EXPECT_NE(read_error(whole.substr(0, size)), "no error") << size;
  }
}

TEST(MatrixMarket, IsTheSameInChunksOfAnySize) {
  std::string text = "%%MatrixMarket matrix coordinate real symmetric\n500 500 499\n";
  for (int n = 2; n <= 500; ++n)
    text += std::to_string(n) + " " + std::to_string(n / 2) + " " + std::to_string(n % 9) + "\n";
  const test::TemporaryFolder folder;
  const std::string path = folder.write("m.mtx", text);
  std::vector<test::ReadTriple> expected = read_back(path).triples;
  std::sort(expected.begin(), expected.end());
  ASSERT_EQ(expected.size(), 998U);
  for (const Position bytes : {10, 100, 1000}) {
    Dataset data;
    RatingsReader(path, {.threads = 3}, data, bytes).run();
    std::vector<test::ReadTriple> triples = test::triples_of(data);
    std::sort(triples.begin(), triples.end());
    EXPECT_EQ(triples, expected) << bytes;
  }
}

TEST(Lists, AreReadAsLightGcnHasThem) {
  const ReadBack read = read_back(kFixtures + "lightgcn/train.txt");
  EXPECT_EQ(read.report.kind, "lists");
  EXPECT_TRUE(read.report.implicit());
  EXPECT_EQ(read.report.lines, 5);
  EXPECT_EQ(read.report.ratings, 22);
  EXPECT_EQ(read.triples.front(), (test::ReadTriple{"0", "0", 1.0F}));
  EXPECT_EQ(read.triples[5], (test::ReadTriple{"1", "2", 1.0F}));
  EXPECT_EQ(read.triples.back(), (test::ReadTriple{"4", "9", 1.0F}));
  EXPECT_EQ(read_back(kFixtures + "lightgcn/train.txt", {.ids = IdKind::rows}).data.users.size(), 5);
}

TEST(Lists, AreReadAsPandasGroupsThem) {
  const ReadBack read = read_back(kFixtures + "lightgcn/pandas.txt", {.lists = true});
  EXPECT_EQ(read.triples, (Triples{{"0", "5", 1.0F},
                                   {"0", "2", 1.0F},
                                   {"0", "9", 1.0F},
                                   {"1", "4", 1.0F},
                                   {"1", "2", 1.0F},
                                   {"2", "0", 1.0F},
                                   {"2", "5", 1.0F},
                                   {"3", "7", 1.0F},
                                   {"3", "1", 1.0F}}));
}

TEST(Lists, AreTakenForThemOnlyWhereTheyAreNothingElse) {
  EXPECT_EQ(read_text_as_file("0 1 2 3 4\n1 5 6 7 8 9\n").report.kind, "lists");
  EXPECT_EQ(read_text_as_file("0 1 2 3\n1 5 6 7\n").report.kind, "") << "u i r t";
  EXPECT_EQ(read_text_as_file("0 1 2 3 4\n1 5 6 7 8\n").report.kind, "") << "five columns";
  EXPECT_EQ(read_text_as_file("0 1 2 3 4\n").report.kind, "") << "one line";
  EXPECT_THAT(read_error("1 2 3 99 0\n1 3 4 99 0\n2 2 5 99 1 7\n"), HasSubstr("expected 5 fields, found 6"));
  EXPECT_THAT(read_error("1 2 3 99\n1 3 4 99\n2 2 5 99\n2 3 5 99 7\n"), HasSubstr("expected 4 fields, found 5"));
  EXPECT_THAT(read_error("0 1 2 3 4\n1 5 6 7 x 9\n"), HasSubstr("expected 5 fields, found 6"));
  EXPECT_THAT(read_error("0 1 2 3 4\n1 5 6 7 8 9\n", {.header = false}), HasSubstr("expected 5 fields"));
}

TEST(Lists, AreReadWhereTheyAreAskedFor) {
  const Triples three{{"a", "x", 1.0F}, {"a", "y", 1.0F}, {"c", "x", 1.0F}};
  EXPECT_EQ(read_text_as_file("a x y\nb\n\nc x\n", {.lists = true}).triples, three);
  EXPECT_EQ(read_text_as_file("a,x,y\nc,x\n", {.separator = ",", .lists = true}).triples, three);
  const ReadBack mixed = read_text_as_file("1 2 3\n2 b 3\n", {.lists = true});
  EXPECT_EQ(mixed.triples, (Triples{{"1", "2", 1.0F}, {"1", "3", 1.0F}, {"2", "b", 1.0F}, {"2", "3", 1.0F}}));
  EXPECT_EQ(mixed.data.users.kind(), IdKind::integers);
  EXPECT_EQ(mixed.data.items.kind(), IdKind::strings);
  EXPECT_THROW(read_text_as_file("1 2 3\n", {.user_column = "1", .lists = true}), UsageError);
  EXPECT_THAT(read_error("1\n2\n", {.lists = true}), HasSubstr("holds no ratings"));
  EXPECT_THAT(read_error("1 2\n2 9223372036854775808\n", {.lists = true}), StartsWith("ratings.csv:2:3: item id"));
  EXPECT_THAT(read_error("1 2\n2 9\n", {.lists = true, .ids = IdKind::rows}), "no error");
  EXPECT_THAT(read_error("1 2\n2 -9\n", {.lists = true, .ids = IdKind::rows}), StartsWith("ratings.csv:2:3: item id"));
}

TEST(Lists, MayBeLongAndMany) {
  std::string text;
  Triples expected;
  for (int user = 0; user < 60; ++user) {
    text += std::to_string(user);
    for (int item = 0; item <= user * 11; ++item) {
      text += ' ' + std::to_string(item);
      expected.emplace_back(std::to_string(user), std::to_string(item), 1.0F);
    }
    text += '\n';
  }
  const test::TemporaryFolder folder;
  const std::string path = folder.write("train.txt", text);
  EXPECT_EQ(read_back(path).triples, expected);
  for (const Position bytes : {50, 5000}) {
    Dataset data;
    RatingsReader(path, {.lists = true, .threads = 3}, data, bytes).run();
    EXPECT_EQ(test::triples_of(data), expected) << bytes;
  }
}

TEST(Inter, IsReadAsRecBoleHasIt) {
  const ReadBack read = read_back(kFixtures + "recbole/ratings.inter", {.timestamps = true});
  EXPECT_EQ(read.triples,
            (Triples{{"196", "242", 3.0F}, {"186", "302", 3.0F}, {"22", "377", 1.0F}, {"22", "b0 51", 4.5F}}));
  EXPECT_EQ(read.report.timestamp_column, "timestamp:float");
  EXPECT_EQ(read.data.timestamps[2], 878887116);
  EXPECT_EQ(read.data.items.kind(), IdKind::strings);
}

TEST(Inter, IsReadAsPandasWritesIt) {
  const ReadBack read = read_back(kFixtures + "recbole/pandas.inter", {.timestamps = true});
  EXPECT_EQ(read.triples, (Triples{{"7", "a1", 4.0F},
                                   {"7", "b2", 2.5F},
                                   {"12", "a1", 5.0F},
                                   {"3", "c 3", 1.0F},
                                   {"3", "b2", 3.0F},
                                   {"3", "a1", 4.5F},
                                   {"12", "d4", 2.0F}}));
  EXPECT_EQ(read.data.timestamps[0], 978300760);
  EXPECT_EQ(read.data.timestamps[6], 978302039);
}

TEST(Inter, HasARatingOnlyWhereAColumnIsANumber) {
  // as RecBole's own tests have them: another user, or a sequence of items, is no rating
  EXPECT_TRUE(read_text_as_file("user_id:token\titem_id:token\tadd_user:token\nua\tia\tub\n").report.implicit());
  const ReadBack star =
      read_text_as_file("user_id:token\titem_id:token\ttags:token_seq\tstar:float\nua\tia\t1 2 3\t4.5\nub\tia\t2\t3\n");
  EXPECT_EQ(star.report.rating_column, "star:float");
  EXPECT_EQ(star.triples.front(), (test::ReadTriple{"ua", "ia", 4.5F}));
}

}  // namespace
}  // namespace wf
