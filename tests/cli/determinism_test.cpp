// train --deterministic: a model is a function of the ratings and the settings. Not of the threads, the kind of file
// that the ratings are in, or where the training was stopped and went on.
#include "tests/cli/every_algorithm.hpp"
#include "tests/host/compress_support.hpp"

#include <algorithm>
#include <tuple>

namespace wf::test {
namespace {

/// The same ratings as text, compressed and as a page file.
class DataFolder {
 public:
  explicit DataFolder(const Words& shape) {
    EXPECT_EQ(run_in(folder_, Words{"synth", "-o", "ratings.csv", "--seed", "5", "--quiet"} + shape).exit_code, 0);
    folder_.write("ratings.csv.gz", gzipped(read_text(folder_.file("ratings.csv"))));
    EXPECT_EQ(run_in(folder_, {"convert", "ratings.csv", "-o", "ratings.wfr", "--quiet"}).exit_code, 0);
  }
  std::string file(const std::string& name) const { return folder_.file(name); }

 private:
  TemporaryFolder folder_;
};

/// Engine cpu gets rows and ratings for work in many pieces: its tasks are of 4096 rows, its batches and blocks of some
/// thousand ratings. The reference has no pieces.
const DataFolder& data_for(const std::string& engine) {
  static const DataFolder many({"--users", "6000", "--items", "1500", "--ratings", "24000"});
  static const DataFolder few({"--users", "300", "--items", "120", "--ratings", "3000"});
  return engine == "cpu" ? many : few;
}

class Determinism : public testing::TestWithParam<std::tuple<AlgorithmCase, std::string>> {
 protected:
  static const AlgorithmCase& algorithm() { return std::get<0>(GetParam()); }
  static const std::string& engine() { return std::get<1>(GetParam()); }

  /// Trains on `data` to `model`.
  void train(const std::string& data, const std::string& model, const Words& options, const char* epochs = "3") const {
    const ProgramResult result = run_in(
        folder_,
        Words{"train", data_for(engine()).file(data), "-o", model, "--quiet", "--deterministic", "--engine", engine()} +
            Words{"-k", "10"} + (of_passes() ? Words{} : Words{"--epochs", epochs}) + algorithm().options + options);
    ASSERT_EQ(result.exit_code, 0) << data << ": " << result.err;
  }
  void expect_same(const std::string& model, const std::string& other) const {
    const auto tables = [this](const std::string& name) { return model_bytes_of(folder_.file(name + ".safetensors")); };
    const auto log = [this](const std::string& name) {
      return metrics_without_times(folder_.file(name + ".metrics.jsonl"));
    };
    EXPECT_EQ(tables(model) == tables(other), true) << model << " and " << other << " are other bits";
    EXPECT_EQ(log(model), log(other));
  }
  static bool has(const std::string& word) {
    return std::count(algorithm().options.begin(), algorithm().options.end(), word) > 0;
  }
  static bool of_passes() { return is_of_passes(algorithm().options); }
  static bool in_file_order() { return has("none"); }

  TemporaryFolder folder_;
};

TEST_P(Determinism, OnAnyNumberOfThreads) {
  train("ratings.csv", "one.safetensors", {"-j", "1"});
  std::size_t number = 0;
  for (const std::string threads : {"1", "2", "3", "8"}) {
    if (!is_run(algorithm(), ++number) && threads != "3") continue;
    train("ratings.csv", "other.safetensors", {"-j", threads});
    expect_same("one", "other");
  }
}

TEST_P(Determinism, FromAnyKindOfFile) {
  train("ratings.csv", "text.safetensors", {"-j", "3"});
  train("ratings.csv.gz", "packed.safetensors", {"-j", "2"});
  expect_same("text", "packed");
  if (in_file_order()) GTEST_SKIP() << "--shuffle none is refused with a page file, which keeps no order";
  train("ratings.wfr", "pages.safetensors", {"-j", "2"});
  expect_same("text", "pages");
}

TEST_P(Determinism, WhereItWentOnWithOtherThreads) {
  if (of_passes()) GTEST_SKIP() << "it goes on from a pass, not from an epoch: tests/cli/resume_test.cpp";
  train("ratings.csv", "whole.safetensors", {"-j", "1"});
  train("ratings.csv", "part.safetensors", {"-j", "2", "--checkpoint-every", "1"}, "2");
  train("ratings.csv", "part.safetensors", {"-j", "3", "--resume"});
  expect_same("whole", "part");
}

INSTANTIATE_TEST_SUITE_P(Algorithms, Determinism,
                         testing::Combine(testing::ValuesIn(every_algorithm()), testing::Values("reference", "cpu")),
                         [](const auto& test) {
                           return std::string(std::get<0>(test.param).name) + "_" + std::get<1>(test.param);
                         });

}  // namespace
}  // namespace wf::test
