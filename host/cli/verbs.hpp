// What each verb does with its request. Each returns the exit code and throws the errors of host/base/error.hpp.
#pragma once
#include "host/cli/console.hpp"
#include "host/cli/requests.hpp"

namespace wf::cli {

int run_verb(const TrainRequest& request, Console& console);
int run_verb(const TuneRequest& request, Console& console);
int run_verb(const ConvertRequest& request, Console& console);
int run_verb(const SplitRequest& request, Console& console);
int run_verb(const DescribeRequest& request, Console& console);
int run_verb(const VerifyRequest& request, Console& console);
int run_verb(const EvaluateRequest& request, Console& console);
int run_verb(const PredictRequest& request, Console& console);
int run_verb(const RecommendRequest& request, Console& console);
int run_verb(const SimilarRequest& request, Console& console);
int run_verb(const ReportRequest& request, Console& console);
int run_verb(const InfoRequest& request, Console& console);
int run_verb(const ExportRequest& request, Console& console);
int run_verb(const SynthRequest& request, Console& console);
int run_verb(const DoctorRequest& request, Console& console);

}  // namespace wf::cli
