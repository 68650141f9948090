#include "host/cli/signals.hpp"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <string_view>

namespace wf::cli {
namespace {

std::atomic<int> received{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may touch lock-free atomics only");

void end_now(int signal) {
  constexpr std::string_view kText = "\nwarpfactor: interrupted before training began; nothing was saved\n";
  if (write(STDERR_FILENO, kText.data(), kText.size()) < 0) _exit(128 + signal);  // nobody listens: end all the same
  _exit(128 + signal);
}

void remember(int signal) {
  received.store(signal);
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

void install(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;  // a file that is being written stays whole
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

}  // namespace

void end_on_stop_signals() {
  install(end_now);
}
void remember_stop_signals() {
  install(remember);
}
int stop_signal() {
  return received.load();
}

}  // namespace wf::cli
