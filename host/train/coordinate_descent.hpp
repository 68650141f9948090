// CCD++ on the explicit objective, once for all kernel sets: one factor of all users, then of all items, and so on,
// while what is left of each rating is kept up to date. Yu, Hsieh, Si, Dhillon: Scalable coordinate descent approaches
// to parallel matrix factorization for recommender systems. ICDM 2012.
#pragma once
#include "host/train/alternating.hpp"

#include <algorithm>
#include <array>

namespace wf {

template <KernelSet K>
class CoordinateDescent {
 public:
  using Space = typename K::Space;

  /// The lists are taken; `model` and what it views must outlive this.
  CoordinateDescent(K& kernels, const ModelView<float, Space>& model, RatingLists lists, const TrainConfig& config)
      : kernels_(kernels),
        model_(model),
        config_(config),
        settings_(solve_settings(config)),
        user_rests_(kernels.filled(lists.size(), 0.0F)),
        item_rests_(kernels.filled(lists.size(), 0.0F)),
        user_(kernels, std::move(lists.user)),
        item_(kernels, std::move(lists.item)),
        ones_(kernels.filled(std::max(n_users(), n_items()), 1.0F)),
        item_column_(kernels.filled(n_items(), 0.0F)),
        user_change_(kernels.filled(n_users(), 0.0F)),
        item_change_(kernels.filled(n_items(), 0.0F)) {
    for (Buffer& column : user_columns_) column = kernels.filled(n_users(), 0.0F);
    settings_.mean = model.has_biases() ? model.global_mean : 0;
  }

  /// All factors once, biases first: a bias is a factor whose partner is 1. `after_column(share done)` returns false
  /// to stop.
  template <class AfterColumn>
  ErrorSums run_epoch(const AfterColumn& after_column) {
    kernels_.list_rests(user_.view(), model_, RowSide::user, user_rests_.span());
    kernels_.list_rests(item_.view(), model_, RowSide::item, item_rests_.span());
    // what the users' rests do not know yet: that items' numbers have changed beside this column of users
    Span<const float, Space> pending;
    if (model_.has_biases()) {
      const Span<float, Space> of_users = column_of(model_.user_biases), of_items = column_of(model_.item_biases);
      descend(RowSide::user, {{}, {}, ones(n_items()), of_users, user_change_.span()}, of_biases());
      descend(RowSide::item, {ones(n_items()), changed(user_change_), ones(n_users()), of_items, item_change_.span()},
              of_biases());
      pending = ones(n_users());
    }
    for (int f = 0; f < model_.rank(); ++f) {
      Buffer& user_column = user_columns_[static_cast<std::size_t>(f % 2)];  // the other one may be pending
      copy(column(model_.user_factors, f), whole(user_column));
      copy(column(model_.item_factors, f), whole(item_column_));
      descend(RowSide::user,
              {pending, pending.empty() ? pending : changed(item_change_), changed(item_column_), user_column.span(),
               user_change_.span()},
              of_factors(RowSide::user));
      descend(RowSide::item,
              {changed(item_column_), changed(user_change_), changed(user_column), item_column_.span(),
               item_change_.span()},
              of_factors(RowSide::item));
      pending = changed(user_column);
      copy(whole(user_column), column(model_.user_factors, f));
      copy(whole(item_column_), column(model_.item_factors, f));
      if (!after_column(static_cast<double>(f + 1) / (model_.rank() + 1))) return {};
    }
    kernels_.list_errors(user_.view(), model_, settings_);
    return kernels_.take_errors();
  }

  /// Nothing beside the tables: each epoch begins with finding the rests, and writes its columns before it reads them.
  template <class Visit>
  void state(Visit&&) {}

 private:
  using Buffer = typename K::template Buffer<float>;

  Position n_users() const { return model_.user_factors.count; }
  Position n_items() const { return model_.item_factors.count; }

  static Span<const float, Space> changed(const Buffer& values) { return values.span(); }
  Span<const float, Space> ones(Position count) const { return std::as_const(ones_).span().part(0, count); }

  /// Biases stand side by side.
  static Span<float, Space> column_of(const Rows<float, Space>& biases) { return {biases.data, biases.count}; }
  static Rows<float, Space> column(const Rows<float, Space>& table, int f) {
    return {table.data + f, table.count, 1, table.pitch};
  }
  static Rows<float, Space> whole(Buffer& values) { return {values.data(), values.size(), 1, 1}; }
  void copy(const Rows<float, Space>& from, const Rows<float, Space>& to) { kernels_.move_rows(from, {}, 0, to); }

  void descend(RowSide side, const ColumnStep<Space>& step, const SolveSettings& settings) {
    const bool of_users = side == RowSide::user;
    kernels_.descend_column((of_users ? user_ : item_).view(), (of_users ? user_rests_ : item_rests_).span(), step,
                            settings);
  }

  SolveSettings of_factors(RowSide side) const {
    SolveSettings settings = settings_;
    settings.lambda = side == RowSide::user ? config_.lambda_user : config_.lambda_item;
    settings.n_partners = side == RowSide::user ? n_items() : n_users();
    return settings;
  }
  SolveSettings of_biases() const {
    SolveSettings settings = settings_;
    settings.lambda = settings_.lambda_bias;
    settings.scaling = RegScaling::none;
    return settings;
  }

  K& kernels_;
  ModelView<float, Space> model_;
  TrainConfig config_;
  SolveSettings settings_;
  Buffer user_rests_, item_rests_;
  SpaceLists<K> user_, item_;
  Buffer ones_;
  std::array<Buffer, 2> user_columns_;
  Buffer item_column_, user_change_, item_change_;
};

}  // namespace wf
