// Several ranks, each with its part of a text, read what one reads line by line: the same rows, ids, counts and errors.
#include "host/readers/text_part.hpp"
#include "tests/host/compress_support.hpp"
#include "tests/host/readers_outcome.hpp"
#include "tests/host/readers_support.hpp"
#include "tests/support/thread_ranks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <utility>

namespace wf {
namespace {

using test::on_ranks;
using test::Outcome;
using testing::HasSubstr;
using testing::StartsWith;

struct PartsRead {
  std::vector<Outcome> of_rank;
  std::vector<ReadReport> reports;
  std::vector<std::string> errors;
};

/// What each of `size` ranks gets. Each meets the error itself: none is told by the end of another.
PartsRead in_parts(const std::string& path, const ReadOptions& options, int size, Position chunk_bytes = kChunkBytes) {
  const auto count = static_cast<std::size_t>(size);
  PartsRead parts{std::vector<Outcome>(count), std::vector<ReadReport>(count), std::vector<std::string>(count)};
  on_ranks(size, [&](Ranks& ranks) {
    const auto rank = static_cast<std::size_t>(ranks.rank());
    Dataset data;
    try {
      parts.reports[rank] = RatingsReader(path, options, data, chunk_bytes, ranks).run();
      parts.of_rank[rank] = test::outcome_of(data, parts.reports[rank]);
    } catch (const Error& error) {
      parts.errors[rank] = error.what();
    }
  });
  return parts;
}

/// All ratings, with the ids and the report that every rank has; the error where all have it.
Outcome together(const PartsRead& parts) {
  for (const std::string& error : parts.errors) EXPECT_EQ(error, parts.errors[0]);
  if (!parts.errors[0].empty()) return {.error = parts.errors[0]};
  Outcome all = parts.of_rank[0];
  for (std::size_t r = 1; r < parts.of_rank.size(); ++r) {
    Outcome part = parts.of_rank[r];
    all.users.insert(all.users.end(), part.users.begin(), part.users.end());
    all.items.insert(all.items.end(), part.items.begin(), part.items.end());
    all.values.insert(all.values.end(), part.values.begin(), part.values.end());
    part.users = parts.of_rank[0].users;
    part.items = parts.of_rank[0].items;
    part.values = parts.of_rank[0].values;
    EXPECT_TRUE(part == parts.of_rank[0]) << "rank " << r << " has other ids or another report";
  }
  return all;
}

Outcome read_together(const std::string& path, const ReadOptions& options, int size,
                      Position chunk_bytes = kChunkBytes) {
  return test::without_wording(together(in_parts(path, options, size, chunk_bytes)));
}

TEST(RanksReader, ReadAwkwardFilesAsLineByLine) {
  const test::TemporaryFolder folder;
  for (std::size_t n = 0; n < test::awkward_texts().size(); ++n) {
    const std::string path = folder.write("text" + std::to_string(n), test::awkward_texts()[n]);
    for (const std::optional<IdKind> ids : {std::optional<IdKind>(), std::optional(IdKind::rows),
                                            std::optional(IdKind::integers), std::optional(IdKind::strings)}) {
      for (const bool skip_bad : {false, true}) {
        const ReadOptions options{.ids = ids, .skip_bad = skip_bad, .threads = 1};
        const Outcome expected = test::line_by_line(path, options);
        for (const int size : {2, 3, 4, 5, 13}) {
          EXPECT_TRUE(read_together(path, options, size) == expected)
              << "text " << n << ", " << size << " ranks, skip_bad " << skip_bad;
        }
      }
    }
  }
}

/// A comment at the end moves the cuts: between them they are at every byte.
TEST(RanksReader, MayBeCutAtAnyByte) {
  const test::TemporaryFolder folder;
  for (const char* text :
       {"user,item,rating\r\n7,12,3\r\n\r\n7,-4,1.5\n# c\n12,7,2\n7,7,4", "1 2 3\n30 4 5\nx 2 1\n1 x 2"}) {
    const std::size_t size = std::string(text).size();
    for (std::size_t more = 0; more <= 4 * size; ++more) {
      const std::string path = folder.write("text", text + std::string(more > 0 ? "\n#" : "") + std::string(more, 'c'));
      const Outcome expected = test::line_by_line(path, {});
      for (const int ranks : {2, 5}) EXPECT_TRUE(read_together(path, {}, ranks) == expected) << more << ", " << ranks;
    }
  }
}

TEST(RanksReader, ReadLongFilesWithTheirHashAndTheirMean) {
  const test::TemporaryFolder folder;
  std::string text = "user,item,rating\n" + test::long_text();
  for (int n = 0; n < 200; ++n) text += "5,6,0." + std::to_string(n) + "\n";
  const std::string path = folder.write("file", text);
  Dataset whole;
  const ReadReport expected = read_ratings(path, {}, whole);
  for (const int size : {1, 2, 3, 4, 7}) {
    for (const int threads : {1, 3}) {
      const PartsRead parts = in_parts(path, {.threads = threads}, size, 50'000);
      EXPECT_TRUE(together(parts) == test::outcome_of(whole, expected)) << size;
      for (const ReadReport& report : parts.reports) {
        EXPECT_EQ(report.hash, expected.hash);
        EXPECT_EQ(report.bytes, static_cast<Position>(text.size()));
        EXPECT_EQ(report.mean_value, expected.mean_value);
        EXPECT_EQ(report.header, expected.header);
      }
      for (const Outcome& part : parts.of_rank) {  // nobody has all of it, nor much more than its share
        EXPECT_LT(part.users.size() * static_cast<std::size_t>(size), 1.2 * 60'200);
      }
    }
  }
}

TEST(RanksReader, AgreeOnTextsWhereOnePartAloneHasThem) {
  const test::TemporaryFolder folder;
  for (const int line : {2, 29'000, 59'999}) {
    const std::string path = folder.write("file", test::with_line(test::long_text(), line, "007,\"a\"\"b\",1"));
    const Outcome expected = test::line_by_line(path, {});
    for (const int size : {2, 5}) EXPECT_TRUE(read_together(path, {}, size) == expected) << line << ", " << size;
  }
  const std::string large = folder.write("large", "1,2,3\n1,99999999999999999999,1\n2,99999999999999999999,1\n");
  const ReadOptions strings{.ids = IdKind::strings};
  EXPECT_TRUE(read_together(large, strings, 3) == test::line_by_line(large, strings));
}

TEST(RanksReader, KeepTheRowsOfIdsThatAreKnown) {
  const test::TemporaryFolder folder;
  const std::string first = folder.write("first", "7,x,1\n3,y,2\n");
  const std::string second = folder.write("second", "9,y,1\n3,z,2\n4,x,3\n7,u,4\n9,z,5\n");
  const auto known = [&] {
    Dataset data;
    read_ratings(first, {}, data);
    return data;
  };
  Dataset expected = known();
  const ReadReport report = read_ratings(second, {}, expected);
  on_ranks(3, [&](Ranks& ranks) {
    Dataset data = known();
    read_ratings(second, {}, data, {}, ranks);
    EXPECT_EQ(test::ids_of(data.users), test::ids_of(expected.users));
    EXPECT_EQ(test::ids_of(data.items), test::ids_of(expected.items));
    const HostBuffer<RowId> users =
        ranks.gather(std::as_const(data.ratings.user).span().part(2, data.ratings.size() - 2));
    EXPECT_TRUE(std::equal(users.begin(), users.end(), expected.ratings.user.begin() + 2));
    EXPECT_EQ(users.size(), report.ratings);
    EXPECT_EQ(data.ratings.user[0], 0);
    EXPECT_EQ(data.ratings.user[1], 1);
  });
}

TEST(RanksReader, ReadLists) {
  const test::TemporaryFolder folder;
  const std::string path = folder.write("lists", "0 5 6 7 8 9\n1 2 5\n3 9 8 7 6 5 4\n2 1\n4 0 1 2 3 4 5 6\n");
  Dataset whole;
  const ReadReport report = read_ratings(path, {}, whole);
  ASSERT_EQ(report.kind, "lists");
  for (const int size : {2, 4}) EXPECT_TRUE(read_together(path, {}, size) == test::outcome_of(whole, report)) << size;
}

TEST(RanksReader, NameTheFirstBadLineOnAllRanks) {
  const test::TemporaryFolder folder;
  const auto error = [&](const std::string& text, int size) {
    const PartsRead parts = in_parts(folder.write("ratings.csv", text), {.threads = 2}, size, 10'000);
    return together(parts).error;
  };
  const std::string path = (folder.path() / "ratings.csv").string();
  const std::string text = "user,item,rating\n" + test::long_text();
  for (const int size : {2, 3, 7}) {
    for (const int line : {2, 7'000, 20'000, 41'234, 59'999}) {
      const std::string bad = test::with_line(test::with_line(text, 60'000, "1,2,y"), line, "1,2,x");
      EXPECT_THAT(error(bad, size), StartsWith(path + ":" + std::to_string(line) + ":5: rating \"x\" is not a number"));
    }
    const std::string late = test::with_line(text, 50'000, "1,2,x");
    EXPECT_THAT(error(test::with_line(late, 41'200, "1,2," + std::string(270'000, '3')), size),
                StartsWith(path + ":41200: is longer than 262144 bytes"));
    EXPECT_THAT(error(test::with_line(late, 20'000, "1,2,3" + std::string(2'700'000, '3')), size),
                StartsWith(path + ":20000: is longer than 262144 bytes"));
    EXPECT_THAT(error(test::with_line(late, 41'200, std::string("1,2\0,3", 6)), size),
                StartsWith(path + ":41200:4: a NUL byte"));
  }
}

TEST(RanksReader, CountBadLinesAndNameTheFirst) {
  const test::TemporaryFolder folder;
  const std::string text = test::with_line(
      test::with_line(test::with_line(test::long_text(), 25'000, "1,2,x"), 25'001, ",2,3"), 59'000, "1");
  const std::string path = folder.write("file", text);
  const ReadOptions options{.skip_bad = true};
  const Outcome expected = test::line_by_line(path, options);
  ASSERT_EQ(expected.counts[4], 3);
  for (const int size : {2, 3, 7}) EXPECT_TRUE(read_together(path, options, size) == expected) << size;
}

/// Of a file that one rank sees change, all are told.
TEST(RanksReader, RefuseAFileThatChangesMeanwhile) {
  const test::TemporaryFolder folder;
  for (const int who : {0, 2}) {
    const std::string path = folder.write("ratings.csv", test::long_text());
    on_ranks(3, [&](Ranks& ranks) {
      Dataset data;
      RatingsReader reader(path, {.threads = 1}, data, kChunkBytes, ranks);
      ranks.sum(0);  // all have opened it
      if (ranks.rank() == who) std::ofstream(path, std::ios::app) << "7,8,9\n";
      try {
        reader.run();
        ADD_FAILURE() << "no error";
      } catch (const Error& error) {
        EXPECT_THAT(error.what(), HasSubstr("changed while it was read"));
      }
    });
  }
}

TEST(RanksReader, RefuseAFileThatChangesWhileAPartIsRead) {
  const test::TemporaryFolder folder;
  const std::string path = folder.write("ratings.csv", test::long_text());
  ByteSource source(path);
  source.read_part(200'000, 300'000);
  std::vector<char> bytes(60'000);
  EXPECT_EQ(source.read(bytes.data(), 60'000), 60'000);
  std::ofstream(path, std::ios::app) << "7,8,9\n";
  EXPECT_EQ(source.read(bytes.data(), 60'000), 40'000);
  EXPECT_THROW(source.read(bytes.data(), 60'000), InputError);
}

TEST(RanksReader, RefuseAnotherFileInOneProcess) {
  const test::TemporaryFolder folder;
  const std::string paths[] = {folder.write("a", "1,2,3\n4,5,6\n"), folder.write("b", "1,2,3\n4,5,7\n"),
                               folder.write("c", "1,2,3\n4,5,6\n7,8,9\n")};
  for (const int other : {1, 2}) {
    on_ranks(3, [&](Ranks& ranks) {
      Dataset data;
      const std::string& path = paths[ranks.rank() == 1 ? other : 0];
      try {
        read_ratings(path, {}, data, {}, ranks);
        ADD_FAILURE() << "no error";
      } catch (const InputError& error) {
        EXPECT_THAT(error.problem(), HasSubstr("of 12 bytes, and another in process 1"));
      }
    });
  }
}

TEST(RanksReader, RefuseWhatHasNoParts) {
  const test::TemporaryFolder folder;
  const auto refusal = [&](const std::string& bytes) {
    const PartsRead parts = in_parts(folder.write("file", bytes), {}, 2);
    EXPECT_EQ(parts.errors[0], parts.errors[1]);
    return parts.errors[0];
  };
  EXPECT_THAT(refusal(test::gzipped("1,2,3\n")), HasSubstr("is gzip, which has no parts that can be read alone"));
  EXPECT_THAT(refusal(test::zstandard("1,2,3\n")), HasSubstr("is zstd, which has no parts"));
  EXPECT_THAT(refusal("%%MatrixMarket matrix coordinate real general\n2 2 1\n1 1 3\n"),
              HasSubstr("is a Matrix Market file"));
  EXPECT_THAT(refusal("1,2,3\n4,5,x\n"), HasSubstr(":2:5: rating"));
}

}  // namespace
}  // namespace wf
