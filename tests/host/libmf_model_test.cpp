// LIBMF's model text: one that LIBMF wrote, the way there and back, and texts that are no model.
#include "host/model/libmf_model.hpp"
#include "host/api/engines.hpp"
#include "host/base/error.hpp"
#include "host/base/philox.hpp"
#include "host/model/model_file.hpp"
#include "tests/host/model_support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wf {
namespace {

using testing::HasSubstr;
using testing_support::bytes_of;
using testing_support::FreshFolder;

/// As a file of pairs is read: ids that the model does not know get rows beyond its tables.
float prediction(const Model& model, std::int64_t user, std::int64_t item) {
  const auto row = [](const IdMap& ids, Position rows, std::int64_t id) {
    for (Position r = 0; r < rows; ++r) {
      if (ids.text(static_cast<RowId>(r)) == std::to_string(id)) return static_cast<RowId>(r);
    }
    return static_cast<RowId>(rows);
  };
  const RowId u = row(model.users, model.n_users, user), i = row(model.items, model.n_items, item);
  float score = 0;
  const auto chosen = make_engine("reference", 1);
  chosen.engine->open(model)->predict({&u, 1}, {&i, 1}, {&score, 1});
  return score;
}

Model drawn_model(bool biases) {
  Model model = make_model(4, 3, 5, biases);
  model.users = IdMap::rows(4);
  model.items = IdMap::rows(3);
  initialise(model, {.kind = Init::normal, .scale = 1}, 3, -1, -1, 1);
  model.global_mean = biases ? 3.25F : 0;
  model.rating_mean = 3.5;
  for (Position n = 0; n < model.tables.user_biases.size(); ++n)
    model.tables.user_biases[n] = 0.1F * static_cast<float>(n);
  for (Position n = 0; n < model.tables.item_biases.size(); ++n)
    model.tables.item_biases[n] = -0.3F * static_cast<float>(n);
  return model;
}

TEST(LibmfModel, OfLibmfItselfAnswersAsLibmfDoes) {
  const std::string folder = std::string(WF_FIXTURES) + "/libmf/";
  const Model model = read_model(folder + "model.libmf");
  EXPECT_EQ(model.n_users, 3) << "user 2 has no ratings";
  EXPECT_EQ(model.n_items, 5);
  EXPECT_EQ(model.rank, 3);
  EXPECT_DOUBLE_EQ(model.rating_mean.value(), 3.15);
  EXPECT_EQ(model.users.text(2), "3");
  std::ifstream lines(folder + "predictions.txt");
  std::int64_t user = 0, item = 0;
  double expected = 0;
  int count = 0;
  for (; lines >> user >> item >> expected; ++count) {
    EXPECT_NEAR(prediction(model, user, item), expected, 5e-6 * expected) << user << ' ' << item;  // six digits
  }
  EXPECT_EQ(count, 30);
}

TEST(LibmfModel, IsWrittenAsLibmfWritesIt) {
  const FreshFolder folder;
  const std::string path = std::string(WF_FIXTURES) + "/libmf/model.libmf";
  Model model = make_model(4, 5, 3, false);
  model.users = IdMap::rows(4);
  model.items = IdMap::rows(5);
  model.rating_mean = 3.15;
  const Model read = read_model(path);
  std::fill(model.tables.user_factors.begin(), model.tables.user_factors.end(), 0.0F);
  for (Position row = 0; row < 3; ++row) {
    std::copy_n(read.tables.user_factors.data() + 3 * row, 3,
                model.tables.user_factors.data() + 3 * (row == 2 ? 3 : row));
  }
  model.tables.item_factors = read.tables.item_factors.clone();
  write_libmf_model(model, folder.file("m.libmf"));
  EXPECT_EQ(bytes_of(folder.file("m.libmf")), bytes_of(path));
}

TEST(LibmfModel, ComesBackAsItWas) {
  const FreshFolder folder;
  const Model model = drawn_model(false);
  write_libmf_model(model, folder.file("m"));
  const Model back = read_model(folder.file("m"));
  const auto values = [](const HostBuffer<float>& table) { return std::vector<float>(table.begin(), table.end()); };
  EXPECT_EQ(values(back.tables.user_factors), values(model.tables.user_factors));
  EXPECT_EQ(values(back.tables.item_factors), values(model.tables.item_factors));
  EXPECT_FALSE(back.has_biases());
  EXPECT_DOUBLE_EQ(back.rating_mean.value(), 3.5);
  EXPECT_EQ(back.users.kind(), IdKind::rows);
}

TEST(LibmfModel, FoldsBiasesIntoTwoFactorsMore) {
  const FreshFolder folder;
  const Model model = drawn_model(true);
  write_libmf_model(model, folder.file("m"));
  const Model back = read_model(folder.file("m"));
  EXPECT_EQ(back.rank, 7);
  for (RowId user = 0; user < 4; ++user) {
    EXPECT_EQ(back.tables.user_factors[7 * user + 5], model.tables.user_biases[user] + 3.25F);
    EXPECT_EQ(back.tables.user_factors[7 * user + 6], 1);
    for (RowId item = 0; item < 3; ++item) {  // sums of ten terms of 4 at most
      EXPECT_NEAR(prediction(back, user, item), prediction(model, user, item), 10 * 4 * 0x1p-23) << user << ' ' << item;
    }
  }
  EXPECT_EQ(prediction(back, 9, 9), 3.25F) << "unknown, as the mean alone";
}

TEST(LibmfModel, KeepsTheLossByItsNumber) {
  const FreshFolder folder;
  Model model = drawn_model(false);
  model.metadata["config"] = R"({"loss":"squared_hinge","rank":5})";
  write_libmf_model(model, folder.file("m"));
  EXPECT_THAT(bytes_of(folder.file("m")), testing::StartsWith("f 6\nm 4\nn 3\nk 5\nb 3.5\np0 T "));
  EXPECT_EQ(read_model(folder.file("m")).metadata.at("config"), R"({"loss":"squared_hinge"})");
}

TEST(LibmfModel, RefusesWhatLibmfHasNoWordsFor) {
  const FreshFolder folder;
  Model model = drawn_model(false);
  model.norm_limit.max_norm = 1;
  EXPECT_THROW(write_libmf_model(model, folder.file("m")), UsageError);
  EXPECT_EQ(folder.count(), 0);
  EXPECT_THROW(write_libmf_model(make_model(1, 1, kMaxRank, true), folder.file("m")), UsageError);
}

TEST(LibmfModel, IsRefusedWhereverItIsCut) {
  const FreshFolder folder;
  write_libmf_model(drawn_model(false), folder.file("m"));
  const std::string whole = bytes_of(folder.file("m"));
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_THROW(read_model(folder.write("cut", whole.substr(0, length))), InputError) << length;
  }
}

