#include "tests/support/run_program.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

extern char** environ;  // NOLINT(readability-redundant-declaration): unistd.h declares it for GNU only

namespace wf::test {
namespace {

constexpr int kNoProgram = 127;

std::vector<std::string> environment_of(const ProgramOptions& options) {
  std::map<std::string, std::string> values;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const bool sets_option = text.rfind("WARPFACTOR_", 0) == 0 && text.rfind("WARPFACTOR_CUDA_MODULE=", 0) != 0;
    if (sets_option) continue;
    values[text.substr(0, text.find('='))] = text.substr(std::min(text.find('=') + 1, text.size()));
  }
  values.erase("NO_COLOR");
  values.erase("TERM");
  for (const auto& [name, value] : options.environment) values[name] = value;
  std::vector<std::string> result;
  for (const auto& [name, value] : values) result.push_back(name + '=' + value);
  return result;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

std::array<int, 2> make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
  return ends;
}

/// A file that holds the text, at its beginning: unlike a pipe it takes any length before the program reads.
int open_stdin(const std::string& text) {
  std::FILE* file = std::tmpfile();
  if (file == nullptr || std::fwrite(text.data(), 1, text.size(), file) != text.size() || std::fflush(file) != 0) {
    throw std::runtime_error("cannot write the program's stdin");
  }
  const int handle = fcntl(fileno(file), F_DUPFD_CLOEXEC, 3);
  static_cast<void>(std::fclose(file));
  lseek(handle, 0, SEEK_SET);
  return handle;
}

}  // namespace

RunningProgram::RunningProgram(const std::vector<std::string>& arguments, const ProgramOptions& options) {
  std::vector<std::string> words{WF_PROGRAM};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> variables = environment_of(options);
  const std::vector<char*> argv = pointers_to(words);
  const std::vector<char*> envp = pointers_to(variables);
  const std::string folder = options.folder.string();
  const auto replace = [&] {
    if (!folder.empty() && chdir(folder.c_str()) != 0) _exit(kNoProgram);
    execve(WF_PROGRAM, argv.data(), envp.data());
    _exit(kNoProgram);
  };

  if (options.terminal) {
    winsize size{};
    size.ws_row = 24;
    size.ws_col = 80;
    pid_ = forkpty(&out_, nullptr, nullptr, &size);
    if (pid_ == 0) replace();
    return;
  }
  const int in = open_stdin(options.stdin_text);
  const std::array<int, 2> out = make_pipe();
  const std::array<int, 2> err = make_pipe();
  pid_ = fork();
  if (pid_ == 0) {
    dup2(in, STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    dup2(err[1], STDERR_FILENO);
    replace();
  }
  close(in);
  close(out[1]);
  close(err[1]);
  out_ = out[0];
  err_ = err[0];
}

RunningProgram::~RunningProgram() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (out_ >= 0) close(out_);
  if (err_ >= 0) close(err_);
}

bool RunningProgram::read_some(int timeout_ms) {
  std::array<pollfd, 2> streams{{{out_, POLLIN, 0}, {err_, POLLIN, 0}}};
  if (out_ < 0 && err_ < 0) return false;
  if (poll(streams.data(), streams.size(), timeout_ms) <= 0) return true;
  const auto take = [](pollfd& stream, int& handle, std::string& into) {
    if (stream.revents == 0) return;
    std::array<char, 65536> buffer{};
    const ssize_t count = read(handle, buffer.data(), buffer.size());
    if (count > 0) {
      into.append(buffer.data(), static_cast<std::size_t>(count));
    } else if (count == 0 || errno != EINTR) {  // a terminal without a program fails with EIO
      close(handle);
      handle = -1;
    }
  };
  take(streams[0], out_, result_.out);
  take(streams[1], err_, result_.err);
  return true;
}

bool RunningProgram::wait_for(const std::string& text) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  const auto found = [&] {
    return result_.out.find(text) != std::string::npos || result_.err.find(text) != std::string::npos;
  };
  while (!found() && std::chrono::steady_clock::now() < deadline) {
    if (!read_some(100)) break;
  }
  return found();
}

void RunningProgram::send(int signal) const {
  kill(pid_, signal);
}

ProgramResult RunningProgram::finish() {
  while (read_some(1000)) {
  }
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  result_.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return std::move(result_);
}

ProgramResult run_program(const std::vector<std::string>& arguments, const ProgramOptions& options) {
  return RunningProgram(arguments, options).finish();
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = testing::TempDir() + "/warpfactor-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed: " + pattern);
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryFolder::write(const std::string& name, const std::string& text) const {
  std::ofstream(file(name), std::ios::binary) << text;
  return file(name);
}

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace wf::test
