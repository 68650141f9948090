#include "host/cpu/cpu.hpp"
#include "host/cpu/rank_variants.hpp"
#include "host/schedule/block_turns.hpp"

#include <stdexcept>

namespace wf {
namespace {

RankVariant variant_for(Simd simd) {
#if defined(__x86_64__)
  if (simd == Simd::avx512 || simd == Simd::avx512_wide) return rank_block_avx512;
  if (simd == Simd::avx2) return rank_block_avx2;
#endif
  static_cast<void>(simd);
  return rank_block_portable;
}

}  // namespace

void Cpu::rank_update(const SgdTables<Host>& tables, const RatingsView<Host>& ratings, Span<const Block, Host> blocks,
                      const SgdSettings& settings, const RowPenalties<Host>& penalties,
                      const Positives<Host>& positives) {
  if (padded_rank(tables.rank()) != tables.rank()) throw std::logic_error("rank_update: rows of whole vectors");
  const RankVariant step_block = variant_for(simd_);
  const bool items = anchors_items(settings.loss);
  partial_.resize(blocks.size);
  BlockTurns(blocks).run(pool_, [&](Position b) {
    const FlushToZero scope;
    const Block& block = blocks[b];
    partial_[b] =
        step_block({rank_tables(settings.loss, tables, positives), items ? ratings.item : ratings.user,
                    items ? ratings.user : ratings.item, block.begin, block.end, items ? block.users : block.items,
                    settings, items ? penalties.item : penalties.user, items ? penalties.user : penalties.item,
                    NegativeDraws{settings.seed, settings.epoch, number_of(block)}});
  });
  for (const ErrorSums& part : partial_) add_errors(part);
}

}  // namespace wf
