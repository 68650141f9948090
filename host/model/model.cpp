#include "host/model/model.hpp"

#include "host/base/error.hpp"
#include "host/base/philox.hpp"
#include "host/base/thread_pool.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace wf {
namespace {

template <class T>
Rows<T, Host> rows_of(T* values, Position size, Position count, int rank) {
  return {values, size == 0 ? 0 : count, rank, rank};
}

template <class View, class Model>
View view_of(Model& model) {
  auto& t = model.tables;
  return {rows_of(t.user_factors.data(), t.user_factors.size(), model.n_users, model.rank),
          rows_of(t.item_factors.data(), t.item_factors.size(), model.n_items, model.rank),
          rows_of(t.user_biases.data(), t.user_biases.size(), model.n_users, 1),
          rows_of(t.item_biases.data(), t.item_biases.size(), model.n_items, 1), model.global_mean};
}

/// torch.nn.init.calculate_gain.
double gain_of(const InitConfig& init) {
  switch (init.nonlinearity) {
    case Nonlinearity::tanh:
      return 5.0 / 3;
    case Nonlinearity::relu:
      return std::sqrt(2.0);
    case Nonlinearity::leaky_relu:
      return std::sqrt(2 / (1 + static_cast<double>(init.negative_slope) * init.negative_slope));
    case Nonlinearity::selu:
      return 0.75;
    case Nonlinearity::linear:
    case Nonlinearity::sigmoid:
      break;
  }
  return 1;
}

/// Uniform: low and high. Normal: mean low, standard deviation high.
struct Distribution {
  bool normal = false;
  double low = 0, high = 1;
};

/// He, Zhang, Ren, Sun: Delving deep into rectifiers. ICCV 2015. Fans of a weight [n_rows x rank] as PyTorch has them:
/// fan_in = rank, fan_out = n_rows.
Distribution distribution_of(const InitConfig& init, Position n_rows, int rank) {
  const double fan = init.fan_mode == FanMode::fan_in ? rank : static_cast<double>(n_rows);
  const double kaiming = gain_of(init) / std::sqrt(fan);
  switch (init.kind) {
    case Init::normal:
      return {true, 0, 1};
    case Init::scaled:
      return {true, 0, 1 / std::sqrt(static_cast<double>(rank))};
    case Init::kaiming_uniform:
      return {false, -std::sqrt(3.0) * kaiming, std::sqrt(3.0) * kaiming};
    case Init::kaiming_normal:
      return {true, 0, kaiming};
    case Init::uniform:
      break;
  }
  return {false, init.low, init.high};
}

constexpr Position kTogether = 4;  // elements whose draws share 128 random bits

/// Elements kTogether * index and on of a table: a function of (seed, purpose, index). Normals by Box and Muller
/// (1958), in double: libm's functions differ between machines, but rarely by what a float shows.
std::array<double, kTogether> draw(const Distribution& distribution, std::uint64_t seed, Purpose purpose,
                                   Position index) {
  const RandomBits bits = random_bits(seed, purpose, static_cast<std::uint64_t>(index));
  std::array<double, kTogether> values{};
  for (std::size_t n = 0; n < kTogether; n += 2) {
    const double first = to_unit_double(bits.word[n]), second = to_unit_double(bits.word[n + 1]);
    if (distribution.normal) {
      constexpr double kTwoPi = 6.283185307179586;
      const double radius = distribution.high * std::sqrt(-2 * std::log(first));
      values[n] = distribution.low + radius * std::cos(kTwoPi * second);
      values[n + 1] = distribution.low + radius * std::sin(kTwoPi * second);
    } else {
      const double width = distribution.high - distribution.low;
      values[n] = distribution.low + width * first;
      values[n + 1] = distribution.low + width * second;
    }
  }
  return values;
}

constexpr Position kDrawn = 1024;  // draws of a task: 100 us

/// The rows of a table lie side by side.
void draw_table(Rows<float, Host> table, const InitConfig& init, std::uint64_t seed, Purpose purpose, RowId padding,
                ThreadPool& pool) {
  const Distribution distribution = distribution_of(init, table.count, table.rank);
  const Position size = table.count * table.rank;
  pool.for_chunks((size + kTogether - 1) / kTogether, kDrawn, [&](Position begin, Position end) {
    for (Position index = begin; index < end; ++index) {
      const std::array<double, kTogether> values = draw(distribution, seed, purpose, index);
      const Position first = kTogether * index;
      for (Position n = 0; n < std::min(kTogether, size - first); ++n) {
        table.data[first + n] = static_cast<float>(init.scale * values[static_cast<std::size_t>(n)]);
      }
    }
  });
  if (padding >= 0) std::fill_n(table.row(padding), table.rank, 0.0F);
}

}  // namespace

ModelView<float, Host> Model::view() {
  return view_of<ModelView<float, Host>>(*this);
}
ModelView<const float, Host> Model::view() const {
  return view_of<ModelView<const float, Host>>(*this);
}

