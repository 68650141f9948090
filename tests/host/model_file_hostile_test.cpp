// Files that are no models: each has its error, which names the file, the tensor and the cure; none is read beyond its
// end, and none makes the reader allocate what the file does not hold.
#include "host/base/error.hpp"
#include "host/model/model_file.hpp"
#include "host/model/safetensors.hpp"
#include "tests/host/model_support.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cmath>
#include <cstring>
#include <map>

namespace wf {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;
using testing_support::bytes_of;
using testing_support::FreshFolder;
using testing_support::safetensors;

/// The error that reading `path` gives.
std::string error_of(const std::string& path) {
  try {
    read_model(path);
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), StartsWith(path + ": "));
    EXPECT_FALSE(error.cure().empty()) << error.what();
    return error.what();
  }
  return "no error";
}

std::string error_of_bytes(const std::string& bytes) {
  const FreshFolder folder;
  return error_of(folder.write("m", bytes));
}

/// One tensor of a header, as JSON.
std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return "\"" + name + R"(":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

/// Two users, one item, rank 2: 24 bytes of factors, then whatever a test adds.
const std::string kFactors = entry("user_factors.weight", "F32", "[2,2]", "[0,16]") + "," +
                             entry("item_factors.weight", "F32", "[1,2]", "[16,24]");

std::string with_factors(const std::string& more, const std::string& data = {}) {
  return safetensors("{" + kFactors + (more.empty() ? "" : "," + more) + "}", std::string(24, '\0') + data);
}

