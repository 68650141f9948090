// split: ratings in, files of train, validation and test out.
#include "host/base/json_text.hpp"
#include "host/cli/data_files.hpp"
#include "host/cli/output_file.hpp"
#include "host/cli/verbs.hpp"
#include "host/ratings/subsets.hpp"
#include "host/ratings/write_ratings.hpp"
#include "host/settings/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <initializer_list>
#include <memory>

namespace wf::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::array<Subset, 3> kSubsets{Subset::train, Subset::valid, Subset::test};
constexpr std::array<const char*, 3> kWords{"train", "valid", "test"};

std::size_t index_of(Subset subset) {
  return static_cast<std::size_t>(subset);
}

void check_request(const SplitRequest& request) {
  const SplitConfig& config = request.config;
  const auto refuse = [&](std::initializer_list<const char*> names, const char* why, const char* cure) {
    for (const char* name : names) {
      if (request.given.contains(name)) throw UsageError(fmt::format("--{} has no effect: {}", name, why), cure);
    }
  };
  if (config.method == SplitMethod::leave_one_out) {
    refuse({"test-frac", "valid-frac"}, "leave-one-out takes a number of ratings of each user",
           "leave it out; --leave-out is the number, and --leave-valid takes as many more for validation");
  } else {
    refuse({"leave-out", "leave-valid"}, "it needs --method leave-one-out",
           "--test-frac X is the share that tests, --valid-frac X the one that validates");
  }
  if (config.method != SplitMethod::ratio) {
    refuse({"cut", "valid-cut"}, "it cuts all ratings in time, and not those of each user", "leave out --method");
  }
  if (config.test_from) {
    refuse({"test-frac", "valid-frac"}, "--cut says where the test begins",
           "leave it out; --valid-cut is where validation begins");
    refuse({"order random"}, "--cut goes by the timestamps", "leave it out");
  } else {
    refuse({"valid-cut"}, "it needs --cut", "--cut is where validation ends and the test begins");
  }
}

/// The folder of the output, where it is missing.
void make_folder(const std::string& out) {
  if (out.empty()) return;
  std::error_code error;
  fs::create_directory(out, error);
  if (fs::is_directory(out)) return;
  throw FailedError(fmt::format("cannot write into {}: {}", out, error ? error.message() : "it is no folder"),
                    "choose another folder with -o");
}

/// One subset on its way into its file.
struct SubsetFile {
  std::string path;
  std::unique_ptr<OutputFile> file;
  Position ratings = 0;
};
using SubsetFiles = std::array<SubsetFile, 3>;

std::string path_of(const SplitRequest& request, Subset subset) {
  const std::string name = fmt::format("{}.{}.csv", stem_of(request.data, "ratings"), kWords[index_of(subset)]);
  return (fs::path(request.out) / name).string();
}

/// Files of the subsets that have ratings. The others' are not touched.
SubsetFiles open_files(const SplitRequest& request, const HostBuffer<Subset>& subsets) {
  make_folder(request.out);
  SubsetFiles files;
  for (const Subset subset : kSubsets) {
    SubsetFile& file = files[index_of(subset)];
    file.ratings = std::count(subsets.begin(), subsets.end(), subset);
    if (file.ratings == 0) continue;
    file.path = path_of(request, subset);
    check_writable(file.path);
    refuse_same_file(file.path, request.data);
    file.file = std::make_unique<OutputFile>(file.path);
  }
  return files;
}

/// A subset without ratings leaves no file; one of an earlier split may hold what trains now.
void note_old_files(Console& console, const SplitRequest& request, const SubsetFiles& files) {
  for (const Subset subset : kSubsets) {
    const std::string path = path_of(request, subset);
    if (files[index_of(subset)].file || !fs::exists(path)) continue;
    console.note(fmt::format("{} is there already, of another split: what it holds is in the other files now", path));
  }
}

/// Every rating into the file of its subset, in the order they were read.
void write_files(const Dataset& data, const HostBuffer<Subset>& subsets, bool with_rating, SubsetFiles& files) {
  for (SubsetFile& file : files) {
    if (file.file) file.file->write(csv_header(data, with_rating));
  }
  for (Position n = 0; n < data.ratings.size(); ++n) {
    files[index_of(subsets[n])].file->write(csv_line(data, n, with_rating));
  }
  for (SubsetFile& file : files) {
    if (file.file) file.file->commit();
  }
}

