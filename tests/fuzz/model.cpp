// A model: safetensors, or LIBMF's text; what it remembers of its training.
#include "host/api/record.hpp"
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
  fuzz::read_or_refuse(size, [&] {
    const Model model = read_model(file.path());
    check(model);
    best_epoch(model);
    read_epochs(model);
    shown_settings(model);
    metadata_json(model);
    const TrainingRecord record = read_record(model, file.path());
    fuzz::require(record.user_padding < model.n_users && record.item_padding < model.n_items);
  });
  fuzz::read_or_refuse(size, [&] {
    const Model model = read_model_for(file.path(), {"1", "b"});
    check(model);
    read_objective(model, file.path());
  });
  return 0;
}