std::string longs(const std::vector<std::int64_t>& values) {
  std::string bytes(values.size() * 8, '\0');
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

std::string floats(const std::vector<float>& values) {
  std::string bytes(values.size() * 4, '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

TEST(HostileModel, TheUnharmedFileOfTheseTestsIsRead) {
  EXPECT_EQ(error_of_bytes(with_factors("")), "no error");
}

TEST(HostileModel, TruncationAtEveryByteIsAnError) {
  const FreshFolder folder;
  Model model = make_model(2, 2, 1, true);
  initialise(model, {}, 1, -1, -1);
  model.users.insert("7");
  model.users.insert("8");
  model.items.insert("a");
  model.items.insert("bc");
  write_model(model, folder.file("whole"));
  const std::string whole = bytes_of(folder.file("whole"));
  ASSERT_EQ(error_of(folder.file("whole")), "no error");
  const std::string path = folder.write("cut", whole);
  for (std::size_t length = whole.size(); length-- > 0;) {
    std::filesystem::resize_file(path, length);
    ASSERT_NE(error_of(path), "no error") << length << " bytes";
  }
  EXPECT_THAT(error_of(folder.write("m", whole + "x")), HasSubstr("ends with 1 bytes that belong to no tensor"));
}

TEST(HostileModel, AnyChangedByteIsReadOrRefusedButNeverMore) {
  const FreshFolder folder;
  Model model = make_model(2, 1, 1, false);
  initialise(model, {}, 1, -1, -1);
  model.users.insert("a");
  model.users.insert("b");
  model.items = IdMap::rows(1);
  write_model(model, folder.file("whole"));
  const std::string whole = bytes_of(folder.file("whole"));
  const std::string path = folder.write("changed", whole);
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  const auto put = [&](std::size_t place, int byte) {
    file.seekp(static_cast<std::streamoff>(place));
    file.put(static_cast<char>(byte)).flush();
  };
  int refused = 0;
  for (std::size_t place = 0; place < whole.size(); ++place) {
    for (const int flip : {1, 0x80}) {
      put(place, whole[place] ^ flip);
      try {
        const Model read = read_model(path);
        EXPECT_EQ(read.tables.user_factors.size(), read.n_users * read.rank);
        EXPECT_EQ(read.users.size(), read.n_users);
      } catch (const InputError& error) {
        ++refused;
        EXPECT_THAT(error.what(), StartsWith(path));
      }
    }
    put(place, whole[place]);
  }
  EXPECT_GT(refused, 100);
}

TEST(HostileModel, SaysWhatTheFileIsInstead) {
  const FreshFolder folder;
  EXPECT_THAT(error_of(folder.file("absent")), HasSubstr("absent: cannot be opened: No such file or directory"));
  EXPECT_THAT(error_of(folder.file(".")), HasSubstr("is a directory (name a file in it)"));
  EXPECT_THAT(error_of("/dev/null"), HasSubstr("is no regular file"));
  const std::map<std::string, std::string> kinds{
      {std::string(), "is empty"},
      {std::string("PK\x03\x04\0\0\x08\x08 archive/data.pkl", 25), "is a pickle, as torch.save writes it"},
      {"\x80\x02}q\x01(X\x01", "is a pickle"},
      {std::string("\x1F\x8B\x08\0\0\0\0\0\0\x03", 10), "is compressed, not a .safetensors file (unpack it first)"},
      {std::string("\x28\xB5\x2F\xFD\x04\0\xFF\xFF\xFF", 9), "is compressed"},
      {std::string("\x93NUMPY\x01\0v\0", 10), "is a NumPy array"},
      {"userId,movieId,rating\n1,2,3.5\n", "is text, not a model (give the .safetensors file that train"},
      {"\xEF\xBB\xBFuser,item\n", "is text"},
      {"1,2,3\n", "is text"},
      {std::string("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF rest", 13), "is no .safetensors file"},
      {std::string("\x08\0\0\0", 4), "is no .safetensors file, or only its beginning"}};
  for (const auto& [bytes, message] : kinds) EXPECT_THAT(error_of_bytes(bytes), HasSubstr(message));
}

TEST(HostileModel, RefusesAHeaderBeyondTheFileOrTheLimit) {
  const FreshFolder folder;
  const std::string path = folder.write("m", std::string("\x01\xE1\xF5\x05\0\0\0\0", 8));  // 100,000,001
  EXPECT_THAT(error_of(path), HasSubstr("is no .safetensors file"));
  std::filesystem::resize_file(path, 200'000'000);  // sparse: costs no disk
  EXPECT_THAT(error_of(path), HasSubstr("is no .safetensors file"));
}

TEST(HostileModel, RefusesAHeaderThatIsNoObject) {
  for (const char* header : {"", "[]", "12", "{", "{}x", "\"a\"", "null", "{\"a\":\"\xFF\"}"}) {
    EXPECT_THAT(error_of_bytes(safetensors(header)), HasSubstr("its header is not a JSON object")) << header;
  }
  EXPECT_THAT(error_of_bytes(safetensors("{}")), HasSubstr("has no tensor user_factors.weight; it has none"));
}

TEST(HostileModel, SurvivesADeeplyNestedHeader) {
  const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
  EXPECT_THAT(error_of_bytes(safetensors("{\"a\":" + deep + "}")), HasSubstr("tensor \"a\" has no dtype"));
}

TEST(HostileModel, NamesSomeOfManyTensors) {  // and reads their header in n log n
  std::string header = "{";
  for (int n = 0; n < 20'000; ++n) {
    header += (n == 0 ? "" : ",") + entry("t" + std::to_string(n), "U8", "[0]", "[0,0]");
  }
  const std::string error = error_of_bytes(safetensors(header + "}"));
  EXPECT_THAT(error, HasSubstr("has no tensor user_factors.weight; it has \"t0\", \"t1\""));
  EXPECT_LT(error.size(), 400U);
}

TEST(HostileModel, RefusesListsThatGoOn) {
  std::string list = "[0";
  for (int n = 1; n < 64; ++n) list += ",0";
  EXPECT_EQ(error_of_bytes(with_factors(entry("x", "F32", list + "]", "[24,24]"))), "no error");
  list += ",0";
  EXPECT_THAT(error_of_bytes(with_factors(entry("x", "F32", list + "]", "[24,24]"))),
              HasSubstr("has a shape that is no list of sizes"));
  EXPECT_THAT(error_of_bytes(with_factors(entry("x", "F32", "[[1]]", "[24,28]"), "abcd")),
              HasSubstr("has a shape that is no list of sizes"));
  EXPECT_THAT(error_of_bytes(with_factors(entry("x", "F32", "[1]", list + "]"), "abcd")),
              HasSubstr("has data_offsets that are no numbers"));
}

TEST(HostileModel, RefusesATensorThatIsAnnouncedTwice) {
  const std::string x = entry("x", "F32", "[1]", "[24,28]");
  EXPECT_THAT(error_of_bytes(with_factors(x + "," + x, "abcd")), HasSubstr("tensor \"x\" occurs twice"));
}

TEST(HostileModel, RefusesMetadataWithoutEnd) {
  std::string header = R"("__metadata__":{"0":"")";
  for (int n = 1; n <= 1 << 16; ++n) header += ",\"" + std::to_string(n) + "\":\"\"";
  EXPECT_THAT(error_of_bytes(with_factors(header + "}")), HasSubstr("__metadata__ has more than 65536 entries"));
}

TEST(HostileModel, RefusesMetadataThatIsNotText) {
  EXPECT_THAT(error_of_bytes(with_factors("\"__metadata__\":[]")), HasSubstr("__metadata__ is not an object"));
  for (const char* value : {"1", "-1", "1.5", "null", "true", "[]", "[\"b\"]", "{}", "{\"b\":\"c\"}"}) {
    EXPECT_THAT(error_of_bytes(with_factors(std::string(R"("__metadata__":{"a":)") + value + "}")),
                HasSubstr("__metadata__ \"a\" is not a string"))
        << value;
  }
}

TEST(HostileModel, RefusesEveryMalformedTensor) {
  const std::map<std::string, std::string> entries{
      {"\"x\":1", "has no dtype"},
      {"\"x\":{}", "has no dtype"},
      {R"("x":{"dtype":5})", "has no dtype"},
      {R"("x":{"dtype":"F32"})", "has no shape"},
      {R"("x":{"dtype":"F32","shape":[1]})", "has no data_offsets"},
      {entry("x", "F31", "[1]", "[24,28]"), "has the unknown dtype \"F31\""},
      {entry("x", "F32", "[-1]", "[24,28]"), "has a shape that is no list of sizes"},
      {entry("x", "F32", "[1.0]", "[24,28]"), "has a shape that is no list of sizes"},
      {entry("x", "F32", "[1]", "[24]"), "has no data_offsets"},
      {entry("x", "F32", "[1]", "[24,-28]"), "has data_offsets that are no numbers"},
      {entry("x", "F32", "[1]", "[24,18446744073709551615]"), "has data_offsets that are no numbers"},
      {entry("x", "F32", "[1]", "[28,24]"), "ends before it begins"},
      {entry("x", "F32", "[2]", "[24,32]"), "would end 4 bytes behind the file's end"},
      {entry("x", "F32", "[9223372036854775807]", "[24,9223372036854775807]"), "behind the file's end"},
      {entry("x", "F32", "[4611686018427387904,4]", "[24,28]"), "has a shape that no memory holds"},
      {entry("x", "F32", "[2]", "[24,28]"), "has a shape that does not fit its bytes"},
      {entry("x", "F32", "[0]", "[24,28]"), "has a shape that does not fit its bytes"}};
  for (const auto& [json, message] : entries) {
    EXPECT_THAT(error_of_bytes(with_factors(json, "abcd")), AllOf(HasSubstr("tensor \"x\""), HasSubstr(message)));
  }
}

TEST(HostileModel, RefusesOverlapsAndHoles) {
  EXPECT_THAT(error_of_bytes(with_factors(entry("x", "F32", "[1]", "[20,24]"))),
              HasSubstr("tensor \"x\" overlaps another"));
  EXPECT_THAT(error_of_bytes(with_factors(entry("x", "F32", "[1]", "[28,32]"), "abcdefgh")),
              HasSubstr("tensor \"x\" begins behind a hole"));
}

TEST(HostileModel, NamesATensorHarmlessly) {  // a terminal must not obey the file
  EXPECT_THAT(error_of_bytes(with_factors(R"("\u001b[2J":{})")), HasSubstr("tensor \"\\x1b[2J\" has no dtype"));
}

TEST(HostileModel, RefusesTablesThatDisagree) {
  const auto factors = [](const std::string& users, const std::string& items, int bytes_of_users, int bytes) {
    const std::string middle = std::to_string(bytes_of_users);
    return error_of_bytes(safetensors(
        "{" + entry("user_factors.weight", "F32", users, "[0," + middle + "]") + "," +
            entry("item_factors.weight", "F32", items, "[" + middle + "," + std::to_string(bytes) + "]") + "}",
        std::string(static_cast<std::size_t>(bytes), '\0')));
  };
  EXPECT_THAT(factors("[2,2]", "[1,3]", 16, 28),
              HasSubstr("item_factors.weight is [1, 3], but the model needs [1, 2]"));
  EXPECT_THAT(factors("[4]", "[1,2]", 16, 24),
              HasSubstr("user_factors.weight is [4], but the model needs [rows, rank]"));
  EXPECT_THAT(factors("[2,0]", "[1,0]", 0, 0), HasSubstr("user_factors.weight is [2, 0], but the model needs"));
  EXPECT_THAT(factors("[4294967296,0]", "[1,0]", 0, 0), HasSubstr("at most 2^31 - 1 rows"));
}

TEST(HostileModel, RefusesBiasesOfOneSideOrAnotherSize) {
  EXPECT_THAT(
      error_of_bytes(with_factors(entry("user_biases.weight", "F32", "[2,1]", "[24,32]"), std::string(8, '\0'))),
      HasSubstr("has no tensor item_biases.weight"));
  EXPECT_THAT(error_of_bytes(with_factors(entry("user_biases.weight", "F32", "[1,2]", "[24,32]") + "," +
                                              entry("item_biases.weight", "F32", "[1]", "[32,36]"),
                                          std::string(12, '\0'))),
              HasSubstr("tensor user_biases.weight is [1, 2], but the model needs [2, 1]"));
}

TEST(HostileModel, RefusesValuesThatAreNotFinite) {
  const std::string biases =
      entry("user_biases.weight", "F32", "[2]", "[24,32]") + "," + entry("item_biases.weight", "F32", "[1]", "[32,36]");
  EXPECT_THAT(error_of_bytes(with_factors(biases, floats({0, std::nanf(""), 0}))),
              HasSubstr("tensor user_biases.weight holds NaN at element 1"));
  EXPECT_THAT(error_of_bytes(with_factors(biases, floats({0, 0, INFINITY}))),
              HasSubstr("tensor item_biases.weight holds an infinity at element 0"));
  EXPECT_THAT(error_of_bytes(safetensors("{" + kFactors + "}", floats({0, 0, -INFINITY, 0, 0, 0}))),
              HasSubstr("tensor user_factors.weight holds an infinity at element 2"));
}

TEST(HostileModel, RefusesMetadataNumbersThatAreNone) {
  for (const char* text : {"abc", "", "1,5", "1x", "nan", "inf", "1e999"}) {
    const std::string metadata = std::string(R"("__metadata__":{"global_mean":")") + text + "\"}";
    EXPECT_THAT(error_of_bytes(with_factors(metadata)), HasSubstr("metadata global_mean is \"")) << text;
  }
  for (const char* text : {"-inf", "nan", "0", "-2"}) {
    const std::string metadata = std::string(R"("__metadata__":{"norm_type":")") + text + "\"}";
    EXPECT_THAT(error_of_bytes(with_factors(metadata)), HasSubstr("metadata norm_type is \"")) << text;
  }
  for (const char* text : {"-1", "inf"}) {
    const std::string metadata = std::string(R"("__metadata__":{"max_norm":")") + text + "\"}";
    EXPECT_THAT(error_of_bytes(with_factors(metadata)), HasSubstr("metadata max_norm is \"")) << text;
  }
  EXPECT_THAT(error_of_bytes(with_factors(R"("__metadata__":{"format":"warpfactor","format_version":"2"})")),
              HasSubstr("has format version \"2\"; this program reads version 1"));
}

TEST(HostileModel, RefusesIdsThatDoNotFit) {
  const auto ids = [](const std::string& type, const std::string& shape, const std::vector<std::int64_t>& values) {
    const std::string end = std::to_string(24 + values.size() * 8);
    return error_of_bytes(with_factors(entry("user_ids", type, shape, "[24," + end + "]"), longs(values)));
  };
  EXPECT_EQ(ids("I64", "[2]", {5, 6}), "no error");
  EXPECT_THAT(ids("I64", "[2]", {5, 5}), AllOf(HasSubstr("tensor user_ids: "), HasSubstr("occurs twice")));
  EXPECT_THAT(ids("I64", "[3]", {5, 6, 7}), HasSubstr("tensor user_ids is [3], but the factors need [2]"));
  EXPECT_THAT(ids("I64", "[2,1]", {5, 6}), HasSubstr("tensor user_ids is [2, 1], but the factors need [2]"));
  EXPECT_THAT(ids("F64", "[2]", {5, 6}), HasSubstr("tensor user_ids is F64, not I64"));
}

TEST(HostileModel, RefusesTextIdsWhoseOffsetsLie) {
  const auto texts = [](const std::vector<std::int64_t>& offsets, const std::string& bytes) {
    const std::string middle = std::to_string(24 + offsets.size() * 8);
    const std::string end = std::to_string(24 + offsets.size() * 8 + bytes.size());
    return error_of_bytes(with_factors(
        entry("user_ids.offsets", "I64", "[" + std::to_string(offsets.size()) + "]", "[24," + middle + "]") + "," +
            entry("user_ids.bytes", "U8", "[" + std::to_string(bytes.size()) + "]", "[" + middle + "," + end + "]"),
        longs(offsets) + bytes));
  };
  EXPECT_EQ(texts({0, 1, 3}, "abc"), "no error");
  for (const std::vector<std::int64_t>& lie :
       {std::vector<std::int64_t>{0, 4, 3}, {0, -1, 3}, {1, 2, 3}, {0, 1, 2}, {0, 1, 4}, {0, INT64_MAX, 3}}) {
    EXPECT_THAT(texts(lie, "abc"), HasSubstr("tensor user_ids.offsets does not ascend from 0 to 3"));
  }
  EXPECT_THAT(texts({0, 3}, "abc"), HasSubstr("tensor user_ids.offsets is [2], but the factors need [3]"));
  EXPECT_THAT(texts({0, 1, 2}, "aa"), HasSubstr("id \"a\" occurs twice"));
}

TEST(HostileModel, RefusesSeenItemsThatAreNone) {
  const auto rows = [](const std::vector<std::int32_t>& values) {
    std::string bytes(values.size() * 4, '\0');
    if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
    return bytes;
  };
  const auto error = [&](const std::vector<std::int64_t>& starts, const std::vector<std::int32_t>& items) {
    const std::size_t middle = 24 + 8 * starts.size(), end = middle + 4 * items.size();
    return error_of_bytes(with_factors(
        entry("seen.starts", "I64", "[" + std::to_string(starts.size()) + "]", "[24," + std::to_string(middle) + "]") +
            "," +
            entry("seen.items", "I32", "[" + std::to_string(items.size()) + "]",
                  "[" + std::to_string(middle) + "," + std::to_string(end) + "]"),
        longs(starts) + rows(items)));
  };
  EXPECT_EQ(error({0, 1, 1}, {0}), "no error");
  EXPECT_THAT(error({0, 1}, {0}), HasSubstr("seen.starts is [2], but the factors need [3]"));
  EXPECT_THAT(error({0, 1, 0}, {0}), HasSubstr("seen.starts does not ascend from 0 to 1"));
  EXPECT_THAT(error({0, 1, 2}, {0}), HasSubstr("seen.starts does not ascend from 0 to 1"));
  EXPECT_THAT(error({0, 1, 1}, {1}), HasSubstr("seen.items does not ascend from 0 to 1"));
  EXPECT_THAT(error({0, 1, 1}, {-1}), HasSubstr("seen.items does not ascend from 0 to 1"));
  EXPECT_THAT(error({0, 2, 2}, {0, 0}), HasSubstr("seen.items does not ascend from 0 to 1"));
  EXPECT_THAT(error_of_bytes(with_factors(entry("seen.items", "I32", "[0]", "[24,24]"))), HasSubstr("seen.starts"));
}

TEST(HostileModel, RefusesIdsThatWereDroppedOrDoubled) {
  EXPECT_THAT(error_of_bytes(with_factors(R"("__metadata__":{"user_id_kind":"integers"})")),
              HasSubstr("metadata announces \"integers\" for user_ids, but its tensors are those of rows"));
  EXPECT_THAT(error_of_bytes(with_factors(entry("user_ids.bytes", "U8", "[2]", "[24,26]"), "ab")),
              HasSubstr("has no tensor user_ids.offsets"));
  EXPECT_THAT(error_of_bytes(with_factors(
                  entry("item_ids", "I64", "[1]", "[24,32]") + "," + entry("item_ids.bytes", "U8", "[0]", "[32,32]"),
                  longs({1}))),
              HasSubstr("has both item_ids and item_ids.bytes"));
}

TEST(HostileModel, RefusesAFileThatChangesMeanwhile) {
  const FreshFolder folder;
  const std::string path = folder.write("m", with_factors(""));
  const SafetensorsReader file(path);
  file.check_unchanged();
  std::ofstream(path, std::ios::app) << "x";
  EXPECT_THROW(file.check_unchanged(), InputError);
  std::filesystem::resize_file(path, 40);
  try {
    file.read<float>("user_factors.weight", "F32");
    FAIL();
  } catch (const InputError& error) {
    EXPECT_EQ(error.problem(), "became shorter while it was read");
  }
}

}  // namespace
}  // namespace wf
