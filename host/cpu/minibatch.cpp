// The ops of one mini-batch. Loops run over distinct rows or over ratings, so no two workers write one row and no sum
// depends on the number of threads.
#include "host/cpu/cpu.hpp"
#include "host/cpu/rows.hpp"
#include "host/kernels/losses.hpp"

namespace wf {
namespace {

// About 10 us of work. Less of it stays on the calling thread: handing it over takes a microsecond or two where another
// thread is awake, and tens where it sleeps.
constexpr Position kElementsPerChunk = 32768;

Position rows_per_chunk(int rank) {
  return std::max<Position>(1, kElementsPerChunk / std::max(rank, 8));
}

/// For loops over groups with a rating or more each. Long batches make some hundred chunks, so that no thread waits
/// long for another's last one. Chunks must not depend on the number of threads: errors are added by chunk.
Position groups_per_chunk(Position groups, int rank) {
  constexpr Position kElements = 1024;  // about 0.3 us of work, some ten times what a claim takes
  constexpr Position kMostChunks = 256;
  return std::max({Position{1}, kElements / std::max(rank, 8), groups / kMostChunks});
}

/// Of a batch, for loops over its groups: the same for any number of threads.
Position chunks_of(Position ratings, int rank) {
  constexpr Position kElements = 4096;  // some 1.5 us of work
  constexpr Position kMostChunks = 256;
  return std::clamp<Position>(ratings * rank / kElements, 1, kMostChunks);
}

}  // namespace

void Cpu::renormalise_rows(Rows<float, Host> table, Span<const RowId, Host> rows, const NormLimit& limit) {
  pool_.for_chunks(rows.size, rows_per_chunk(table.rank), [&](Position begin, Position end) {
    for (Position n = begin; n < end; ++n) {
      float* row = table.row(rows[n]);
      const float factor = renorm_factor(norm(row, table.rank, limit.norm_type), limit);
      for (int f = 0; f < table.rank; ++f) row[f] *= factor;
    }
  });
}

void Cpu::loss_slopes(const ModelView<const float, Host>& model, const RatingsView<Host>& batch, Loss loss, float scale,
                      Span<float, Host> slopes) {
  add_over_chunks(batch.size(), rows_per_chunk(model.rank()), [&](Position begin, Position end) {
    return with_loss(loss, [&](auto kind) {
      ErrorSums sums;
      for (Position n = begin; n < end; ++n) {
        const auto predicted = score<float>(model, ScoreOptions{}, batch.user[n], batch.item[n]);
        slopes[n] = scale * loss_slope<kind()>(predicted, batch.value[n]);
        add_error<kind()>(sums, static_cast<double>(predicted), static_cast<double>(batch.value[n]));
      }
      return sums;
    });
  });
}

void Cpu::row_gradients(const RowGroups<Host>& groups, Span<const float, Host> slopes, Span<const RowId, Host> partners,
                        Rows<const float, Host> partner_table, Rows<const float, Host> own_table,
                        const GradientOptions<Host>& options, Rows<float, Host> gradients) {
  const GradientTask task{groups, partner_table, own_table, options};
  const MemberSlopes of_members{slopes, partners};
  pool_.for_chunks(groups.rows.size, groups_per_chunk(groups.rows.size, gradients.rank),
                   [&](Position begin, Position end) { loops_.gradients(task, of_members, begin, end, gradients); });
}

void Cpu::bias_gradients(const RowGroups<Host>& groups, Span<const float, Host> slopes,
                         Rows<const float, Host> own_table, const GradientOptions<Host>& options,
                         Rows<float, Host> gradients) {
  for (Position g = 0; g < groups.rows.size; ++g) {
    float sum = 0;
    const Position last = groups.starts[g + 1];
    for (Position from = groups.starts[g]; from < last; from += kSumChunk) {
      float chunk = 0;
      for (Position m = from; m < std::min(last, from + kSumChunk); ++m) chunk += slopes[groups.members[m]];
      sum += chunk;
    }
    const auto count = static_cast<float>(groups.starts[g + 1] - groups.starts[g]);
    if (options.scale_grad_by_freq) sum /= count;
    const float decay = count * options.penalty_scale * penalty_of(options.penalties, groups.rows[g]);
    *gradients.row(g) = sum + decay * *own_table.row(groups.rows[g]);
  }
}

void Cpu::optimizer_step(const RuleSettings& settings, Position step, Rows<float, Host> table,
                         Span<const RowId, Host> rows, Rows<const float, Host> gradients, RowId skip,
                         const OptimizerState<Host>& state) {
  const StepTask task{settings.rule, scalars_of_step(settings, step), step, table, rows, skip, state};
  pool_.for_chunks(rows.size, groups_per_chunk(rows.size, table.rank),
                   [&](Position begin, Position end) { loops_.steps(task, gradients, begin, end); });
}

void Cpu::step_batch(const BatchStep<Host>& s) {
  const StepScalars scalars = scalars_of_step(s.rule, s.step);
  const RowGroups<Host>& users = s.user.groups;
  const RowGroups<Host>& items = s.item.groups;
  const Rows<float, Host> kept = s.item_rows;
  const StepTask user_step{s.rule.rule, scalars,        s.step,      s.model.user_factors,
                           users.rows,  s.user.padding, s.user.state};
  const StepTask item_step{s.rule.rule, scalars,        s.step,      s.model.item_factors,
                           items.rows,  s.item.padding, s.item.state};
  const GradientTask of_items{items, s.model.user_factors, s.model.item_factors, s.item.options};
  user_slopes_.resize(items.members.size);
  const GradientTask of_users{users, kept, s.model.user_factors, s.user.options};
  const PairTask pairs{of_items, item_step,      {s.model, s.loss, s.scale, user_slopes_.span(), s.slopes},
                       users,    s.user.options, user_step,
                       kept};

  // groups from where an equal share of the work begins: a group costs about what another rating does
  const auto first_group = [](const RowGroups<Host>& groups, Position count, Position chunk, Position chunks) {
    const Position work = (groups.starts[count] + count) * chunk / chunks;
    Position low = 0, high = count;
    while (low < high) {
      const Position middle = (low + high) / 2;
      if (groups.starts[middle] + middle < work) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  };
  const Position chunks = chunks_of(items.members.size, s.model.rank());
  partial_.resize(chunks);
  pool_.for_each(chunks, [&](Position chunk) {
    partial_[chunk] = loops_.pair_steps(pairs, first_group(items, items.rows.size, chunk, chunks),
                                        first_group(items, items.rows.size, chunk + 1, chunks));
  });
  ErrorSums sums;
  for (const ErrorSums& part : partial_) sums += part;
  add_errors(sums);

  // users that the batch has more than once; beside them, the next batch is grouped
  const Position repeated = users.repeated;
  const Position user_chunks = repeated == 0 ? 0 : chunks_of(users.starts[repeated], s.model.rank());
  const Position sides = next_.batch.size() == 0 ? 0 : kSides;
  pool_.for_each(sides + user_chunks, [&](Position task) {
    if (task < sides) {
      group_side(task, GroupOrder::repeated_first, next_);
      return;
    }
    const Position chunk = task - sides;
    loops_.gradient_steps(of_users, user_slopes_.span(), user_step, first_group(users, repeated, chunk, user_chunks),
                          first_group(users, repeated, chunk + 1, user_chunks));
  });
  next_.done = sides > 0;
}

void Cpu::catch_up_rows(const RuleSettings& settings, Position step, Rows<float, Host> table,
                        Span<const RowId, Host> rows, const OptimizerState<Host>& state) {
  if (state.last_step.empty()) return;
  pool_.for_chunks(rows.size, rows_per_chunk(table.rank), [&](Position begin, Position end) {
    for (Position n = begin; n < end; ++n) {
      const RowId r = rows[n];
      catch_up_row(settings, state.last_step[r], step, table.row(r), state_row(state.first, r),
                   state_row(state.second, r), table.rank);
      state.last_step[r] = step;
    }
  });
}

void Cpu::catch_up_table(const RuleSettings& settings, Position step, Rows<float, Host> table,
                         const OptimizerState<Host>& state) {
  if (state.last_step.empty()) return;
  pool_.for_chunks(table.count, rows_per_chunk(table.rank), [&](Position begin, Position end) {
    for (Position r = begin; r < end; ++r) {
      catch_up_row(settings, state.last_step[r], step, table.row(r), state_row(state.first, r),
                   state_row(state.second, r), table.rank);
      state.last_step[r] = step;
    }
  });
}

}  // namespace wf
