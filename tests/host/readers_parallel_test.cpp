// Any number of threads and any size of chunk read what one thread reads line by line.
#include "host/readers/ratings_reader.hpp"
#include "tests/host/compress_support.hpp"
#include "tests/host/readers_outcome.hpp"
#include "tests/host/readers_support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <thread>

namespace wf {
namespace {

using test::awkward_texts;
using test::gzipped;
using test::line_by_line;
using test::long_text;
using test::Outcome;
using test::outcome_of;
using test::StandardInput;
using test::with_line;
using test::without_wording;
using test::zstandard;
using testing::StartsWith;

Outcome in_chunks(const std::string& path, ReadOptions options, int threads, Position chunk_bytes) {
  options.threads = threads;
  Dataset data;
  try {
    const ReadReport report = RatingsReader(path, options, data, chunk_bytes).run();
    return outcome_of(data, report);
  } catch (const InputError& error) {
    return {.error = error.what()};
  }
}

TEST(ParallelReader, ReadsAwkwardFilesAsLineByLine) {
  const test::TemporaryFolder folder;
  for (std::size_t n = 0; n < awkward_texts().size(); ++n) {
    const std::string path = folder.write("text" + std::to_string(n), awkward_texts()[n]);
    for (const std::optional<IdKind> ids : {std::optional<IdKind>(), std::optional(IdKind::rows),
                                            std::optional(IdKind::integers), std::optional(IdKind::strings)}) {
      for (const bool skip_bad : {false, true}) {
        const ReadOptions options{.ids = ids, .skip_bad = skip_bad};
        const Outcome expected = line_by_line(path, options);
        for (const int threads : {1, 2, 3, 8}) {
          for (const Position chunk : {1, 2, 3, 5, 7, 11, 16, 33, 1000}) {
            EXPECT_TRUE(without_wording(in_chunks(path, options, threads, chunk)) == expected)
                << "text " << n << ", " << threads << " threads, chunks of " << chunk << ", skip_bad " << skip_bad;
          }
        }
      }
    }
  }
}

RC_GTEST_PROP(ParallelReader, ReadsAnyBytesAsLineByLine, ()) {
  const auto lines = *rc::gen::container<std::vector<std::string>>(rc::gen::weightedOneOf<std::string>(
      {{6, rc::gen::map(rc::gen::tuple(rc::gen::inRange(0, 2000), rc::gen::inRange(0, 50), rc::gen::inRange(0, 11)),
                        [](const std::tuple<int, int, int>& line) {
                          const auto& [user, item, half] = line;
                          return std::to_string(user) + "," + std::to_string(item) + "," + std::to_string(half / 2) +
                                 (half % 2 == 0 ? "" : ".5");
                        })},
       {1, rc::gen::container<std::string>(rc::gen::elementOf(std::string("0123456789,,,,..ab-+\"\r #%\t\x80")))}}));
  std::string text = "1,2,3\n";
  for (const std::string& line : lines) text += line + "\n";
  if (*rc::gen::arbitrary<bool>()) text.pop_back();

  const ReadOptions options{.separator = ",",
                            .header = false,
                            .ids = *rc::gen::elementOf(std::vector<std::optional<IdKind>>{
                                std::nullopt, IdKind::rows, IdKind::integers, IdKind::strings}),
                            .skip_bad = *rc::gen::arbitrary<bool>(),
                            .need_rating = *rc::gen::arbitrary<bool>()};
  const test::TemporaryFolder folder;
  const std::string path = folder.write("text", text);
  const int threads = *rc::gen::inRange(1, 5);
  const Position chunk = *rc::gen::inRange(1, 100);
  RC_ASSERT(without_wording(in_chunks(path, options, threads, chunk)) == line_by_line(path, options));
}

TEST(ParallelReader, ReadsFilesInAnyWrappingAlike) {
  const test::TemporaryFolder folder;
  const std::string text = long_text();
  const Outcome expected = line_by_line(folder.write("plain", text), {});
  ASSERT_EQ(expected.counts[3], 60'000);
  for (const std::string& bytes : {text, gzipped(text), zstandard(text)}) {
    const std::string path = folder.write("file", bytes);
    for (const int threads : {1, 2, 8}) {
      for (const Position chunk : {Position{1000}, Position{65'536}, kChunkBytes}) {
        EXPECT_TRUE(in_chunks(path, {}, threads, chunk) == expected) << threads << " threads, chunks of " << chunk;
      }
    }
  }
}

TEST(ParallelReader, ReadsAPipeWhoseWritesEndAnywhere) {
  const test::TemporaryFolder folder;
  const std::string text = long_text();
  const Outcome expected = line_by_line(folder.write("plain", text), {});
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const StandardInput input(ends[0]);
  std::thread writer([&] {
    for (std::size_t at = 0, size = 1; at < text.size(); at += size, size = size * 7 % 5003) {
      size = std::min(size, text.size() - at);
      EXPECT_EQ(::write(ends[1], text.data() + at, size), static_cast<::ssize_t>(size));
    }
    ::close(ends[1]);
  });
  const Outcome read = in_chunks("-", {}, 3, 10'000);
  writer.join();
  EXPECT_TRUE(read == expected);
}

TEST(ParallelReader, GivesTheSameMeanForAnyNumberOfThreads) {
  const test::TemporaryFolder folder;
  std::string text;
  for (int n = 1; n <= 60'000; ++n) text += "1,2," + std::to_string(n) + "e-3\n1,2,0.1\n";
  const std::string path = folder.write("file", text);
  const auto mean = [&](int threads) {
    Dataset data;
    return read_ratings(path, {.threads = threads}, data).mean_value;
  };
  for (const int threads : {2, 3, 8}) EXPECT_EQ(mean(threads), mean(1));
}

std::string error_with(const std::string& bytes, int threads) {
  std::string error = test::read_error(bytes, {.threads = threads});
  return error;
}

TEST(ParallelReader, NamesTheFirstBadLineWhicheverThreadMeetsOne) {
  const std::string late = with_line(with_line(long_text(), 59'000, "1,2,y"), 41'234, "1,2,x");
  for (const int threads : {1, 2, 3, 8}) {
    for (int again = 0; again < 5; ++again) {
      EXPECT_THAT(error_with(late, threads), StartsWith("ratings.csv:41234:5: rating \"x\" is not a number"));
    }
    EXPECT_THAT(error_with(gzipped(late), threads), StartsWith("ratings.csv:41234:5: rating \"x\""));
    EXPECT_THAT(error_with(with_line(late, 41'200, "1,2," + std::string(270'000, '3')), threads),
                StartsWith("ratings.csv:41200: is longer than 262144 bytes"));
    EXPECT_THAT(error_with(with_line(late, 41'200, "1,2,3" + std::string(700'000, '3')), threads),
                StartsWith("ratings.csv:41200: is longer than 262144 bytes"));
    EXPECT_THAT(error_with(with_line(late, 41'200, std::string("1,2\0,3", 6)), threads),
                StartsWith("ratings.csv:41200:4: a NUL byte"));
    EXPECT_THAT(error_with(with_line(late, 41'300, std::string("1,2\0,3", 6)), threads),
                StartsWith("ratings.csv:41234:5: rating \"x\""));
  }
}

TEST(ParallelReader, NamesABadLineBeforeDamageBehindIt) {
  const std::string bad = with_line(long_text(), 30'000, "1,2,x");
  const std::string packed = gzipped(bad);
  const std::string truncated = gzipped(long_text());
  for (const int threads : {1, 2, 8}) {
    EXPECT_THAT(error_with(packed.substr(0, packed.size() - 100), threads), StartsWith("ratings.csv:30000:5: rating"));
    EXPECT_THAT(error_with(truncated.substr(0, truncated.size() - 100), threads),
                StartsWith("ratings.csv: the gzip data ends too early"));
  }
}

TEST(ParallelReader, KeepsRowsWhenIdsTurnOutToBeTexts) {
  const test::TemporaryFolder folder;
  const std::string text =
      with_line(with_line(with_line(long_text(), 35'000, "\"a\"\"b\",007,1"), 35'001, "5,\"7\",1"), 50'000, "x,y,2");
  const std::string path = folder.write("file", text);
  const Outcome expected = line_by_line(path, {});
  ASSERT_EQ(expected.counts[3], 60'000);
  for (const int threads : {1, 2, 3, 8}) {
    EXPECT_TRUE(in_chunks(path, {}, threads, kChunkBytes) == expected) << threads;
    EXPECT_TRUE(in_chunks(path, {}, threads, 3000) == expected) << threads;
  }
}

TEST(ParallelReader, PassesOnWhatItsProgressThrows) {
  const test::TemporaryFolder folder;
  std::string text;
  for (int n = 0; n < 60; ++n) text += long_text();
  const std::string path = folder.write("file", text);
  Dataset data;
  struct Stop {};
  const auto reader = [&] { RatingsReader(path, {.threads = 2}, data, 100).run([](Position) { throw Stop(); }); };
  EXPECT_THROW(reader(), Stop);  // 60 MB in chunks of 100 bytes take over 0.1 s
}

}  // namespace
}  // namespace wf
