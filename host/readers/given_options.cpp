#include "host/readers/read_ratings.hpp"

#include "host/base/error.hpp"

#include <utility>

namespace wf {

std::string given_layout_option(const ReadOptions& options) {
  const std::pair<bool, const char*> given[] = {{!options.separator.empty(), "--sep"},
                                                {options.header.has_value(), "--header and --no-header"},
                                                {!options.user_column.empty(), "--col-user"},
                                                {!options.item_column.empty(), "--col-item"},
                                                {!options.rating_column.empty(), "--col-rating"},
                                                {!options.timestamp_column.empty(), "--col-timestamp"},
                                                {options.lists, "--lists"},
                                                {options.skip_bad, "--skip-bad"}};
  for (const auto& [is_given, name] : given) {
    if (is_given) return name;
  }
  return {};
}

void refuse_layout_options(ReadOptions options, const std::string& file, const char* what) {
  if (options.rating_column == "none") options.rating_column.clear();
  if (options.timestamp_column == "none") options.timestamp_column.clear();
  const std::string given = given_layout_option(options);
  if (!given.empty()) throw UsageError(given + " has no effect on " + file + ": it is " + what, "leave it out");
}

}  // namespace wf
