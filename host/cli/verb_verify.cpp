// verify: the same steps on the reference and on an engine, and where they part.
#include "host/api/config_json.hpp"
#include "host/api/train.hpp"
#include "host/api/verify.hpp"
#include "host/base/json_text.hpp"
#include "host/cli/data_files.hpp"
#include "host/cli/output_file.hpp"
#include "host/cli/resolve_config.hpp"
#include "host/cli/verbs.hpp"
#include "host/settings/words.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace wf::cli {
namespace {

std::string place_text(const ComparedPhase& phase, const ComparedPlace& place) {
  return fmt::format("step {}, row {}, column {}: {:.9g} by the reference, {:.9g} here ({} values compared)",
                     place.step, place.row, place.column, place.expected, place.actual, grouped(phase.values));
}

std::string place_json(const std::optional<ComparedPlace>& place) {
  if (!place) return "null";
  return JsonObject()
      .count("step", place->step)
      .count("row", place->row)
      .count("column", place->column)
      .number("expected", place->expected)
      .number("actual", place->actual)
      .str();
}

std::string report_json(const std::vector<ComparedPhase>& phases, const std::string& engine, bool passed,
                        const TrainConfig& config) {
  std::string list;
  for (const ComparedPhase& phase : phases) {
    list += (list.empty() ? "" : ", ") + JsonObject()
                                             .text("phase", phase.name)
                                             .boolean("passed", phase.passed())
                                             .count("values", phase.values)
                                             .number("largest_absolute", phase.largest_absolute)
                                             .number("largest_relative", phase.largest_relative)
                                             .number("allowed", phase.allowed)
                                             .text("mismatch", phase.mismatch)
                                             .raw("worst", place_json(phase.worst))
                                             .raw("first_apart", place_json(phase.first_apart))
                                             .str();
  }
  return JsonObject()
      .text("engine", engine)
      .boolean("passed", passed)
      .raw("phases", '[' + list + ']')
      .raw("config", config_json(config))
      .str();
}

std::string report_text(const std::vector<ComparedPhase>& phases) {
  std::string text =
      fmt::format("{:<24}{:>12}{:>14}{:>14}{:>12}\n", "phase", "values", "largest abs", "largest rel", "allowed");
  for (const ComparedPhase& phase : phases) {
    text += fmt::format("{:<24}{:>12}{:>14.3g}{:>14.3g}{:>12.3g}  {}\n", phase.name, grouped(phase.values),
                        phase.largest_absolute, phase.largest_relative, phase.allowed, phase.passed() ? "ok" : "APART");
    if (!phase.mismatch.empty()) text += "  " + phase.mismatch + '\n';
    if (phase.first_apart) text += "  first apart at " + place_text(phase, *phase.first_apart) + '\n';
  }
  return text;
}

}  // namespace

int run_verb(const VerifyRequest& request, Console& console) {
  const TrainRequest train = compared_steps(request);
  VerifyPlan plan{resolve_config(train), request.steps, request.tolerance};
  ChosenEngine chosen =
      make_engine(plan.config.engine, plan.config.threads, train.deterministic, plan.config.device_plan);
  check_device_options(request.train, *chosen.engine);
  ChosenEngine reference = make_engine("reference", 1);
  Dataset data = new_dataset(train.reader, bytes_a_row(plan.config.rank));
  read_source(console, train.data, train.reader, data);
  console.line("engine", chosen.why, "--engine");
  console.line("verify",
               fmt::format("{} on batches of {}, by the reference and by {}, rank {}", plural(plan.steps, "step"),
                           plural(plan.config.batch_size, "rating"), chosen.engine->name(), plan.config.rank),
               "--steps, --batch-size, --rank");

  const std::vector<ComparedPhase> phases = verify(*reference.engine, *chosen.engine, data.ratings.view(), plan);
  const bool passed = std::all_of(phases.begin(), phases.end(), [](const auto& phase) { return phase.passed(); });
  OutputFile out("");
  out.write(console.json() ? report_json(phases, chosen.engine->name(), passed, plan.config) + '\n'
                           : report_text(phases));
  out.commit();
  console.line("done", passed ? "every phase agrees within rounding" : "the engines part: see above");
  return passed ? 0 : static_cast<int>(ErrorKind::failed);
}

}  // namespace wf::cli
