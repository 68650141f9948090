// convert: ratings in, the same ones as a page file or in another program's format out.
#include "host/base/json_text.hpp"
#include "host/base/shown.hpp"
#include "host/base/stopwatch.hpp"
#include "host/cli/data_files.hpp"
#include "host/cli/output_file.hpp"
#include "host/cli/verbs.hpp"
#include "host/pages/write_pages.hpp"
#include "host/ratings/write_ratings.hpp"
#include "host/settings/words.hpp"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <utility>

namespace wf::cli {
namespace {

constexpr std::pair<RatingsFormat, const char*> kSuffixes[] = {
    {RatingsFormat::csv, ".csv"}, {RatingsFormat::inter, ".inter"},        {RatingsFormat::mtx, ".mtx"},
    {RatingsFormat::npz, ".npz"}, {RatingsFormat::lightgcn, ".lists.txt"}, {RatingsFormat::pages, ".wfr"}};

/// What is to be written, and where.
struct Output {
  RatingsFormat format = RatingsFormat::pages;
  std::string path;
  std::string users, items;  ///< files of ids, where the format has none

  bool is_pages() const { return format == RatingsFormat::pages; }
  /// Rows that are ids already need no list of them.
  void drop_needless(const Dataset& data) {
    if (data.users.kind() == IdKind::rows) users.clear();
    if (data.items.kind() == IdKind::rows) items.clear();
  }
};

RatingsFormat format_of(const ConvertRequest& request) {
  if (request.format) return *request.format;
  if (request.out.empty()) return RatingsFormat::pages;
  for (const auto& [format, suffix] : kSuffixes) {
    if (request.out.ends_with(suffix)) return format;
  }
  throw UsageError(fmt::format("{}: its ending names no format of ratings", request.out),
                   "add --format " + join(words_of<RatingsFormat>(), "|"));
}

Output output_of(const ConvertRequest& request) {
  if (request.out == "-") throw UsageError("--out -: ratings are written as a file", "give -o a name like ratings.csv");
  Output output{format_of(request), request.out, "", ""};
  for (const auto& [format, suffix] : kSuffixes) {
    if (output.path.empty() && format == output.format) output.path = stem_of(request.data, "ratings") + suffix;
  }
  if (output.is_pages() && (!output.path.ends_with(".wfr") || output.path == ".wfr")) {
    throw UsageError(fmt::format("{}: names of page files end in .wfr", output.path),
                     "give -o a name like ratings.wfr");
  }
  if (!has_ids(output.format)) {
    output.users = output.path + ".users.txt";
    output.items = output.path + ".items.txt";
  }
  for (const std::string& path : {output.path, output.users, output.items}) {
    if (path.empty()) continue;
    check_writable(path);
    refuse_same_file(path, request.data);
  }
  return output;
}

/// With timestamps where the format has them.
ReaderRequest reader_of(const ConvertRequest& request, RatingsFormat format) {
  ReaderRequest reader = request.reader;
  reader.options.timestamps = format == RatingsFormat::csv || format == RatingsFormat::inter;
  const std::string& column = reader.options.timestamp_column;
  if (!reader.options.timestamps && !column.empty() && column != "none") {
    throw UsageError(fmt::format("--col-timestamp has no effect: {} has no timestamps", name_of(format)),
                     "leave it out, or take --format csv or inter");
  }
  return reader;
}

void write(const Output& output, const Dataset& data, const PageSource& source) {
  if (output.is_pages()) {
    write_pages(output.path, data, source, source.options.threads);
    return;
  }
  write_ratings(output.path, output.format, data, !source.report.implicit());
  if (!output.users.empty()) write_ids(output.users, data.users);
  if (!output.items.empty()) write_ids(output.items, data.items);
}

/// What is not in the files, or not where one looks for it.
void note_losses(Console& console, const Output& output, const ReadReport& report) {
  if (output.format == RatingsFormat::lightgcn && report.min_value < report.max_value) {
    console.note(
        fmt::format("LightGCN's lists have no values: {} to {} are left out", report.min_value, report.max_value));
  }
  if (output.format == RatingsFormat::lightgcn)
    console.note("where it is not taken for lists, --lists says that it is");
  if (output.users.empty() && output.items.empty()) return;
  const char* const between = output.users.empty() || output.items.empty() ? "" : " and ";
  console.note(fmt::format("{} numbers rows and has no ids; {}{}{} list them, one a line", name_of(output.format),
                           output.users, between, output.items));
}

}  // namespace

int run_verb(const ConvertRequest& request, Console& console) {
  Output output = output_of(request);
  if (output.is_pages() && is_page_file(request.data)) {
    throw UsageError(fmt::format("{} is a page file already", request.data), "copy it, or convert its text again");
  }
  const ReaderRequest reader = reader_of(request, output.format);
  Dataset data = new_dataset(reader);
  const PageSource source = read_source(console, request.data, reader, data);
  output.drop_needless(data);
  const auto start = std::chrono::steady_clock::now();
  write(output, data, source);
  const double seconds = seconds_since(start);
  const Position ratings = data.ratings.size();
  const auto bytes = static_cast<Position>(std::filesystem::file_size(output.path));
  const double each = static_cast<double>(bytes) / static_cast<double>(ratings);
  console.line("saved", fmt::format("{} · {} · {} · {:.2f} bytes a rating · written in {:.2f} s", output.path,
                                    plural(ratings, "rating"), short_bytes(bytes), each, seconds));
  note_losses(console, output, source.report);
  if (!console.json()) return 0;
  OutputFile out("");
  out.write(JsonObject()
                .text(output.is_pages() ? "pages" : "converted", output.path)
                .text("format", name_of(output.format))
                .count("n_users", data.users.size())
                .count("n_items", data.items.size())
                .count("n_ratings", ratings)
                .count("bytes", bytes)
                .number("bytes_per_rating", each)
                .number("seconds_read", source.report.seconds)
                .number("seconds_written", seconds)
                .str() +
            '\n');
  out.commit();
  return 0;
}

}  // namespace wf::cli
