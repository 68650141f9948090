#include "host/cpu/cpu.hpp"
#include "host/cpu/sgd_variants.hpp"
#include "host/schedule/block_turns.hpp"

#include <stdexcept>

namespace wf {
namespace {

SgdVariant variant_for(Simd simd) {
#if defined(__x86_64__)
  if (simd == Simd::avx512) return sgd_block_avx512;
  if (simd == Simd::avx512_wide) return sgd_block_avx512_wide;
  if (simd == Simd::avx2) return sgd_block_avx2;
#endif
  static_cast<void>(simd);
  return sgd_block_portable;
}

}  // namespace

void Cpu::settle_rows(const SgdTables<Host>& tables) {
  constexpr Position kRows = 2048;
  for (const Rows<float, Host>& table : {tables.user, tables.item}) {
    pool_.for_chunks(table.count, kRows, [&](Position begin, Position end) {
      for (Position r = begin; r < end; ++r) settle_row(table.row(r), table.rank);
    });
  }
}

void Cpu::sgd_update(const SgdTables<Host>& tables, const RatingsView<Host>& ratings, Span<const Block, Host> blocks,
                     const SgdSettings& settings, const RowPenalties<Host>& penalties) {
  if (padded_rank(tables.rank()) != tables.rank()) throw std::logic_error("sgd_update: rows of whole vectors");
  const SgdVariant step_block = variant_for(simd_);
  partial_.resize(blocks.size);
  BlockTurns(blocks).run(pool_, [&](Position b) {
    const FlushToZero scope;
    partial_[b] = step_block({tables, ratings, blocks[b], settings, penalties});
  });
  for (const ErrorSums& part : partial_) add_errors(part);
}

}  // namespace wf
