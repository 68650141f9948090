// What a person wants to see of a model, as one HTML file: nothing is loaded, no script runs, light, dark and on paper.
#pragma once
#include "host/report/item_map.hpp"
#include "host/report/prediction_facts.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace wf {

/// An epoch's losses or errors; absent where they were not measured.
struct EpochPoint {
  int epoch = 0;
  std::optional<double> train, valid;
};

/// An item of the map.
struct MapItem {
  MapPoint at;
  std::string name;    ///< its title, or its id
  Position count = 0;  ///< training ratings; 0: not known
};

struct Report {
  std::string title;
  std::vector<std::pair<std::string, std::string>> about;  ///< name and value, in this order
  std::string curve_label;                                 ///< of the epochs' numbers: RMSE, loss
  std::vector<EpochPoint> epochs;
  int best_epoch = 0;                          ///< 0: not known
  std::string ratings;                         ///< which ratings the predictions are compared with
  std::optional<PredictionFacts> predictions;  ///< none: `why_not` says why
  std::string why_not;
  std::vector<MapItem> map;  ///< the largest points last
  double map_shares[2] = {0, 0};
  std::vector<std::size_t> labelled;  ///< of the map, the most important first; labels without room are left out
};

/// A whole document in UTF-8. Texts are escaped.
std::string report_html(const Report& report);

}  // namespace wf
