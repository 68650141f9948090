#include "cuda/kernels/visiting_rows.hpp"

#include "cuda/kernels/cuda_kernels.hpp"
#include "cuda/runtime/ranges.hpp"
#include "host/kernels/rows_from.hpp"

namespace wf {
namespace {

Position floats_of(const RowRange& range, const Rows<float, Host>& table) {
  return checked_product(Position{range.end} - range.begin, table.pitch);
}

}  // namespace

Rows<float, Device> VisitingRows::bring(const Context& gpu, const RowRange& range, const Rows<float, Host>& table) {
  slots_[static_cast<std::size_t>(slot_)].released.record(gpu.compute());
  slot_ = 1 - slot_;
  Slot& slot = slots_[static_cast<std::size_t>(slot_)];
  const Position floats = floats_of(range, table);
  slot.released.hold(gpu.copy());
  slot.home.hold(gpu.copy());
  slot.memory.grow(floats, gpu.copy());
  if (floats > 0) {
    if (const auto before = home_.find(range.begin); before != home_.end()) before->second.hold(gpu.copy());
    check_cuda(cudaMemcpyAsync(slot.memory.data(), record_of(table.row(range.begin)),
                               static_cast<std::size_t>(floats) * sizeof(float), cudaMemcpyHostToDevice, gpu.copy()),
               "cudaMemcpyAsync of rows to the device");
  }
  slot.arrived.record(gpu.copy());
  slot.arrived.hold(gpu.compute());
  return rows_from<Device>(slot.memory.data(), range.begin, table);
}

void VisitingRows::send_home(const Context& gpu, const RowRange& range, const Rows<float, Host>& table) {
  const Position floats = floats_of(range, table);
  if (floats == 0) return;
  Slot& slot = slots_[static_cast<std::size_t>(slot_)];
  slot.computed.record(gpu.compute());
  slot.computed.hold(gpu.copy_back());
  check_cuda(cudaMemcpyAsync(record_of(table.row(range.begin)), slot.memory.data(),
                             static_cast<std::size_t>(floats) * sizeof(float), cudaMemcpyDeviceToHost, gpu.copy_back()),
             "cudaMemcpyAsync of rows to the host");
  slot.home.record(gpu.copy_back());
  home_[range.begin].record(gpu.copy_back());
}

Rows<float, Device> Cuda::bring_rows(RowSide side, const RowRange& range, const Rows<float, Host>& table) {
  const Range mark("bring rows");
  return (side == RowSide::user ? visiting_users_ : visiting_items_).bring(gpu_, range, table);
}

void Cuda::return_rows(RowSide side, const RowRange& range, const Rows<float, Host>& table) {
  (side == RowSide::user ? visiting_users_ : visiting_items_).send_home(gpu_, range, table);
}

void Cuda::wait_rows() {
  check_cuda(cudaStreamSynchronize(gpu_.copy_back()), "cudaStreamSynchronize");
}

}  // namespace wf
