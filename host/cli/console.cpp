#include "host/cli/console.hpp"

#include "host/base/json_text.hpp"
#include "host/base/resident_memory.hpp"
#include "host/base/shown.hpp"
#include "host/base/stopwatch.hpp"

#include <fmt/format.h>

#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>

namespace wf::cli {
namespace {

constexpr const char* kBold = "\x1b[1m";
constexpr const char* kRed = "\x1b[31m";
constexpr const char* kPlain = "\x1b[0m";

/// One write per line, so that lines of several processes do not mix.
void write_people(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
}

bool stderr_is_terminal() {
  const char* kind = std::getenv("TERM");
  return isatty(STDERR_FILENO) != 0 && !(kind != nullptr && std::string_view(kind) == "dumb");
}

bool use_color(Color choice) {
  if (choice != Color::automatic) return choice == Color::always;
  const char* no_color = std::getenv("NO_COLOR");
  return (no_color == nullptr || *no_color == '\0') && stderr_is_terminal();
}

std::string_view kind_name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage:
      return "usage";
    case ErrorKind::input:
      return "input";
    case ErrorKind::device:
      return "device";
    case ErrorKind::failed:
      break;
  }
  return "failed";
}

/// "file:line:column" -> its parts, from the right: a file's name may hold colons.
void add_place(JsonObject& object, const std::string& where) {
  if (where.empty()) return;
  object.text("where", where);
  std::string file = where;
  std::array<Position, 2> numbers{};
  std::size_t found = 0;
  while (found < numbers.size()) {
    const std::size_t colon = file.rfind(':');
    if (colon == std::string::npos || colon + 1 == file.size() || file.size() - colon > 19 ||
        file.find_first_not_of("0123456789", colon + 1) != std::string::npos) {
      break;
    }
    numbers.at(found++) = std::stoll(file.substr(colon + 1));
    file.resize(colon);
  }
  object.text("file", file);
  if (found == 1) object.count("line", numbers[0]);
  if (found == 2) object.count("line", numbers[1]).count("column", numbers[0]);
}

}  // namespace

Console::Console(const OutputRequest& request)
    : quiet_(request.quiet),
      verbose_(request.verbose),
      json_(request.json),
      moving_(!request.quiet && stderr_is_terminal()),
      color_(use_color(request.color)) {}

int Console::width() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

void Console::line(std::string_view tag, std::string_view text, std::string_view hint) {
  if (!quiet_) write(tag, text, hint);
}

void Console::write(std::string_view tag, std::string_view text, std::string_view hint) {
  clear();
  std::string padded = fmt::format("{:<6}", tag);
  if (color_) padded = kBold + padded + kPlain;
  std::string line = fmt::format("{} {}", padded, text);
  if (!hint.empty()) line += fmt::format("   ({})", hint);
  if (verbose_) {
    const double seconds = seconds_since(start_);
    line = fmt::format("{:8.2f} s {:>9}  {}", seconds, short_bytes(resident_bytes()), line);
  }
  write_people(line + '\n');
}

void Console::redraw(std::string_view text) {
  if (!moving_) return;
  write_people(fmt::format("\r{}\x1b[K", text));
  drawn_ = true;
}

void Console::clear() {
  if (drawn_) write_people("\r\x1b[K");
  drawn_ = false;
}

int report_error(const Error& error, const OutputRequest& output, std::string_view verb) {
  const int code = static_cast<int>(error.kind());
  if (output.json) {
    JsonObject object;
    object.text("error", error.problem()).text("kind", kind_name(error.kind())).count("exit_code", code);
    add_place(object, error.where());
    if (!error.cure().empty()) object.text("cure", error.cure());
    object.text("message", error.what());
    write_people(object.str() + '\n');
    return code;
  }
  std::string text = error.what();
  if (error.where().empty()) text = fmt::format("warpfactor{}{}: {}", verb.empty() ? "" : " ", verb, text);
  if (use_color(output.color)) text = kRed + text + kPlain;
  write_people(text + '\n');
  return code;
}

}  // namespace wf::cli
