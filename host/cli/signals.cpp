#include "host/cli/signals.hpp"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <initializer_list>
#include <list>
#include <string_view>

namespace wf::cli {
namespace {

std::atomic<int> received{0};
std::atomic<bool> checkpoint_asked{false};
std::atomic<const std::string*> last_words{nullptr};
std::atomic<int> first_to_speak{0};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may touch lock-free atomics only");
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may touch lock-free atomics only");

void end_silently(int signal) {
  _exit(128 + signal);
}
void end_now(int signal) {
  constexpr std::string_view kText = "\nwarpfactor: interrupted before training began; nothing was saved\n";
  if (write(STDERR_FILENO, kText.data(), kText.size()) < 0) _exit(128 + signal);  // nobody listens: end all the same
  _exit(128 + signal);
}

void remember(int signal) {
  received.store(signal);
  const int error = errno;
  const std::string* const words = last_words.load();
  const int other = first_to_speak.load();
  const bool speaks = other == 0 || (kill(other, 0) != 0 && errno == ESRCH);
  if (words != nullptr && speaks) {
    static_cast<void>(!write(STDERR_FILENO, words->data(), words->size()));  // who does not listen, does not
  }
  errno = error;
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

void ask_for_checkpoint(int) {
  checkpoint_asked.store(true);
}

void install(void (*handler)(int), std::initializer_list<int> signals) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;  // a file that is being written stays whole
  sigemptyset(&action.sa_mask);
  for (const int signal : signals) sigaction(signal, &action, nullptr);
}

}  // namespace

void end_on_stop_signals(bool speaks) {
  install(speaks ? end_now : end_silently, {SIGINT, SIGTERM});
  install(ask_for_checkpoint, {SIGUSR1});
}
void remember_stop_signals() {
  install(remember, {SIGINT, SIGTERM});
}
void say_when_stopped(const std::string& text, int unless_alive) {
  static std::list<std::string> texts;  // a handler may be reading any of them
  first_to_speak.store(unless_alive);
  last_words.store(&texts.emplace_back(text));
}
int stop_signal() {
  return received.load();
}
bool take_checkpoint_signal() {
  return checkpoint_asked.exchange(false);
}

}  // namespace wf::cli
