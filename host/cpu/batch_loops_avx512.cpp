#include "host/cpu/batch_rows.hpp"
#include "host/cpu/pair_steps.hpp"

#if defined(__x86_64__)
namespace wf {
namespace {

using Vector = lanes::Sixteen;

[[gnu::target("avx512f,avx512vl,avx512dq,prfchw"), gnu::flatten]] void gradients(const GradientTask& task,
                                                                                 const MemberSlopes& slopes,
                                                                                 Position begin, Position end,
                                                                                 const Rows<float, Host>& out) {
  gradients_body<Vector>(task, slopes, begin, end, out);
}
[[gnu::target("avx512f,avx512vl,avx512dq,prfchw"), gnu::flatten]] void steps(const StepTask& task,
                                                                             const Rows<const float, Host>& gradients,
                                                                             Position begin, Position end) {
  step_groups(task, gradients.row(begin), gradients.pitch, begin, end);
}
[[gnu::target("avx512f,avx512vl,avx512dq,prfchw"), gnu::flatten]] void gradient_steps(
    const GradientTask& task, const Span<const UserSlope, Host>& slopes, const StepTask& step, Position begin,
    Position end) {
  gradient_steps_body<Vector>(task, slopes, step, begin, end);
}
[[gnu::target("avx512f,avx512vl,avx512dq,prfchw"), gnu::flatten]] ErrorSums pair_steps(const PairTask& task,
                                                                                       Position begin, Position end) {
  return pair_steps_body<Vector>(task, begin, end);
}

}  // namespace

const BatchLoops& batch_loops_avx512() {
  static constexpr BatchLoops kLoops{gradients, steps, gradient_steps, pair_steps};
  return kLoops;
}

}  // namespace wf
#endif
