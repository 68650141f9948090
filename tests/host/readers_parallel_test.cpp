// Any number of threads and any size of chunk read what one thread reads line by line.
#include "host/readers/careful_line.hpp"
#include "host/readers/ratings_reader.hpp"
#include "tests/host/compress_support.hpp"
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

using test::gzipped;
using test::StandardInput;
using test::zstandard;
using testing::StartsWith;

/// All that reading a file has for a result.
struct Outcome {
  std::string error;
  std::vector<RowId> users, items;
  std::vector<float> values;
  std::vector<std::string> user_ids, item_ids;
  std::string first_bad;
  std::array<Position, 5> counts{};  // lines, comments, blank, ratings, bad lines
  float min = 0, max = 0;

  bool operator==(const Outcome&) const = default;
};

void showValue(const Outcome& outcome, std::ostream& os) {
  os << "error \"" << outcome.error << "\", first bad \"" << outcome.first_bad << "\", counts";
  for (const Position count : outcome.counts) os << ' ' << count;
}

std::vector<std::string> ids_of(const IdMap& ids) {
  std::vector<std::string> texts;
  for (Position row = 0; row < ids.size(); ++row) texts.push_back(ids.text(static_cast<RowId>(row)));
  return texts;
}

Outcome outcome_of(const Dataset& data, const ReadReport& report) {
  const Ratings& ratings = data.ratings;
  return {{},
          {ratings.user.begin(), ratings.user.end()},
          {ratings.item.begin(), ratings.item.end()},
          {ratings.value.begin(), ratings.value.end()},
          ids_of(data.users),
          ids_of(data.items),
          report.first_bad,
          {report.lines, report.comments, report.blank, report.ratings, report.bad_lines},
          report.min_value,
          report.max_value};
}

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

/// Line by line, every line with all care, ids one by one: the meaning of a ratings file.
Outcome line_by_line(const std::string& path, const ReadOptions& options) {
  Dataset data;
  ReadReport report;
  try {
    LineReader lines(path);
    const Layout layout = detect_layout(lines, options);
    if (options.ids == IdKind::rows) data = {{}, IdMap::rows(0), IdMap::rows(0)};
    if (options.ids == IdKind::integers) data.users.fix_integers(), data.items.fix_integers();
    if (options.ids == IdKind::strings) data.users.fix_strings(), data.items.fix_strings();
    CarefulLine careful(layout, options.need_rating, data.users.rules(), data.items.rules());
    report.comments = layout.comments;
    report.blank = layout.blank;
    report.min_value = std::numeric_limits<float>::infinity();
    report.max_value = -report.min_value;
    std::string_view line;
    if (layout.header) lines.next(line);
    while (lines.next(line)) {
      if (is_blank_line(line)) {
        ++report.blank;
        continue;
      }
      if (is_comment(line)) {
        ++report.comments;
        continue;
      }
      try {
        const RatingLine parsed = careful.parse(line);
        const RowId user = data.users.insert(parsed.user);
        data.ratings.push_back(user, data.items.insert(parsed.item), parsed.value);
        report.min_value = std::min(report.min_value, parsed.value);
        report.max_value = std::max(report.max_value, parsed.value);
      } catch (const BadLine& bad) {
        const InputError error = line_error(lines.name(), lines.line_number(), bad);
        if (!options.skip_bad) throw error;
        if (++report.bad_lines == 1) report.first_bad = error.what();
      }
    }
    report.lines = lines.line_number();
    report.ratings = data.ratings.size();
    if (report.ratings == 0) return {.error = "no ratings"};
    return outcome_of(data, report);
  } catch (const InputError& error) {
    return {.error = error.what()};
  }
}

/// The message for a file without ratings is the reader's own affair.
Outcome without_wording(Outcome outcome) {
  if (outcome.error.find("holds no ratings") != std::string::npos) outcome.error = "no ratings";
  return outcome;
}

const std::vector<std::string>& awkward_texts() {
  static const std::vector<std::string> texts{
      "1,31,2.5\n7,1029,3\n1,2,0.5\n7,31,4.125\n",
      "1,31,2.5\r\n7,1029,3\r\n1,2,1\r\n9,9,4",
      "1,31,2.5\r\n\r\n# c\r\n\t \r\n%\r\n7,1029,3",
      "\xEF\xBB\xBFuser,item,rating,time\n1,2,3,99\n4,5,.5,98\n6,7,5.,97\n8,9,-1e1,96\n8,9,+1,\n",
      "1 2 3\n4\t5  6 \n  7 8\t9\n10 11 12\r\n13 14 15",
      "1::2::3::9\n12::5::4.5::8\n1::\"2\"::3::7\n",
      "1\t2\t3\n 4 \t5\t6\n7\t8\t9\n",
      "5,6,7\n05,6,7\n5,x,1\n5,6,2\n-5,6,3\n-0,123456789012345678,1\n1234567,1234567890123456789,2\n",
      "a,b,1\n\"a\",\"b\",2\n\"q\"\"q\",\" c \",3\n12,c ,4\n\"q\"\"q\",b,5\n",
      "1,2,3\n4,5\n6,7,x\n8,,1\n,8,1\n9,9,9\n1,2,3,4\n\"1,2,3\n99999999999999999999,1,1\n3,3,3\n",
      "1,2\n3,4\n5,6\n",
      "1,2,16777216\n1,2,16777217\n1,2,3.4028235e38\n1,2,0.00000000001\n1,2,00.10\n1,2,1.2345678901234\n",
  };
  return texts;
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

/// 60,000 lines, 1 MB: several chunks of the size that is used, and more than the buffer that detection looks into.
std::string long_text() {
  std::string text;
  for (int n = 1; n <= 60'000; ++n) {
    text += std::to_string(n * 7919LL % 20'011) + "," + std::to_string(n * 104'729LL % 65'537) + "," +
            std::to_string(n % 5) + ".5\n";
  }
  return text;
}

std::string with_line(std::string text, int number, const std::string& line) {
  std::size_t begin = 0;
  for (int n = 1; n < number; ++n) begin = text.find('\n', begin) + 1;
  return text.replace(begin, text.find('\n', begin) - begin, line);
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
