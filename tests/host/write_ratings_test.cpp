// Ratings for other programs: what is written comes back, and is what it should be to the byte.
#include "host/ratings/write_ratings.hpp"

#include "tests/host/pages_support.hpp"
#include "tests/host/readers_support.hpp"
#include "tests/support/npz.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace wf {
namespace {

using test::read_back;
using test::ReadBack;
using test::Triples;
using testing::ElementsAre;
using testing::HasSubstr;

/// Two users who rated three items, in the order 1, 0, 1; item 1 has no ratings.
Dataset small_data(IdKind users, IdKind items, bool timestamps = false) {
  Dataset data{{}, test::ids_of(users, 2), test::ids_of(items, 4)};
  data.ratings.push_back(1, 3, 4.5F);
  data.ratings.push_back(0, 2, 0.1F);
  data.ratings.push_back(1, 0, -2);
  if (timestamps) {
    for (const std::int64_t time : {978300760, 978300761, 5}) data.timestamps.push_back(time);
  }
  return data;
}

std::string written(RatingsFormat format, const Dataset& data, bool with_rating = true) {
  const test::TemporaryFolder folder;
  write_ratings(folder.file("out"), format, data, with_rating);
  return test::read_text(folder.file("out"));
}

TEST(WrittenRatings, AreLinesWithIds) {
  const Dataset data = small_data(IdKind::integers, IdKind::strings, true);
  EXPECT_EQ(written(RatingsFormat::csv, data),
            "user,item,rating,timestamp\n999996,id 3,4.5,978300760\n-7,id 2,0.1,978300761\n999996,id 0,-2,5\n");
  EXPECT_EQ(written(RatingsFormat::inter, data),
            "user_id:token\titem_id:token\trating:float\ttimestamp:float\n999996\tid 3\t4.5\t978300760\n"
            "-7\tid 2\t0.1\t978300761\n999996\tid 0\t-2\t5\n");
  const Dataset rows = small_data(IdKind::rows, IdKind::rows);
  EXPECT_EQ(written(RatingsFormat::csv, rows, false), "user,item\n1,3\n0,2\n1,0\n");
  EXPECT_EQ(written(RatingsFormat::inter, rows, false), "user_id:token\titem_id:token\n1\t3\n0\t2\n1\t0\n");
}

TEST(WrittenRatings, AreAMatrixOfNumberedRows) {
  const Dataset data = small_data(IdKind::integers, IdKind::strings);
  EXPECT_EQ(written(RatingsFormat::mtx, data),
            "%%MatrixMarket matrix coordinate real general\n2 4 3\n2 4 4.5\n1 3 0.1\n2 1 -2\n");
  EXPECT_EQ(written(RatingsFormat::mtx, data, false),
            "%%MatrixMarket matrix coordinate pattern general\n2 4 3\n2 4\n1 3\n2 1\n");
  EXPECT_EQ(written(RatingsFormat::lightgcn, data), "0 2\n1 3 0\n");
}

TEST(WrittenRatings, AreSciPysArrays) {
  const test::TemporaryFolder folder;
  write_ratings(folder.file("m.npz"), RatingsFormat::npz, small_data(IdKind::rows, IdKind::rows), true);
  const std::string bytes = test::read_text(folder.file("m.npz"));
  EXPECT_THAT(bytes, HasSubstr("{'descr': '<i4', 'fortran_order': False, 'shape': (3,), }"));
  EXPECT_THAT(bytes, HasSubstr("{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }"));
  EXPECT_THAT(bytes, HasSubstr("{'descr': '|S3', 'fortran_order': False, 'shape': (), }"));
}

class RoundTrips : public testing::TestWithParam<RatingsFormat> {};

/// Every id, row and value, of ids of every kind: where the format has no ids, of rows.
TEST_P(RoundTrips, GiveBackWhatWasWritten) {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("ratings");
  const RatingsFormat format = GetParam();
  for (const IdKind users : {IdKind::rows, IdKind::integers, IdKind::strings}) {
    for (const IdKind items : {IdKind::rows, IdKind::integers, IdKind::strings}) {
      const Dataset data = test::some_data(500, users, items, 7);
      write_ratings(path, format, data, true);
      ReadOptions options;
      options.lists = format == RatingsFormat::lightgcn;
      if (!has_ids(format)) options.ids = IdKind::rows;
      const ReadBack read = read_back(path, options);
      Triples expected;
      for (Position n = 0; n < data.ratings.size(); ++n) {
        const RowId user = data.ratings.user[n], item = data.ratings.item[n];
        expected.emplace_back(has_ids(format) ? data.users.text(user) : std::to_string(user),
                              has_ids(format) ? data.items.text(item) : std::to_string(item),
                              options.lists ? 1 : data.ratings.value[n]);
      }
      const bool by_user = options.lists || format == RatingsFormat::npz;
      if (by_user) {
        std::stable_sort(expected.begin(), expected.end(), [](const test::ReadTriple& a, const test::ReadTriple& b) {
          return std::stoi(std::get<0>(a)) < std::stoi(std::get<0>(b));
        });
      }
      EXPECT_EQ(read.triples, expected);
      if (has_ids(format) || options.lists) continue;
      EXPECT_EQ(read.data.users.size(), 30);
      EXPECT_EQ(read.data.items.size(), 20) << "most have no ratings";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, RoundTrips,
                         testing::Values(RatingsFormat::csv, RatingsFormat::inter, RatingsFormat::mtx,
                                         RatingsFormat::npz, RatingsFormat::lightgcn));

TEST(WrittenRatings, KeepAwkwardIds) {
  for (const RatingsFormat format : {RatingsFormat::csv, RatingsFormat::inter}) {
    Dataset data;
    const std::vector<std::string> ids{"a,b", "\"", "#c", " d ", "%", "x\"y", ";", "é"};
    for (const std::string& id : ids) data.ratings.push_back(data.users.insert(id), data.items.insert("i" + id), 3);
    const test::TemporaryFolder folder;
    write_ratings(folder.file("r"), format, data, true);
    EXPECT_EQ(read_back(folder.file("r")).triples, test::triples_of(data));
  }
}

TEST(WrittenRatings, RefuseIdsThatTheFormatCannotHold) {
  for (const char* id : {"a\tb", "a\nb", "a\rb"}) {
    Dataset data;
    data.ratings.push_back(data.users.insert(id), data.items.insert("i"), 3);
    const test::TemporaryFolder folder;
    EXPECT_THROW(write_ratings(folder.file("r"), RatingsFormat::inter, data, true), UsageError);
    EXPECT_FALSE(std::filesystem::exists(folder.file("r")));
  }
  IdMap ids;
  ids.insert("a\nb");
  const test::TemporaryFolder folder;
  EXPECT_THROW(write_ids(folder.file("ids"), ids), UsageError);
}

TEST(WrittenRatings, ListIdsByRow) {
  const test::TemporaryFolder folder;
  write_ids(folder.file("ids"), test::ids_of(IdKind::integers, 3));
  EXPECT_EQ(test::read_text(folder.file("ids")), "-7\n999996\n1999999\n");
}

}  // namespace
}  // namespace wf
