#include "host/train/training_state.hpp"

#include "host/train/divergence.hpp"

#include <algorithm>

namespace wf {
namespace {

template <class Values>
void refuse_any(const Values& values) {
  if (values.empty()) return;
  throw FailedError("the state to go on from has \"" + values.begin()->first + "\", which this training does not know",
                    "it is of another version of the program: begin afresh");
}

}  // namespace

bool all_finite(const TrainingState& state) {
  return std::all_of(state.arrays.begin(), state.arrays.end(), [](const auto& named) {
    const StateArray& array = named.second;
    return array.type() != StateArray::Type::f32 || all_finite(static_cast<const float*>(array.data()), array.size());
  });
}

void check_all_taken(const TrainingState& state) {
  refuse_any(state.arrays);
  refuse_any(state.numbers);
  refuse_any(state.counts);
}

}  // namespace wf
