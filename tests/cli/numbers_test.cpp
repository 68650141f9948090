// Ratings and settings at the ends of what numbers can be: a finite model, or a message that says what to change. Never
// a number in a file that is none.
#include "tests/cli/every_algorithm.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>

namespace wf::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

/// 30 users with 8 of 20 items each; value(n) is the text of rating n.
template <class Value>
std::string ratings_of(const Value& value) {
  std::string text = "user,item,rating\n";
  for (int n = 0; n < 240; ++n) text += fmt::format("u{},i{},{}\n", n / 8, (n / 8 * 3 + n % 8 * 7) % 20, value(n));
  return text;
}

struct HostileCase {
  const char* data;
  Words options;
};

const std::vector<HostileCase>& hostile_cases() {
  static const std::vector<HostileCase> cases{{"huge.csv", {}},
                                              {"huge.csv", {"--no-valid"}},
                                              {"above.csv", {}},
                                              {"equal.csv", {}},
                                              {"zero.csv", {}},
                                              {"tiny.csv", {}},
                                              {"usual.csv", {"--lr", "1e6"}},
                                              {"usual.csv", {"--lr", "1e6", "--no-valid"}},
                                              {"usual.csv", {"--lambda", "0"}},
                                              {"usual.csv", {"--alpha", "1e9"}},
                                              {"usual.csv", {"--rank", "40"}},
                                              {"usual.csv", {"--rank", "40", "--lambda", "0"}}};
  return cases;
}

/// Tensors of a safetensors file with a float that is not finite.
Words not_finite_in(const std::string& path) {
  Words found;
  const std::string bytes = read_text(path);
  const std::string values = model_bytes_of(path);
  const json header = json::parse(bytes.substr(8, bytes.size() - values.size() - 8));
  for (const auto& [name, tensor] : header.items()) {
    if (name == "__metadata__" || tensor.at("dtype") != "F32") continue;
    const std::size_t end = tensor.at("data_offsets").at(1);
    for (std::size_t at = tensor.at("data_offsets").at(0); at < end; at += sizeof(float)) {
      float value = 0;
      std::memcpy(&value, values.data() + at, sizeof(value));
      if (std::isfinite(value)) continue;
      found.push_back(name);
      break;
    }
  }
  return found;
}

class Numbers : public testing::TestWithParam<AlgorithmCase> {
 protected:
  Numbers() {
    folder_.write("huge.csv", ratings_of([](int n) { return n % 3 == 0 ? "1e30" : n % 3 == 1 ? "-1e30" : "3e38"; }));
    folder_.write("above.csv", ratings_of([](int n) { return n % 2 == 0 ? "1e30" : "1"; }));
    folder_.write("equal.csv", ratings_of([](int) { return "3"; }));
    folder_.write("zero.csv", ratings_of([](int) { return "0"; }));
    folder_.write("tiny.csv", ratings_of([](int n) { return n % 2 == 0 ? "1e-38" : "1e-44"; }));
    folder_.write("usual.csv", ratings_of([](int n) { return std::to_string(1 + n * n % 5); }));
  }

  /// What is left of a training, whether it ends well or not.
  void expect_sound(const ProgramResult& result, const std::string& model) const {
    const std::string path = folder_.file(model);
    if (result.exit_code == 0) {
      EXPECT_TRUE(std::filesystem::exists(path));
    } else {
      EXPECT_THAT(result.exit_code, testing::AnyOf(1, 2));
      EXPECT_THAT(result.err, testing::ContainsRegex(R"(\(.+\))")) << "no cure";
    }
    for (const std::string& file : {path, path + ".checkpoint", path + ".checkpoint.previous"}) {
      if (!std::filesystem::exists(file)) continue;
      EXPECT_THAT(not_finite_in(file), testing::IsEmpty()) << file;
    }
    const std::string log = path.substr(0, path.size() - std::string(".safetensors").size()) + ".metrics.jsonl";
    if (!std::filesystem::exists(log)) return;
    for (const std::string& line : lines_of(read_text(log))) EXPECT_TRUE(json::accept(line)) << line;
  }

  TemporaryFolder folder_;
};

