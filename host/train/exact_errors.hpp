// Errors of scores, summed exactly: the same for any order, any number of threads and of processes.
#pragma once
#include "host/base/thread_pool.hpp"
#include "host/config/config.hpp"
#include "host/kernels/error_sums.hpp"
#include "host/ranks/ranks.hpp"

namespace wf {

/// Of the scores and ratings of all ranks. Sums are those of integers (host/base/fixed_point.hpp), with the largest
/// term and the number of terms of all ranks; not finite where a term is not.
ErrorSums exact_errors(Span<const float, Host> scores, Span<const float, Host> ratings, Loss loss, ThreadPool& pool,
                       Ranks& ranks);

/// Of all rows of all ranks, each rank having the errors of some; nothing is skipped.
ErrorSums exact_sum(Span<const ErrorSums, Host> of_rows, Ranks& ranks);

}  // namespace wf
