// stderr is for people: tagged lines, notes, errors. stdout is for data and is not touched here.
#pragma once
#include "host/base/error.hpp"
#include "host/cli/requests.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace wf::cli {

class Console {
 public:
  explicit Console(const OutputRequest& request);
  ~Console() { clear(); }  ///< an error message begins on a line of its own
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  bool quiet() const { return quiet_; }
  bool json() const { return json_; }
  /// A person watches: stderr is a terminal that can redraw a line, and quiet is off.
  bool moving() const { return moving_; }
  static int width();  ///< columns of that terminal; 80 when it does not say

  /// "read   TEXT     (HINT)". Nothing when quiet; when verbose, behind the seconds since the start and the memory
  /// taken.
  void line(std::string_view tag, std::string_view text, std::string_view hint = {});
  void note(std::string_view text) { line("note", text); }
  /// A note that quiet does not silence: what was asked for could not be done, and the verb goes on.
  void warn(std::string_view text) { write("note", text, {}); }

  /// Draws over the line drawn last; the next line() replaces it. Only where moving().
  void redraw(std::string_view text);
  void clear();

 private:
  void write(std::string_view tag, std::string_view text, std::string_view hint);

  bool quiet_, verbose_, json_, moving_, color_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// The error on stderr, as a sentence or, for --json, as one JSON line. Returns the exit code.
int report_error(const Error& error, const OutputRequest& output, std::string_view verb);

}  // namespace wf::cli