TEST(LibmfModel, IsKnownByItsFirstLine) {
  const FreshFolder folder;
  EXPECT_TRUE(is_libmf_model(folder.write("a", "f 10\nm 0\n")));
  EXPECT_TRUE(is_libmf_model(folder.write("b", "f 0\r\n")));
  for (const char* text : {"", "f", "f ", "f x\n", "f 1", "g 1\n", "f 1 2\n", "user,item\n"}) {
    EXPECT_FALSE(is_libmf_model(folder.write("c", text))) << text;
  }
}

struct Broken {
  const char* name;
  const char* text;
  const char* message;
};
class BrokenLibmfModel : public testing::TestWithParam<Broken> {};

TEST_P(BrokenLibmfModel, IsRefusedWithItsLine) {
  const FreshFolder folder;
  try {
    read_model(folder.write("m", GetParam().text));
    FAIL() << "it was read";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr(GetParam().message));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Texts, BrokenLibmfModel,
    testing::Values(
        Broken{"Ends", "f 0\nm 1\nn 1\n", ":4: a model of LIBMF that ends"},
        Broken{"OtherWord", "f 0\nk 1\n", ":2: a model of LIBMF that has \"k\" in place of m"},
        Broken{"NegativeCount", "f 0\nm -1\n", "m is -1, outside 0 to"},
        Broken{"RankTooHigh", "f 0\nm 1\nn 1\nk 4097\n", "k is 4097, outside 1 to 4096"},
        Broken{"TooShort", "f 0\nm 2000000000\nn 1\nk 4000\nb 0\np0 T 1\n", "is too short for its"},
        Broken{"NotANumber", "f 0\nm 1\nn 1\nk 1\nb 0\np0 T nan\nq0 T 1\n", ":6: a model of LIBMF that has no"},
        Broken{"OtherMark", "f 0\nm 1\nn 1\nk 1\nb 0\np0 U 1 \nq0 T 1\n", "in place of T or F"},
        Broken{"OtherRow", "f 0\nm 1\nn 1\nk 1\nb 0\np1 T 1 \nq0 T 1\n", "in place of p0"},
        Broken{"GoesOn", "f 0\nm 1\nn 1\nk 1\nb 0\np0 T 1 \nq0 T 1 \nq1 T 1 \n", ":8: a model of LIBMF that goes on"}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace wf