TEST_P(Numbers, FiniteOrAMessage) {
  const Words& algorithm = GetParam().options;
  std::size_t number = 0;
  for (const std::string engine : {"reference", "cpu"}) {
    for (const HostileCase& hostile : hostile_cases()) {
      const std::string model = fmt::format("{}.safetensors", ++number);
      if (!is_run(GetParam(), number)) continue;
      // each checkpoint waits for the disk
      const Words few_epochs = is_of_passes(algorithm) ? Words{} : Words{"--epochs", "6"};
      const bool has_rank = std::count(hostile.options.begin(), hostile.options.end(), "--rank") > 0;
      const Words rank = has_rank ? Words{} : Words{"--rank", "8"};  // least squares take k^3 steps a row
      const Words line = Words{"train", hostile.data, "-o", model, "--quiet", "--engine", engine, "-j", "2"} +
                         Words{"--checkpoint-every", "3"} + few_epochs + algorithm + rank + hostile.options;
      SCOPED_TRACE(fmt::format("{}", fmt::join(line, " ")));
      expect_sound(run_in(folder_, line), model);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Algorithms, Numbers, testing::ValuesIn(every_algorithm()), name_of_case);

/// By which ratings an epoch is the best one.
class Watchdog : public testing::TestWithParam<Words> {
 protected:
  Watchdog() { folder_.write("ratings.csv", small_ratings()); }

  /// A rate that bears some epochs, and then no more.
  ProgramResult train(const std::string& model, const Words& options, const std::string& rate = "8") const {
    return run_in(folder_, Words{"train", "ratings.csv", "-o", model, "--json", "--no-early-stopping"} +
                               Words{"--batch-size", "50", "--optimizer", "sgd", "--lr", rate} + GetParam() + options);
  }
  TemporaryFolder folder_;
};

TEST_P(Watchdog, GoesBackToTheBestEpoch) {
  const ProgramResult result = train("m.safetensors", {"--epochs", "60", "--checkpoint-every", "1"});
  ASSERT_EQ(result.exit_code, 1) << result.err;
  EXPECT_THAT(result.err, HasSubstr("diverged in epoch"));
  EXPECT_THAT(result.err, HasSubstr("lower --lr"));
  const json report = json::parse(result.out);
  EXPECT_EQ(report.at("stopped"), "diverged");
  EXPECT_THAT(report.at("divergence").at("cure").get<std::string>(), HasSubstr("--lr"));
  const int best = report.at("best_epoch");
  const int epochs = report.at("epochs");
  ASSERT_GT(best, 0);
  EXPECT_LT(epochs, 60);
  const std::vector<std::string> log = lines_of(read_text(folder_.file("m.metrics.jsonl")));
  ASSERT_EQ(log.size(), static_cast<std::size_t>(epochs) + 1);
  const json end = json::parse(log.back());
  EXPECT_EQ(end.at("stopped"), "diverged");
  EXPECT_EQ(end.at("message"), report.at("divergence").at("message"));
  EXPECT_EQ(end.at("cure"), report.at("divergence").at("cure"));
  EXPECT_THAT(not_finite_in(folder_.file("m.safetensors")), testing::IsEmpty());
  ASSERT_TRUE(std::filesystem::exists(folder_.file("m.safetensors.checkpoint")));  // of the epoch before
  EXPECT_THAT(not_finite_in(folder_.file("m.safetensors.checkpoint")), testing::IsEmpty());

  // the tables of a training that was to end with that epoch
  const ProgramResult until = train("until.safetensors", {"--epochs", std::to_string(best)});
  ASSERT_EQ(until.exit_code, 0) << until.err;
  EXPECT_TRUE(model_bytes_of(folder_.file("m.safetensors")) == model_bytes_of(folder_.file("until.safetensors")));
}

TEST_P(Watchdog, GoesBackToItBehindACheckpointAsWell) {
  const ProgramResult whole = train("whole.safetensors", {"--epochs", "60"});
  const int sound = json::parse(whole.out).at("epochs");
  ASSERT_EQ(train("m.safetensors", {"--epochs", std::to_string(sound), "--checkpoint-every", "1"}).exit_code, 0);
  const ProgramResult gone_on = train("m.safetensors", {"--epochs", "60", "--resume"});
  EXPECT_EQ(gone_on.exit_code, 1) << gone_on.err;
  EXPECT_EQ(json::parse(gone_on.out).at("best_epoch"), json::parse(whole.out).at("best_epoch"));
  EXPECT_TRUE(model_bytes_of(folder_.file("m.safetensors")) == model_bytes_of(folder_.file("whole.safetensors")));
}

TEST_P(Watchdog, WithoutAnEpochToGoBackToNothingIsSaved) {
  const ProgramResult result = train("m.safetensors", {"--epochs", "60"}, "1e30");
  ASSERT_EQ(result.exit_code, 1) << result.err;
  EXPECT_THAT(result.err, HasSubstr("diverged in epoch 1"));
  EXPECT_EQ(json::parse(lines_of(read_text(folder_.file("m.metrics.jsonl"))).back()).at("stopped"), "failed");
  EXPECT_FALSE(std::filesystem::exists(folder_.file("m.safetensors")));
}

INSTANTIATE_TEST_SUITE_P(By, Watchdog, testing::Values(Words{"--valid-frac", "0.2"}, Words{"--no-valid"}),
                         [](const auto& options) { return options.param.size() > 1 ? "Validation" : "TrainingLoss"; });

}  // namespace
}  // namespace wf::test
