// evaluate --at: what is ranked for whom, and the metrics as text and as JSON members.
#pragma once
#include "host/api/evaluate_ranking.hpp"
#include "host/base/json_text.hpp"
#include "host/cli/console.hpp"
#include "host/cli/data_files.hpp"

namespace wf::cli {

/// Throws UsageError for options of a ranking that nobody asked for.
void check_ranking(const EvaluateRequest& request);

/// Ranks for the users of `ratings`. What `train` holds is left out, unless asked for. Throws UsageError where that is
/// not known.
RankingEvaluation measure_ranking(const EvaluateRequest& request, const Model& model, const TrainingRecord& record,
                                  const RatingsView<Host>& ratings, const TrainingFile& train, Engine& engine,
                                  Console& console);

/// "name value" lines.
std::string ranking_text(const RankingEvaluation& ranking);
void add_ranking(JsonObject& object, const RankingEvaluation& ranking);

}  // namespace wf::cli
