// Every hot op of the CUDA engine over rank x batch x popularity x order: first against the reference, then timed.
//
//   kernels_bench [--op predict,...] [--rank 64,...] [--batch 16384,...] [--skew uniform,zipf] [--order racing,...]
//                 [--samples 5] [--small] [--out FILE.json] [--markdown FILE.md]
//
// Exit code 0: all results are right; 1: one is not, and is named; 77: no device. On the interpreter results are
// checked as on a card, and times are "not a device".
#include "bench/card_facts.hpp"
#include "bench/card_kernels.hpp"
#include "bench/op_bench.hpp"

#include <CLI/CLI.hpp>

namespace {

using namespace wf;
using namespace wf::bench;

// ------------------------------------------------------------------------------------------------ ceilings

/// Element e of the pattern that ceilings() reads, which repeats after kPattern; its sums are whole numbers below 2^24.
constexpr Position kPattern = Position{1} << 16;
float pattern_value(Position e) {
  return static_cast<float>(e % kPattern / 32);
}

/// The copy bandwidth of the device and that of random rows of 128 and 512 bytes.
Json ceilings(const Settings& settings, double& copy_rate, bool& correct) {
  const Context gpu;
  constexpr Position kChunk = kPattern * Position{sizeof(float)};
  const Position bytes = std::min(settings.copied_bytes, gpu.memory().free / 4) / kChunk * kChunk;
  DeviceBuffer<float> from(bytes / 4, gpu.compute()), to(bytes / 4, gpu.compute());
  std::vector<float> pattern(static_cast<std::size_t>(kPattern)), back(pattern.size());
  for (Position e = 0; e < kPattern; ++e) pattern[static_cast<std::size_t>(e)] = pattern_value(e);
  for (Position e = 0; e < from.size(); e += kPattern) {
    copy_bytes(gpu, from.data() + e, pattern.data(), kChunk, cudaMemcpyHostToDevice);
  }
  const int repetitions = settings.small ? 1 : 10;
  Json result;
  result["copy"] = bandwidth(settings.samples, repetitions, gpu, 2.0 * static_cast<double>(bytes),
                             [&] { copy_bytes(gpu, to.data(), from.data(), bytes, cudaMemcpyDeviceToDevice); });
  copy_bytes(gpu, back.data(), to.data() + to.size() - kPattern, kChunk, cudaMemcpyDeviceToHost);
  gpu.wait();
  correct = back == pattern;
  copy_rate = kIsCard ? result["copy"]["gb_per_s"].get<double>() : NAN;
  for (const int rank : {32, 128}) {
    const Position count = bytes / 4 / rank;
    const std::vector<RowId> rows = random_rows(count, count);
    DeviceBuffer<RowId> there(count, gpu.compute());
    copy_bytes(gpu, there.data(), rows.data(), there.bytes(), cudaMemcpyHostToDevice);
    result[fmt::format("gather_rows_of_{}_bytes", 4 * rank)] =
        bandwidth(settings.samples, repetitions, gpu, static_cast<double>(count) * (4.0 * rank + 8), [&] {
          visit_rows(gpu, Visit::read, {from.data(), count, rank, rank}, std::as_const(there).span(),
                     to.span().part(0, count));
        });
    std::vector<float> sums(rows.size());
    copy_bytes(gpu, sums.data(), to.data(), 4 * count, cudaMemcpyDeviceToHost);
    gpu.wait();
    for (std::size_t n = 0; n < rows.size(); ++n) {
      float expected = 0;
      for (int f = 0; f < rank; ++f) expected += pattern_value(Position{rows[n]} * rank + f);
      correct = correct && sums[n] == expected;
    }
  }
  return result;
}

Ratings make_ratings(const Settings& settings, bool zipf, Position count) {
  SyntheticShape shape{.name = "bench", .n_users = settings.n_users, .n_items = settings.n_items, .n_ratings = count};
  if (!zipf) shape.user_skew = shape.item_skew = 0;
  return ratings_of(shape, kSeed);
}

// ------------------------------------------------------------------------------------------------ report

Json configuration(const Settings& settings) {
  return Json{{"n_users", settings.n_users},
              {"n_items", settings.n_items},
              {"zipf", "counts of the r-th user and item ~ r^-0.6 and r^-0.9; names permuted"},
              {"biases", false},
              {"samples", settings.samples},
              {"seconds_per_sample", settings.small ? 0 : settings.sample_seconds},
              {"timing", kIsCard ? "wall clock around the repetitions of a sample, between two cudaDeviceSynchronize: "
                                   "launches and their gaps "
                                   "are part of it; bandwidths by events"
                                 : "not a device"},
              {"warm_up", "one repetition for the check, two and a whole sample unmeasured"},
              {"batches_in_turn",
               "repetitions take so many different batches in turn; with 1 a small batch stays in the L2 cache "
               "and may pass 100 percent of the copy bandwidth"},
              {"model_bytes",
               "by the head comments of cuda/kernels/*.cu; every gathered row is counted as if it came from memory"},
              {"difference_of_allowed",
               "the largest difference from the reference, divided by what rounding allows: right up to 1"}};
}

std::string cell(const Record& record) {
  if (!record.check.passed()) return "**wrong**";
  if (!kIsCard) return "right";
  return fmt::format("{:.3g} M/s, {:.0f} GB/s, {:.0f} %", record.units / record.timing.median() / 1e6,
                     record.gb_per_s(), record.percent());
}

/// One table per op: rank and batch down, order and skew across.
std::string markdown(const Json& device, const Json& ceilings, const std::vector<Record>& records) {
  const auto figure = [](const Json& value) {
    return value.is_number() ? fmt::format("{:.4g} GB/s", value.get<double>()) : value.get<std::string>();
  };
  std::string text = fmt::format(
      "Device: {} ({}), compute capability {}; compiled for {}\n\n| ceiling | median | slowest | fastest "
      "|\n|---|---|---|---|\n",
      device["name"].get<std::string>(), device["kind"].get<std::string>(),
      device["compute_capability"].get<std::string>(), WF_ARCHITECTURES);
  for (const auto& [name, value] : ceilings.items()) {
    text += fmt::format("| {} | {} | {} | {} |\n", name, figure(value["gb_per_s"]), figure(value["slowest"]),
                        figure(value["fastest"]));
  }
  text +=
      "\nEach cell: millions of units per second, model bytes per second, and their percentage of the copy "
      "bandwidth.\n";
  for (const std::string& op : kOps) {
    std::vector<std::string> columns;
    std::map<std::pair<int, Position>, std::map<std::string, std::string>> lines;
    std::string unit;
    for (const Record& record : records) {
      if (record.op != op) continue;
      const std::string column = record.order + ", " + record.skew;
      if (std::find(columns.begin(), columns.end(), column) == columns.end()) columns.push_back(column);
      lines[{record.rank, record.batch}][column] = cell(record);
      unit = record.unit;
    }
    if (columns.empty()) continue;
    text += fmt::format("\n### {} (unit: {})\n\n| rank | batch |", op, unit);
    for (const std::string& column : columns) text += " " + column + " |";
    text += "\n|---|---|";
    for (std::size_t c = 0; c < columns.size(); ++c) text += "---|";
    for (const auto& [place, cells] : lines) {
      text += fmt::format("\n| {} | {} |", place.first, place.second);
      for (const std::string& column : columns) text += " " + (cells.count(column) != 0 ? cells.at(column) : "") + " |";
    }
    text += "\n";
  }
  return text;
}

std::vector<Record> run_all(const Settings& settings, double copy_rate) {
  std::vector<Record> records;
  Position longest = 0;
  for (const Position batch : settings.batches) longest = std::max(longest, batch);
  std::map<std::string, Ratings> pools;  // four batches of the longest, so that repetitions need not see the same rows
  for (const std::string& skew : settings.skews) {
    pools[skew] = make_ratings(settings, skew == "zipf", (settings.small ? 2 : 4) * longest);
  }
  for (const int rank : settings.ranks) {
    Factors factors(settings, rank);
    for (const std::string& order : settings.orders) {
      Bench bench(settings, factors, rank, order == "racing" ? Order::racing : Order::repeatable);
      for (const std::string& skew : settings.skews) {
        for (const Position batch : settings.batches) {
          bench.use(pools.at(skew), batch);
          for (const std::string& op : settings.ops) {
            Record record = bench.run(op);
            record.skew = skew;
            record.copy_rate = copy_rate;
            if (!record.check.passed()) {
              std::cerr << fmt::format(
                  "kernels_bench: {} is wrong: rank {}, batch {}, {}, {}: {:.3g} times what rounding allows\n", op,
                  rank, batch, skew, order, record.check.worst);
            }
            records.push_back(std::move(record));
          }
        }
      }
      std::cerr << fmt::format("rank {}, {}: done\n", rank, order);
    }
  }
  return records;
}

int run(const Settings& settings) {
  Json report;
  report["device"] = describe_device();
  report["configuration"] = configuration(settings);
  double copy_rate = NAN;
  bool correct = true;
  report["ceilings"] = ceilings(settings, copy_rate, correct);
  if (!correct)
    std::cerr << "kernels_bench: the copy or a gather is wrong: rows do not have the sums they were given\n";
  const std::vector<Record> records = run_all(settings, copy_rate);
  Position wrong = 0;
  for (const Record& record : records) {
    report["cases"].push_back(record.json());
    wrong += record.check.passed() ? 0 : 1;
  }
  report["n_cases"] = records.size();
  report["n_wrong"] = wrong;
  if (settings.out.empty()) {
    std::cout << report.dump(1) << "\n";
  } else {
    write_file(settings.out, report.dump(1) + "\n");
  }
  if (!settings.markdown.empty())
    write_file(settings.markdown, markdown(report["device"], report["ceilings"], records));
  std::cerr << fmt::format("kernels_bench: {} cases, {} wrong\n", records.size(), wrong);
  return correct && wrong == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  CLI::App app("Every hot op of the CUDA engine: checked against the reference, then timed.");
  app.add_option("--op", settings.ops)->delimiter(',')->check(CLI::IsMember(kOps));
  app.add_option("--rank", settings.ranks)->delimiter(',')->check(CLI::Range(1, kMaxRank));
  app.add_option("--batch", settings.batches)->delimiter(',')->check(CLI::Range(Position{1}, Position{1} << 28));
  app.add_option("--skew", settings.skews)->delimiter(',')->check(CLI::IsMember({"uniform", "zipf"}));
  app.add_option("--order", settings.orders)->delimiter(',')->check(CLI::IsMember({"racing", "repeatable"}));
  app.add_option("--samples", settings.samples, "at least 5")->check(CLI::Range(5, 1000));
  app.add_flag("--small", settings.small,
               "a few seconds on the interpreter: ranks 16 and 100, batches of 300, small tables");
  app.add_option("--out", settings.out, "JSON goes here instead of to the standard output");
  app.add_option("--markdown", settings.markdown, "tables of the results");
  CLI11_PARSE(app, argc, argv);
  if (settings.small) {
    if (app.count("--rank") == 0) settings.ranks = {16, 100};
    if (app.count("--batch") == 0) settings.batches = {300};
    settings.n_users = 700;
    settings.n_items = 300;
    settings.copied_bytes = Position{1} << 18;
  }
  return run_on_device("kernels_bench", [&] { return run(settings); });
}
