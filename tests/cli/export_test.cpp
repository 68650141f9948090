// export: a model in LIBMF's text, which every verb takes for a model.
#include "tests/cli/small_data.hpp"
#include "tests/support/npz.hpp"

#include <cmath>

namespace wf::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class Exported : public TrainedFolder {
 protected:
  Exported() {
    std::string rows = "user,item,rating\n";
    for (int u = 0; u < kSmallUsers; ++u) {
      for (int i = 0; i < kSmallItems; ++i) {
        if (is_rated(u, i))
          rows += std::to_string(u) + ',' + std::to_string(i) + ',' + std::to_string(planted_rating(u, i)) + '\n';
      }
    }
    folder_.write("rows.csv", rows);
    EXPECT_EQ(run({"train", "rows.csv", "--ids", "rows", "-k", "4", "--epochs", "5"}).exit_code, 0);
  }
};

TEST_F(Exported, PredictsAndIsEvaluatedAsTheModelItComesFrom) {
  const ProgramResult result = run({"export", "rows.safetensors", "--format", "libmf", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(json::parse(result.out)["exported"], "rows.libmf");
  EXPECT_EQ(json::parse(result.out)["rank"], 6) << "four, and two for the biases";
  const auto rmse = [&](const char* model) {
    const ProgramResult evaluated = run({"evaluate", model, "rows.csv", "--json"});
    EXPECT_EQ(evaluated.exit_code, 0) << evaluated.err;
    return json::parse(evaluated.out)["rmse"].get<double>();
  };
  EXPECT_NEAR(rmse("rows.libmf"), rmse("rows.safetensors"), 1e-6);
  const auto predictions = [&](const char* model) {
    return lines_of(run({"predict", model, "rows.csv", "--json"}).out);
  };
  const auto from_text = predictions("rows.libmf"), from_model = predictions("rows.safetensors");
  ASSERT_EQ(from_text.size(), from_model.size());
  for (std::size_t n = 0; n < from_text.size(); ++n) {
    EXPECT_NEAR(json::parse(from_text[n])["prediction"].get<double>(),
                json::parse(from_model[n])["prediction"].get<double>(), 1e-5);
  }
  EXPECT_EQ(run({"recommend", "rows.libmf", "--user", "3", "--keep-seen", "-n", "3"}).exit_code, 0);
  EXPECT_THAT(run({"info", "rows.libmf"}).out, HasSubstr("\nratings             mean "));
  EXPECT_EQ(json::parse(run({"info", "rows.libmf", "--json"}).out)["rating_max"], nullptr) << "the text has none";
}

TEST_F(Exported, SaysThatIdsAreRowNumbersThere) {
  const ProgramResult result = run({"export", "ratings.safetensors", "--format", "libmf", "-o", "m.txt"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, HasSubstr("not its ids"));
  EXPECT_THAT(read_text(folder_.file("m.txt")), HasSubstr("f 0\nm 40\nn 25\nk 6\n"));
}

TEST_F(Exported, RefusesOtherFormatsAndItsOwnSource) {
  EXPECT_THAT(run({"export", "rows.safetensors"}).err, HasSubstr("--format libmf|npz|npy|word2vec|faiss"));
  EXPECT_THAT(run({"export", "rows.safetensors", "--format", "npz", "--users"}).err, HasSubstr("npz has both"));
  EXPECT_THAT(run({"export", "rows.safetensors", "--format", "libfm"}).err, HasSubstr("did you mean libmf?"));
  EXPECT_EQ(run({"export", "rows.safetensors", "--format", "libmf", "-o", "rows.safetensors"}).exit_code, 2);
  EXPECT_EQ(run({"export", "rows.csv", "--format", "libmf"}).exit_code, 3);
}

TEST_F(Exported, WritesArraysWithAndWithoutIds) {
  const ProgramResult npz = run({"export", "ratings.safetensors", "--format", "npz", "--json"});
  ASSERT_EQ(npz.exit_code, 0) << npz.err;
  const auto arrays = read_npz(folder_.file("ratings.npz"));
  EXPECT_EQ(arrays.size(), 7U);
  EXPECT_EQ(arrays.at("item_ids").values.front(), 500);
  EXPECT_THAT(arrays.at("user_factors").shape, testing::ElementsAre(kSmallUsers, 4));
  const ProgramResult npy = run({"export", "ratings.safetensors", "--format", "npy", "-o", "m.v2.npy", "--json"});
  ASSERT_EQ(npy.exit_code, 0) << npy.err;
  EXPECT_EQ(json::parse(npy.out)["files"], 5);
  EXPECT_EQ(read_text(folder_.file("m.v2.item_factors.npy")).size(), 128U + kSmallItems * 4 * 4);
}

TEST_F(Exported, WritesVectorsOfOneSide) {
  const ProgramResult faiss = run({"export", "ratings.safetensors", "--format", "faiss", "--json"});
  ASSERT_EQ(faiss.exit_code, 0) << faiss.err;
  EXPECT_EQ(json::parse(faiss.out)["rank"], 5);
  EXPECT_THAT(faiss.err, HasSubstr("a 1 behind them"));
  ASSERT_EQ(run({"export", "ratings.safetensors", "--format", "word2vec", "--users"}).exit_code, 0);
  EXPECT_THAT(read_text(folder_.file("ratings.word2vec.txt")), testing::StartsWith("40 4\n100 "));
}

}  // namespace
}  // namespace wf::test
