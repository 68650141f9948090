// The model: the PyTorch module's tables, with the ids of their rows and what is needed to use them.
#pragma once
#include "host/base/host_buffer.hpp"
#include "host/base/philox.hpp"
#include "host/config/config.hpp"
#include "host/ratings/id_map.hpp"
#include "host/ratings/item_sets.hpp"
#include "host/ratings/rating_source.hpp"
#include "host/ratings/value_facts.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace wf {

/// The tables as ops see them. `user_biases`, `item_biases` are [n x 1], or empty: then `global_mean` is not added
/// either. T is float or const float.
template <class T, class Space>
struct ModelView {
  Rows<T, Space> user_factors;  ///< [n_users x rank]
  Rows<T, Space> item_factors;  ///< [n_items x rank]
  Rows<T, Space> user_biases;
  Rows<T, Space> item_biases;
  float global_mean = 0;
  Storage storage = Storage::fp32;  ///< of 16 bits only while a device trains: two factors in a float's room

  WF_HD int rank() const { return user_factors.rank; }
  WF_HD bool has_biases() const { return !user_biases.empty(); }
  WF_HD operator ModelView<const float, Space>() const requires(!std::is_const_v<T>) {
    return {user_factors, item_factors, user_biases, item_biases, global_mean, storage};
  }
};

/// Owner of the tables alone.
struct Tables {
  HostBuffer<float> user_factors, item_factors, user_biases, item_biases;
};

struct Model {
  Position n_users = 0, n_items = 0;
  int rank = 0;
  Tables tables;                      ///< pitch = rank; biases empty when the model has none
  float global_mean = 0;              ///< added to every score when there are biases
  NormLimit norm_limit;               ///< applied at every look-up, as nn.Embedding does
  std::optional<double> rating_mean;  ///< of the training ratings: the answer for unknown ids when there are no biases
  std::optional<float> rating_min, rating_max;  ///< of the training ratings, where the file says
  IdMap users, items;
  ItemSets seen;                                ///< what each user has rated, where the model keeps it
  std::map<std::string, std::string> metadata;  ///< everything else of the file's __metadata__

  bool has_biases() const { return !tables.user_biases.empty(); }
  ModelView<float, Host> view();
  ModelView<const float, Host> view() const;
  Position bytes() const;  ///< of the tables
};

/// Uninitialised tables of the given shape. Throws UsageError for a rank outside 1..kMaxRank.
Model make_model(Position n_users, Position n_items, int rank, bool biases);

/// Mean, minimum and maximum of the training ratings into the model, and the global mean out of them.
void set_rating_facts(Model& model, const ValueFacts& ratings, const TrainConfig& config);

/// Draws the factors from (seed, table, element); zeroes biases and padding rows. `threads` 0: all; the same bits.
void initialise(Model& model, const InitConfig& init, std::uint64_t seed, RowId user_padding, RowId item_padding,
                int threads = 0);

/// Some rows of a table that initialise would fill, as it would fill them.
class RowDraws {
 public:
  /// Of a table [n_rows x rank]. purpose: user_factors or item_factors.
  RowDraws(const InitConfig& init, Position n_rows, int rank, std::uint64_t seed, Purpose purpose);
  void draw(Position row, float* factors) const;

 private:
  double scale_, low_, high_;
  bool normal_;
  int rank_;
  std::uint64_t seed_;
  Purpose purpose_;
};

/// A start for factors that stay at 0 or above: what is drawn below 0 is drawn above it.
void make_nonnegative(Model& model);
bool has_negative_factors(const Model& model);

/// The rows of a table [rows x rank] that have a factor other than 0, ascending.
std::vector<RowId> rows_with_factors(const HostBuffer<float>& factors, int rank);

/// Zeros the factors of rows without ratings: drawn ones would stay as they are and add noise to scores.
void zero_unrated_rows(Model& model, const RowCounts& ratings);

}  // namespace wf
