#include "host/api/similar.hpp"

#include <cmath>
#include <utility>

namespace wf {
namespace {

void scale_to_one(HostBuffer<float>& factors, int rank) {
  for (Position first = 0; first < factors.size(); first += rank) {
    float* const row = factors.data() + first;
    double squares = 0;
    for (int f = 0; f < rank; ++f) squares += static_cast<double>(row[f]) * static_cast<double>(row[f]);
    const double scale = squares > 0 ? 1 / std::sqrt(squares) : 0;
    for (int f = 0; f < rank; ++f) row[f] = static_cast<float>(scale * static_cast<double>(row[f]));
  }
}

}  // namespace

Model similarity_model(const Model& model, bool of_items, Similarity similarity) {
  Model result;
  result.n_users = result.n_items = of_items ? model.n_items : model.n_users;
  result.rank = model.rank;
  HostBuffer<float> factors = (of_items ? model.tables.item_factors : model.tables.user_factors).clone();
  if (similarity == Similarity::cosine) {
    scale_to_one(factors, model.rank);
  } else {
    result.norm_limit = model.norm_limit;
  }
  result.tables.user_factors = factors.clone();
  result.tables.item_factors = std::move(factors);
  return result;
}

}  // namespace wf
