#include "host/train/training_state.hpp"

namespace wf {
namespace {

template <class Values>
void refuse_any(const Values& values) {
  if (values.empty()) return;
  throw FailedError("the state to go on from has \"" + values.begin()->first + "\", which this training does not know",
                    "it is of another version of the program: begin afresh");
}

}  // namespace

void check_all_taken(const TrainingState& state) {
  refuse_any(state.arrays);
  refuse_any(state.numbers);
  refuse_any(state.counts);
}

}  // namespace wf
