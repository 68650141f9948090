// Inputs for kernel tests: small models and batches with known values, and every shape that is likely to go wrong.
#pragma once
#include "host/base/philox.hpp"
#include "host/kernels/contract.hpp"
#include "host/model/model.hpp"
#include "host/schedule/chunks.hpp"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <string>
#include <tuple>
#include <vector>

namespace wf::test {

inline std::vector<int> awkward_ranks() {
  return {1, 7, 31, 32, 33, 64, 100, 128, 200};
}
inline std::vector<Position> awkward_counts() {
  return {0, 1, 31, 32, 33, 1000};
}

/// A table of values in [-scale, scale), a function of the seed, with padding of NaN between rows: a kernel that reads
/// beyond a row cannot pass.
class Table {
 public:
  Table(Position rows, int rank, std::uint64_t seed, float scale = 1, int padding = 3)
      : values_(rows * (rank + padding), std::nanf("")), rows_(rows), rank_(rank), pitch_(rank + padding) {
    for (Position r = 0; r < rows; ++r) {
      for (int f = 0; f < rank; ++f) {
        const std::uint32_t word =
            random_bits(seed, Purpose::synthetic, static_cast<std::uint64_t>(r * rank + f)).word[0];
        values_[r * pitch_ + f] = scale * (2 * to_unit_float(word) - 1);
      }
    }
  }
  Table(std::initializer_list<std::initializer_list<float>> rows)
      : Table(static_cast<Position>(rows.size()), static_cast<int>(rows.begin()->size()), 0) {
    Position r = 0;
    for (const auto& row : rows) std::copy(row.begin(), row.end(), view().row(r++));
  }

  Rows<float, Host> view() { return {values_.data(), rows_, rank_, pitch_}; }
  std::vector<float> values() const {
    std::vector<float> plain;
    for (Position r = 0; r < rows_; ++r) {
      plain.insert(plain.end(), values_.data() + r * pitch_, values_.data() + r * pitch_ + rank_);
    }
    return plain;
  }

 private:
  HostBuffer<float> values_;
  Position rows_;
  int rank_;
  Position pitch_;
};

struct Tables4 {
  Table user_factors, item_factors, user_biases, item_biases;
  float global_mean = 0;

  Tables4(Position n_users, Position n_items, int rank, std::uint64_t seed, float scale = 0.5F, int padding = 3)
      : user_factors(n_users, rank, seed, scale, padding),
        item_factors(n_items, rank, seed + 1, scale, padding),
        user_biases(n_users, 1, seed + 2, scale),
        item_biases(n_items, 1, seed + 3, scale),
        global_mean(0.25F) {}

  ModelView<float, Host> view(bool biases = true) {
    return {user_factors.view(), item_factors.view(), biases ? user_biases.view() : Rows<float, Host>{},
            biases ? item_biases.view() : Rows<float, Host>{}, global_mean};
  }
  std::vector<float> values() const {
    std::vector<float> all;
    for (const Table* table : {&user_factors, &item_factors, &user_biases, &item_biases}) {
      const std::vector<float> part = table->values();
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }
};

/// The tables as per-rating SGD has them: a record in front of each row, zeros behind it up to the kernel set's rank.
/// `padding` floats of NaN more lie between rows.
class RecordTables4 {
 public:
  RecordTables4(Tables4& tables, bool biases, int padded_rank, float accumulator = 1, int padding = 0)
      : tables_(tables),
        biases_(biases),
        user_(tables.user_factors.view(), tables.view(biases).user_biases, padded_rank, accumulator, padding),
        item_(tables.item_factors.view(), tables.view(biases).item_biases, padded_rank, accumulator, padding) {}

  SgdTables<Host> view() { return {user_.view(), item_.view(), biases_, tables_.global_mean}; }
  float* user_record(Position row) { return record_of(user_.view().row(row)); }
  float* item_record(Position row) { return record_of(item_.view().row(row)); }
  /// Factors and biases into the tables that this was made from.
  void bring_back() {
    user_.bring_back(tables_.user_factors.view(), tables_.view(biases_).user_biases);
    item_.bring_back(tables_.item_factors.view(), tables_.view(biases_).item_biases);
  }

