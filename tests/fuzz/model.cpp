// A model: safetensors, or LIBMF's text. What is read is written and read again to the same tables.
#include "host/model/model_file.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <cmath>

namespace {

using namespace wf;

void check(const Model& model) {
  const auto all_finite = [](const HostBuffer<float>& values) {
    for (const float value : values) fuzz::require(std::isfinite(value));
  };
  fuzz::require(model.tables.user_factors.size() == model.n_users * model.rank);
  fuzz::require(model.tables.item_factors.size() == model.n_items * model.rank);
  all_finite(model.tables.user_factors);
  all_finite(model.tables.item_factors);
  all_finite(model.tables.user_biases);
  all_finite(model.tables.item_biases);
  for (Position user = 0; user < model.n_users && !model.seen.empty(); ++user) {
    for (const RowId item : model.seen.of(static_cast<RowId>(user))) fuzz::require(item >= 0 && item < model.n_items);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::MemoryFile file(data, size);
  fuzz::read_or_refuse(size, [&] { check(read_model(file.path())); });
  fuzz::read_or_refuse(size, [&] { check(read_model_for(file.path(), {"1", "b"})); });
  return 0;
}
