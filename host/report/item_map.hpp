// Items on a plane: the two principal components of their factors.
#pragma once
#include "host/model/model.hpp"

#include <vector>

namespace wf {

struct MapPoint {
  RowId item = 0;
  double x = 0, y = 0;
};

/// Coordinates along the two directions in which the factors of `items` differ most: x has the larger variance. Signs
/// are such that the item farthest out along each lies on its positive side. With one factor, or none that differ, a
/// coordinate is 0. Covariances are summed in double. Throws FailedError where a factor is not finite.
struct ItemMap {
  std::vector<MapPoint> points;  ///< in the order of `items`
  double shares[2] = {0, 0};     ///< of the variance, along x and y
};
ItemMap map_items(const Model& model, const std::vector<RowId>& items);

}  // namespace wf
