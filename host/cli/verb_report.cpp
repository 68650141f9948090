// report: a model as one page to look at.
#include "host/api/engines.hpp"
#include "host/base/json_text.hpp"
#include "host/base/shown.hpp"
#include "host/cli/data_files.hpp"
#include "host/cli/output_file.hpp"
#include "host/cli/ranked_rows.hpp"
#include "host/cli/verbs.hpp"
#include "host/cli/write_report.hpp"
#include "host/model/model_file.hpp"
#include "host/ratings/split.hpp"
#include "host/settings/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>

namespace wf::cli {
namespace {

constexpr std::size_t kMapItems = 1000, kMapLabels = 40;

std::vector<std::pair<std::string, std::string>> about(const Model& model, const ReportRequest& request) {
  std::error_code none;
  const auto bytes = std::filesystem::file_size(request.model, none);
  std::vector<std::pair<std::string, std::string>> rows{
      {"model", fmt::format("{}, {}", request.model, short_bytes(none ? model.bytes() : static_cast<Position>(bytes)))},
      {"users", grouped(model.n_users)},
      {"items", grouped(model.n_items)},
      {"factors", fmt::format("{}{}", model.rank, model.has_biases() ? " and biases" : "")}};
  const auto add = [&rows](const char* name, const std::string& value) { rows.emplace_back(name, value); };
  for (const auto& [key, name] : {std::pair{"data", "trained on"}, std::pair{"n_ratings", "ratings"},
                                  std::pair{"best_epoch", "best epoch"}, std::pair{"program_version", "by version"}}) {
    if (const auto found = model.metadata.find(key); found != model.metadata.end()) add(name, found->second);
  }
  for (auto& setting : shown_settings(model)) rows.push_back(std::move(setting));
  return rows;
}

/// What a model is looked at with: the ratings it is compared with, and what is known of those it was trained on.
struct Evidence {
  Ratings compared;
  std::string which, why_not;
  TrainingFacts training;
};

TrainingFacts facts_of_training(const Model& model, const RatingsView<Host>& train, int threads) {
  TrainingFacts facts;
  facts.item_counts = HostBuffer<Position>(model.n_items, 0);
  const Ratings known = known_part(model, train);
  for (const RowId item : known.item) ++facts.item_counts[item];
  if (known.empty()) return facts;
  facts.biases = fit_biases(RatingsInMemory(known.view()), model.n_users, model.n_items, kBiasPenalty, threads);
  facts.mean = facts.biases->mean;
  return facts;
}

Evidence evidence_for(const ReportRequest& request, const Model& model, const TrainingRecord& record,
                      Console& console) {
  Evidence evidence;
  const int threads = request.engine.threads;
  evidence.training.mean = model.rating_mean;
  TrainingFile file = reread_training_file(console, model, record, request.model, request.train, threads);
  if (file.ratings) {
    if (record.valid_frac > 0) {
      ThreadPool pool(threads);
      evidence.compared = split_off(*file.ratings, record.valid_frac, record.seed, pool);
      evidence.which = fmt::format("the validation part of {}", file.path);
    }
    evidence.training = facts_of_training(model, file.ratings->view(), threads);
  }
  if (!request.test.empty()) {
    Dataset data = known_dataset(model);
    read_file(console, request.test, options_for(model, record, request.reader.options), data);
    evidence.compared = std::move(data.ratings);
    evidence.which = request.test;
  } else if (!file.ratings) {
    evidence.why_not = fmt::format(
        "There are no ratings to compare with: {}. --train FILE names those of the training, --test FILE others.",
        file.why_not);
  } else if (evidence.compared.empty()) {
    evidence.compared = std::move(*file.ratings);
    evidence.which = fmt::format("{}, on which it was trained: expect no such errors elsewhere", file.path);
  }
  return evidence;
}

void add_predictions(const Model& model, const ReportRequest& request, const Evidence& evidence, Report& report) {
  const RatingsView<Host> ratings = evidence.compared.view();
  ChosenEngine chosen = make_engine(request.engine.engine, request.engine.threads);
  HostBuffer<float> scores(ratings.size());
  chosen.engine->open(model)->predict(ratings.user, ratings.item, scores.span());
  report.predictions = prediction_facts(ratings, scores.span(), evidence.training);
  report.ratings = fmt::format("{} of {}.", plural(ratings.size(), "rating"), evidence.which);
}

/// The items that most ratings are of, where that is known; none without factors, which have no place.
std::vector<RowId> items_to_show(const Model& model, const HostBuffer<Position>& counts) {
  std::vector<RowId> items = rows_with_factors(model.tables.item_factors, model.rank);
  if (!counts.empty()) {
    std::stable_sort(items.begin(), items.end(), [&](RowId a, RowId b) { return counts[a] > counts[b]; });
  }
  if (items.size() > kMapItems) items.resize(kMapItems);
  return items;
}

void add_map(const Model& model, const HostBuffer<Position>& counts, const NameTable& names, Report& report) {
  const std::vector<RowId> items = items_to_show(model, counts);
  ItemMap map = map_items(model, items);
  std::copy(map.shares, map.shares + 2, report.map_shares);
  std::reverse(map.points.begin(), map.points.end());  // large points do not hide behind small ones
  for (const MapPoint& at : map.points) {
    const std::string id = model.items.text(at.item);
    const auto name = names.find(id);
    if (name != names.end()) report.labelled.push_back(report.map.size());
    report.map.push_back({at, name == names.end() ? id : name->second, counts.empty() ? 0 : counts[at.item]});
  }
  std::reverse(report.labelled.begin(), report.labelled.end());
  if (report.labelled.size() > kMapLabels) report.labelled.resize(kMapLabels);
}

std::string result_json(const Report& report, const std::string& path) {
  JsonObject object;
  object.text("report", path).count("epochs", static_cast<Position>(report.epochs.size()));
  const auto means = [&](const std::string& prefix, const std::optional<ErrorMeans>& of) {
    object.number(prefix + "rmse", of ? std::optional(of->rmse) : std::nullopt)
        .number(prefix + "mae", of ? std::optional(of->mae) : std::nullopt);
  };
  const bool compared = report.predictions.has_value();
  object.count("n", compared ? report.predictions->n : 0);
  means("", compared ? std::optional(report.predictions->model) : std::nullopt);
  means("baseline_bias_", compared ? report.predictions->biases : std::nullopt);
  means("baseline_mean_", compared ? report.predictions->mean : std::nullopt);
  return object.str();
}

Report make_report(const ReportRequest& request, Console& console) {
  const Model model = read_model(request.model, SeenItems::leave);
  const TrainingRecord record = read_record(model, request.model);
  const NameTable names = request.names.empty() ? NameTable{} : load_names(request.names);
  const Evidence evidence = evidence_for(request, model, record, console);
  Report report;
  report.title = "warpfactor: " + std::filesystem::path(request.model).filename().string();
  report.about = about(model, request);
  report.why_not = no_ratings(record);
  const bool scores_are_ratings = report.why_not.empty();
  report.curve_label = scores_are_ratings ? "RMSE" : "loss";
  for (const RecordedEpoch& epoch : read_epochs(model)) {
    if (scores_are_ratings) report.epochs.push_back({epoch.number, epoch.train_rmse, epoch.valid_rmse});
    if (!scores_are_ratings) report.epochs.push_back({epoch.number, epoch.train_loss, epoch.valid_loss});
  }
  report.best_epoch = best_epoch(model);
  if (scores_are_ratings && !evidence.compared.empty()) {
    add_predictions(model, request, evidence, report);
  } else if (scores_are_ratings) {
    report.why_not = evidence.why_not.empty() ? evidence.which + " has no rating." : evidence.why_not;
  }
  add_map(model, evidence.training.item_counts, names, report);
  return report;
}

}  // namespace

Report write_report(const ReportRequest& request, Console& console) {
  Report report = make_report(request, console);
  OutputFile page(request.out);
  page.write(report_html(report));
  page.commit();
  if (!page.is_stdout()) console.line("saved", fmt::format("{} (a page for any browser)", request.out));
  return report;
}

int run_verb(const ReportRequest& request, Console& console) {
  ReportRequest settled = request;
  if (request.out.empty()) settled.out = std::filesystem::path(request.model).stem().string() + ".html";
  if (settled.out == "-" && console.json()) {
    throw UsageError("the page and --json both go to stdout", "give --out a file");
  }
  if (settled.out != "-") check_writable(settled.out);
  for (const std::string& input : {request.model, request.test, request.names}) refuse_same_file(settled.out, input);
  const Report report = write_report(settled, console);
  if (!console.json()) return 0;
  OutputFile out("");
  out.write(result_json(report, settled.out) + '\n');
  out.commit();
  return 0;
}

}  // namespace wf::cli
