// warpfactor: words in, a verb's work, an exit code out. Every error of the library ends here as one message.
#include "host/cli/console.hpp"
#include "host/cli/parser.hpp"
#include "host/cli/requests.hpp"
#include "host/cli/verbs.hpp"

#include <algorithm>
#include <cstdio>
#include <new>

namespace wf::cli {
namespace {

int print(const std::string& text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  return written ? 0 : static_cast<int>(ErrorKind::failed);
}

int carry_out(const Command& command) {
  Console console(command.output);
  return std::visit([&console](const auto& request) { return run_verb(request, console); }, command.request);
}

int run(const std::vector<std::string>& arguments) {
  const bool json = std::find(arguments.begin(), arguments.end(), "--json") != arguments.end();
  const std::string verb = arguments.empty() || arguments[0].empty() || arguments[0][0] == '-' ? "" : arguments[0];
  try {
    return carry_out(parse_command(arguments));
  } catch (const HelpRequest& help) {
    return print(help.text);
  } catch (const Error& error) {
    return report_error(error, json, verb);
  } catch (const std::bad_alloc&) {
    return report_error(
        DeviceError("out of memory", "use a smaller --rank, fewer ratings or a machine with more memory"), json, verb);
  } catch (const std::exception& error) {
    return report_error(FailedError(std::string("internal error: ") + error.what(),
                                    "please report it with the output of warpfactor doctor"),
                        json, verb);
  }
}

}  // namespace
}  // namespace wf::cli

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + std::max(argc, 1));
  if (!arguments.empty() && (arguments[0] == "--version" || arguments[0] == "-V")) {
    return wf::cli::print("warpfactor " WARPFACTOR_VERSION "\n");
  }
  return wf::cli::run(arguments);
}
