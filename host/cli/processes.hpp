// train by several processes: which of them speaks and writes, and what they cannot do together.
#pragma once
#include "host/base/error.hpp"
#include "host/cli/requests.hpp"
#include "host/pages/page_source.hpp"
#include "host/ranks/ranks.hpp"

#include <string_view>

namespace wf::cli {

/// Where mpirun has started several processes, joins them: `command` becomes this one's part, which of all but the
/// first writes nothing. Throws UsageError for what several cannot do.
void join_processes(Command& command);

/// Throws UsageError where this process has other settings than the first one: variables are those of each machine. All
/// processes call it, and begin nothing together before.
void check_same_settings(Ranks& ranks, const TrainRequest& request, const TrainConfig& config);
/// The same for ratings that have been read.
void check_same_ratings(Ranks& ranks, const PageSource& data);

/// report_error. Of several processes, names this one and ends the others; the first one speaks before them, so that
/// what all of them have met is said once.
int report_for_all(const Error& error, const OutputRequest& output, std::string_view verb);

}  // namespace wf::cli
