// Ratings small enough to train on within milliseconds, and the commands that most tests share.
#pragma once
#include "tests/support/run_program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace wf::test {

inline constexpr int kSmallUsers = 40;
inline constexpr int kSmallItems = 25;

/// Whether user u of small_ratings has rated item i: a fixed pattern, half of all pairs.
inline bool is_rated(int u, int i) {
  return (u * 7 + i * 11 + u * i) % 2 == 0 || (u + i) % 5 == 0;
}

/// 1 to 5 from two planted tastes: users and items of one parity like each other.
inline int planted_rating(int u, int i) {
  return 1 + (u % 2 == i % 2 ? 3 : 0) + (u / 2 + i / 3) % 2;
}

/// "userId,movieId,rating" lines under a header; ids are 100 + u and 500 + i.
inline std::string small_ratings() {
  std::string text = "userId,movieId,rating\n";
  for (int u = 0; u < kSmallUsers; ++u) {
    for (int i = 0; i < kSmallItems; ++i) {
      if (!is_rated(u, i)) continue;
      text +=
          std::to_string(100 + u) + ',' + std::to_string(500 + i) + ',' + std::to_string(planted_rating(u, i)) + '\n';
    }
  }
  return text;
}

/// Runs in `folder`, with its files at hand by their bare names.
inline ProgramResult run_in(const TemporaryFolder& folder, const std::vector<std::string>& arguments,
                            const std::string& stdin_text = {}) {
  ProgramOptions options;
  options.folder = folder.path();
  options.stdin_text = stdin_text;
  return run_program(arguments, options);
}

/// A folder with ratings.csv and, trained on it, ratings.safetensors.
class TrainedFolder : public testing::Test {
 protected:
  TrainedFolder() {
    folder_.write("ratings.csv", small_ratings());
    trained_ = run({"train", "ratings.csv", "-k", "4", "--lr", "0.05", "--epochs", "40", "--valid-frac", "0.1"});
  }
  ProgramResult run(const std::vector<std::string>& arguments, const std::string& stdin_text = {}) const {
    return run_in(folder_, arguments, stdin_text);
  }

  TemporaryFolder folder_;
  ProgramResult trained_;
};

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

}  // namespace wf::test
