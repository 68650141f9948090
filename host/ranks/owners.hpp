// Which rank has which of the ranges that rows are cut into.
#pragma once
#include "host/ranks/ranks.hpp"

namespace wf {

/// Rank r has the ranges first(r) .. first(r + 1) - 1: as many as the others, or one more or less.
struct Owners {
  int ranges = 1, ranks = 1;

  int first(int rank) const { return static_cast<int>(std::int64_t{ranges} * rank / ranks); }
  int of(int range) const { return static_cast<int>((std::int64_t{ranks} * (range + 1) - 1) / ranges); }
};

}  // namespace wf
