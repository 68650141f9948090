// The inner loop of top-N lists, compiled once for each instruction set, each in a file of its own: users times a panel
// of items, and who of the users finds something there.
#pragma once
#include "host/cpu/simd.hpp"

namespace wf {

/// Works on what it is given alone, and allocates nothing.
struct PanelLoops {
  static constexpr int kPanel = 32;  ///< items of a panel: two vectors of 512 bits
  static constexpr int kUsers = 8;   ///< users whose factors lie side by side

  /// scores[u][c] = sum over f of users[u][f] * panel[f][c], [count x kPanel]; `users` [count / kUsers x width x
  /// kUsers], `panel` [width x kPanel]; `count` is a multiple of kUsers. `reaching` gets the users that have a score of
  /// floors[u] or more, ascending; returned is how many. A score is one sum over f in its order.
  int (*score_panel)(const float* users, int count, int width, const float* panel, const float* floors, float* scores,
                     int* reaching);
};

/// For an instruction set that usable_simd() has.
const PanelLoops& panel_loops(Simd simd);

const PanelLoops& panel_loops_portable();
#if defined(__x86_64__)
const PanelLoops& panel_loops_avx2();
const PanelLoops& panel_loops_avx512();
#endif

}  // namespace wf