Position Model::bytes() const {
  const Position values =
      tables.user_factors.size() + tables.item_factors.size() + tables.user_biases.size() + tables.item_biases.size();
  return values * static_cast<Position>(sizeof(float));
}

Model make_model(Position n_users, Position n_items, int rank, bool biases) {
  if (rank < 1 || rank > kMaxRank) {
    throw UsageError("rank " + std::to_string(rank) + " is outside 1 to " + std::to_string(kMaxRank),
                     "--rank 128 is usual");
  }
  Model model;
  model.n_users = n_users;
  model.n_items = n_items;
  model.rank = rank;
  model.tables.user_factors.resize(checked_product(n_users, rank));
  model.tables.item_factors.resize(checked_product(n_items, rank));
  if (biases) {
    model.tables.user_biases = HostBuffer<float>(n_users, 0.0F);
    model.tables.item_biases = HostBuffer<float>(n_items, 0.0F);
  }
  return model;
}

void initialise(Model& model, const InitConfig& init, std::uint64_t seed, RowId user_padding, RowId item_padding,
                int threads) {
  const Position largest = std::max(model.tables.user_factors.size(), model.tables.item_factors.size());
  ThreadPool pool(useful_threads(threads, largest / (kTogether * kDrawn)));
  draw_table(model.view().user_factors, init, seed, Purpose::user_factors, user_padding, pool);
  draw_table(model.view().item_factors, init, seed, Purpose::item_factors, item_padding, pool);
  std::fill(model.tables.user_biases.begin(), model.tables.user_biases.end(), 0.0F);
  std::fill(model.tables.item_biases.begin(), model.tables.item_biases.end(), 0.0F);
}

RowDraws::RowDraws(const InitConfig& init, Position n_rows, int rank, std::uint64_t seed, Purpose purpose)
    : scale_(init.scale), rank_(rank), seed_(seed), purpose_(purpose) {
  const Distribution distribution = distribution_of(init, n_rows, rank);
  low_ = distribution.low;
  high_ = distribution.high;
  normal_ = distribution.normal;
}

void RowDraws::draw(Position row, float* factors) const {
  const Position begin = row * rank_, end = begin + rank_;
  for (Position index = begin / kTogether; index * kTogether < end; ++index) {
    const std::array<double, kTogether> values = wf::draw({normal_, low_, high_}, seed_, purpose_, index);
    for (Position n = std::max(begin, index * kTogether); n < std::min(end, (index + 1) * kTogether); ++n) {
      factors[n - begin] = static_cast<float>(scale_ * values[static_cast<std::size_t>(n % kTogether)]);
    }
  }
}

void set_rating_facts(Model& model, const ValueFacts& ratings, const TrainConfig& config) {
  model.rating_mean = ratings.mean;
  model.rating_min = ratings.least;
  model.rating_max = ratings.most;
  double global_mean = ratings.mean;
  if (config.loss == Loss::bce_with_logits) {
    constexpr double kMargin = 1e-3;  // ratings that are all 0 or all 1 have no finite logit
    const double share = std::clamp(ratings.mean, kMargin, 1 - kMargin);
    global_mean = std::log(share / (1 - share));
  }
  // a score of 0 is between the classes; of a pair's scores the difference counts
  if (counts_mistakes(config.loss)) global_mean = 0;
  model.global_mean = static_cast<float>(config.biases ? config.global_mean.value_or(global_mean) : 0);
}

void make_nonnegative(Model& model) {
  for (auto* factors : {&model.tables.user_factors, &model.tables.item_factors}) {
    for (float& value : *factors) value = std::fabs(value);
  }
}

bool has_negative_factors(const Model& model) {
  const auto below = [](float value) { return value < 0; };
  const auto any = [&](const HostBuffer<float>& factors) { return std::any_of(factors.begin(), factors.end(), below); };
  return any(model.tables.user_factors) || any(model.tables.item_factors);
}

void zero_unrated_rows(Model& model, const RowCounts& ratings) {
  const auto zero = [](const Rows<float, Host>& table, const HostBuffer<Position>& counts) {
    for (Position r = 0; r < table.count; ++r) {
      if (counts[r] == 0) std::fill_n(table.row(r), table.rank, 0.0F);
    }
  };
  zero(model.view().user_factors, ratings.user);
  zero(model.view().item_factors, ratings.item);
}

std::vector<RowId> rows_with_factors(const HostBuffer<float>& factors, int rank) {
  std::vector<RowId> rows;
  for (Position first = 0; first < factors.size(); first += rank) {
    const float* const row = factors.data() + first;
    if (std::any_of(row, row + rank, [](float factor) { return factor != 0; })) {
      rows.push_back(static_cast<RowId>(first / rank));
    }
  }
  return rows;
}

}  // namespace wf
