// SciPy's matrices: what is read of each format and type, and what is refused.
#include "tests/host/matrix_support.hpp"
#include "tests/host/readers_support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wf {
namespace {

using test::csr_members;
using test::csr_with;
using test::npy;
using test::raw;
using test::read_back;
using test::read_error;
using test::read_text_as_file;
using test::ReadBack;
using test::Triples;
using test::zip;
using test::ZipMember;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

const Triples kThree{{"0", "1", 2.5F}, {"1", "0", 4.0F}, {"1", "2", 1.0F}};
const std::string kScipy = std::string(WF_FIXTURES) + "/scipy/";

TEST(SciPyMatrix, IsReadAsSciPyWroteIt) {
  const Triples by_user{{"0", "1", 2.5F}, {"0", "4", 3.0F}, {"1", "0", 5.0F}, {"3", "2", 0.5F}, {"3", "4", 4.0F}};
  const ReadBack csr = read_back(kScipy + "csr.npz");
  EXPECT_EQ(csr.triples, by_user);
  EXPECT_EQ(csr.report.kind, "SciPy csr");
  EXPECT_EQ(csr.report.ratings, 5);
  EXPECT_EQ(csr.report.bytes, 982);
  EXPECT_EQ(csr.report.min_value, 0.5F);
  EXPECT_EQ(csr.report.mean_value, 3);
  const Triples by_item{{"1", "0", 5.0F}, {"0", "1", 2.5F}, {"3", "2", 0.5F}, {"0", "4", 3.0F}, {"3", "4", 4.0F}};
  EXPECT_EQ(read_back(kScipy + "csc_stored.npz").triples, by_item);
  const Triples bytes{{"0", "1", 1.0F}, {"0", "4", 2.0F}, {"1", "0", 3.0F}, {"3", "2", 4.0F}, {"3", "4", 5.0F}};
  EXPECT_EQ(read_back(kScipy + "coo.npz").triples, bytes);
  Triples ones = by_user;
  for (auto& [user, item, value] : ones) value = 1;
  EXPECT_EQ(read_back(kScipy + "csr_array_bool.npz").triples, ones);
}

TEST(SciPyMatrix, GivesRowNumbersTheMatrixsSizes) {
  const ReadBack rows = read_back(kScipy + "csr.npz", {.ids = IdKind::rows});
  EXPECT_EQ(rows.data.users.size(), 4) << "user 2 has no ratings";
  EXPECT_EQ(rows.data.items.size(), 5);
  EXPECT_EQ(rows.data.ratings.user[4], 3);
  const ReadBack ids = read_back(kScipy + "csr.npz");
  EXPECT_EQ(ids.data.users.size(), 3);
  EXPECT_EQ(ids.data.ratings.user[4], 2) << "rows are given as ids appear";
  Dataset declared{{}, IdMap::declared_rows(3), IdMap::declared_rows(9)};
  EXPECT_THROW(read_ratings(kScipy + "csr.npz", {.ids = IdKind::rows}, declared), UsageError);
}

TEST(SciPyMatrix, IsReadInEveryType) {
  ASSERT_EQ(read_text_as_file(zip(csr_members())).triples, kThree);
  const auto read = [](const std::string& name, const std::string& array) {
    return read_text_as_file(zip(csr_with(name, array))).triples;
  };
  EXPECT_EQ(read("data", npy("<f4", "(3,)", raw<float>({2.5F, 4, 1}))), kThree);
  EXPECT_EQ(read("indices", npy("<i8", "(3,)", raw<std::int64_t>({1, 0, 2}))), kThree);
  EXPECT_EQ(read("indptr", npy("<i8", "(3,)", raw<std::int64_t>({0, 1, 3}))), kThree);
  EXPECT_EQ(read("indptr", npy("<u4", "(3,)", raw<std::uint32_t>({0, 1, 3}))), kThree);
  EXPECT_EQ(read("format", npy("<U3", "()", raw<char32_t>({U'c', U's', U'r'}))), kThree);
  const Triples whole{{"0", "1", 2.0F}, {"1", "0", 4.0F}, {"1", "2", 1.0F}};
  EXPECT_EQ(read("data", npy("|i1", "(3,)", raw<std::int8_t>({2, 4, 1}))), whole);
  EXPECT_EQ(read("data", npy("|u1", "(3,)", raw<std::uint8_t>({2, 4, 1}))), whole);
  EXPECT_EQ(read("data", npy("<i2", "(3,)", raw<std::int16_t>({2, 4, 1}))), whole);
  EXPECT_EQ(read("data", npy("<u2", "(3,)", raw<std::uint16_t>({2, 4, 1}))), whole);
  EXPECT_EQ(read("data", npy("<i4", "(3,)", raw<std::int32_t>({2, 4, 1}))), whole);
  EXPECT_EQ(read("data", npy("<i8", "(3,)", raw<std::int64_t>({2, 4, 1}))), whole);
  EXPECT_EQ(read("data", npy("<u8", "(3,)", raw<std::uint64_t>({2, 4, 1}))), whole);
}

TEST(SciPyMatrix, CountsAsOnesWhereValuesAreNotWanted) {
  const ReadBack read = read_back(kScipy + "csr.npz", {.rating_column = "none"});
  EXPECT_TRUE(read.report.implicit());
  EXPECT_EQ(read.report.max_value, 1);
}

TEST(SciPyMatrix, TakesNoOptionsOfTexts) {
  EXPECT_THROW(read_back(kScipy + "csr.npz", {.separator = ","}), UsageError);
  EXPECT_THROW(read_back(kScipy + "csr.npz", {.user_column = "1"}), UsageError);
}

TEST(SciPyMatrix, RefusesWhatItDoesNotRead) {
  const auto error_of = [](const std::string& name) {
    try {
      read_back(kScipy + name);
    } catch (const InputError& error) {
      return error.problem() + " (" + error.cure() + ")";
    }
    return std::string("no error");
  };
  EXPECT_THAT(error_of("bsr.npz"), AllOf(HasSubstr("in the format \"bsr\""), HasSubstr("matrix.tocsr()")));
  EXPECT_THAT(error_of("big_endian.npz"),
              AllOf(HasSubstr("its array data is big-endian, \">f8\""), HasSubstr("astype(\"<f8\")")));
  EXPECT_THAT(read_error(zip({{"ratings.csv", "1,2,3\n"}})),
              AllOf(HasSubstr("is a zip archive without a matrix"), HasSubstr("unzip -p")));
  const auto refused = [](const std::string& name, const std::string& array) {
    return read_error(zip(csr_with(name, array)));
  };
  EXPECT_THAT(refused("data", npy("<f2", "(3,)", "123456")), HasSubstr("a type that is not read: f2"));
  EXPECT_THAT(refused("data", npy("<c8", "(3,)", std::string(24, 'x'))), HasSubstr("a type that is not read: c8"));
  EXPECT_THAT(refused("data", npy("<f8", "(3,)", raw<double>({1, 1e300, 1}))), HasSubstr("a value 1e+300 at 1"));
  EXPECT_THAT(refused("data", npy("<f4", "(3,)", raw<float>({1, 1, std::numeric_limits<float>::quiet_NaN()}))),
              HasSubstr("a value nan at 2"));
  EXPECT_THAT(refused("indices", npy("<f4", "(3,)", raw<float>({1, 0, 2}))), HasSubstr("does not hold whole numbers"));
}

TEST(SciPyMatrix, RefusesArraysThatDoNotGoTogether) {
  const auto refused = [](const std::string& name, const std::string& array) {
    return read_error(zip(csr_with(name, array)));
  };
  const auto i4 = [](const std::vector<std::int32_t>& values) {
    return npy("<i4", "(" + std::to_string(values.size()) + ",)", raw(values));
  };
  EXPECT_THAT(refused("indices", i4({1, 0, 3})), HasSubstr("indices has a number 3, which is not within 0 to 2"));
  EXPECT_THAT(refused("indices", i4({1, 0, -1})), HasSubstr("a number -1"));
  EXPECT_THAT(refused("indices", npy("<u8", "(3,)", raw<std::uint64_t>({1, 0, ~0ULL}))), HasSubstr("a number -1"));
  EXPECT_THAT(refused("indptr", i4({0, 1, 4})), HasSubstr("indptr has a number 4, which is not within 0 to 3"));
  for (const std::vector<std::int32_t>& ends :
       std::vector<std::vector<std::int32_t>>{{1, 1, 3}, {0, 3, 1}, {0, 1, 2}, {0, 3}, {0, 1, 3, 3}, {}}) {
    EXPECT_THAT(refused("indptr", i4(ends)), HasSubstr("indptr does not divide the entries"));
  }
  EXPECT_THAT(refused("data", npy("<f8", "(2,)", raw<double>({1, 2}))), HasSubstr("arrays of different lengths"));
  EXPECT_THAT(refused("data", npy("<f8", "(3, 1, 1)", raw<double>({1, 2, 3}))), HasSubstr("data is not of one side"));
  EXPECT_THAT(refused("shape", npy("<i8", "(2,)", raw<std::int64_t>({3, 3}))), HasSubstr("does not divide"));
  EXPECT_THAT(refused("shape", npy("<i8", "(1,)", raw<std::int64_t>({3}))), HasSubstr("is not of two sides"));
  EXPECT_THAT(refused("shape", npy("<i8", "(2,)", raw<std::int64_t>({1LL << 60, 3}))),
              HasSubstr("shape has 1152921504606846976 rows or columns"));
  EXPECT_THAT(refused("shape", npy("<i8", "(2,)", raw<std::int64_t>({-1, 3}))), HasSubstr("-1 rows"));
  std::vector<ZipMember> members = csr_members();
  members.pop_back();
  EXPECT_THAT(read_error(zip(members)), HasSubstr("has no array data"));
}

TEST(SciPyMatrix, RefusesHeadersThatPromiseMoreThanTheyHold) {
  const auto refused = [](const std::string& array) { return read_error(zip(csr_with("data", array))); };
  for (const char* shape : {"(1152921504606846976,)", "(4,)", "(2,)", "(4611686018427387904, 4)", "()"}) {
    EXPECT_THAT(refused(npy("<f8", shape, raw<double>({1, 2, 3}))), testing::AnyOf(HasSubstr("shape"))) << shape;
  }
  for (const char* shape : {"(-3,)", "(3", "3", "(3;)", "(x,)", "(99999999999999999999,)"}) {
    EXPECT_THAT(refused(npy("<f8", shape, raw<double>({1, 2, 3}))), HasSubstr("shape")) << shape;
  }
  for (const char* type : {"", "<", "<f", "<f0", "<f99999999999", "f8", "<f8x", "[('a', '<f8')]"}) {
    EXPECT_NE(refused(npy(type, "(3,)", raw<double>({1, 2, 3}))), "no error") << type;
  }
  EXPECT_THAT(refused(std::string("\x93NUMPY\x01\x00\xFF\xFF", 10) + "{}"), HasSubstr("header that is too long"));
  EXPECT_THAT(refused("\x93NUMPY\x09 and more of it"), HasSubstr("a newer version"));
  EXPECT_THAT(refused("short"), HasSubstr("is none of NumPy's"));
}

TEST(SciPyMatrix, RefusesArchivesThatLie) {
  const auto with = [](const auto& change) {
    std::vector<ZipMember> members = csr_members();
    change(members);
    return read_error(zip(members));
  };
  EXPECT_THAT(with([](auto& members) { members[1].said_place = 0; }), HasSubstr("overlaps another entry"));
  EXPECT_THAT(with([](auto& members) { members[4].said_place = 1 << 30; }), HasSubstr("overlaps"));
  EXPECT_THAT(with([](auto& members) { members[1].said_place = 7; }), HasSubstr("\"indptr.npy\" has no header"));
  EXPECT_THAT(with([](auto& members) { members[4].said_place = 40; }), HasSubstr("has no header"));
  EXPECT_THAT(with([](auto& members) { members[4].said_size = 0xFFFFFFFE; }), HasSubstr("another size than it says"));
  EXPECT_THAT(with([](auto& members) { members[4].said_size = 0xFFFFFFFF; }), HasSubstr("has no sizes"));
  EXPECT_THAT(with([](auto& members) {
                members[4].deflated = true;
                members[4].said_size = 0xFFFFFFFE;  // 4 GB of a hundred bytes
              }),
              HasSubstr("another size than it says"));
  EXPECT_THAT(with([](auto& members) { members[4].flags = 1; }), HasSubstr("is encrypted"));
  EXPECT_THAT(with([](auto& members) { members.push_back(members[4]); }), HasSubstr("occurs twice"));
  EXPECT_THAT(with([](auto& members) { members.assign(2000, members[4]); }), HasSubstr("2000 entries"));
}

TEST(SciPyMatrix, RefusesArchivesThatUnpackAThousandfold) {
  constexpr int kEntries = 6'000'000;  // 72 MB that are 70 KB in the archive
  const std::string count = std::to_string(kEntries);
  std::vector<ZipMember> members = csr_with("indices", npy("<i4", "(" + count + ",)", std::string(4 * kEntries, '\0')));
  for (ZipMember& member : members) {
    if (member.name == "data.npy") member.bytes = npy("<f8", "(" + count + ",)", std::string(8 * kEntries, '\0'));
    member.deflated = true;
  }
  const std::string bomb = zip(members);
  ASSERT_LT(bomb.size(), 80'000U);
  EXPECT_THAT(read_error(bomb),
              AllOf(HasSubstr("unpacks to over 100 times its size, as no ratings do"), HasSubstr("compressed=False")));
  for (ZipMember& member : members) member.deflated = false;
  EXPECT_THAT(read_error(zip(members)), HasSubstr("does not divide the entries into rows")) << "nothing is packed";
}

/// Every second byte of a small archive is another one, and every beginning of it is all there is.
TEST(SciPyMatrix, SurvivesAnyDamage) {
  for (const bool packed : {false, true}) {
    std::vector<ZipMember> members = csr_members();
    for (ZipMember& member : members) member.deflated = packed;
    const std::string whole = zip(members);
    const test::TemporaryFolder folder;
    int files = 0;  // each by another name: to replace one waits for the disk
    const auto outcome = [&](const std::string& bytes) -> std::string {
      Dataset data;
      try {
        read_ratings(folder.write(std::to_string(files++), bytes), {.threads = 1}, data);
      } catch (const InputError&) {
        return "refused";
      }
      return test::triples_of(data) == kThree ? "right" : "wrong";
    };
    ASSERT_EQ(outcome(whole), "right");
    for (std::size_t size = 0; size < whole.size(); ++size)
      EXPECT_EQ(outcome(whole.substr(0, size)), "refused") << size;
    for (std::size_t place = 0; place < whole.size(); place += 2) {
      std::string damaged = whole;
      damaged[place] = static_cast<char>(damaged[place] ^ 0x41);
      EXPECT_NE(outcome(damaged), "wrong") << place << ": a checksum covers every array";
    }
  }
}

}  // namespace
}  // namespace wf
