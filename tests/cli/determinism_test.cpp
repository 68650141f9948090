// train --deterministic: a model is a function of the ratings and the settings. Not of the threads, the kind of file
// that the ratings are in, or where the training was stopped and went on.
#include "tests/cli/every_algorithm.hpp"
#include "tests/host/compress_support.hpp"

#include <algorithm>

namespace wf::test {
namespace {

/// Enough rows and ratings for work in many pieces: tasks are of 4096 rows, batches and blocks of some thousand
/// ratings.
const TemporaryFolder& data_folder() {
  static const TemporaryFolder folder;
  static const bool written = [] {
    const Words shape{"--users", "6000", "--items", "1500", "--ratings", "24000", "--seed", "5"};
    EXPECT_EQ(run_in(folder, Words{"synth", "-o", "ratings.csv", "--quiet"} + shape).exit_code, 0);
    folder.write("ratings.csv.gz", gzipped(read_text(folder.file("ratings.csv"))));
    EXPECT_EQ(run_in(folder, {"convert", "ratings.csv", "-o", "ratings.wfr", "--quiet"}).exit_code, 0);
    return true;
  }();
  static_cast<void>(written);
  return folder;
}

class Determinism : public testing::TestWithParam<AlgorithmCase> {
 protected:
  /// Trains on `data` to `model`.
  void train(const std::string& data, const std::string& model, const Words& options, const char* epochs = "3") const {
    const ProgramResult result = run_in(
        folder_,
        Words{"train", data_folder().file(data), "-o", model, "--quiet", "--deterministic", "--engine", "cpu"} +
            Words{"-k", "10"} + (of_passes() ? Words{} : Words{"--epochs", epochs}) + GetParam().options + options);
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
    return std::count(GetParam().options.begin(), GetParam().options.end(), word) > 0;
  }
  static bool of_passes() { return has("svd") || has("pca"); }
  static bool in_file_order() { return has("none"); }

  TemporaryFolder folder_;
};

TEST_P(Determinism, OnAnyNumberOfThreads) {
  train("ratings.csv", "one.safetensors", {"-j", "1"});
  for (const std::string threads : {"1", "2", "3", "8"}) {
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

INSTANTIATE_TEST_SUITE_P(Algorithms, Determinism, testing::ValuesIn(every_algorithm()), name_of_case);

}  // namespace
}  // namespace wf::test
