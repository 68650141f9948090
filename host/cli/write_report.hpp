// The page that report and train --report write.
#pragma once
#include "host/cli/console.hpp"
#include "host/cli/requests.hpp"
#include "host/report/report.hpp"

namespace wf::cli {

/// Reads the model and the ratings, and writes the page to request.out ("-": stdout), whose lines then say where it is.
Report write_report(const ReportRequest& request, Console& console);

}  // namespace wf::cli
