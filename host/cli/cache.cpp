// train --cache: the ratings of a text, kept as a page file beside it.
#include "host/base/shown.hpp"
#include "host/cli/data_files.hpp"
#include "host/pages/write_pages.hpp"
#include "host/readers/byte_source.hpp"
#include "host/settings/words.hpp"

#include <fmt/format.h>

#include <filesystem>

namespace wf::cli {
namespace {

/// Why the pages are not those that reading `path` now would give; empty: they are.
std::string why_stale(const PageSource& cached, const PageSource& wanted, const std::string& path) {
  if (!same_options(cached, wanted)) return "it was read with other options";
  if (!cached.stamp || cached.stamp->bytes != wanted.stamp->bytes) return path + " has changed";
  const bool same = cached.stamp == wanted.stamp || hash_of_file(path) == cached.report.hash;
  return same ? "" : path + " has changed";
}

/// The cache's ratings; none, with a note, where it does not fit or is damaged.
std::optional<PageSource> open_cache(Console& console, const std::string& cache, const PageSource& wanted,
                                     const std::string& path, Dataset& into) {
  std::error_code ignored;
  if (!std::filesystem::exists(cache, ignored)) return std::nullopt;
  std::string why;
  try {
    const PageFile file(cache);
    why = why_stale(file.source(), wanted, path);
    if (why.empty()) {
      PageSource source = read_page_file(file, wanted.options, into);
      source.report.path = path;
      console.line("read",
                   fmt::format("{}: from its cache {} · {} in {:.2f} s", path, cache,
                               plural(source.report.ratings, "rating"), source.report.seconds),
                   "--cache");
      return source;
    }
  } catch (const InputError& error) {
    why = error.problem();
  }
  console.note(fmt::format("the cache {} is written anew: {}", cache, why));
  return std::nullopt;
}

void write_cache(Console& console, const std::string& cache, const PageSource& source, const std::string& path,
                 const Dataset& data) {
  if (stamp_of(path) != source.stamp) {
    console.note(fmt::format("no cache is written: {} changed while it was read", path));
    return;
  }
  try {
    const Position bytes = write_pages(cache, data, source, source.options.threads);
    console.line("cache", fmt::format("{} ({}) is written for the next time", cache, short_bytes(bytes)), "--cache");
  } catch (const Error& error) {  // no room on the disk, or no memory for the second copy
    console.note(fmt::format("no cache is written: {}", error.what()));
  }
}

}  // namespace

PageSource read_through_cache(Console& console, const std::string& path, const ReaderRequest& reader, Dataset& into) {
  const std::string cache = path + ".wfr";
  const PageSource wanted{{}, stamp_of(path), reader.options, reader.n_users, reader.n_items};
  if (!wanted.stamp) {
    console.note(fmt::format("no cache for {}: it is no regular file", path));
    return read_source(console, path, reader, into);
  }
  if (auto source = open_cache(console, cache, wanted, path, into)) return std::move(*source);
  into = new_dataset(reader);  // a damaged page is found when others have been read
  PageSource source = read_source(console, path, reader, into);
  write_cache(console, cache, source, path, into);
  return source;
}

}  // namespace wf::cli
