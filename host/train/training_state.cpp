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
    if (array.type() != StateArray::Type::f32) return true;
    return std::all_of(array.pieces().begin(), array.pieces().end(), [](const StateArray::Piece& piece) {
      return all_finite(static_cast<const float*>(piece.data), piece.count);
    });
  });
}

void check_all_taken(const TrainingState& state) {
  refuse_any(state.arrays);
  refuse_any(state.numbers);
  refuse_any(state.counts);
}

}  // namespace wf
