// What tune searches: the space, checked, and the settings that a trial has of it.
#pragma once
#include "host/api/trial.hpp"
#include "host/cli/requests.hpp"
#include "host/settings/search_space.hpp"

#include <map>
#include <string>
#include <vector>

namespace wf::cli {

/// By the settings' first names, as text.
using DrawnValues = std::map<std::string, std::string>;

/// Settings by their first names, with values that a training takes: said before the first one is drawn. Throws
/// Error(usage) with the place.
void check_space(const TuneRequest& request, std::vector<SearchRange>& space);

/// Around what a training without further settings would take.
std::vector<SearchRange> usual_space(const TuneRequest& request, const TrainSettings& settings,
                                     const RatingScale& scale);

/// The settings of a trial: what was given, and what was drawn of what its algorithm reads; the rest leaves `values`.
/// Where the algorithm is drawn as well, what was given counts for those that read it.
TrainSettings settings_of(const TuneRequest& request, DrawnValues& values);

/// As asked for; else ndcg where any model of the space only puts items in order. Throws UsageError where rmse or mae
/// is asked for then.
Metric metric_for(const TuneRequest& request, const TrainConfig& config, const std::vector<SearchRange>& space);

}  // namespace wf::cli