Position rows_in(const HostBuffer<RowId>& rows, Position n_rows) {
  HostBuffer<std::uint8_t> seen(n_rows, 0);
  for (const RowId row : rows) seen[row] = 1;
  return std::count(seen.begin(), seen.end(), 1);
}

void keep_core(Console& console, const SplitRequest& request, Dataset& data) {
  const Position before = data.ratings.size();
  const int passes = keep_core(data, request.core);
  if (passes == 0) return;
  if (data.ratings.empty()) {
    throw UsageError("--min-user and --min-item leave no rating", "take smaller ones");
  }
  console.line("core",
               fmt::format("{} of {}, {} × {}, after {}", grouped(data.ratings.size()), plural(before, "rating"),
                           plural(rows_in(data.ratings.user, data.users.size()), "user"),
                           plural(rows_in(data.ratings.item, data.items.size()), "item"), plural(passes, "round")),
               "--min-user, --min-item");
}

void print_files(Console& console, const SplitRequest& request, const SubsetFiles& files, Position total) {
  std::string shares;
  for (const Subset subset : kSubsets) {
    const SubsetFile& file = files[index_of(subset)];
    if (!file.file) continue;
    const double share = 100 * static_cast<double>(file.ratings) / static_cast<double>(total);
    shares += fmt::format("{:.3g} % {}, ", share, kWords[index_of(subset)]);
  }
  const SplitConfig& config = request.config;
  console.line("split",
               config.test_from ? fmt::format("{}cut at {}", shares, *config.test_from)
                                : fmt::format("{}{}, {}, seed {}", shares, name_of(config.method),
                                              name_of(config.order), config.seed),
               config.test_from ? "--cut, --valid-cut" : "--method, --order, --test-frac, --valid-frac, --seed");
  for (const SubsetFile& file : files) {
    if (file.file) console.line("saved", fmt::format("{} · {}", file.path, plural(file.ratings, "rating")));
  }
}

std::string report_json(const SplitRequest& request, const Dataset& data, const SubsetFiles& files, Position n_read) {
  JsonObject object;
  const SplitConfig& config = request.config;
  const auto time = [](std::optional<std::int64_t> at) { return at ? std::to_string(*at) : std::string("null"); };
  object.text("method", name_of(config.method))
      .text("order", name_of(config.test_from ? SplitOrder::timestamp : config.order))
      .raw("cut", time(config.test_from))
      .raw("valid_cut", time(config.valid_from))
      .raw("seed", std::to_string(config.seed))
      .count("n_read", n_read)
      .count("n_ratings", data.ratings.size())
      .count("n_users", rows_in(data.ratings.user, data.users.size()))
      .count("n_items", rows_in(data.ratings.item, data.items.size()))
      .boolean("timestamps", !data.timestamps.empty());
  for (const Subset subset : kSubsets) {
    const SubsetFile& file = files[index_of(subset)];
    const std::string json = JsonObject().text("file", file.path).count("n_ratings", file.ratings).str();
    object.raw(kWords[index_of(subset)], file.file ? json : "null");
  }
  return object.str() + '\n';
}

}  // namespace

int run_verb(const SplitRequest& request, Console& console) {
  check_request(request);
  ReaderRequest reader = request.reader;
  reader.options.timestamps = true;
  Dataset data = new_dataset(reader);
  const PageSource source = read_source(console, request.data, reader, data);
  const Position n_read = data.ratings.size();
  keep_core(console, request, data);
  ThreadPool pool(reader.options.threads);
  const HostBuffer<Subset> subsets = draw_subsets(data, request.config, pool);
  SubsetFiles files = open_files(request, subsets);
  write_files(data, subsets, !source.report.implicit(), files);
  print_files(console, request, files, data.ratings.size());
  note_old_files(console, request, files);
  if (!console.json()) return 0;
  OutputFile out("");
  out.write(report_json(request, data, files, n_read));
  out.commit();
  return 0;
}

}  // namespace wf::cli
