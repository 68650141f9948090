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

}  // namespace

BatchGroups<Host> Cpu::group_rows(const RatingsView<Host>& batch, Position n_users, Position n_items) {
  BatchGroups<Host> groups;
  const auto group_side = [&](Position side) {
    if (side == 0) groups.user = user_grouper_.group(batch.user, n_users);
    if (side == 1) groups.item = item_grouper_.group(batch.item, n_items);
  };
  constexpr Position kSmall = 4096;  // ratings: each side takes about 10 us
  if (batch.size() >= kSmall) {
    pool_.for_each(2, group_side);
  } else {
    group_side(0);
    group_side(1);
  }
  return groups;
}

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
  const int rank = gradients.rank;
  pool_.for_chunks(groups.rows.size, rows_per_chunk(rank), [&](Position begin, Position end) {
    for (Position g = begin; g < end; ++g) {
      const Position first = groups.starts[g];
      const Position last = groups.starts[g + 1];
      float* out = gradients.row(g);
      const auto sum_chunk = [&](Position from, float* sum) {
        set_scaled(sum, slopes[groups.members[from]], partner_table.row(partners[groups.members[from]]), rank);
        for (Position m = from + 1; m < std::min(last, from + kSumChunk); ++m) {
          const RowId member = groups.members[m];
          add_scaled(sum, slopes[member], partner_table.row(partners[member]), rank);
        }
      };
      sum_chunk(first, out);
      if (last - first > kSumChunk) {
        HostBuffer<float> chunk(rank);
        for (Position from = first + kSumChunk; from < last; from += kSumChunk) {
          sum_chunk(from, chunk.data());
          add_scaled(out, 1, chunk.data(), rank);
        }
      }
      const auto count = static_cast<float>(last - first);
      if (options.scale_grad_by_freq) divide(out, count, rank);
      const float decay = count * options.penalty_scale * penalty_of(options.penalties, groups.rows[g]);
      if (decay != 0) add_scaled(out, decay, own_table.row(groups.rows[g]), rank);
    }
  });
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
  const StepScalars scalars = scalars_of_step(settings, step);
  with_rule(settings.rule, [&](auto rule) {
    pool_.for_chunks(rows.size, rows_per_chunk(table.rank), [&](Position begin, Position end) {
      for (Position g = begin; g < end; ++g) {
        const RowId r = rows[g];
        if (r == skip) continue;
        step_row<rule()>(scalars, table.row(r), gradients.row(g), state_row(state.first, r), state_row(state.second, r),
                         table.rank);
        if (!state.last_step.empty()) state.last_step[r] = step;
      }
    });
  });
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
