// lambda, by count or not, as what each rating of a row carries of its row's penalty.
#pragma once
#include "host/kernels/contract.hpp"

#include <utility>

namespace wf {

/// Owner of RowPenalties in the memory of a kernel set: 4 bytes per row and table, nothing for a table without penalty.
template <KernelSet K>
class Penalties {
 public:
  Penalties(K& kernels, const RatingsView<Host>& ratings, Position n_users, Position n_items, bool biases,
            const TrainConfig& config)
      : user_(share(kernels, ratings.user, n_users, config.lambda_user, config.reg_scaling)),
        item_(share(kernels, ratings.item, n_items, config.lambda_item, config.reg_scaling)),
        user_bias_(share(kernels, ratings.user, biases ? n_users : 0, config.lambda_bias, RegScaling::none)),
        item_bias_(share(kernels, ratings.item, biases ? n_items : 0, config.lambda_bias, RegScaling::none)) {}

  RowPenalties<typename K::Space> view() const {
    return {user_.span(), item_.span(), user_bias_.span(), item_bias_.span()};
  }

 private:
  using Buffer = typename K::template Buffer<float>;

  static Buffer share(K& kernels, Span<const RowId, Host> rows, Position n_rows, double lambda, RegScaling scaling) {
    if (lambda == 0 || n_rows == 0) return {};
    const auto whole = static_cast<float>(lambda);
    HostBuffer<float> shares(n_rows, scaling == RegScaling::count ? whole : 0.0F);
    if (scaling == RegScaling::none) {
      for (const RowId row : rows) ++shares[row];  // exact up to 2^24 ratings of a row; beyond, lambda / count is nil
      for (float& value : shares) value = value > 0 ? whole / value : 0.0F;
    }
    return kernels.to_space(std::move(shares));
  }

  Buffer user_, item_, user_bias_, item_bias_;
};

}  // namespace wf
