// Rows of a host table that visit the device: two ranges at a time, one computed with while the other comes or goes.
#pragma once
#include "cuda/runtime/context.hpp"
#include "cuda/runtime/memory.hpp"
#include "host/kernels/sgd_rules.hpp"
#include "host/schedule/block.hpp"

#include <array>
#include <map>

namespace wf {

class VisitingRows {
 public:
  /// Rows of `range`, each with its record, on their way to the device: the compute stream waits for them, and they
  /// wait for the return of the same range. The rows are under their own numbers; others are not there.
  Rows<float, Device> bring(const Context& gpu, const RowRange& range, const Rows<float, Host>& table);

  /// The range that was brought last, on its way back when the compute stream is done with it.
  void send_home(const Context& gpu, const RowRange& range, const Rows<float, Host>& table);

 private:
  struct Slot {
    DeviceBuffer<float> memory;
    Event arrived, computed, home;
    Event released;  // all that was enqueued before the next range was brought
  };

  std::array<Slot, 2> slots_;
  std::map<RowId, Event> home_;  // the last return of a range, by its first row
  int slot_ = 0;
};

}  // namespace wf
