#include "host/cpu/panel_body.hpp"

#if defined(__x86_64__)
namespace wf {
namespace {

#if defined(__clang__)
using Reach = ReachByLane;
#else
/// GCC 12 takes a comparison apart, lane by lane.
struct Reach {
  WF_INLINE static bool any(const lanes::Sixteen& a, const lanes::Sixteen& b, const float* floor) {
    const auto least = lanes::Fused::all<lanes::Sixteen>(floor);
    int reached = 0;
    asm("vcmpps $13, %3, %1, %%k1\n\t"  // greater or equal
        "vcmpps $13, %3, %2, %%k2\n\t"
        "korw %%k1, %%k2, %%k1\n\t"
        "kmovw %%k1, %0"
        : "=r"(reached)
        : "v"(a), "v"(b), "v"(least)
        : "k1", "k2");
    return reached != 0;
  }
};
#endif
using Loops = PanelRows<lanes::Fused, Reach, lanes::Sixteen>;

[[gnu::target("avx512f,avx512vl,avx512dq,fma"), gnu::flatten]] int score_panel(const float* users, int count, int width,
                                                                               const float* panel, const float* floors,
                                                                               float* scores, int* reaching) {
  return Loops::score_panel(users, count, width, panel, floors, scores, reaching);
}

}  // namespace

const PanelLoops& panel_loops_avx512() {
  static constexpr PanelLoops kLoops{score_panel};
  return kLoops;
}

}  // namespace wf
#endif
