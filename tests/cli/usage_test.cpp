// What the program says about its own use: help, version, and every kind of wrong word, each with exit code 2.
#include "tests/cli/small_data.hpp"

namespace wf::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(Usage, VersionIsOneLineOnStdout) {
  const ProgramResult result = run_program({"--version"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, testing::MatchesRegex("warpfactor [0-9]+\\.[0-9]+\\.[0-9]+\n"));
  EXPECT_EQ(result.err, "");
}

TEST(Usage, HelpBeginsWithThreeExamplesAndGroupsTheOptions) {
  const ProgramResult result = run_program({"train", "--help"});
  EXPECT_EQ(result.exit_code, 0);
  const std::size_t usage = result.out.find("\nUsage:");
  ASSERT_NE(usage, std::string::npos);
  EXPECT_EQ(lines_of(result.out.substr(0, usage)).size(), 6U) << "a sentence, a blank, `Examples:` and three of them";
  std::size_t last = 0;
  for (const char* group : {"\nData:", "\nModel:", "\nTraining:", "\nEvaluation:", "\nEngine:", "\nOutput:"}) {
    const std::size_t place = result.out.find(group);
    ASSERT_NE(place, std::string::npos) << group;
    EXPECT_GT(place, last) << group;
    last = place;
  }
  EXPECT_THAT(result.out, HasSubstr("--rank, --factors, --dim N"));
  EXPECT_THAT(result.out, HasSubstr("(default "));
}

TEST(Usage, RareOptionsAreUnderHelpAllOnly) {
  EXPECT_THAT(run_program({"train", "--help"}).out, testing::Not(HasSubstr("--beta1")));
  EXPECT_THAT(run_program({"train", "--help-all"}).out, HasSubstr("--beta1"));
  EXPECT_THAT(run_program({"train", "--help"}).out, HasSubstr("--help-all"));
}

TEST(Usage, EveryVerbHasHelp) {
  for (const char* verb :
       {"train", "split", "describe", "evaluate", "predict", "recommend", "similar", "info", "synth", "doctor"}) {
    const ProgramResult result = run_program({verb, "-h"});
    EXPECT_EQ(result.exit_code, 0) << verb;
    EXPECT_THAT(result.out, StartsWith(std::string(verb) + ": ")) << verb;
    EXPECT_THAT(run_program({"--help"}).out, HasSubstr("\n  " + std::string(verb))) << verb;
    EXPECT_EQ(run_program({"help", verb}).out, result.out) << verb;
  }
}

struct WrongCommand {
  const char* name;
  std::vector<std::string> arguments;
  const char* message;
};

class WrongUse : public testing::TestWithParam<WrongCommand> {};

TEST_P(WrongUse, EndsWithTwoAndSaysWhatToType) {
  const ProgramResult result = run_program(GetParam().arguments);
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr(GetParam().message));
  EXPECT_THAT(result.err, HasSubstr("(")) << "the cure";
  EXPECT_EQ(lines_of(result.err).size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(
    Words, WrongUse,
    testing::Values(
        WrongCommand{"NoVerb", {}, "no verb is given"},
        WrongCommand{"UnknownVerb", {"trian", "a.csv"}, "did you mean train?"},
        WrongCommand{"OptionBeforeVerb", {"--quiet", "train"}, "the verb comes first"},
        WrongCommand{"NoData", {"train"}, "DATA is missing"},
        WrongCommand{"TooManyWords", {"train", "a.csv", "b.csv"}, "unexpected word \"b.csv\""},
        WrongCommand{"UnknownOption", {"train", "a.csv", "--ranc", "5"}, "did you mean --rank?"},
        WrongCommand{"UnknownAlias", {"train", "a.csv", "--itreations=5"}, "did you mean --iterations?"},
        WrongCommand{"Underscore", {"train", "a.csv", "--batch_size", "5"}, "did you mean --batch-size?"},
        WrongCommand{
            "AlsHasNoRate", {"train", "a.csv", "--algorithm", "als", "--lr", "1"}, "--lr is for --algorithm sgd"},
        WrongCommand{"AlsHasNoBatches", {"train", "a.csv", "--algorithm", "als", "--batch-size", "9"}, "is als"},
        WrongCommand{"SgdHasNoSolver", {"train", "a.csv", "--solver", "cg"}, "--solver is for --algorithm als or ials"},
        WrongCommand{
            "AlsHasNoConfidence", {"train", "a.csv", "--algorithm", "als", "--alpha", "2"}, "for --algorithm ials"},
        WrongCommand{"IalsHasNoBiases", {"train", "a.csv", "--implicit", "--biases"}, "--biases is for --algorithm"},
        WrongCommand{"IalsHasNoValidation", {"train", "a.csv", "--implicit", "--valid", "b.csv"}, "validates nothing"},
        WrongCommand{"ImplicitAndAls", {"train", "a.csv", "--implicit", "--algorithm", "als"}, "exclude each other"},
        WrongCommand{"BlockOfWhat", {"train", "a.csv", "--implicit", "--block", "8"}, "needs --solver subspace"},
        WrongCommand{"NuOfWhat", {"train", "a.csv", "--algorithm", "als", "--nu", "1"}, "needs --reg-scaling weight"},
        WrongCommand{"WeightOfSgd", {"train", "a.csv", "--reg-scaling", "weight"}, "needs --algorithm als or ials"},
        WrongCommand{"UnknownLoss", {"train", "a.csv", "--loss", "mes"}, "did you mean mse?"},
        WrongCommand{"UnknownEngine", {"train", "a.csv", "--device", "tpuxyz"}, "auto, reference, cpu, cuda"},
        WrongCommand{"Gpu", {"train", "a.csv", "--device", "gpu"}, "did you mean cuda?"},
        WrongCommand{"UnknownColor", {"info", "m", "--color", "alway"}, "did you mean always?"},
        WrongCommand{"UnknownIds", {"train", "a.csv", "--ids", "row"}, "did you mean rows?"},
        WrongCommand{"UnknownSeparator", {"train", "a.csv", "--sep", "x"}, "is no separator"},
        WrongCommand{"TwoSpellings", {"train", "a.csv", "--rank", "5", "--factors", "6"}, "are one option"},
        WrongCommand{"ShortAndLong", {"train", "a.csv", "-k", "5", "--dim=5"}, "are one option"},
        WrongCommand{"Twice", {"train", "a.csv", "--seed", "5", "--seed", "5"}, "--seed is given 2 times"},
        WrongCommand{"NoValue", {"train", "a.csv", "-k"}, "--rank: its value is missing"},
        WrongCommand{"ValueOfFlag", {"train", "a.csv", "--quiet=no"}, "--quiet takes no value"},
        WrongCommand{"Opposites", {"train", "a.csv", "--biases", "--no-biases"}, "exclude each other"},
        WrongCommand{"OppositeHeaders", {"train", "a.csv", "--header", "--no-header"}, "exclude each other"}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Numbers, WrongUse,
    testing::Values(WrongCommand{"RankZero", {"train", "a.csv", "-k", "0"}, "it takes 1 to 4096"},
                    WrongCommand{"RankTooHigh", {"train", "a.csv", "-k4097"}, "it takes 1 to 4096"},
                    WrongCommand{
                        "RankBeyondInteger", {"train", "a.csv", "-k", "99999999999999999999"}, "is out of range"},
                    WrongCommand{"RankWithFraction", {"train", "a.csv", "-k", "8.5"}, "\"8.5\" is not a whole number"},
                    WrongCommand{"RankEmpty", {"train", "-k", "", "a.csv"}, "is not a whole number"},
                    WrongCommand{"NotANumber", {"train", "a.csv", "--lr", "nan"}, "is not a finite number"},
                    WrongCommand{"Infinite", {"train", "a.csv", "--lambda", "inf"}, "is not a finite number"},
                    WrongCommand{"TooSmallForDouble", {"train", "a.csv", "--lr", "1e-999"}, "is not a finite number"},
                    WrongCommand{"Negative", {"train", "a.csv", "--lr", "-0.5"}, "is out of range"},
                    WrongCommand{"TrailingText", {"train", "a.csv", "--lr", "0.5x"}, "\"0.5x\" is not a number"},
                    WrongCommand{"WholeFraction", {"train", "a.csv", "--valid-frac", "1"}, "[0, 1)"},
                    WrongCommand{"NegativeSeed", {"train", "a.csv", "--seed", "-1"}, "is no seed"},
                    WrongCommand{"TopZero", {"recommend", "m", "--user", "1", "-n", "0"}, "it takes 1 to"}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Rules, WrongUse,
    testing::Values(
        WrongCommand{"AdamSparse", {"train", "a.csv", "--batch-size", "8", "--optimizer", "adam"}, "--gradients dense"},
        WrongCommand{"SparseAdamDense",
                     {"train", "a.csv", "--batch-size", "8", "--optimizer", "sparse_adam", "--gradients", "dense"},
                     "--optimizer adam"},
        WrongCommand{
            "DecaySparse", {"train", "a.csv", "--batch-size", "8", "--weight-decay", "0.1"}, "--gradients dense"},
        WrongCommand{"MomentumOfAdagrad",
                     {"train", "a.csv", "--batch-size", "8", "--optimizer", "adagrad", "--momentum", "0.9"},
                     "--momentum is sgd's"},
        WrongCommand{"OptimizerPerRating", {"train", "a.csv", "--optimizer", "adagrad"}, "--batch-size N"},
        WrongCommand{"MomentumPerRating", {"train", "a.csv", "--momentum", "0.9"}, "--batch-size N"},
        WrongCommand{"DensePerRating", {"train", "a.csv", "--gradients", "dense"}, "--batch-size N"},
        WrongCommand{"SumPerRating", {"train", "a.csv", "--reduction", "sum"}, "--batch-size N"},
        WrongCommand{"LossesPerRating", {"train", "a.csv", "--batch-losses", "l.csv"}, "--batch-size N"},
        WrongCommand{"SizesWithoutRows", {"train", "a.csv", "--n-users", "9"}, "--ids rows"},
        WrongCommand{
            "PaddingOutside",
            {"train", "a.csv", "--ids", "rows", "--n-users", "9", "--batch-size", "8", "--user-padding-idx", "9"},
            "outside the table of 9 rows"},
        WrongCommand{"PaddingPerRating", {"train", "a.csv", "--user-padding-idx", "0"}, "--batch-size N"},
        WrongCommand{"MaxNormPerRating", {"train", "a.csv", "--max-norm", "1"}, "--batch-size N"},
        WrongCommand{"UniformUpsideDown",
                     {"train", "a.csv", "--init", "uniform", "--init-low", "2", "--init-high", "1"},
                     "--init-low 2 is above"},
        WrongCommand{"FittedWithoutBiases", {"train", "a.csv", "--no-biases", "--bias-init", "fitted"}, "needs biases"},
        WrongCommand{"FittedWithMean", {"train", "a.csv", "--global-mean", "2", "--bias-init", "fitted"}, "auto"},
        WrongCommand{
            "StorageWithoutDevice", {"train", "a.csv", "--engine", "cpu", "--storage", "fp16"}, "--storage is for"},
        WrongCommand{"DeviceMemoryWithoutDevice",
                     {"train", "a.csv", "--engine", "cpu", "--device-memory", "1G"},
                     "--device-memory is for a device"},
        WrongCommand{"DevicePlanWithoutDevice",
                     {"verify", "a.csv", "--engine", "cpu", "--device-plan", "tiles"},
                     "--device-plan is for a device"},
        WrongCommand{"DevicePlanDeterministic",
                     {"train", "a.csv", "--deterministic", "--device-plan", "tiles"},
                     "a plan of its own"},
        WrongCommand{"DevicePlanOfBatches",
                     {"train", "a.csv", "--batch-size", "8", "--device-plan", "tiles"},
                     "leave out --batch-size"},
        WrongCommand{"ValidTwice", {"train", "a.csv", "--valid", "b.csv", "--valid-frac", "0.1"}, "exclude each other"},
        WrongCommand{"ValidAndNone", {"train", "a.csv", "--valid", "b.csv", "--no-valid"}, "exclude each other"},
        WrongCommand{"StdinTwice", {"train", "-", "--valid", "-"}, "are both stdin"},
        WrongCommand{"NoUser", {"recommend", "m"}, "--user ID"},
        WrongCommand{"UserTwice", {"recommend", "m", "--user", "1", "--users", "f"}, "exclude each other"},
        WrongCommand{"SimilarToNothing", {"similar", "m"}, "--item ID or --user ID"},
        WrongCommand{"SimilarToBoth", {"similar", "m", "--item", "1", "--user", "1"}, "not both"},
        WrongCommand{"ItemTwice", {"similar", "m", "--item", "1", "--items", "f"}, "exclude each other"},
        WrongCommand{"UnknownSimilarity", {"similar", "m", "--item", "1", "--similarity", "cosinus"}, "cosine"},
        WrongCommand{"SynthOfNothing", {"synth"}, "--shape NAME"},
        WrongCommand{"UnknownShape", {"synth", "--shape", "ml-1mm"}, "did you mean ml-1m?"}),
    [](const auto& test) { return test.param.name; });

TEST(Usage, ErrorsAreOneJsonLineOnRequest) {
  const ProgramResult result = run_program({"train", "a.csv", "--ranc", "5", "--json"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.out, "");
  const auto error = nlohmann::json::parse(result.err);
  EXPECT_EQ(error["kind"], "usage");
  EXPECT_EQ(error["exit_code"], 2);
  EXPECT_EQ(error["error"], "unknown option --ranc");
  EXPECT_THAT(error["cure"].get<std::string>(), StartsWith("did you mean --rank?"));
}

TEST(Usage, ErrorsInJsonSurviveBytesThatAreNoUtf8) {
  const ProgramResult result = run_program({"train", "a.csv", "--loss", "\xff\"\n\xc3", "--json"});
  EXPECT_EQ(nlohmann::json::parse(result.err)["error"], "--loss: unknown word \"\xef\xbf\xbd\"\n\xef\xbf\xbd\"");
}

TEST(Usage, NegativeNumbersAreValuesAndNoOptions) {
  const TemporaryFolder folder;
  folder.write("a.csv", "1,1,3\n2,2,4\n");
  const ProgramResult result = run_in(folder, {"train", "a.csv", "--global-mean", "-0.5", "-k", "1", "--no-valid"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("global mean -0.5"));
}

}  // namespace
}  // namespace wf::test
