#include "host/kernels/rank_rules.hpp"
#include "host/reference/reference.hpp"

#include <vector>

namespace wf {
namespace {

/// The three rows of a rating.
struct Triple {
  float *anchor, *positive, *negative;
};

/// A pair that was found for a rating.
struct FoundPair {
  RowId negative = 0;
  double difference = 0;        ///< of the scores
  double first_difference = 0;  ///< of the pair that was drawn first
  double weight = 0;            ///< of the loss; 0: no step
};

double score_of(const RankTables<Host>& tables, RowId anchor, RowId other) {
  const float* row = tables.others.row(other);
  return dot<double>(tables.anchors.row(anchor), row, tables.others.rank) +
         (tables.biases ? static_cast<double>(record_of(row)[kBias]) : 0);
}

FoundPair find_pair(const RankTables<Host>& tables, const SgdSettings& settings, const NegativeDraws& draws,
                    const Unrated& unrated, Position place, RowId anchor, RowId positive) {
  const double score = score_of(tables, anchor, positive);
  const int tries = settings.loss == Loss::warp ? settings.negatives : 1;
  FoundPair found;
  for (int draw = 0; draw < tries; ++draw) {
    found.negative = draws(unrated, place, draw);
    found.difference = score - score_of(tables, anchor, found.negative);
    if (draw == 0) found.first_difference = found.difference;
    if (settings.loss != Loss::warp) {
      found.weight = 1;
      return found;
    }
    if (found.difference < 1) {
      const Position all =
          tables.others.count - (tables.positives.starts[anchor + 1] - tables.positives.starts[anchor]);
      found.weight = rank_weight(all, draw + 1);
      return found;
    }
  }
  return found;
}

/// One row's step: keep * row + take * direction, and the energy of its gradient.
class RowStep {
 public:
  RowStep(float* row, const std::vector<float>& old, const SgdSettings& settings, float error, float lambda, float l1)
      : row_(row), old_(old), settings_(settings), error_(error), lambda_(lambda), l1_(l1) {}

  /// Elements first .. end - 1 by the accumulator in that column of the record; the learning rate.
  template <class Direction>
  float part(int first, int end, RecordColumn column, float share, const Direction& direction) {
    float& sum = record_of(row_)[column];
    const float lr = settings_.adagrad ? settings_.lr / std::sqrt(sum) : settings_.lr;
    const Step<float> step = sgd_rule(error_, lr, lambda_);
    double energy = 0;
    for (int f = first; f < end; ++f) {
      const float old = old_[static_cast<std::size_t>(f)], along = direction(f);
      const double gradient = static_cast<double>(error_) * along - static_cast<double>(lambda_) * old;
      energy += gradient * gradient;
      row_[f] = step.keep * old + step.take * along;
      if (settings_.projects()) row_[f] = projected(row_[f], step.rate * l1_, settings_.nonnegative);
    }
    if (settings_.adagrad) sum += share * static_cast<float>(energy);
    return step.rate;
  }

  /// Of both parts; the learning rate of the first.
  template <class Direction>
  float all(int rank, const Direction& direction) {
    const int slow = slow_factors(rank);
    const float rate = part(0, slow, kSlowSum, settings_.slow_share, direction);
    if (!settings_.slow_only) part(slow, rank, kFastSum, settings_.fast_share, direction);
    return rate;
  }

 private:
  float* row_;
  const std::vector<float>& old_;
  const SgdSettings& settings_;
  float error_, lambda_, l1_;
};

void step_bias(float* row, float error, float rate) {
  float* record = record_of(row);
  bias_rule(error, rate, record[kBiasShare], record[kBias]);
}

}  // namespace

void Reference::rank_update(const SgdTables<Host>& all, const RatingsView<Host>& ratings,
                            Span<const Block, Host> blocks, const SgdSettings& settings,
                            const RowPenalties<Host>& penalties, const Positives<Host>& positives) {
  const RankTables<Host> tables = rank_tables(settings.loss, all, positives);
  const bool items = anchors_items(settings.loss);
  const auto& anchor_penalties = items ? penalties.item : penalties.user;
  const auto& other_penalties = items ? penalties.user : penalties.item;
  const RankRates rates = rank_rates(settings);
  const int rank = all.rank();
  const float bias_rate = settings.adagrad ? settings.bias_rate : 1;
  const auto copy_of = [rank](const float* row) { return std::vector<float>(row, row + rank); };
  for (const Block& block : blocks) {
    const NegativeDraws draws{settings.seed, settings.epoch, number_of(block)};
    ErrorSums sums;
    for (Position n = block.begin; n < block.end; ++n) {
      const RowId a = items ? ratings.item[n] : ratings.user[n];
      const RowId i = items ? ratings.user[n] : ratings.item[n];
      const Unrated unrated(positives, a, items ? block.users : block.items);
      if (unrated.count == 0) {
        ++sums.skipped;
        continue;
      }
      const FoundPair pair = find_pair(tables, settings, draws, unrated, n - block.begin, a, i);
      const PairLoss<double> loss = pair_loss(settings.loss, pair.difference);
      add_pair_error(sums, pair.weight * loss.value, pair.first_difference);
      if (pair.weight == 0) continue;
      const auto error = static_cast<float>(-pair.weight * loss.slope / 2);
      const Triple triple{tables.anchors.row(a), tables.others.row(i), tables.others.row(pair.negative)};
      const std::vector<float> p = copy_of(triple.anchor), q = copy_of(triple.positive), r = copy_of(triple.negative);
      const auto at = [](const std::vector<float>& row, int f) { return row[static_cast<std::size_t>(f)]; };
      const auto lambda_of = [&](RowId row) { return rates.lambda_other + penalty_of(other_penalties, row); };
      RowStep(triple.anchor, p, settings, error, rates.lambda_anchor + penalty_of(anchor_penalties, a), rates.l1_anchor)
          .all(rank, [&](int f) { return at(q, f) - at(r, f); });
      const float up = RowStep(triple.positive, q, settings, error, lambda_of(i), rates.l1_other).all(rank, [&](int f) {
        return at(p, f);
      });
      const float down =
          RowStep(triple.negative, r, settings, -error, lambda_of(pair.negative), rates.l1_other).all(rank, [&](int f) {
            return at(p, f);
          });
      if (!tables.biases) continue;
      step_bias(triple.positive, error, bias_rate * up);
      step_bias(triple.negative, -error, bias_rate * down);
    }
    add_errors(sums);
  }
}

}  // namespace wf
