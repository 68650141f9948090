// NumPy's files: one array (.npy), or a zip of some (.npz). numpy.lib.format, version 1.0.
#pragma once
#include "host/base/atomic_file.hpp"
#include "host/base/view.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace wf {

class IdMap;

/// The values of an array, in C order.
struct NumpyArray {
  std::string type;                 ///< "<f4", "<i8", "<U7"
  std::vector<std::int64_t> shape;  ///< empty: one value
  const void* data = nullptr;
  Position bytes = 0;
  std::string owned;  ///< where data points, if to nothing else
};

/// [rows x columns], or [rows] where columns is 0. The values must outlive it.
NumpyArray numpy_array(Span<const float, Host> values, Position rows, Position columns = 0);
NumpyArray numpy_value(float value);
/// The first `rows` ids: whole numbers as <i8, others as text of the longest one's width. Throws UsageError for text
/// that is no UTF-8.
NumpyArray numpy_ids(const IdMap& ids, Position rows);

/// Replaces `path` whole.
void write_npy(const std::string& path, const NumpyArray& array);

/// As numpy.savez writes it: stored, not compressed; sizes beyond 4 GB as ZIP64. Names without .npy.
void write_npz(const std::string& path, const std::vector<std::pair<std::string, NumpyArray>>& arrays);

}  // namespace wf
