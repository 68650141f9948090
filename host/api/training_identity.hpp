// What the result of a training depends on, by name: two trainings with the same are the same, epoch by epoch.
#pragma once
#include "host/api/training_data.hpp"

#include <map>
#include <string>
#include <vector>

namespace wf {

using Identity = std::map<std::string, std::string>;

/// The settings, with all that was settled, but for those that only say how long or how fast: epochs, threads and
/// memory. `engine`: the one that was chosen.
Identity identity_of(const TrainSettings& settings, const TrainConfig& config, const std::string& engine);

/// The name of what hash_of says, and a hash of the ratings as they were read, split and laid out: XXH3-64, 16 hex
/// digits. Identities where one has none are not told apart by it.
inline constexpr const char* kRatingsAsRead = "ratings as read and split";
std::string hash_of(const TrainingData& data);

/// "--rank was 8, is 16", ...: empty where both are the same.
std::vector<std::string> differences(const Identity& then, const Identity& now);

}  // namespace wf
