// Synthetic ratings as lines of text: drawn and printed by all threads, handed out in order.
#include "host/base/host_buffer.hpp"
#include "host/ratings/synthetic.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

namespace wf {
namespace {

constexpr Position kRatingsOfTask = 1 << 14;  // ratings of one task: 2 ms
constexpr Position kTasksPerThread = 4;  // of a round, so that a thread that was interrupted holds up a quarter of it
constexpr Position kLongestLine = 48;    // two rows of 10 digits, a float of at most 15 characters, three separators

char* write_line(const SyntheticRating& rating, char* out, char* end) {
  out = std::to_chars(out, end, rating.user).ptr;
  *out++ = ' ';
  out = std::to_chars(out, end, rating.item).ptr;
  *out++ = ' ';
  out = std::to_chars(out, end, rating.value).ptr;
  *out++ = '\n';
  return out;
}

/// What one task makes: its ratings, and the text of them.
struct Part {
  HostBuffer<SyntheticRating> ratings{kRatingsOfTask};
  HostBuffer<char> text{kRatingsOfTask * kLongestLine};
  std::size_t length = 0;

  void make(const SyntheticRatings& source, Position first, Position count) {
    source.draw(first, count, ratings.data());
    char* end = text.data();
    for (Position n = 0; n < count; ++n) end = write_line(ratings[n], end, text.end());
    length = static_cast<std::size_t>(end - text.data());
  }
};

}  // namespace

void synthesize_text(const SyntheticShape& shape, std::uint64_t seed,
                     const std::function<void(std::string_view text)>& emit, int threads) {
  ThreadPool pool(threads);
  const SyntheticRatings ratings(shape, seed, pool);
  const Position chunks = (ratings.size() + kRatingsOfTask - 1) / kRatingsOfTask;
  std::vector<Part> round(static_cast<std::size_t>(std::min(chunks, kTasksPerThread * pool.size())));
  const auto round_size = static_cast<Position>(round.size());
  for (Position done = 0; done < chunks; done += round_size) {
    const Position count = std::min(round_size, chunks - done);
    pool.for_each(count, [&](Position c) {
      const Position first = (done + c) * kRatingsOfTask;
      round[static_cast<std::size_t>(c)].make(ratings, first, std::min(kRatingsOfTask, ratings.size() - first));
    });
    for (Position c = 0; c < count; ++c) {
      const Part& part = round[static_cast<std::size_t>(c)];
      emit({part.text.data(), part.length});
    }
  }
}

}  // namespace wf
