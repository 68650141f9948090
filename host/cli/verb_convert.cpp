// convert: ratings in, a page file out.
#include "host/base/json_text.hpp"
#include "host/base/shown.hpp"
#include "host/cli/data_files.hpp"
#include "host/cli/output_file.hpp"
#include "host/cli/verbs.hpp"
#include "host/pages/write_pages.hpp"
#include "host/settings/words.hpp"

#include <fmt/format.h>

#include <chrono>

namespace wf::cli {
namespace {

std::string output_path(const ConvertRequest& request) {
  std::string path = request.out.empty() ? stem_of(request.data, "ratings") + ".wfr" : request.out;
  if (!path.ends_with(".wfr") || path == ".wfr") {
    throw UsageError(fmt::format("{}: convert writes page files, and their names end in .wfr", path),
                     "give -o a name like ratings.wfr");
  }
  check_writable(path);
  refuse_same_file(path, request.data);
  return path;
}

}  // namespace

int run_verb(const ConvertRequest& request, Console& console) {
  if (is_page_file(request.data)) {
    throw UsageError(fmt::format("{} is a page file already", request.data), "copy it, or convert its text again");
  }
  const std::string path = output_path(request);
  Dataset data = new_dataset(request.reader);
  const PageSource source = read_source(console, request.data, request.reader, data);
  const auto start = std::chrono::steady_clock::now();
  const Position bytes = write_pages(path, data, source, request.reader.options.threads);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const Position ratings = data.ratings.size();
  const double each = static_cast<double>(bytes) / static_cast<double>(ratings);
  console.line("saved", fmt::format("{} · {} · {} · {:.2f} bytes a rating · written in {:.2f} s", path,
                                    plural(ratings, "rating"), short_bytes(bytes), each, seconds));
  if (!console.json()) return 0;
  OutputFile out("");
  out.write(JsonObject()
                .text("pages", path)
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
