#include "host/report/item_map.hpp"

#include "host/base/symmetric_eigen.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace wf {
namespace {

HostBuffer<double> covariance(const Model& model, const std::vector<RowId>& items, const std::vector<double>& mean) {
  const int k = model.rank;
  HostBuffer<double> sums(checked_product(k, k), 0);
  std::vector<double> centred(static_cast<std::size_t>(k));
  for (const RowId item : items) {
    const float* const row = model.tables.item_factors.data() + Position{item} * k;
    for (int f = 0; f < k; ++f) centred[static_cast<std::size_t>(f)] = row[f] - mean[static_cast<std::size_t>(f)];
    for (int f = 0; f < k; ++f) {
      for (int g = 0; g < k; ++g) {
        sums[Position{f} * k + g] += centred[static_cast<std::size_t>(f)] * centred[static_cast<std::size_t>(g)];
      }
    }
  }
  return sums;
}

void fix_sign(std::vector<MapPoint>& points, double MapPoint::*along) {
  double farthest = 0;
  for (const MapPoint& point : points) {
    if (std::fabs(point.*along) > std::fabs(farthest)) farthest = point.*along;
  }
  if (farthest >= 0) return;
  for (MapPoint& point : points) point.*along = -(point.*along);
}

}  // namespace

ItemMap map_items(const Model& model, const std::vector<RowId>& items) {
  ItemMap map;
  if (items.empty()) return map;
  const int k = model.rank;
  std::vector<double> mean(static_cast<std::size_t>(k));
  for (const RowId item : items) {
    const float* const row = model.tables.item_factors.data() + Position{item} * k;
    for (int f = 0; f < k; ++f) mean[static_cast<std::size_t>(f)] += row[f] / static_cast<double>(items.size());
  }
  const SymmetricEigen eigen = symmetric_eigen(covariance(model, items, mean), k);
  double variance = 0;
  for (const double value : eigen.values) variance += std::max(value, 0.0);
  const int directions = std::min(k, 2);
  for (int n = 0; n < directions && variance > 0; ++n) map.shares[n] = std::max(eigen.values[n], 0.0) / variance;
  for (const RowId item : items) {
    const float* const row = model.tables.item_factors.data() + Position{item} * k;
    double along[2] = {0, 0};
    for (int n = 0; n < directions; ++n) {
      for (int f = 0; f < k; ++f) {
        along[n] += (row[f] - mean[static_cast<std::size_t>(f)]) * eigen.vectors[Position{n} * k + f];
      }
    }
    map.points.push_back({item, along[0], along[1]});
  }
  fix_sign(map.points, &MapPoint::x);
  fix_sign(map.points, &MapPoint::y);
  return map;
}

}  // namespace wf
