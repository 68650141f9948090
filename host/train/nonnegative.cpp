#include "host/train/nonnegative.hpp"

#include "host/base/error.hpp"

#include <string>

namespace wf {

void check_nonnegative(const RowLists& lists, const Model& model) {
  for (const float value : lists.value) {
    if (!(value < 0)) continue;
    throw UsageError("nonnegative factors cannot make ratings below 0, and there is " + std::to_string(value),
                     "take --algorithm als or svd");
  }
  if (!has_negative_factors(model)) return;
  throw UsageError("the factors to start from are below 0 in places", "start from nonnegative ones");
}

}  // namespace wf
