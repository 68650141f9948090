#include "host/cpu/panel_body.hpp"

#if defined(__x86_64__)
namespace wf {
namespace {

#if defined(__clang__)
using Reach = ReachByLane;
#else
/// GCC 12 takes a comparison apart, lane by lane.
struct Reach {
  WF_INLINE static bool any(const lanes::Eight& a, const lanes::Eight& b, const float* floor) {
    const auto least = lanes::Fused::all<lanes::Eight>(floor);
    lanes::Eight first, second;
    int reached = 0;
    asm("vcmpps $13, %5, %3, %0\n\t"  // greater or equal; no maximum of both, which a NaN in b would win
        "vcmpps $13, %5, %4, %1\n\t"
        "vorps %1, %0, %0\n\t"
        "vmovmskps %0, %2"
        : "=&x"(first), "=x"(second), "=r"(reached)
        : "x"(a), "x"(b), "x"(least));
    return reached != 0;
  }
};
#endif
using Loops = PanelRows<lanes::Fused, Reach, lanes::Eight>;

[[gnu::target("avx2,fma"), gnu::flatten]] int score_panel(const float* users, int count, int width, const float* panel,
                                                          const float* floors, float* scores, int* reaching) {
  return Loops::score_panel(users, count, width, panel, floors, scores, reaching);
}

}  // namespace

const PanelLoops& panel_loops_avx2() {
  static constexpr PanelLoops kLoops{score_panel};
  return kLoops;
}

}  // namespace wf
#endif
