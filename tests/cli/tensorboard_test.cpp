// train --tensorboard: an event file that says what metrics.jsonl says.
#include "tests/cli/small_data.hpp"

#include <cstring>
#include <filesystem>

namespace wf::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

template <class T>
T value_at(const std::string& bytes, std::size_t place) {
  T value{};
  EXPECT_LE(place + sizeof(T), bytes.size());
  if (place + sizeof(T) <= bytes.size()) std::memcpy(&value, bytes.data() + place, sizeof(T));
  return value;
}

/// The messages of an event file. Checksums are the host test's.
std::vector<std::string> messages_of(const std::string& file) {
  std::vector<std::string> messages;
  for (std::size_t at = 0; at < file.size();) {
    const auto length = value_at<std::uint64_t>(file, at);
    if (at + 16 + length > file.size()) break;
    messages.push_back(file.substr(at + 12, length));
    at += 16 + length;
  }
  return messages;
}

/// The float behind a tag: a key of one byte stands between them.
std::optional<float> scalar(const std::string& message, const std::string& tag) {
  const std::size_t place = message.find(static_cast<char>(tag.size()) + tag + '\x15');
  if (place == std::string::npos) return std::nullopt;
  return value_at<float>(message, place + tag.size() + 2);
}

std::vector<std::filesystem::path> files_in(const std::string& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry.path());
  return files;
}

TEST(TensorBoard, GetsTheNumbersOfMetricsJsonlByEpoch) {
  const TemporaryFolder folder;
  folder.write("ratings.csv", small_ratings());
  const ProgramResult result = run_in(
      folder, {"train", "ratings.csv", "-k", "2", "--epochs", "3", "--no-early-stopping", "--tensorboard", "runs/one"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto files = files_in(folder.file("runs/one"));
  ASSERT_EQ(files.size(), 1U);
  EXPECT_THAT(files[0].filename().string(),
              testing::MatchesRegex("events\\.out\\.tfevents\\.[0-9]+\\..*\\.warpfactor"));
  const auto messages = messages_of(read_text(files[0].string()));
  const auto lines = lines_of(read_text(folder.file("ratings.metrics.jsonl")));
  ASSERT_EQ(lines.size(), 3U);
  ASSERT_EQ(messages.size(), 4U);
  EXPECT_THAT(messages[0], HasSubstr("brain.Event:2"));
  for (std::size_t epoch = 1; epoch <= 3; ++epoch) {
    const json metrics = json::parse(lines[epoch - 1]);
    EXPECT_EQ(messages[epoch][9], 0x10) << "the step's key, behind that of the time and its 8 bytes";
    EXPECT_EQ(messages[epoch][10], static_cast<char>(epoch));
    EXPECT_GT(value_at<double>(messages[epoch], 1), 1.7e9) << "seconds since 1970";
    for (const char* tag :
         {"train_loss", "train_rmse", "valid_loss", "valid_rmse", "valid_mae", "lr", "ratings_per_s"}) {
      EXPECT_EQ(scalar(messages[epoch], tag), metrics[tag].get<float>()) << tag;
    }
  }
}

TEST(TensorBoard, WhatIsNotMeasuredIsNotThere) {
  const TemporaryFolder folder;
  folder.write("ratings.csv", small_ratings());
  ASSERT_EQ(run_in(folder, {"train", "ratings.csv", "--algorithm", "als", "-k", "2", "--epochs", "1", "--no-valid",
                            "--tensorboard", "."})
                .exit_code,
            0);
  for (const auto& file : files_in(folder.file("."))) {
    if (file.filename().string().find("tfevents") == std::string::npos) continue;
    const auto messages = messages_of(read_text(file.string()));
    ASSERT_EQ(messages.size(), 2U);
    EXPECT_TRUE(scalar(messages[1], "train_rmse"));
    EXPECT_FALSE(scalar(messages[1], "valid_rmse"));
    EXPECT_FALSE(scalar(messages[1], "lr"));
    return;
  }
  FAIL() << "no event file";
}

TEST(TensorBoard, AFolderThatCannotBeMadeIsAnErrorBeforeTheFirstEpoch) {
  const TemporaryFolder folder;
  folder.write("ratings.csv", small_ratings());
  const ProgramResult result =
      run_in(folder, {"train", "ratings.csv", "--epochs", "1", "--tensorboard", "ratings.csv/runs"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("choose another folder for --tensorboard"));
  EXPECT_FALSE(std::filesystem::exists(folder.file("ratings.safetensors")));
}

}  // namespace
}  // namespace wf::test
