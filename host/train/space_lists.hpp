// One side's lists in the memory of a kernel set.
#pragma once
#include "host/kernels/contract.hpp"

#include <utility>

namespace wf {

template <KernelSet K>
class SpaceLists {
 public:
  SpaceLists(K& kernels, RowLists lists)
      : begin_(kernels.to_space(std::move(lists.begin))),
        partner_(kernels.to_space(std::move(lists.partner))),
        value_(kernels.to_space(std::move(lists.value))) {}

  RowListsView<typename K::Space> view() const { return {begin_.span(), partner_.span(), value_.span()}; }

 private:
  typename K::template Buffer<Position> begin_;
  typename K::template Buffer<RowId> partner_;
  typename K::template Buffer<float> value_;
};

}  // namespace wf
