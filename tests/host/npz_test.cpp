// The reader of the recorded trajectories: every fixture is whole, and a file that is not what it should be is refused.
#include "tests/support/npz.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace wf::test {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Truly;

const std::filesystem::path kFolder = std::filesystem::path(WF_FIXTURES) / "torch";

template <class T>
std::string raw_bytes_of(T value) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}

std::string npy(const std::string& header, const std::string& data) {
  return std::string("\x93NUMPY\x01\x00", 8) + raw_bytes_of(static_cast<std::uint16_t>(header.size())) + header + data;
}

std::string header(const std::string& type, const std::string& shape, const std::string& order = "False") {
  return "{'descr': '" + type + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
}

/// A stored zip of one or more members of one name.
std::string zip(const std::string& name, const std::string& member, int copies = 1, std::uint16_t method = 0) {
  const auto name_bytes = raw_bytes_of(static_cast<std::uint16_t>(name.size()));
  const auto size = raw_bytes_of(static_cast<std::uint32_t>(member.size()));
  const std::string local = "PK\x03\x04" + std::string(22, '\0') + name_bytes + std::string(2, '\0') + name + member;
  const std::string entry = "PK\x01\x02" + std::string(6, '\0') + raw_bytes_of(method) + std::string(8, '\0') + size +
                            size + name_bytes + std::string(16, '\0') + name;  // local header at 0
  std::string directory;
  for (int copy = 0; copy < copies; ++copy) directory += entry;
  return local + directory + "PK\x05\x06" + std::string(6, '\0') + raw_bytes_of(static_cast<std::uint16_t>(copies)) +
         raw_bytes_of(static_cast<std::uint32_t>(directory.size())) +
         raw_bytes_of(static_cast<std::uint32_t>(local.size())) + std::string(2, '\0');
}

std::map<std::string, Array> read_bytes(const std::string& bytes) {
  const std::string path = testing::TempDir() + "npz_test_" +
                           testing::UnitTest::GetInstance()->current_test_info()->name() + std::to_string(getpid());
  std::ofstream(path, std::ios::binary) << bytes;
  struct Removed {
    std::string path;
    ~Removed() { std::remove(path.c_str()); }
  } const removed{path};
  return read_npz(path);
}

