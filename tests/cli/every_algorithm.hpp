// Every algorithm, optimizer and schedule, in the words of the command line: for tests of what holds for all of them.
// And what their trainings leave, to be compared.
#pragma once
#include "tests/cli/small_data.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace wf::test {

using Words = std::vector<std::string>;

inline Words operator+(Words left, const Words& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

struct AlgorithmCase {
  const char* name;
  Words options;
};

/// One of so many runs of a setting is made, another one of each setting: with sanitizers, and where lines are counted.
#ifdef WF_PART_OF_RUNS
inline constexpr std::size_t kPartOfRuns = WF_PART_OF_RUNS;
#else
inline constexpr std::size_t kPartOfRuns = 1;
#endif
inline bool is_run(const AlgorithmCase& of, std::size_t number) {
  std::size_t turn = number;
  for (const char letter : std::string(of.name)) turn += static_cast<unsigned char>(letter);
  return turn % kPartOfRuns == 0;
}

inline std::string name_of_case(const testing::TestParamInfo<AlgorithmCase>& test) {
  return test.param.name;
}

/// svd and pca have no epochs.
inline bool is_of_passes(const Words& options) {
  const auto has = [&](const char* word) { return std::count(options.begin(), options.end(), word) > 0; };
  return has("svd") || has("pca");
}

/// Those that go on epoch by epoch.
inline std::vector<AlgorithmCase> cases_with_epochs() {
  return {AlgorithmCase{"Default", {}},
          AlgorithmCase{"WithoutValidation", {"--no-valid"}},
          AlgorithmCase{"WithoutBiases", {"--no-biases"}},
          AlgorithmCase{"Grid", {"--grid", "5"}},
          AlgorithmCase{"PlainSgd", {"--optimizer", "sgd"}},
          AlgorithmCase{"BoldDriver", {"--lr-schedule", "bold_driver", "--lr", "0.2"}},
          AlgorithmCase{"Inverse", {"--lr-schedule", "inverse"}},
          AlgorithmCase{"StopsEarly", {"--valid-frac", "0.2", "--patience", "2", "--min-delta", "0.05"}},
          AlgorithmCase{"BestIsNotTheLast",
                        {"--valid-frac", "0.2", "--batch-size", "50", "--optimizer", "adam", "--gradients", "dense",
                         "--lr", "1"}},
          AlgorithmCase{"InFileOrder", {"--shuffle", "none"}},
          AlgorithmCase{"Kl", {"--loss", "kl"}},
          AlgorithmCase{"Logistic", {"--loss", "logistic"}},
          AlgorithmCase{"Bpr", {"--loss", "bpr", "--valid-frac", "0.1"}},
          AlgorithmCase{"Warp", {"--loss", "warp"}},
          AlgorithmCase{"Nonnegative", {"--nonnegative", "--l1", "0.01"}},
          AlgorithmCase{"Batches", {"--batch-size", "50"}},
          AlgorithmCase{"BatchesInFileOrder", {"--batch-size", "50", "--shuffle", "none", "--max-norm", "2"}},
          AlgorithmCase{"BatchMomentum", {"--batch-size", "50", "--momentum", "0.9"}},
          AlgorithmCase{"BatchDenseMomentum", {"--batch-size", "50", "--momentum", "0.9", "--gradients", "dense"}},
          AlgorithmCase{"BatchAdagrad", {"--batch-size", "50", "--optimizer", "adagrad"}},
          AlgorithmCase{"BatchAdam", {"--batch-size", "50", "--optimizer", "adam", "--gradients", "dense"}},
          AlgorithmCase{"BatchSparseAdam", {"--batch-size", "50", "--optimizer", "sparse_adam"}},
          AlgorithmCase{"Als", {"--algorithm", "als"}},
          AlgorithmCase{"AlsCg", {"--algorithm", "als", "--solver", "cg"}},
          AlgorithmCase{"Ials", {"--implicit"}},
          AlgorithmCase{"IalsCg", {"--implicit", "--solver", "cg"}},
          AlgorithmCase{"IalsSubspace", {"--implicit", "--solver", "subspace"}},
          AlgorithmCase{"Nmf", {"--algorithm", "nmf"}},
          AlgorithmCase{"NmfZeros", {"--algorithm", "nmf", "--missing", "zero"}},
          AlgorithmCase{"NmfKl", {"--algorithm", "nmf", "--nmf-loss", "kl", "--missing", "zero"}},
          AlgorithmCase{"NmfHals", {"--algorithm", "nmf", "--solver", "hals"}},
          AlgorithmCase{"Gd", {"--algorithm", "gd"}},
          AlgorithmCase{"GdWithoutValidation", {"--algorithm", "gd", "--no-valid"}},
          AlgorithmCase{"Ccd", {"--algorithm", "ccd"}}};
}

/// All of them, and every loss.
inline std::vector<AlgorithmCase> every_algorithm() {
  std::vector<AlgorithmCase> cases = cases_with_epochs();
  for (AlgorithmCase& more : std::vector<AlgorithmCase>{
           {"Svd", {"--algorithm", "svd"}},
           {"Pca", {"--algorithm", "pca"}},
           {"L1", {"--loss", "l1"}},
           {"Huber", {"--loss", "huber"}},
           {"Hinge", {"--loss", "hinge"}},
           {"SquaredHinge", {"--loss", "squared_hinge"}},
           {"BprOfItems", {"--loss", "bpr_item"}},
           {"BatchProbabilities", {"--batch-size", "50", "--loss", "bce_with_logits"}},
           {"AlsWithoutBiases", {"--algorithm", "als", "--no-biases", "--no-valid"}},
           {"IalsSpark", {"--implicit", "--convention", "spark"}},
           {"NmfKlOfRatings", {"--algorithm", "nmf", "--nmf-loss", "kl"}},
           {"NmfHalsZeros", {"--algorithm", "nmf", "--solver", "hals", "--missing", "zero"}},
       }) {
    cases.push_back(std::move(more));
  }
  return cases;
}

/// Of a model's file: what stands behind the header.
inline std::string model_bytes_of(const std::string& path) {
  const std::string bytes = read_text(path);
  std::uint64_t header = 0;
  for (int n = 7; n >= 0; --n) header = header << 8 | static_cast<unsigned char>(bytes.at(static_cast<std::size_t>(n)));
  return bytes.substr(8 + header);
}

/// The log without what differs from run to run.
inline std::vector<std::string> metrics_without_times(const std::string& path) {
  std::vector<std::string> lines;
  for (const std::string& line : lines_of(read_text(path))) {
    nlohmann::json metrics = nlohmann::json::parse(line);
    for (const char* key : {"ts", "seconds", "ratings_per_s"}) metrics.erase(key);
    lines.push_back(metrics.dump());
  }
  return lines;
}

}  // namespace wf::test
