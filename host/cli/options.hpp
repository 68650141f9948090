// The option tables of the verbs, on top of Parser: which names exist, their ranges, defaults and help lines.
#pragma once
#include "host/cli/requests.hpp"
#include "host/cli/setting_sources.hpp"
#include "host/settings/parser.hpp"
#include "host/settings/train_settings.hpp"
#include "host/settings/words.hpp"

namespace wf::cli {

struct Verb {
  const char* name;
  const char* arrow;  ///< what goes in and what comes out
  std::string summary;
  std::vector<std::string> examples;              ///< three
  void (*add)(Parser& parser, Command& command);  ///< declares its settings, which write into the command
};

/// All verbs, in the order of the help page.
const std::vector<Verb>& verb_table();
/// The whole table of settings, with nothing given.
std::vector<VerbSettings> all_settings();

void add_output_options(Parser& parser, OutputRequest& output);
void add_reader_options(Parser& parser, ReaderRequest& reader, bool with_rating);
void add_data(Parser& parser, std::string& data);
void add_timestamp_option(Parser& parser, ReadOptions& reading);
void add_split_options(Parser& parser, SplitRequest& request);
void add_describe_options(Parser& parser, DescribeRequest& request);
void add_report_options(Parser& parser, ReportRequest& request);
void add_train_options(Parser& parser, TrainRequest& request);
void add_tune_options(Parser& parser, TuneRequest& request);
void add_verify_options(Parser& parser, VerifyRequest& request);
void add_evaluate_options(Parser& parser, EvaluateRequest& request);
void add_predict_options(Parser& parser, PredictRequest& request);
void add_recommend_options(Parser& parser, RecommendRequest& request);
void add_similar_options(Parser& parser, SimilarRequest& request);

}  // namespace wf::cli
