// Rows with and without the records of per-rating SGD (host/kernels/sgd_rules.hpp), in place: a second copy of a table
// may not fit.
#pragma once
#include "host/base/host_buffer.hpp"
#include "host/kernels/sgd_rules.hpp"

#include <algorithm>

namespace wf {

/// What the records of a table start from.
struct RecordStart {
  const HostBuffer<float>& biases;       ///< [rows], or empty: none
  const HostBuffer<float>& bias_shares;  ///< [rows], or empty: no penalty
  float accumulator = 0;
};

/// `table` [n x rank] becomes [n x (kRecord + padded_rank)]: each row follows its record, zeros follow the row.
inline void add_records(HostBuffer<float>& table, int rank, int padded_rank, const RecordStart& start) {
  const Position rows = table.size() / rank;
  const int pitch = kRecord + padded_rank;
  table.resize(checked_product(rows, pitch));
  for (Position r = rows - 1; r >= 0; --r) {  // from the end: no row is written over before it has moved
    const float* from = table.data() + r * rank;
    float* row = table.data() + r * pitch + kRecord;
    std::copy_backward(from, from + rank, row + rank);
    std::fill(row + rank, row + padded_rank, 0.0F);
    float* record = record_of(row);
    record[kSlowSum] = record[kFastSum] = start.accumulator;
    record[kSlowLength] = record[kFastLength] = 0;
    record[kSlowScale] = record[kFastScale] = 1;
    record[kBias] = start.biases.empty() ? 0 : start.biases[r];
    record[kBiasShare] = start.bias_shares.empty() ? 0 : start.bias_shares[r];
  }
}

/// The way back; the biases as well, where there is room for them: [rows] or empty.
inline void remove_records(HostBuffer<float>& table, int rank, int padded_rank, HostBuffer<float>& biases) {
  const int pitch = kRecord + padded_rank;
  const Position rows = table.size() / pitch;
  for (Position r = 0; r < rows; ++r) {
    const float* row = table.data() + r * pitch + kRecord;
    const float bias = record_of(row)[kBias];
    std::copy_n(row, rank, table.data() + r * rank);
    if (!biases.empty()) biases[r] = bias;
  }
  table.resize(rows * rank);
}

}  // namespace wf
