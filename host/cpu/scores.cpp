#include "host/cpu/cpu.hpp"
#include "host/kernels/losses.hpp"

namespace wf {
namespace {

constexpr Position kChunk = 4096;  // ratings; about 50 us at rank 64: far above the cost of handing it out

}  // namespace

void Cpu::predict(const ModelView<const float, Host>& model, const ScoreOptions& options, Span<const RowId, Host> user,
                  Span<const RowId, Host> item, Span<float, Host> scores) {
  pool_.for_chunks(user.size, kChunk, [&](Position begin, Position end) {
    for (Position n = begin; n < end; ++n) scores[n] = score<float>(model, options, user[n], item[n]);
  });
}

void Cpu::rating_errors(const ModelView<const float, Host>& model, const ScoreOptions& options,
                        const RatingsView<Host>& ratings) {
  add_over_chunks(ratings.size(), kChunk, [&](Position begin, Position end) {
    return with_loss(options.loss, [&](auto kind) {
      ErrorSums sums;
      for (Position n = begin; n < end; ++n) {
        add_error<kind()>(sums, static_cast<double>(score<float>(model, options, ratings.user[n], ratings.item[n])),
                          static_cast<double>(ratings.value[n]));
      }
      return sums;
    });
  });
}

void Cpu::score_items(const ModelView<const float, Host>& model, const ScoreOptions& options,
                      Span<const RowId, Host> users, Rows<float, Host> scores) {
  for (Position n = 0; n < users.size; ++n) {
    float* out = scores.row(n);
    pool_.for_chunks(scores.rank, kChunk, [&](Position begin, Position end) {
      for (Position i = begin; i < end; ++i) out[i] = score<float>(model, options, users[n], static_cast<RowId>(i));
    });
  }
}

}  // namespace wf