/// The reason why `bytes` are refused; empty: they are not.
std::string refusal(const std::string& bytes) {
  try {
    read_bytes(bytes);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return {};
}

TEST(Npz, EveryFixtureIsWhole) {
  int files = 0;
  for (const auto& file : std::filesystem::directory_iterator(kFolder)) {
    SCOPED_TRACE(file.path().filename());
    ++files;
    const std::map<std::string, Array> record = read_npz(file.path());
    const std::string& config = record.at("config").text;
    const bool biases = config.find("\"biases\": true") != std::string::npos;
    EXPECT_EQ(record.size(), biases ? 14U : 10U);
    EXPECT_EQ(config.front(), '{');
    EXPECT_EQ(config.back(), '}');
    const std::vector<std::int64_t> n = record.at("users").shape;
    ASSERT_EQ(n.size(), 1U);
    for (const char* name : {"items", "ratings", "predictions"}) EXPECT_EQ(record.at(name).shape, n) << name;
    EXPECT_GE(record.at("losses").values.size(), 5U);
    for (const std::string table : {"user_factors", "item_factors", "user_biases", "item_biases"}) {
      if (!biases && table.find("biases") != std::string::npos) continue;
      const Array& initial = record.at("init." + table + ".weight");
      const Array& final = record.at("final." + table + ".weight");
      EXPECT_EQ(initial.shape.size(), 2U) << table;
      EXPECT_EQ(initial.shape, final.shape) << table;
      EXPECT_NE(initial.values, final.values) << table << " was never trained";
    }
    for (const auto& [name, array] : record) {
      EXPECT_THAT(array.values, Each(Truly([](double value) { return std::isfinite(value); }))) << name;
      std::int64_t count = 1;
      for (const std::int64_t size : array.shape) count *= size;
      EXPECT_EQ(static_cast<std::int64_t>(array.values.size()), name == "config" ? 0 : count) << name;
    }
  }
  EXPECT_EQ(files, 29);
}

TEST(Npz, ReadsWhatNumpyWrote) {
  const std::map<std::string, Array> record = read_npz(kFolder / "biases.npz");
  EXPECT_THAT(record.at("init.user_factors.weight").shape, ElementsAre(37, 20));
  EXPECT_EQ(record.at("users").values.size(), 400U);
  EXPECT_THAT(record.at("config").text, HasSubstr("\"biases\": true"));
}

TEST(Npz, ReadsEveryTypeOfTheFixtures) {
  const std::string whole =
      npy(header("<i8", "(2,)"), raw_bytes_of(std::int64_t{-3}) + raw_bytes_of(std::int64_t{1} << 40));
  EXPECT_THAT(read_bytes(zip("a.npy", whole)).at("a").values, ElementsAre(-3, 0x1p40));
  const std::string half = npy(header("<f4", "(1, 2)"), raw_bytes_of(0.5F) + raw_bytes_of(-2.0F));
  EXPECT_THAT(read_bytes(zip("a.npy", half)).at("a").values, ElementsAre(0.5, -2));
  EXPECT_THAT(read_bytes(zip("a.npy", half)).at("a").shape, ElementsAre(1, 2));
  const std::string third = npy(header("<f8", "(1,)"), raw_bytes_of(1.0 / 3));
  EXPECT_THAT(read_bytes(zip("a.npy", third)).at("a").values, ElementsAre(1.0 / 3));
  const std::string text = npy(header("<U2", "()"), raw_bytes_of(U'o') + raw_bytes_of(U'k'));
  EXPECT_EQ(read_bytes(zip("a.npy", text)).at("a").text, "ok");
  EXPECT_THAT(read_bytes(zip("a.npy", npy(header("<f4", "(0, 4)"), ""))).at("a").values, IsEmpty());
}

TEST(Npz, RefusesWhatItDoesNotKnow) {
  const std::string data = raw_bytes_of(1.0F);
  EXPECT_THAT(refusal("no archive"), HasSubstr("not a zip archive"));
  EXPECT_THAT(refusal(zip("a.npy", npy(header("<f4", "(1,)"), data), 1, 8)), HasSubstr("compressed"));
  EXPECT_THAT(refusal(zip("a.npy", npy(header("<f4", "(1,)"), data), 2)), HasSubstr("twice"));
  EXPECT_THAT(refusal(zip("a.txt", npy(header("<f4", "(1,)"), data))), HasSubstr("not an .npy"));
  EXPECT_THAT(refusal(zip("a.npy", "\x93NUMPY\x02")), HasSubstr("version"));
  EXPECT_THAT(refusal(zip("a.npy", npy(header("<i4", "(1,)"), data))), HasSubstr("unknown type"));
  EXPECT_THAT(refusal(zip("a.npy", npy(header(">f4", "(1,)"), data))), HasSubstr("unknown type"));
  EXPECT_THAT(refusal(zip("a.npy", npy(header("<f4", "(1,)", "True"), data))), HasSubstr("C order"));
  EXPECT_THAT(refusal(zip("a.npy", npy("{'fortran_order': False, 'shape': (1,)}", data))), HasSubstr("'descr'"));
  EXPECT_THAT(refusal(zip("a.npy", npy("{'descr': '<f4', 'fortran_order': False}", data))), HasSubstr("'shape'"));
  EXPECT_THAT(refusal(zip("a.npy", npy(header("<U2", "()"), raw_bytes_of(U'ä') + raw_bytes_of(U'b')))),
              HasSubstr("ASCII"));
  EXPECT_THROW(read_npz("absent.npz"), std::runtime_error);
}

TEST(Npz, RefusesShapesThatTheValuesDoNotFill) {
  const std::string data = raw_bytes_of(1.0F);
  for (const char* shape : {"(2,)", "(0,)", "(-1,)", "(1", "1", "(1e9,)", "(999999999, 999999999, 999999999)"}) {
    EXPECT_NE(refusal(zip("a.npy", npy(header("<f4", shape), data))), "") << shape;
  }
  EXPECT_NE(refusal(zip("a.npy", npy(header("<f4", "(1,)"), data + "x"))), "");
  EXPECT_NE(refusal(zip("a.npy", npy(header("<U3", "()"), raw_bytes_of(U'a')))), "");
}

TEST(Npz, RefusesEveryTruncation) {
  const std::string whole = zip("a.npy", npy(header("<f4", "(1,)"), raw_bytes_of(1.0F)));
  ASSERT_EQ(refusal(whole), "");
  for (std::size_t size = 0; size + 2 < whole.size(); ++size) {  // the last two bytes are the comment's length
    EXPECT_NE(refusal(whole.substr(0, size)), "") << size;
    EXPECT_NE(refusal(whole.substr(whole.size() - size)), "") << size;
  }
}

}  // namespace
}  // namespace wf::test
