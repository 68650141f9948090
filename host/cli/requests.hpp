// What a command asks for, as plain values: filled by options.cpp, carried out by the verbs.
#pragma once
#include "host/config/split_config.hpp"
#include "host/ratings/k_core.hpp"
#include "host/readers/read_ratings.hpp"
#include "host/settings/train_settings.hpp"

#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace wf::cli {

enum class Color { automatic, always, never };

struct OutputRequest {
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  Color color = Color::automatic;
};

struct EngineRequest {
  std::string engine = "auto";
  int threads = 0;
};

struct TrainRequest : TrainSettings {
  std::string data;
  ReaderRequest reader;
  std::string valid;
  bool no_valid = false;
  bool cache = false;              ///< a page file beside DATA
  int folds = 0;                   ///< 0: no cross-validation
  Position memory = 0;             ///< bytes that the run may take; 0: what it takes
  std::string out;                 ///< empty: from the data's name
  std::string metrics;             ///< empty: beside the model; "none": no log
  std::string tensorboard;         ///< folder of an event file; empty: none
  bool save_seen = true;           ///< into the model
  std::string batch_losses;        ///< empty: none
  std::string report;              ///< a page about the model; empty: none
  Position checkpoint_epochs = 0;  ///< between two checkpoints; 0: not by epochs
  double checkpoint_seconds = 0;   ///< between two checkpoints; 0: not by time
  bool resume = false;             ///< go on from the last checkpoint
  bool writes = true;              ///< false: another of several processes does
  std::vector<Setting> settings;   ///< the table with what was given, for the model's record
};

inline constexpr Position kUsualTrials = 20;

struct TuneRequest {
  TrainRequest train;            ///< without its outputs
  std::string space;             ///< empty: the usual one
  std::string out;               ///< empty: from the data's name
  std::optional<double> budget;  ///< seconds
  std::optional<Position> trials;
  std::optional<Metric> metric;
  std::vector<Setting> settings;  ///< the table with what was given
};

struct ConvertRequest {
  std::string data, out;                ///< out empty: from the data's name
  std::optional<RatingsFormat> format;  ///< none: as `out` is called; pages where it has no name
  ReaderRequest reader;
};

struct SplitRequest {
  std::string data, out;  ///< out: a folder; empty: the current one
  ReaderRequest reader;
  SplitConfig config;
  CoreLimits core;
  std::set<std::string> given;  ///< long names, without dashes, of the options that not every method has
};

struct DescribeRequest {
  std::string data;
  ReaderRequest reader;
};

struct VerifyRequest {
  TrainRequest train;  ///< without its files and its validation
  int steps = 10;
  std::optional<double> tolerance;
};

struct RankingRequest {
  std::vector<Position> at;  ///< Ks, ascending; empty: no ranking
  std::optional<double> relevant_from;
  bool keep_seen = false;
  std::optional<Position> sampled;
  std::optional<std::uint64_t> seed;
};

struct EvaluateRequest {
  std::string model, data;
  ReaderRequest reader;
  EngineRequest engine;
  std::string train;  ///< empty: the recorded training file
  RankingRequest ranking;
  std::vector<Setting> settings;  ///< the table with what was given
};

/// What predict does with a pair whose user or item the model does not know.
enum class Unknown {
  bias,   ///< the mean and the bias of the side that is known; without biases the mean
  mean,   ///< the mean
  skip,   ///< no line
  error,  ///< InputError
};

struct PredictRequest {
  std::string model, pairs, out;
  Unknown unknown = Unknown::bias;
  ReaderRequest reader;
  EngineRequest engine;
};

struct RecommendRequest {
  std::string model, users_file, seen, names, out;
  std::string allow, deny;  ///< files of items; empty: all, none
  std::string history;      ///< ratings of users to be folded in; empty: users of the model
  std::vector<std::string> users;
  bool all_users = false;
  int top = 10;
  bool keep_seen = false;
  ReaderRequest reader;  ///< of --seen
  EngineRequest engine;
};

/// Of items or of users, by ids or by a file of them.
struct SimilarRequest {
  std::string model, items_file, users_file, names, out;
  std::vector<std::string> items, users;
  Similarity similarity = Similarity::cosine;
  int top = 10;
  EngineRequest engine;
};

struct ReportRequest {
  std::string model, train, test, names, out;  ///< out empty: from the model's name
  ReaderRequest reader;                        ///< of `test`
  EngineRequest engine;
};

struct InfoRequest {
  std::string model;
  bool repeat = false;  ///< the settings as TOML, and nothing else
};

struct ExportRequest {
  std::string model, out;  ///< out empty: from the model's name
  std::optional<ModelFormat> format;
  bool of_users = false;  ///< of a format with one side
};

struct SynthRequest {
  std::string shape, out;
  std::optional<Position> users, items, ratings;
  std::optional<int> rank;
  std::optional<double> noise;
  std::uint64_t seed = 42;
};

struct DoctorRequest {};

struct Command {
  std::string verb;
  OutputRequest output;
  std::variant<DoctorRequest, InfoRequest, ExportRequest, SynthRequest, PredictRequest, EvaluateRequest,
               RecommendRequest, SimilarRequest, ReportRequest, ConvertRequest, SplitRequest, DescribeRequest,
               VerifyRequest, TuneRequest, TrainRequest>
      request;
  bool print_config = false;      ///< print the settings and do nothing else
  std::vector<Setting> settings;  ///< the verb's table with what was given
};

/// Turns the words after the program's name into a request. Throws UsageError, or HelpRequest (parser.hpp).
Command parse_command(const std::vector<std::string>& arguments);

}  // namespace wf::cli
