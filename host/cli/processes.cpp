#include "host/cli/processes.hpp"

#include "host/api/config_json.hpp"
#include "host/api/cuda_module.hpp"
#include "host/base/shown.hpp"
#include "host/cli/console.hpp"
#include "host/config/names.hpp"
#include "host/pages/page_file.hpp"
#include "host/ranks/mpi_module.hpp"
#include "host/settings/words.hpp"

#include <fmt/format.h>

#include <chrono>
#include <map>
#include <string>
#include <thread>

namespace wf::cli {
namespace {

[[noreturn]] void refuse_for_several(const std::string& what, const std::string& cure) {
  throw UsageError(what, cure + (cure.empty() ? "" : ", or ") + "start one process");
}

/// What needs all ratings, or all rows, in one place.
void check_together(const TrainRequest& request) {
  const TrainConfig& config = request.config;
  const bool has_algorithm =
      config.algorithm == Algorithm::sgd || config.algorithm == Algorithm::als || config.algorithm == Algorithm::ials;
  if (!has_algorithm || config.batch_size > 0) {
    refuse_for_several("several processes train by --algorithm sgd, a step a rating, or by als or ials",
                       "take one of these");
  }
  const bool by_row = config.algorithm != Algorithm::sgd;
  if (by_row && config.engine != "auto" && config.engine != "cpu") {
    refuse_for_several(fmt::format("engine {} trains by als and ials in one process", config.engine),
                       "take --engine cpu");
  }
  if (is_pairwise(config.loss)) {
    refuse_for_several("a loss of pairs looks up the ratings of all, and each of several processes has a part",
                       "take another --loss");
  }
  const struct {
    bool given;
    const char* option;
    const char* why;
  } options[] = {
      {request.folds > 0, "--folds", "trains one model after the other"},
      {request.memory > 0, "--memory", "is for ratings on disk"},
      {request.cache, "--cache", "reads all ratings"},
      {is_page_file(request.valid), "--valid with a page file", "reads it whole"},
      {config.shuffle == Shuffle::none, "--shuffle none", "needs the order of the file"},
      {!request.init_from.empty(), "--init-from", "begins with a whole model"},
  };
  for (const auto& option : options) {
    if (!option.given) continue;
    refuse_for_several(fmt::format("{} {}, and each of several processes has a part", option.option, option.why),
                       "leave it out");
  }
  if (request.data == "-" || request.valid == "-") {
    refuse_for_several("several processes cannot share stdin", "name a file");
  }
}

/// Throws UsageError where a value is another than in process 0, by its name.
void check_same(Ranks& ranks, const std::map<std::string, std::string>& mine) {
  std::string text;
  for (const auto& [key, value] : mine) text += fmt::format("{}={}\n", key, value);
  const std::string first = ranks.broadcast(0, text);
  for (const auto& [key, value] : mine) {
    const std::string line = key + '=';
    const std::size_t at = first.rfind(line, 0) == 0 ? 0 : first.find('\n' + line);
    const std::size_t begin = at == std::string::npos ? at : first.find('=', at) + 1;
    const std::string theirs =
        begin == std::string::npos ? "none" : first.substr(begin, first.find('\n', begin) - begin);
    if (theirs == value) continue;
    throw UsageError(fmt::format("{}: {} here, and {} in process 0", key, value, theirs),
                     "start all with the same command, files and variables (mpirun -x)");
  }
  if (first.size() != text.size()) {
    throw UsageError("other settings than in process 0", "start all with the same program, command and variables");
  }
}

void follow(TrainRequest& request, OutputRequest& output) {
  output.quiet = true;
  output.json = output.verbose = false;
  request.writes = false;
  request.tensorboard = request.batch_losses = request.report = "";
}

}  // namespace

void join_processes(Command& command) {
  if (started_processes() == 1) return;
  auto* const train = std::get_if<TrainRequest>(&command.request);
  if (train == nullptr) return;  // each by itself: of the other verbs, none knows of processes
  Ranks& ranks = job();
  check_together(*train);
  const bool somebody_has_a_device = ranks.any(cuda_absence().empty());  // others may have none
  if (train->config.engine == "auto" && somebody_has_a_device) train->config.engine = "cpu";
  train->save_seen = false;  // nobody has all ratings
  if (ranks.rank() > 0) follow(*train, command.output);
}

void check_same_settings(Ranks& ranks, const TrainRequest& request, const TrainConfig& config) {
  if (ranks.is_alone()) return;
  std::map<std::string, std::string> mine;
  for (const Setting& setting : request.settings) {  // how ratings are read
    if (setting.group == Group::data && setting.given()) mine[setting.name()] = join(setting.words, " ");
  }
  mine.erase("DATA");  // a path of each machine
  for (const auto& [key, value] : config_values(config)) {
    if (key != "threads") mine["--" + key] = value;
  }
  mine["--deterministic"] = request.deterministic ? "true" : "false";
  mine["--device-plan"] = name_of(config.device_plan);
  mine["the program"] = WARPFACTOR_VERSION;
  mine["the file"] = is_page_file(request.data) ? "a page file" : "a text";
  mine["--valid"] = request.valid.empty() ? "none" : "given";
  check_same(ranks, mine);
}

void check_same_ratings(Ranks& ranks, const PageSource& data) {
  if (ranks.is_alone()) return;
  check_same(ranks, {{"the ratings", fmt::format("{} of {}", data.report.hash, grouped(data.report.ratings))}});
}

int report_for_all(const Error& error, const OutputRequest& output, std::string_view verb) {
  try {
    if (verb == "train" && started_processes() > 1) job();  // to name this process, and to end the others
  } catch (const Error&) {                                  // there is no job then: each process says what it has met
  }
  const std::string process = process_name();
  if (process.empty()) return report_error(error, output, verb);
  if (job().rank() > 0) std::this_thread::sleep_for(std::chrono::seconds(1));
  const int code =
      report_error(Error(error.kind(), process + ": " + error.problem(), error.cure(), error.where()), output, verb);
  end_job(code);
  return code;
}

}  // namespace wf::cli
