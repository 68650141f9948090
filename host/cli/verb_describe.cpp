// describe: ratings in, what they are like out, and where to begin with them.
#include "host/base/json_text.hpp"
#include "host/cli/data_files.hpp"
#include "host/cli/output_file.hpp"
#include "host/cli/verbs.hpp"
#include "host/ratings/data_facts.hpp"
#include "host/settings/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace wf::cli {
namespace {

/// Settings to begin with, and why.
struct Suggestion {
  int rank = 0;
  std::optional<double> lambda;  ///< none: it is not a matter of the values
  std::string rank_reason, lambda_reason;
};

// Measured by validation RMSE of train's defaults, ranks 2 to 128 and lambda 0.025 to 0.2 deviations, two seeds each,
// on MovieLens latest-small, goodbooks, InstEval and MovieTweetings (10, 24, 18 and 4 ratings a row); docs/cli.md.
constexpr double kFewPerRow = 5;
constexpr int kRankOfFew = 32;

Suggestion suggestion_for(const DataFacts& facts, const TrainConfig& defaults) {
  Suggestion result;
  const auto rows = static_cast<double>(facts.users.rows + facts.items.rows);
  const double per_row = static_cast<double>(facts.values.count) / rows;
  const bool few = per_row < kFewPerRow;
  result.rank = few ? std::min(kRankOfFew, defaults.rank) : defaults.rank;
  result.rank_reason = fmt::format("{:.1f} ratings for each user and item: {}", per_row,
                                   few ? "with so few, more factors cost time and add little"
                                       : "enough for many factors, which lambda keeps in check");
  if (!(facts.values.deviation > 0)) {
    result.lambda_reason = "all values are one: which pairs there are is all there is to learn (train --implicit)";
    return result;
  }
  result.lambda = default_lambda(Loss::mse) * facts.values.deviation;
  result.lambda_reason =
      fmt::format("{} times the deviation, at each rating: what train takes by itself", default_lambda(Loss::mse));
  return result;
}

std::string percent(double share) {
  return fmt::format("{:.3g} %", 100 * share);
}

std::string row(std::string_view name, std::string_view value) {
  return fmt::format("{:<20}{}\n", name, value);
}

double cold_share(const SideFacts& side) {
  return static_cast<double>(side.cold) / static_cast<double>(std::max<Position>(1, side.rows));
}

std::string side_text(const char* name, const SideFacts& side) {
  std::string top;
  for (std::size_t t = 0; t < kTopPercents.size(); ++t)
    top += fmt::format("{}{} in {} %", t > 0 ? ", " : "", percent(side.top[t]), kTopPercents[t]);
  return row(fmt::format("ratings per {}", name), fmt::format("{} to {}, median {:g}, mean {:.1f}", grouped(side.least),
                                                              grouped(side.most), side.median, side.mean)) +
         row(fmt::format("most rated {}s", name), fmt::format("{} of them · Gini {:.3f}", top, side.gini)) +
         row(fmt::format("cold {}s", name), fmt::format("{} ({}) with fewer than {} ratings", grouped(side.cold),
                                                        percent(cold_share(side)), kColdBelow));
}

std::string histogram_text(const DataFacts& facts) {
  constexpr double kWidth = 40;  // columns of the longest bar
  Position most = 0;
  for (const Bar& bar : facts.histogram) most = std::max(most, bar.count);
  std::string text;
  for (const Bar& bar : facts.histogram) {
    const double part = static_cast<double>(bar.count) / static_cast<double>(most);
    const double share = static_cast<double>(bar.count) / static_cast<double>(facts.values.count);
    const std::string line(static_cast<std::size_t>(std::lround(part * kWidth)), '#');
    text += fmt::format("  {:<10.6g}{:>14}{:>10}{}{}\n", bar.low, grouped(bar.count), percent(share),
                        line.empty() ? "" : "  ", line);
  }
  return text;
}

std::string facts_text(const DataFacts& facts, const Suggestion& suggestion) {
  const ValueFacts& values = facts.values;
  std::string text = row("users", grouped(facts.users.rows)) + row("items", grouped(facts.items.rows)) +
                     row("ratings", grouped(values.count)) + row("density", percent(facts.density)) +
                     row("duplicates", grouped(facts.duplicates));
  text += row("values", fmt::format("{} to {}, mean {:.4f}, deviation {:.4f}", values.least, values.most, values.mean,
                                    values.deviation));
  text += histogram_text(facts) + side_text("user", facts.users) + side_text("item", facts.items);
  text += row("suggested rank", fmt::format("{} · {}", suggestion.rank, suggestion.rank_reason));
  const std::string lambda = suggestion.lambda ? fmt::format("{:.3g}", *suggestion.lambda) : "none";
  return text + row("suggested lambda", fmt::format("{} · {}", lambda, suggestion.lambda_reason));
}

std::string side_json(const SideFacts& side) {
  JsonObject object;
  object.count("n", side.rows)
      .count("min", side.least)
      .number("median", side.median)
      .number("mean", side.mean)
      .count("max", side.most)
      .number("gini", side.gini);
  for (std::size_t t = 0; t < kTopPercents.size(); ++t)
    object.number(fmt::format("top_{}_percent", kTopPercents[t]), side.top[t]);
  return object.count("n_cold", side.cold).number("cold_share", cold_share(side)).str();
}

std::string facts_json(const DataFacts& facts, const Suggestion& suggestion) {
  std::string bars;
  for (const Bar& bar : facts.histogram) {
    bars += bars.empty() ? "" : ", ";
    bars += JsonObject().number("value", bar.low).count("n", bar.count).str();
  }
  JsonObject object;
  object.count("n_users", facts.users.rows)
      .count("n_items", facts.items.rows)
      .count("n_ratings", facts.values.count)
      .number("density", facts.density)
      .count("n_duplicates", facts.duplicates)
      .number("mean", facts.values.mean)
      .number("deviation", facts.values.deviation)
      .number("min", facts.values.least)
      .number("max", facts.values.most)
      .raw("histogram", '[' + bars + ']')
      .raw("users", side_json(facts.users))
      .raw("items", side_json(facts.items))
      .count("suggested_rank", suggestion.rank)
      .text("suggested_rank_reason", suggestion.rank_reason)
      .number("suggested_lambda", suggestion.lambda)
      .text("suggested_lambda_reason", suggestion.lambda_reason);
  return object.str() + '\n';
}

}  // namespace

int run_verb(const DescribeRequest& request, Console& console) {
  Dataset data = new_dataset(request.reader);
  read_source(console, request.data, request.reader, data);
  const DataFacts facts =
      data_facts(data.ratings.view(), data.users.size(), data.items.size(), request.reader.options.threads);
  const Suggestion suggestion = suggestion_for(facts, TrainConfig{});
  OutputFile out("");
  out.write(console.json() ? facts_json(facts, suggestion) : facts_text(facts, suggestion));
  out.commit();
  return 0;
}

}  // namespace wf::cli
