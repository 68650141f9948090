// Ctrl-C and SIGTERM: before training they end the program, during training they ask it to stop, and a second one ends
// it at once. SIGUSR1 asks for a checkpoint.
#pragma once
#include <string>

namespace wf::cli {

/// From now on SIGINT or SIGTERM ends the program with 128 + signal and a line that says that nothing was saved, even
/// where it waits for input. SIGUSR1 is kept for take_checkpoint_signal(). `speaks` false: without the line, of several
/// processes that are ended because one of them has said what is wrong.
void end_on_stop_signals(bool speaks = true);

/// From now on the first SIGINT or SIGTERM only sets stop_signal().
void remember_stop_signals();

/// What the first of them writes to stderr from now on, where `unless_alive`, a process of this machine, is not there
/// (0: in any case). Of several processes that are ended because one is gone, the others may have no time for more.
void say_when_stopped(const std::string& text, int unless_alive);

/// The signal that asked to stop; 0: none did.
int stop_signal();

/// Has SIGUSR1 come since the last call?
bool take_checkpoint_signal();

}  // namespace wf::cli
