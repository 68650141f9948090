#include "host/cli/processes.hpp"

#include "host/api/config_json.hpp"
#include "host/api/cuda_module.hpp"
#include "host/base/shown.hpp"
#include "host/cli/console.hpp"
#include "host/pages/page_file.hpp"
#include "host/ranks/mpi_module.hpp"
#include "host/settings/words.hpp"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
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
  if (config.engine != "auto" && config.engine != "cpu") {
    refuse_for_several(fmt::format("engine {} trains in one process", config.engine), "take --engine cpu");
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
      {!request.valid.empty(), "--valid", "is read whole"},
      {!request.init_from.empty(), "--init-from", "begins with a whole model"},
      {request.resume, "--resume", "begins with a whole state"},
      {request.checkpoint_epochs > 0 || request.checkpoint_seconds > 0, "--checkpoint-every", "saves a whole state"},
  };
  for (const auto& option : options) {
    if (!option.given) continue;
    refuse_for_several(fmt::format("{} {}, and each of several processes has a part", option.option, option.why),
                       "leave it out");
  }
  if (request.data == "-") refuse_for_several("several processes cannot share stdin", "give a page file");
  std::error_code none;
  if (std::filesystem::exists(request.data, none) && !is_page_file(request.data)) {
    refuse_for_several(fmt::format("several processes open a page file, each its pages, and {} is none", request.data),
                       fmt::format("warpfactor convert {} writes one", request.data));
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
  const Ranks& ranks = job();
  check_together(*train);
  if (train->config.engine == "auto" && cuda_absence().empty()) train->config.engine = "cpu";
  train->save_seen = false;  // nobody has all ratings
  if (ranks.rank() > 0) follow(*train, command.output);
}

void check_same_everywhere(Ranks& ranks, const TrainConfig& config, const PageSource& data) {
  if (ranks.is_alone()) return;
  std::map<std::string, std::string> mine;
  for (const auto& [key, value] : config_values(config)) {
    if (key != "threads") mine["--" + key] = value;
  }
  mine["the program"] = WARPFACTOR_VERSION;
  mine["the ratings"] = fmt::format("{} of {}", data.report.hash, grouped(data.report.ratings));
  std::string text;
  for (const auto& [key, value] : mine) text += fmt::format("{}={}\n", key, value);
  auto size = static_cast<Position>(text.size());
  ranks.broadcast(0, Span<Position, Host>{&size, 1});
  std::string first = text;
  first.resize(static_cast<std::size_t>(size));
  ranks.broadcast(0, Span<char, Host>{first.data(), size});
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
