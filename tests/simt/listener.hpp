// A GoogleTest listener: what the interpreter found and nobody took fails the test that it was found in.
#pragma once
#include "tests/simt/runtime.hpp"

#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

namespace simt {

/// Fails the current test once for each finding, with the seed that shows it again.
inline void fail_on_findings() {
  for (const Finding& finding : take_findings()) {
    ADD_FAILURE() << to_string(finding.kind) << " in " << finding.kernel << ": " << finding.text << " ("
                  << finding.count << " times, SIMT_SEED=" << options().seed << " SIMT_DEFERRED=" << options().deferred
                  << ")";
  }
}

/// Install with UnitTest::GetInstance()->listeners().Append(new simt::NoFindings). Tests may change options() and
/// provoke errors: both are as before when the next one starts.
class NoFindings : public testing::EmptyTestEventListener {
  void OnTestStart(const testing::TestInfo&) override { before_ = options(); }

  void OnTestEnd(const testing::TestInfo&) override {
    cudaDeviceSynchronize();  // of deferred streams: what this test queued is still its own
    fail_on_findings();
    clear_errors();
    options() = before_;
  }

  Options before_;
};

}  // namespace simt
