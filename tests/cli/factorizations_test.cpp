// train --algorithm svd, pca, nmf, gd and ccd, driven as a user would.
#include "tests/cli/small_data.hpp"

#include <cmath>

namespace wf::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class Factorizations : public TrainedFolder {
 protected:
  json train(std::vector<std::string> more) const {
    std::vector<std::string> words{"train", "ratings.csv", "--json", "-o", "f.safetensors"};
    words.insert(words.end(), more.begin(), more.end());
    const ProgramResult result = run(words);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return json::parse(result.out);
  }
  void refuses(std::vector<std::string> more, const char* says) const {
    std::vector<std::string> words{"train", "ratings.csv", "-o", "f.safetensors"};
    words.insert(words.end(), more.begin(), more.end());
    const ProgramResult result = run(words);
    EXPECT_EQ(result.exit_code, 2) << result.err;
    EXPECT_THAT(result.err, HasSubstr(says));
  }
};

TEST_F(Factorizations, SvdPrintsItsValuesAndKeepsThemInTheModel) {
  const json result = train({"--algorithm", "svd", "-k", "5"});
  const json& values = result.at("spectrum").at("singular_values");
  ASSERT_EQ(values.size(), 5U);
  double squares = 0, all = 0;
  for (std::size_t n = 0; n < 5; ++n) {
    const double value = values[n].get<double>();
    squares += value * value;
    if (n > 0) {
      EXPECT_LE(value, values[n - 1].get<double>());
    }
  }
  for (int u = 0; u < kSmallUsers; ++u) {
    for (int i = 0; i < kSmallItems; ++i) all += is_rated(u, i) ? planted_rating(u, i) * planted_rating(u, i) : 0;
  }
  EXPECT_NEAR(result.at("spectrum").at("squared_norm").get<double>(), all, 1e-6 * all);
  EXPECT_NEAR(result.at("spectrum").at("share").get<double>(), squares / all, 1e-9);
  const json info = json::parse(run({"info", "f.safetensors", "--json"}).out);
  EXPECT_EQ(info["metadata"]["spectrum"], result.at("spectrum"));
  EXPECT_TRUE(result.at("valid_rmse").is_null());
  const ProgramResult again = run({"train", "ratings.csv", "--algorithm", "svd", "-k", "5", "-o", "g.safetensors"});
  EXPECT_THAT(again.err, HasSubstr("cells without a rating are 0 · 5 power iterations"));
  EXPECT_THAT(again.err, HasSubstr("% of the sum of squares"));
}

TEST_F(Factorizations, PcaHasVariancesAndTheMeansOfItemsForBiases) {
  const json result = train({"--algorithm", "pca", "-k", "3", "--power-iterations", "2", "--oversample", "20"});
  const json& spectrum = result.at("spectrum");
  for (std::size_t n = 0; n < 3; ++n) {
    const double value = spectrum.at("singular_values")[n].get<double>();
    EXPECT_NEAR(spectrum.at("explained_variance")[n].get<double>(), value * value / (kSmallUsers - 1), 1e-9);
  }
  const json info = json::parse(run({"info", "f.safetensors", "--json"}).out);
  EXPECT_EQ(info["biases"], true);
  EXPECT_EQ(run({"recommend", "f.safetensors", "--user", "100"}).exit_code, 0);
}

TEST_F(Factorizations, NmfLowersWhatItMinimisesInEveryForm) {
  for (const std::vector<std::string>& form : {std::vector<std::string>{},
                                               {"--nmf-loss", "kl"},
                                               {"--solver", "hals"},
                                               {"--missing", "zero"},
                                               {"--missing", "zero", "--nmf-loss", "kl"},
                                               {"--missing", "zero", "--solver", "hals"}}) {
    std::vector<std::string> words{"--algorithm", "nmf", "-k", "4", "--valid-frac", "0"};
    if (!form.empty() && form[0] == "--missing") words.resize(4);
    words.insert(words.end(), form.begin(), form.end());
    std::vector<std::string> more = words;
    words.insert(words.end(), {"--epochs", "3"});
    more.insert(more.end(), {"--epochs", "60"});
    const double first = train(words).at("train_loss").get<double>(), last = train(more).at("train_loss").get<double>();
    EXPECT_LT(last, first) << (form.empty() ? "" : form.back());
    EXPECT_GE(last, 0);
  }
}

TEST_F(Factorizations, NmfOfTheRatingsValidatesAndStopsEarly) {
  const json result = train({"--algorithm", "nmf", "-k", "3", "--valid-frac", "0.1"});
  EXPECT_LT(result.at("valid_rmse").get<double>(), 0.6 * result.at("baseline_bias_rmse").get<double>());
  EXPECT_EQ(result.at("config").at("epochs"), 100);
  EXPECT_EQ(result.at("config").at("solver"), "multiplicative");
}

TEST_F(Factorizations, GdAndCcdLearnWhatAlsLearns) {
  const double als = train({"--algorithm", "als", "-k", "3", "--no-valid"}).at("train_rmse").get<double>();
  const double ccd = train({"--algorithm", "ccd", "-k", "3", "--no-valid"}).at("train_rmse").get<double>();
  const double gd =
      train({"--algorithm", "gd", "-k", "3", "--no-valid", "--epochs", "500"}).at("train_rmse").get<double>();
  EXPECT_LT(ccd, 1.1 * als);  // 20 sweeps each, and not all the way: what is left is within a tenth, or less
  EXPECT_LT(gd, 1.5 * als);
}

TEST_F(Factorizations, OptionsOfOtherAlgorithmsAreRefused) {
  refuses({"--algorithm", "svd", "--epochs", "3"}, "--epochs is for");
  refuses({"--algorithm", "svd", "--lambda", "3"}, "--lambda is for");
  refuses({"--algorithm", "pca", "--valid-frac", "0.1"}, "--valid-frac is for");
  refuses({"--algorithm", "svd", "--valid", "ratings.csv"}, "validates nothing");
  refuses({"--algorithm", "svd", "-k", "26"}, "no more singular values");
  refuses({"--algorithm", "als", "--oversample", "3"}, "--oversample is for --algorithm svd or pca");
  refuses({"--algorithm", "als", "--solver", "hals"}, "--solver hals is not for --algorithm als");
  refuses({"--algorithm", "nmf", "--solver", "cg"}, "take multiplicative or hals");
  refuses({"--algorithm", "nmf", "--solver", "hals", "--nmf-loss", "kl"}, "--solver hals is for --nmf-loss frobenius");
  refuses({"--algorithm", "nmf", "--missing", "zero", "--valid-frac", "0.1"}, "--missing zero validates nothing");
  refuses({"--algorithm", "nmf", "--lambda", "1"}, "--lambda is for");
  refuses({"--algorithm", "ccd", "--solver", "cg"}, "--solver is for");
}

}  // namespace
}  // namespace wf::test
