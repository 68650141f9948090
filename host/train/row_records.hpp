// Rows with and without the records of per-rating SGD (host/kernels/sgd_rules.hpp), in place: a second copy of a table
// may not fit.
#pragma once
#include "host/base/host_buffer.hpp"
#include "host/kernels/half.hpp"
#include "host/kernels/sgd_rules.hpp"

#include <algorithm>
#include <cstring>

namespace wf {

/// How the rows of a table stand while they are worked on: record, factors, zeros up to padded_rank.
struct RowLayout {
  int rank = 0, padded_rank = 0;
  Storage storage = Storage::fp32;

  int pitch() const { return kRecord + padded_rank / factors_per_float(storage); }
};

/// What the records of a table start from.
struct RecordStart {
  const HostBuffer<float>& biases;       ///< [rows], or empty: none
  const HostBuffer<float>& bias_shares;  ///< [rows], or empty: no penalty
  float accumulator = 0;
};

/// Factors to where they are kept; those of 16 bits are rounded to nearest.
inline void keep_factors(const float* factors, const RowLayout& layout, float* row) {
  if (layout.storage == Storage::fp32) {
    std::copy_n(factors, layout.padded_rank, row);
    return;
  }
  auto* to = reinterpret_cast<unsigned char*>(row);
  for (int f = 0; f < layout.padded_rank; ++f) {
    const std::uint16_t stored = to_storage(layout.storage, factors[f], kToNearest);
    std::memcpy(to + sizeof(stored) * static_cast<std::size_t>(f), &stored, sizeof(stored));
  }
}
inline void fetch_factors(const float* row, const RowLayout& layout, float* factors) {
  if (layout.storage == Storage::fp32) {
    std::copy_n(row, layout.rank, factors);
    return;
  }
  const auto* from = reinterpret_cast<const unsigned char*>(row);
  for (int f = 0; f < layout.rank; ++f) {
    std::uint16_t stored = 0;
    std::memcpy(&stored, from + sizeof(stored) * static_cast<std::size_t>(f), sizeof(stored));
    factors[f] = from_storage(layout.storage, stored);
  }
}

/// move(r) for all rows of a table whose pitch changes: in the order in which no row is written over before it has
/// moved.
template <class Move>
void move_rows(HostBuffer<float>& table, Position rows, int pitch, int new_pitch, const Move& move) {
  if (new_pitch > pitch) {
    table.resize(checked_product(rows, new_pitch));
    for (Position r = rows - 1; r >= 0; --r) move(r);
  } else {
    for (Position r = 0; r < rows; ++r) move(r);
    table.resize(checked_product(rows, new_pitch));
  }
}

/// The record of a row before its first step.
inline void start_record(float* row, float accumulator, float bias, float bias_share) {
  float* record = record_of(row);
  record[kSlowSum] = record[kFastSum] = accumulator;
  record[kSlowLength] = record[kFastLength] = 0;
  record[kSlowScale] = record[kFastScale] = 1;
  record[kBias] = bias;
  record[kBiasShare] = bias_share;
}

/// `table` [n x rank] becomes [n x pitch].
inline void add_records(HostBuffer<float>& table, const RowLayout& layout, const RecordStart& start) {
  HostBuffer<float> held(layout.padded_rank, 0);
  move_rows(table, table.size() / layout.rank, layout.rank, layout.pitch(), [&](Position r) {
    std::copy_n(table.data() + r * layout.rank, layout.rank, held.data());
    float* row = table.data() + r * layout.pitch() + kRecord;
    keep_factors(held.data(), layout, row);
    start_record(row, start.accumulator, start.biases.empty() ? 0 : start.biases[r],
                 start.bias_shares.empty() ? 0 : start.bias_shares[r]);
  });
}

/// The way back; the biases as well, where there is room for them: [rows] or empty.
inline void remove_records(HostBuffer<float>& table, const RowLayout& layout, HostBuffer<float>& biases) {
  HostBuffer<float> held(layout.rank);
  move_rows(table, table.size() / layout.pitch(), layout.pitch(), layout.rank, [&](Position r) {
    const float* row = table.data() + r * layout.pitch() + kRecord;
    const float bias = record_of(row)[kBias];
    fetch_factors(row, layout, held.data());
    std::copy_n(held.data(), layout.rank, table.data() + r * layout.rank);
    if (!biases.empty()) biases[r] = bias;
  });
}

}  // namespace wf
