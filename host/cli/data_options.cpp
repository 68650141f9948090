// The options of the verbs that ratings go into and no model comes out of.
#include "host/cli/options.hpp"
#include "host/readers/timestamp.hpp"

#include <fmt/format.h>

namespace wf::cli {
namespace {

std::int64_t parse_time(const std::string& option, const std::string& word) {
  if (const auto time = parse_timestamp(word)) return *time;
  throw UsageError(fmt::format("{}: \"{}\" is no time", option, word),
                   "a date as 2015-03-01 or 2015-03-01T10:20:30Z, or a number in the unit of the timestamps");
}

/// Where a split in time is, instead of shares.
void add_cuts(Parser& parser, SplitRequest& request) {
  const auto time = [&](const char* name, const char* text, std::optional<std::int64_t>& into) {
    parser.value(Group::evaluation, std::string("--") + name, "DATE|SECONDS", text,
                 [&request, name, &into](const std::string& option, const std::string& word) {
                   into = parse_time(option, word);
                   request.given.insert(name);
                 });
  };
  time("cut",
       "ratio: instead of shares, ratings of this time and later test; a date as 2015-03-01 or 2015-03-01T10:20:30Z, "
       "or a timestamp as DATA has them",
       request.config.test_from);
  time("valid-cut", "ratings from this time to --cut validate", request.config.valid_from);
}

void add_methods(Parser& parser, SplitRequest& request) {
  SplitConfig& config = request.config;
  parser.value(Group::evaluation, "--method", "ratio|user-ratio|leave-one-out",
               fmt::format("a share of all ratings, a share of each user's, or one of each user (default {})",
                           name_of(config.method)),
               [&config](const std::string& option, const std::string& word) {
                 config.method = parse_word<SplitMethod>(option, word);
               });
  parser.value(Group::evaluation, "--order", "random|timestamp",
               fmt::format("which ratings: drawn, or the newest (default {})", name_of(config.order)),
               [&request](const std::string& option, const std::string& word) {
                 request.config.order = parse_word<SplitOrder>(option, word);
                 if (request.config.order == SplitOrder::random) request.given.insert("order random");
               });
  const auto share = [&](const char* name, const char* text, double& into) {
    parser.value(Group::evaluation, std::string("--") + name, "X", fmt::format("{} (default {}; [0, 1))", text, into),
                 [&request, name, &into](const std::string& option, const std::string& word) {
                   into = parse_number(option, word, kFraction);
                   request.given.insert(name);
                 });
  };
  share("test-frac", "share of the ratings that tests", config.test_frac);
  share("valid-frac", "share of the ratings that validates", config.valid_frac);
  add_cuts(parser, request);
  parser.value(Group::evaluation, "--leave-out", "N",
               fmt::format("leave-one-out: ratings of each user that test (default {})", config.leave_out),
               [&request](const std::string& option, const std::string& word) {
                 request.config.leave_out = parse_whole(option, word, 1, kMaxRows);
                 request.given.insert("leave-out");
               });
  parser.flag(Group::evaluation, "--leave-valid", "leave-one-out: as many ratings more of each user, for validation",
              [&request] {
                request.config.leave_valid = true;
                request.given.insert("leave-valid");
              });
  parser.value(
      Group::evaluation, "--seed", "N", fmt::format("of every random choice (default {})", config.seed),
      [&config](const std::string& option, const std::string& word) { config.seed = parse_seed(option, word); });
}

}  // namespace

void add_data(Parser& parser, std::string& data) {
  parser.positional(
      "DATA",
      "ratings: .csv, .tsv, .dat, .inter, .mtx, blank-separated, lists, also .gz and .zst; SciPy's .npz, a "
      "page file; - is stdin",
      data);
}

void add_timestamp_option(Parser& parser, ReadOptions& reading) {
  parser.value(Group::data, "--col-timestamp", "NAME|N|none",
               "column of the timestamp, a number or a date; none: leave timestamps out (default: detected)",
               [&reading](const std::string&, const std::string& word) { reading.timestamp_column = word; });
}

void add_split_options(Parser& parser, SplitRequest& request) {
  add_data(parser, request.data);
  add_reader_options(parser, request.reader, true);
  ReadOptions& reading = request.reader.options;
  add_timestamp_option(parser, reading);
  const auto least = [&parser](const char* option, const char* text, Position& into) {
    parser.value(Group::data, option, "N", text, [&into](const std::string& name, const std::string& word) {
      into = parse_whole(name, word, 1, kMaxRows);
    });
  };
  least("--min-user", "first take out users with fewer ratings, with --min-item until nothing changes (default 1)",
        request.core.user);
  least("--min-item", "first take out items with fewer ratings (default 1)", request.core.item);
  add_methods(parser, request);
  add_threads(parser, reading.threads);
  parser.value(Group::output, "-o,--out", "FOLDER",
               "where to write NAME.train.csv, NAME.test.csv and NAME.valid.csv (default: the current folder)",
               [&request](const std::string&, const std::string& word) { request.out = word; });
}

void add_describe_options(Parser& parser, DescribeRequest& request) {
  add_data(parser, request.data);
  add_reader_options(parser, request.reader, true);
  add_threads(parser, request.reader.options.threads);
}

void add_report_options(Parser& parser, ReportRequest& request) {
  const auto text = [](std::string& into) {
    return [&into](const std::string&, const std::string& word) { into = word; };
  };
  parser.positional("MODEL", "a model that train wrote", request.model);
  parser.value(Group::data, "--test", "FILE",
               "ratings to compare predictions with (default: the validation part of the training file, else all of "
               "it)",
               text(request.test));
  parser.value(Group::data, "--train", "FILE",
               "the file that MODEL was trained on (default: one of its name beside MODEL or in the current folder, if "
               "it is unchanged)",
               text(request.train));
  parser.value(Group::data, "--names", "FILE", "titles of items, as recommend takes them, for the map",
               text(request.names));
  add_reader_options(parser, request.reader, true);
  add_engine_options(parser, request.engine.engine, request.engine.threads, &request.reader.options.threads);
  parser.value(Group::output, "-o,--out", "FILE.html",
               "the page (default: MODEL's name with .html, in the current folder; - is stdout)", text(request.out));
}

}  // namespace wf::cli
