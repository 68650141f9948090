// A row with so many ratings that all workers go through them together, part by part.
#pragma once
#include "host/base/thread_pool.hpp"
#include "host/cpu/solve_loops.hpp"

namespace wf {

/// The row by whatever solver; false where its equations leave some factors open.
bool solve_long_row(ThreadPool& pool, const SolveLoops& loops, const SolveTask& task, Position row);

}  // namespace wf
