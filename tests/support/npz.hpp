// Reads the recorded trajectories: .npz files as numpy.savez writes them (a stored zip of .npy arrays, version 1.0).
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace wf::test {

struct Array {
  std::vector<std::int64_t> shape;
  std::vector<double> values;  ///< of <i8, <f4 and <f8 arrays
  std::string text;            ///< of a <U array without dimensions
};

/// Name without ".npy" -> array. Throws std::runtime_error for anything unexpected.
std::map<std::string, Array> read_npz(const std::string& path);

}  // namespace wf::test
