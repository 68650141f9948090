// Compressed files, pipes and damaged files: what the bytes are decides, not the name.
#include "tests/host/compress_support.hpp"
#include "tests/host/readers_support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <thread>

namespace wf {
namespace {

using test::gzipped;
using test::read_error;
using test::read_text_as_file;
using test::StandardInput;
using test::Triples;
using test::zstandard;
using testing::HasSubstr;

/// About 600 KB, 30 000 ratings, longer than every buffer on the way.
const std::string& thirty_thousand_lines() {
  static const std::string text = [] {
    std::string lines = "user,item,rating\n";
    for (int n = 0; n < 30'000; ++n) {
      lines += std::to_string(n * 7919LL) + "," + std::to_string(n * 104'729LL % 65'537) + ",3.5\n";
    }
    return lines;
  }();
  return text;
}

TEST(CompressedFiles, ReadLikeTheirText) {
  const Triples plain = read_text_as_file(thirty_thousand_lines()).triples;
  ASSERT_EQ(plain.size(), 30'000U);
  const auto gz = read_text_as_file(gzipped(thirty_thousand_lines()));
  EXPECT_EQ(gz.triples, plain);
  EXPECT_EQ(gz.report.compression, "gzip");
  EXPECT_THAT(describe(gz.report), testing::StartsWith("gzip, comma, header"));
  const auto zst = read_text_as_file(zstandard(thirty_thousand_lines()));
  EXPECT_EQ(zst.triples, plain);
  EXPECT_EQ(zst.report.compression, "zstd");
}

TEST(CompressedFiles, MayHaveSeveralMembersCutAnywhere) {
  const Triples expected{{"1", "31", 2.5F}, {"7", "1029", 3.0F}};
  const std::string text = "1,31,2.5\n7,1029,3\n";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const std::string head = text.substr(0, cut);
    const std::string tail = text.substr(cut);
    EXPECT_EQ(read_text_as_file(gzipped(head) + gzipped(tail)).triples, expected) << cut;
    EXPECT_EQ(read_text_as_file(zstandard(head) + zstandard(tail)).triples, expected) << cut;
  }
  const std::string skippable("\x5E\x2A\x4D\x18\x03\0\0\0abc", 11);
  EXPECT_EQ(read_text_as_file(skippable + zstandard(text)).triples, expected);
  EXPECT_EQ(read_text_as_file(gzipped(thirty_thousand_lines()) + gzipped("\n9,9,1\n")).report.ratings, 30'001);
}

TEST(CompressedFiles, AreRefusedWhenTruncatedAnywhere) {
  const std::string text = "1,31,2.5\n7,1029,3\n";
  const std::string gz = gzipped(text);
  const std::string zst = zstandard(text);
  for (std::size_t length = 3; length < gz.size(); ++length) {
    EXPECT_THAT(read_error(gz.substr(0, length)), HasSubstr("ratings.csv: the gzip data ends too early")) << length;
  }
  for (std::size_t length = 5; length < zst.size(); ++length) {
    EXPECT_THAT(read_error(zst.substr(0, length)), HasSubstr("ratings.csv: the zstd data ends too early")) << length;
  }
  EXPECT_THAT(read_error(gzipped(thirty_thousand_lines()).substr(0, 100'000)), HasSubstr("ends too early"));
  EXPECT_THAT(read_error(zstandard(thirty_thousand_lines()).substr(0, 100'000)), HasSubstr("ends too early"));
}

TEST(CompressedFiles, AreRefusedWhenDamaged) {
  std::string gz = gzipped(thirty_thousand_lines());
  gz[gz.size() - 8] ^= 1;  // the checksum
  EXPECT_THAT(read_error(gz), HasSubstr("the gzip data is damaged"));
  EXPECT_THAT(read_error(gzipped("1,2,3\n") + "garbage"), HasSubstr("the gzip data is damaged"));
  std::string zst = zstandard(thirty_thousand_lines());
  zst[zst.size() / 2] ^= 0x55;
  EXPECT_NE(read_error(zst), "no error");
  EXPECT_THAT(read_error(zstandard("1,2,3\n") + "garbage"), HasSubstr("the zstd data is damaged"));
}

TEST(CompressedFiles, AreNotCalledDamagedForALargeWindow) {
  // a frame header that asks for 256 MB (RFC 8878, 3.1.1.1.2), and an empty last block
  EXPECT_THAT(read_error(std::string("\x28\xB5\x2F\xFD\x00\x90\x01\x00\x00", 9)),
              testing::AllOf(HasSubstr("zstd --long"), HasSubstr("zstd -dc --long=31 FILE | warpfactor train -")));
}

/// 80 MB of one line again and again.
const std::string& eighty_megabytes() {
  static const std::string text = [] {
    std::string lines;
    while (lines.size() < 80'000'000) lines += "1,2,3\n";
    return lines;
  }();
  return text;
}

TEST(CompressedFiles, ThatUnpackAThousandfoldAreRefused) {
  const std::string gz = gzipped(eighty_megabytes()), zst = zstandard(eighty_megabytes());
  ASSERT_LT(gz.size(), 200'000U);
  ASSERT_LT(zst.size(), 100'000U);
  EXPECT_THAT(read_error(gz), testing::AllOf(HasSubstr("unpacks to over 100 times its size, as no ratings do"),
                                             HasSubstr("gzip -dc FILE | warpfactor train -")));
  EXPECT_THAT(read_error(zst), testing::AllOf(HasSubstr("unpacks to over 100 times its size, as no ratings do"),
                                              HasSubstr("zstd -dc FILE | warpfactor train -")));
}

TEST(CompressedFiles, ThatAreSmallMayUnpackToAnyMultiple) {
  const std::string some = eighty_megabytes().substr(0, 1'200'000);
  ASSERT_LT(zstandard(some).size(), some.size() / 1000);
  EXPECT_EQ(read_text_as_file(zstandard(some)).report.ratings, 200'000);
  EXPECT_EQ(read_text_as_file(gzipped(some)).report.ratings, 200'000);
}

TEST(CompressedFiles, MayBeEmptyInside) {
  EXPECT_THAT(read_error(gzipped("")), HasSubstr("holds no ratings"));
  EXPECT_THAT(read_error(zstandard("")), HasSubstr("holds no ratings"));
}

TEST(Reader, HashesTheBytesOnDisk) {
  for (const std::string& bytes : {std::string("1,2,3\n"), thirty_thousand_lines(), gzipped(thirty_thousand_lines())}) {
    const ReadReport report = read_text_as_file(bytes).report;
    std::array<char, 17> expected{};
    std::snprintf(expected.data(), expected.size(), "%016llx",
                  static_cast<unsigned long long>(XXH3_64bits(bytes.data(), bytes.size())));
    EXPECT_EQ(report.hash, expected.data());
    EXPECT_EQ(report.bytes, static_cast<Position>(bytes.size()));
  }
}

TEST(Reader, ReadsStandardInputByteByByte) {
  for (const std::string& bytes : {std::string("1,31,2.5\n7,1029,3\n"), gzipped("1,31,2.5\n7,1029,3\n")}) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    const StandardInput input(ends[0]);
    std::thread writer([&] {
      for (const char byte : bytes) {
        EXPECT_EQ(::write(ends[1], &byte, 1), 1);
        std::this_thread::sleep_for(std::chrono::microseconds(200));
      }
      ::close(ends[1]);
    });
    const test::ReadBack read = test::read_back("-");
    writer.join();
    EXPECT_EQ(read.triples, (Triples{{"1", "31", 2.5F}, {"7", "1029", 3.0F}}));
    EXPECT_EQ(read.report.path, "-");
  }
}

TEST(Reader, NamesStandardInputInItsErrors) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  ASSERT_EQ(::write(ends[1], "1,2,3\n4,5,x\n", 12), 12);
  ::close(ends[1]);
  const StandardInput input(ends[0]);
  try {
    test::read_back("-");
    FAIL();
  } catch (const InputError& error) {
    EXPECT_EQ(error.where(), "stdin:2:5");
  }
}

TEST(Reader, ReportsProgressWhileAPipeIsSlow) {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("pipe");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  std::thread writer([&] {
    std::ofstream pipe(path, std::ios::binary);
    pipe << thirty_thousand_lines() << std::flush;
    std::this_thread::sleep_for(std::chrono::milliseconds(110));
    pipe << thirty_thousand_lines().substr(17);
  });
  Dataset data;
  std::vector<Position> seen;
  const ReadReport report = read_ratings(path, {}, data, [&](Position bytes) { seen.push_back(bytes); });
  writer.join();
  EXPECT_EQ(report.ratings, 60'000);
  ASSERT_FALSE(seen.empty());
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_LE(seen.back(), report.bytes);
}

}  // namespace
}  // namespace wf
