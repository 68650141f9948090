// lambda, by count or not, as what each rating of a row carries of its row's penalty.
#pragma once
#include "host/kernels/contract.hpp"

#include <utility>

namespace wf {

/// Each rating's share of its row's penalty: lambda, or lambda / ratings of the row. Empty: no penalty.
inline HostBuffer<float> penalty_shares(const HostBuffer<Position>& ratings, double lambda, RegScaling scaling) {
  if (lambda == 0 || ratings.empty()) return {};
  const auto whole = static_cast<float>(lambda);
  HostBuffer<float> shares(ratings.size(), scaling == RegScaling::count ? whole : 0.0F);
  if (scaling == RegScaling::none) {
    for (Position row = 0; row < ratings.size(); ++row) {
      if (ratings[row] > 0) shares[row] = whole / static_cast<float>(ratings[row]);
    }
  }
  return shares;
}

/// Owner of RowPenalties in the memory of a kernel set: 4 bytes per row and table, nothing for a table without penalty.
template <KernelSet K>
class Penalties {
 public:
  /// `ratings` of every row of the tables.
  Penalties(K& kernels, const RowCounts& ratings, bool biases, const TrainConfig& config)
      : user_(share(kernels, ratings.user, config.lambda_user, config.reg_scaling)),
        item_(share(kernels, ratings.item, config.lambda_item, config.reg_scaling)) {
    if (!biases) return;
    user_bias_ = share(kernels, ratings.user, config.lambda_bias, RegScaling::none);
    item_bias_ = share(kernels, ratings.item, config.lambda_bias, RegScaling::none);
  }
  Penalties(K& kernels, const RatingsView<Host>& ratings, Position n_users, Position n_items, bool biases,
            const TrainConfig& config)
      : Penalties(kernels, counts_for(config, ratings, n_users, n_items), biases, config) {}

  RowPenalties<typename K::Space> view() const {
    return {user_.span(), item_.span(), user_bias_.span(), item_bias_.span()};
  }

 private:
  using Buffer = typename K::template Buffer<float>;

  /// Ratings are counted only where there is a penalty to share out.
  static RowCounts counts_for(const TrainConfig& config, const RatingsView<Host>& ratings, Position n_users,
                              Position n_items) {
    if (config.lambda_user == 0 && config.lambda_item == 0 && config.lambda_bias == 0) return {};
    ThreadPool pool(config.threads);
    return row_counts(RatingsInMemory(ratings), n_users, n_items, pool);
  }

  static Buffer share(K& kernels, const HostBuffer<Position>& ratings, double lambda, RegScaling scaling) {
    return kernels.to_space(penalty_shares(ratings, lambda, scaling));
  }

  Buffer user_, item_, user_bias_, item_bias_;
};

}  // namespace wf
