#include "host/cpu/batch_rows.hpp"

#if defined(__x86_64__)
namespace wf {
namespace {

using Vector = lanes::Sixteen;

[[gnu::target("avx512f,avx512vl,avx512dq,prfchw"), gnu::flatten]] void gradients(const GradientTask& task,
                                                                                 Span<const float, Host> slopes,
                                                                                 Position begin, Position end,
                                                                                 const Rows<float, Host>& out) {
  gradients_body<Vector>(task, slopes, begin, end, out);
}
[[gnu::target("avx512f,avx512vl,avx512dq,prfchw"), gnu::flatten]] ErrorSums scored_gradients(
    const GradientTask& task, const ScoreTask& scores, Position begin, Position end, const Rows<float, Host>& out) {
  return scored_gradients_body<Vector>(task, scores, begin, end, out);
}
[[gnu::target("avx512f,avx512vl,avx512dq,prfchw"), gnu::flatten]] void steps(const StepTask& task,
                                                                             const Rows<const float, Host>& gradients,
                                                                             Position begin, Position end) {
  step_groups(task, gradients.row(begin), gradients.pitch, begin, end);
}
[[gnu::target("avx512f,avx512vl,avx512dq,prfchw"), gnu::flatten]] void gradient_steps(const GradientTask& task,
                                                                                      Span<const float, Host> slopes,
                                                                                      const StepTask& step,
                                                                                      Position begin, Position end) {
  gradient_steps_body<Vector>(task, slopes, step, begin, end);
}

}  // namespace

const BatchLoops& batch_loops_avx512() {
  static constexpr BatchLoops kLoops{gradients, scored_gradients, steps, gradient_steps};
  return kLoops;
}

}  // namespace wf
#endif
