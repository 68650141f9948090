// What the result of a training depends on, by name: two trainings with the same are the same, epoch by epoch.
#pragma once
#include "host/api/training_data.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace wf {

using Identity = std::map<std::string, std::string>;

/// The settings, with all that was settled, but for those that only say how long or how fast: epochs, patience, threads
/// and memory. Of --init-from, only whether it was given: what it held is in the tables of any checkpoint. `engine`:
/// the one that was chosen.
Identity identity_of(const TrainSettings& settings, const TrainConfig& config, const std::string& engine);

/// Names of what is known of the ratings: the hash of their file, how many are trained on, and hash_of.
inline constexpr const char* kData = "DATA";
inline constexpr const char* kRatingCount = "number of ratings";
inline constexpr const char* kRatingsAsRead = "ratings as read and split";

/// Of the ratings as they were read, split and laid out: XXH3-64, 16 hex digits. One pass over them, by one thread.
std::string hash_of(const TrainingData& data);

/// "DATA was 4f..., is 9c...", "--rank was 8, is 16", ...: empty where both are the same. What one side lacks is "none"
/// there. Where the ratings are others, what follows from them is left out: `derived` names those settings of `now`.
std::vector<std::string> differences(const Identity& then, const Identity& now,
                                     const std::set<std::string>& derived = {});

}  // namespace wf
