// warpfactor: words in, a verb's work, an exit code out. Every error of the library ends here as one message.
#include "host/cli/console.hpp"
#include "host/cli/processes.hpp"
#include "host/cli/requests.hpp"
#include "host/cli/settings_toml.hpp"
#include "host/cli/verbs.hpp"
#include "host/settings/parser.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <csignal>
#include <cstdio>
#include <new>

namespace wf::cli {
namespace {

/// Is `name` there as a whole word: not --valid in --valid-frac?
bool mentions(const std::string& text, const std::string& name) {
  const auto in_name = [](char c) { return c == '-' || std::isalnum(static_cast<unsigned char>(c)) != 0; };
  for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + 1)) {
    const std::size_t end = at + name.size();
    if (end == text.size() || !in_name(text[end])) return true;
  }
  return false;
}

int print(const std::string& text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  return written ? 0 : static_cast<int>(ErrorKind::failed);
}

/// Says where the settings that a message names are from, if they were not typed.
UsageError with_places(const UsageError& error, const std::vector<Setting>& settings) {
  std::string cure = error.cure();
  for (const Setting& setting : settings) {
    if (setting.place.empty() || !mentions(error.problem(), setting.name())) continue;
    cure += fmt::format("{}{} is from {}", cure.empty() ? "" : "; ", setting.name(), setting.place);
  }
  return UsageError(error.problem(), cure);
}

int carry_out(Command& command) {
  if (command.print_config) return print(print_config(command));
  join_processes(command);
  Console console(command.output);
  return std::visit([&console](const auto& request) { return run_verb(request, console); }, command.request);
}

int run(const std::vector<std::string>& arguments) {
  OutputRequest output;
  output.json = std::find(arguments.begin(), arguments.end(), "--json") != arguments.end();
  const std::string verb = arguments.empty() || arguments[0].empty() || arguments[0][0] == '-' ? "" : arguments[0];
  Command command;
  try {
    command = parse_command(arguments);
    output = command.output;  // which may be set elsewhere
    return carry_out(command);
  } catch (const HelpRequest& help) {
    return print(help.text);
  } catch (const UsageError& error) {
    return report_for_all(with_places(error, command.settings), output, verb);
  } catch (const Error& error) {
    return report_for_all(error, output, verb);
  } catch (const std::bad_alloc&) {
    return report_for_all(
        DeviceError("out of memory", "use a smaller --rank, fewer ratings or a machine with more memory"), output,
        verb);
  } catch (const std::exception& error) {
    return report_for_all(FailedError(std::string("internal error: ") + error.what(),
                                      "please report it with the output of warpfactor doctor"),
                          output, verb);
  }
}

}  // namespace
}  // namespace wf::cli

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // beyond ulimit -f a write is an error with a place, and not the end
  const std::vector<std::string> arguments(argv + 1, argv + std::max(argc, 1));
  if (!arguments.empty() && (arguments[0] == "--version" || arguments[0] == "-V")) {
    return wf::cli::print("warpfactor " WARPFACTOR_VERSION "\n");
  }
  return wf::cli::run(arguments);
}
