// The contract of an engine's kernels: the ops, their shapes and what they promise. `Reference`, `Cpu` (and `Cuda`)
// satisfy it or do not compile. Drivers in host/train are templates over it, so every engine runs the same loop.
#pragma once
#include "host/base/host_buffer.hpp"
#include "host/kernels/device_memory.hpp"
#include "host/kernels/op_types.hpp"

#include <concepts>
#include <optional>

namespace wf {

template <class K>
concept KernelSet = requires(K k, typename K::template Buffer<float> buffer, HostBuffer<float> host,
                             Span<float, Host> host_values, Span<const float, Host> host_constants,
                             ModelView<float, typename K::Space> model, ModelView<const float, typename K::Space> read,
                             RatingsView<Host> host_ratings, RatingsView<typename K::Space> ratings,
                             Rows<float, typename K::Space> table, Rows<const float, typename K::Space> other,
                             Span<const RowId, typename K::Space> rows, Span<float, typename K::Space> values,
                             Span<const float, typename K::Space> slopes, RowGroups<typename K::Space> groups,
                             OptimizerState<typename K::Space> state, ScoreOptions score_options,
                             GradientOptions<typename K::Space> gradient_options, RuleSettings rule, Loss loss,
                             RowPenalties<typename K::Space> penalties, Span<const Block, Host> blocks, NormLimit limit,
                             SgdSettings settings, SgdTables<typename K::Space> sgd_tables,
                             Positives<typename K::Space> positives, Position step, RowId row, float scale,
                             Storage storage, Rows<float, Host> host_rows, RowRange range, RowSide side,
                             RowListsView<typename K::Space> lists, SolveSides<typename K::Space> sides,
                             SolveSettings solve, RowShift<typename K::Space> shift, NmfSettings nmf,
                             ColumnStep<typename K::Space> column) {
  { K::kName } -> std::convertible_to<const char*>;

  // -- memory: buffers of this set's space; host sets move and alias, devices transfer
  { k.to_space(std::move(host)) } -> std::same_as<typename K::template Buffer<float>>;
  { k.to_host(std::move(buffer)) } -> std::same_as<HostBuffer<float>>;
  { K::padded_rank(row) } -> std::same_as<int>;  // for sgd_update: the rank this set likes, zeros added
  { k.keeps(storage) } -> std::same_as<bool>;    // can sgd_update work on factors that are kept like this?
  k.copy(buffer, buffer);                        // from, to: `to` takes the size of `from` and keeps its memory
  { k.filled(step, scale) } -> std::same_as<typename K::template Buffer<float>>;
  // nothing in it yet: for what an op writes whole, whose threads are then the first to touch it
  { k.template room<float>(step) } -> std::same_as<typename K::template Buffer<float>>;
  { k.stage(host_ratings) } -> std::same_as<RatingsView<typename K::Space>>;  // valid until the next stage
  // blocks of host ratings, close together; valid until the next stage or stage_blocks
  { k.stage_blocks(host_ratings, blocks) } -> std::same_as<StagedBlocks<typename K::Space>>;
  k.pin(host_constants);  // while the result lives, transfers from and to these values wait for nobody
  // rows of host tables that visit this set's space: those of `range`, under their own numbers, until return_rows has
  // had them and another two of that side were brought; after wait_rows the host has them all back
  { k.bring_rows(side, range, host_rows) } -> std::same_as<Rows<float, typename K::Space>>;
  k.return_rows(side, range, host_rows);
  k.wait_rows();
  { k.borrow(host_constants).span() } -> std::convertible_to<Span<const float, typename K::Space>>;  // while it lives
  k.finish(k.output(host_values), host_values);  // output().span(): where ops write what finish() brings to the host
  k.fetch(slopes, host_values);                  // a copy for the host to read, now
  { k.memory() } -> std::same_as<std::optional<DeviceMemory>>;  // of the device; nothing for host sets
  // what the ops below keep for mini-batches of `step` ratings: tables of so many rows of rank `row`
  { k.batch_bytes(step, step, row, step) } -> std::same_as<Position>;
  { k.take_errors() } -> std::same_as<ErrorSums>;  // sums of the ops below marked +=, since the last call

  // -- scores
  k.predict(read, score_options, rows, rows, values);  // values[n] = score(user[n], item[n])
  k.rating_errors(read, score_options, ratings);       // += errors of all ratings
  k.score_items(read, score_options, rows, table);     // table[n][i] = score(rows[n], i): [users x n_items]

  // -- one mini-batch, PyTorch's semantics
  { k.group_rows(ratings, step, step) } -> std::same_as<BatchGroups<typename K::Space>>;  // tables of so many rows
  k.renormalise_rows(table, rows, limit);             // nn.Embedding's max_norm, in place
  k.loss_slopes(read, ratings, loss, scale, values);  // values[n] = scale * loss'; += errors before the step
  // row_gradients(groups, slopes[n], partners[n], partner_table, own_table, options, out [groups x rank]):
  // out[g] = sum over group g's members m of slopes[m] * partner_table[partners[m]], with the options applied;
  // bias_gradients is the same with 1 as the partner
  k.row_gradients(groups, slopes, rows, other, other, gradient_options, table);
  k.bias_gradients(groups, slopes, other, gradient_options, table);
  // optimizer_step(rule, step, table, rows, gradients, padding, state): table[rows[g]] by gradients[g], but not
  // `padding`
  k.optimizer_step(rule, step, table, rows, other, row, state);
  k.catch_up_rows(rule, step, table, rows, state);  // as if every step up to `step` had been made
  k.catch_up_table(rule, step, table, state);       // the same for all rows

  // -- per-rating SGD: blocks of different user ranges and item ranges may run at once, others in their order. Where
  // ratings are interleaved, a block runs in order; where they are by user, chunks of it run at once and may lose
  // steps of rows that they share (host/schedule/chunks.hpp)
  { k.grid_wish() } -> std::same_as<GridWish>;
  // rows with records (host/kernels/sgd_rules.hpp), of padded_rank; what scales and lengths say is the set's own affair
  // between the two: settle_rows before the first update and after the last one, before anything else reads the rows
  k.settle_rows(sgd_tables);  // scales into the rows; row_adagrad's squared lengths into the records
  k.sgd_update(sgd_tables, ratings, blocks, settings, penalties);  // += errors before each step
  // the same with a loss of pairs: each rating's anchor against a row of the block that it is not rated with, drawn by
  // NegativeDraws (host/kernels/rank_rules.hpp). `positives` of all anchors. Where there is none, a rating is skipped
  k.rank_update(sgd_tables, ratings, blocks, settings, penalties, positives);

  // -- least squares, one side at a time (host/kernels/solve_rules.hpp)
  k.gram(other, table);                      // table[f][g] = sum over the rows r of other: r[f] * r[g]
  k.solve_rows(lists, sides, other, solve);  // sides.factors, .biases by lists; `other`: gram of the partners, implicit
  k.list_errors(lists, read, solve);         // += errors of the users' lists; implicit: loss without unobserved cells
  { k.take_solved() } -> std::same_as<SolvedRows>;  // of solve_rows, since the last call

  // -- the matrix of all ratings, where a cell without one is 0; tables that are written overlap no other
  k.multiply_rows(lists, other, shift, table);  // table[r] = sum of value * other[partner] over r's ratings - shift
  k.multiply_table(other, other, table);        // table[r][c] = sum over f of left[r][f] * right[f][c]
  k.column_sums(other, slopes, values);         // values[f] = sum over r of weight[r] (empty: 1) * other[r][f]

  // -- nonnegative factors, one side at a time (host/kernels/nmf_rules.hpp)
  // nmf_rows(lists, partners, shared, products, table): table by them; shared, with zeros: gram of all partners, or
  // their column sums; products, where settings take them: multiply_rows of lists and partners
  k.nmf_rows(lists, other, other, other, table, nmf);
  k.list_errors(lists, read, nmf);  // the same for nmf; the loss with zeros but for their sum

  // -- descent on the explicit objective of solve_rules.hpp (host/kernels/descent_rules.hpp)
  k.list_rests(lists, read, side, values);         // values[n] = rating - score, by that side's lists
  k.penalise_rows(lists, other, solve, table);     // table[r] = lambda s other[r] - table[r]: half a gradient
  k.row_penalties(lists, other, solve);            // += loss: lambda s |row|^2 over all rows
  k.move_rows(other, other, scale, table);         // table = first + scale * second (empty: a copy); may be first
  k.descend_column(lists, values, column, solve);  // one number of each row to its minimum; values: the rests
};

}  // namespace wf
