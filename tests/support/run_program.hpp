// Runs the built program as a user would: arguments, stdin, environment, a terminal; takes its streams and exit code.
#pragma once
#include <sys/types.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace wf::test {

struct ProgramOptions {
  std::string stdin_text;
  std::map<std::string, std::string> environment;  ///< added to the test's own, without NO_COLOR, TERM and settings
  std::filesystem::path folder;                    ///< working directory; empty: the test's own
  bool terminal = false;                           ///< all three streams are a pseudo-terminal of 80 columns
};

struct ProgramResult {
  int exit_code = -1;  ///< 128 + signal when a signal ended it
  std::string out;     ///< with a terminal: both streams, as the terminal received them
  std::string err;
};

/// A program under way; destroyed, it is killed.
class RunningProgram {
 public:
  RunningProgram(const std::vector<std::string>& arguments, const ProgramOptions& options);
  ~RunningProgram();
  RunningProgram(const RunningProgram&) = delete;
  RunningProgram& operator=(const RunningProgram&) = delete;

  /// Waits until `text` has been written to either stream. False: the program ended, or 60 seconds passed, without it.
  bool wait_for(const std::string& text);
  void send(int signal) const;
  ProgramResult finish();

 private:
  bool read_some(int timeout_ms);  ///< false: both streams are at their end

  pid_t pid_ = -1;
  int out_ = -1, err_ = -1;
  ProgramResult result_;
};

/// WF_PROGRAM with `arguments`, from start to end.
ProgramResult run_program(const std::vector<std::string>& arguments, const ProgramOptions& options = {});

/// A fresh folder under testing::TempDir(), removed with its contents at the end of its scope.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::string file(const std::string& name) const { return (path_ / name).string(); }
  /// Writes `text` to a file of that name and returns its path.
  std::string write(const std::string& name, const std::string& text) const;

 private:
  std::filesystem::path path_;
};

std::string read_text(const std::string& path);

}  // namespace wf::test
