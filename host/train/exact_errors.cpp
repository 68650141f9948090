#include "host/train/exact_errors.hpp"

#include "host/base/fixed_point.hpp"
#include "host/kernels/losses.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

namespace wf {
namespace {

constexpr Position kScores = 4096;  // of a task: 20 us

/// f(what the score adds to the sums) for the scores begin .. end - 1.
template <class F>
void for_errors(Span<const float, Host> scores, Span<const float, Host> ratings, Loss loss, Position begin,
                Position end, const F& f) {
  with_loss(loss, [&](auto kind) {
    for (Position n = begin; n < end; ++n) {
      ErrorSums one;
      add_error<kind()>(one, static_cast<double>(scores[n]), static_cast<double>(ratings[n]));
      f(one);
    }
  });
}

struct Largest {
  double loss = 0, squared = 0, absolute = 0;

  void add(double& largest, double term) {
    // there is no largest NaN
    largest = std::isnan(term) ? std::numeric_limits<double>::infinity() : std::max(largest, std::fabs(term));
  }
  void add(const ErrorSums& one) {
    add(loss, one.loss);
    add(squared, one.squared);
    add(absolute, one.absolute);
  }
};

struct IntegerErrors {
  std::int64_t loss = 0, squared = 0, absolute = 0;
};

bool are_finite(const double (&bounds)[3]) {
  return std::all_of(std::begin(bounds), std::end(bounds), [](double bound) { return std::isfinite(bound); });
}

}  // namespace

ErrorSums exact_errors(Span<const float, Host> scores, Span<const float, Host> ratings, Loss loss, ThreadPool& pool,
                       Ranks& ranks) {
  const Position tasks = (scores.size + kScores - 1) / kScores;
  HostBuffer<Largest> largest(tasks);
  pool.for_chunks(scores.size, kScores, [&](Position begin, Position end) {
    Largest of_task;
    for_errors(scores, ratings, loss, begin, end, [&](const ErrorSums& one) { of_task.add(one); });
    largest[begin / kScores] = of_task;
  });
  Largest most;
  for (const Largest& of_task : largest) {
    most.loss = std::max(most.loss, of_task.loss);
    most.squared = std::max(most.squared, of_task.squared);
    most.absolute = std::max(most.absolute, of_task.absolute);
  }
  double bounds[] = {most.loss, most.squared, most.absolute};
  ranks.most({bounds, std::size(bounds)});
  const Position count = ranks.sum(scores.size);
  if (!are_finite(bounds)) return {bounds[0], bounds[1], bounds[2], count};
  const FixedPoint losses(bounds[0], count), squares(bounds[1], count), sizes(bounds[2], count);
  HostBuffer<IntegerErrors> parts(tasks);
  pool.for_chunks(scores.size, kScores, [&](Position begin, Position end) {
    IntegerErrors sums;
    for_errors(scores, ratings, loss, begin, end, [&](const ErrorSums& one) {
      sums.loss += losses.of(one.loss);
      sums.squared += squares.of(one.squared);
      sums.absolute += sizes.of(one.absolute);
    });
    parts[begin / kScores] = sums;
  });
  std::int64_t sums[] = {0, 0, 0};
  for (const IntegerErrors& part : parts) {
    sums[0] += part.loss;
    sums[1] += part.squared;
    sums[2] += part.absolute;
  }
  ranks.sum({sums, std::size(sums)});
  return {losses.value(sums[0]), squares.value(sums[1]), sizes.value(sums[2]), count};
}

ErrorSums exact_sum(Span<const ErrorSums, Host> of_rows, Ranks& ranks) {
  Largest most;
  std::int64_t counts[] = {of_rows.size, 0};  // of rows, and of what they are the errors of
  for (const ErrorSums& one : of_rows) {
    most.add(one);
    counts[1] += one.count;
  }
  double bounds[] = {most.loss, most.squared, most.absolute};
  ranks.most({bounds, std::size(bounds)});
  ranks.sum({counts, std::size(counts)});
  if (!are_finite(bounds)) return {bounds[0], bounds[1], bounds[2], counts[1]};
  const FixedPoint losses(bounds[0], counts[0]), squares(bounds[1], counts[0]), sizes(bounds[2], counts[0]);
  std::int64_t sums[] = {0, 0, 0};
  for (const ErrorSums& one : of_rows) {
    sums[0] += losses.of(one.loss);
    sums[1] += squares.of(one.squared);
    sums[2] += sizes.of(one.absolute);
  }
  ranks.sum({sums, std::size(sums)});
  return {losses.value(sums[0]), squares.value(sums[1]), sizes.value(sums[2]), counts[1]};
}

}  // namespace wf
