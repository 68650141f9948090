// The kernel sets that typed suites run on: the host's, or the device's where that is what is built.
#pragma once
#if defined(WF_TEST_CUDA)
#include "tests/kernels/cuda_on_host.hpp"
#else
#include "host/cpu/cpu.hpp"
#include "host/reference/reference.hpp"
#endif

#include <gtest/gtest.h>

#include <string>

namespace wf::test {

struct KernelSetNames {
  template <class K>
  static std::string GetName(int) {
    return K::kName;
  }
};

#if defined(WF_TEST_CUDA)
using KernelSetsUnderTest = testing::Types<CudaOnHost<Order::racing>>;
using OrdersUnderTest = testing::Types<CudaOnHost<Order::racing>, CudaOnHost<Order::repeatable>>;
#else
using KernelSetsUnderTest = testing::Types<Reference, Cpu>;
using OrdersUnderTest = KernelSetsUnderTest;
#endif

}  // namespace wf::test