 private:
  class Side {
   public:
    Side(const Rows<float, Host>& factors, const Rows<float, Host>& biases, int padded_rank, float accumulator,
         int padding)
        : rows_(factors.count), rank_(padded_rank), pitch_(kRecord + padded_rank + padding) {
      values_ = HostBuffer<float>(rows_ * pitch_, std::nanf(""));
      for (Position r = 0; r < rows_; ++r) {
        float* row = view().row(r);
        std::fill(row, row + padded_rank, 0.0F);
        std::copy_n(factors.row(r), factors.rank, row);
        float* record = record_of(row);
        std::fill(record, row, 0.0F);
        record[kSlowSum] = record[kFastSum] = accumulator;
        record[kSlowScale] = record[kFastScale] = 1;
        if (!biases.empty()) record[kBias] = *biases.row(r);
      }
    }
    Rows<float, Host> view() { return {values_.data() + kRecord, rows_, rank_, pitch_}; }
    void bring_back(const Rows<float, Host>& factors, const Rows<float, Host>& biases) {
      for (Position r = 0; r < rows_; ++r) {
        std::copy_n(view().row(r), factors.rank, factors.row(r));
        if (!biases.empty()) *biases.row(r) = record_of(view().row(r))[kBias];
      }
    }

   private:
    HostBuffer<float> values_;
    Position rows_;
    int rank_;
    Position pitch_;
  };

  Tables4& tables_;
  bool biases_;
  Side user_, item_;
};

/// Plain SGD on the tables, block after block.
template <class Kernels>
void update_by_rating(Kernels& kernels, Tables4& tables, const Ratings& ratings, const std::vector<Block>& blocks,
                      const SgdSettings& settings, bool biases = true, const RowPenalties<Host>& penalties = {}) {
  RecordTables4 rows(tables, biases, Kernels::padded_rank(tables.user_factors.view().rank));
  for (const Block& block : blocks) kernels.sgd_update(rows.view(), ratings.view(), {&block, 1}, settings, penalties);
  rows.bring_back();
}

/// 0 .. n - 1, the second block empty; none is more than a chunk, which every engine takes in order.
inline std::vector<Block> blocks_in_order(Position n) {
  std::vector<Block> blocks{{0, 13}, {13, 13}};
  for (Position begin = 13; begin < n; begin += kChunkRatings) {
    blocks.push_back({begin, std::min(begin + kChunkRatings, n)});
  }
  return blocks;
}

inline Ratings ratings_of(std::initializer_list<std::tuple<RowId, RowId, float>> triples) {
  Ratings ratings;
  for (const auto& [user, item, value] : triples) ratings.push_back(user, item, value);
  return ratings;
}

/// `count` random ratings between 0.5 and 5; `hot` puts half of them on user 0 and item 0.
inline Ratings random_ratings(Position count, Position n_users, Position n_items, std::uint64_t seed,
                              bool hot = false) {
  Ratings ratings;
  for (Position n = 0; n < count; ++n) {
    const RandomBits bits = random_bits(seed, Purpose::synthetic, static_cast<std::uint64_t>(n), 1);
    const bool on_hot = hot && bits.word[3] % 2 == 0;
    const auto draw = [&](std::uint32_t word, Position size) {
      return on_hot ? 0 : static_cast<RowId>(word % static_cast<std::uint32_t>(size));
    };
    ratings.push_back(draw(bits.word[0], n_users), draw(bits.word[1], n_items),
                      0.5F * static_cast<float>(1 + bits.word[2] % 10));
  }
  return ratings;
}

using Triple = std::tuple<RowId, RowId, float>;

inline std::vector<Triple> triples_of(const RatingsView<Host>& ratings) {
  std::vector<Triple> triples;
  for (Position n = 0; n < ratings.size(); ++n) {
    triples.emplace_back(ratings.user[n], ratings.item[n], ratings.value[n]);
  }
  return triples;
}

/// Largest |actual - expected|, where a NaN counts as infinite. Sizes must agree.
inline double largest_difference(const std::vector<float>& actual, const std::vector<float>& expected) {
  if (actual.size() != expected.size()) return INFINITY;
  double largest = 0;
  for (std::size_t n = 0; n < actual.size(); ++n) {
    const double difference = std::fabs(static_cast<double>(actual[n]) - static_cast<double>(expected[n]));
    if (!(difference <= largest)) largest = std::isnan(difference) ? INFINITY : difference;
  }
  return largest;
}

/// Rounding error allowed for a sum of `terms` products of size at most `size`, as a float engine forms it against one
/// in double: terms * 2^-24 * size, with 4 for the operations around the sum.
inline double rounding(double terms, double size) {
  return (terms + 4) * 0x1p-24 * size;
}

}  // namespace wf::test
