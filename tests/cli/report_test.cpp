// report: a page of a model, whatever it was trained with.
#include "tests/cli/small_data.hpp"

namespace wf::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

/// Trains on small_ratings in `folder`, by these options.
void train(const TemporaryFolder& folder, std::vector<std::string> options) {
  folder.write("ratings.csv", small_ratings());
  options.insert(options.begin(), {"train", "ratings.csv", "-k", "4", "--engine", "cpu"});
  const ProgramResult result = run_in(folder, options);
  ASSERT_EQ(result.exit_code, 0) << result.err;
}

TEST(Report, ComparesWithTheValidationPartByItself) {
  const TemporaryFolder folder;
  train(folder, {"--epochs", "3"});
  const ProgramResult result = run_in(folder, {"report", "ratings.safetensors", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json facts = json::parse(result.out);
  EXPECT_EQ(facts["report"], "ratings.html");
  EXPECT_EQ(facts["epochs"], 3);
  const json info = json::parse(run_in(folder, {"info", "ratings.safetensors", "--json"}).out);
  const json best = info["metadata"]["metrics"][info["metadata"]["best_epoch"].get<int>() - 1];
  EXPECT_NEAR(facts["rmse"].get<double>(), best["valid_rmse"].get<double>(), 1e-6);
  EXPECT_NEAR(facts["mae"].get<double>(), best["valid_mae"].get<double>(), 1e-6);
  const std::string page = read_text((folder.path() / "ratings.html").string());
  EXPECT_THAT(page, HasSubstr("of the validation part of ratings.csv."));
  for (const char* id : {"curves", "ratings", "predicted", "residuals", "calibration", "popularity", "map"}) {
    EXPECT_THAT(page, HasSubstr("<figure id=\"" + std::string(id) + "\">"));
  }
  EXPECT_THAT(page, Not(HasSubstr("nothing to draw")));
}

TEST(Report, ComparesWithAFileAndNamesItems) {
  const TemporaryFolder folder;
  train(folder, {});
  folder.write("test.csv", "userId,movieId,rating\n100,500,4\n101,501,2\n7,501,2\n");
  folder.write("names.csv", "movieId,title\n500,\"Alien <3\"\n");
  const ProgramResult result = run_in(folder, {"report", "ratings.safetensors", "--test", "test.csv", "--names",
                                               "names.csv", "-o", "page.html", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json evaluated = json::parse(run_in(folder, {"evaluate", "ratings.safetensors", "test.csv", "--json"}).out);
  const json facts = json::parse(result.out);
  EXPECT_EQ(facts["n"], 3);
  EXPECT_NEAR(facts["rmse"].get<double>(), evaluated["rmse"].get<double>(), 1e-6);
  EXPECT_NEAR(facts["baseline_bias_rmse"].get<double>(), evaluated["baseline_bias_rmse"].get<double>(), 1e-6);
  EXPECT_THAT(read_text((folder.path() / "page.html").string()), HasSubstr("Alien &lt;3</text>"));
}

TEST(Report, SaysWhyThereIsNothingToCompareWith) {
  const TemporaryFolder folder;
  train(folder, {});
  folder.write("ratings.csv", "1,2,3\n");
  const ProgramResult result = run_in(folder, {"report", "ratings.safetensors", "-o", "-"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out,
              HasSubstr("the training file &quot;ratings.csv&quot; has changed since. --train FILE names those of "
                        "the training, --test FILE others."));
  EXPECT_THAT(result.out, HasSubstr("<figure id=\"map\">"));
}

TEST(Report, OfScoresThatAreNoRatingsShowsTheirLoss) {
  for (const std::vector<std::string>& options :
       {std::vector<std::string>{"--loss", "bpr"}, {"--implicit"}, {"--loss", "logistic"}}) {
    const TemporaryFolder folder;
    train(folder, options);
    const ProgramResult result = run_in(folder, {"report", "ratings.safetensors", "-o", "-"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr("are no ratings."));
    EXPECT_THAT(result.out, HasSubstr("<figcaption>loss by epoch"));
    EXPECT_THAT(result.out, Not(HasSubstr("id=\"residuals\"")));
  }
}

TEST(Report, OfTrainingOnEverythingAndOfOtherPrograms) {
  const TemporaryFolder folder;
  train(folder, {"--no-valid", "--algorithm", "svd"});
  const ProgramResult all = run_in(folder, {"report", "ratings.safetensors", "-o", "-"});
  ASSERT_EQ(all.exit_code, 0) << all.err;
  EXPECT_THAT(all.out, HasSubstr("ratings.csv, on which it was trained: expect no such errors elsewhere."));
  ASSERT_EQ(run_in(folder, {"export", "ratings.safetensors", "--format", "libmf"}).exit_code, 0);
  const ProgramResult libmf = run_in(folder, {"report", "ratings.libmf", "-o", "-"});
  ASSERT_EQ(libmf.exit_code, 0) << libmf.err;
  EXPECT_THAT(libmf.out, HasSubstr("the model does not say what it was trained on"));
}

TEST(Report, TrainWritesOne) {
  const TemporaryFolder folder;
  train(folder, {"--report", "page.html"});
  ASSERT_EQ(run_in(folder, {"report", "ratings.safetensors", "-o", "again.html"}).exit_code, 0);
  EXPECT_EQ(read_text((folder.path() / "page.html").string()), read_text((folder.path() / "again.html").string()));
  const ProgramResult same = run_in(folder, {"train", "ratings.csv", "--report", "ratings.safetensors"});
  EXPECT_EQ(same.exit_code, 2);
}

TEST(Report, RefusesToWriteOverWhatItReads) {
  const TemporaryFolder folder;
  train(folder, {});
  const ProgramResult result = run_in(folder, {"report", "ratings.safetensors", "-o", "ratings.safetensors"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(run_in(folder, {"report", "ratings.safetensors", "-o", "-", "--json"}).exit_code, 2);
  EXPECT_EQ(run_in(folder, {"report", "ratings.csv"}).exit_code, 3);
}

}  // namespace
}  // namespace wf::test
