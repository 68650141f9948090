#include "host/cpu/panel_body.hpp"

namespace wf {
namespace {

using Loops = PanelRows<lanes::Separate, ReachByLane, lanes::Eight>;

[[gnu::flatten]] int score_panel(const float* users, int count, int width, const float* panel, const float* floors,
                                 float* scores, int* reaching) {
  return Loops::score_panel(users, count, width, panel, floors, scores, reaching);
}

}  // namespace

const PanelLoops& panel_loops_portable() {
  static constexpr PanelLoops kLoops{score_panel};
  return kLoops;
}

const PanelLoops& panel_loops(Simd simd) {
#if defined(__x86_64__)
  if (simd == Simd::avx512 || simd == Simd::avx512_wide) return panel_loops_avx512();
  if (simd == Simd::avx2) return panel_loops_avx2();
#endif
  static_cast<void>(simd);
  return panel_loops_portable();
}

}  // namespace wf
