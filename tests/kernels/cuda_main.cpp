// The main function of cuda_tests: the suite of the contract on a real device. Exits with 77, and says why, where there
// is none. Fixtures lie beside the program, as scripts/gpu-check packs them, or in the sources.
#include "host/api/cuda_module.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <string>

namespace {

namespace fs = std::filesystem;

void enter_folder_of_fixtures() {
  std::error_code none;
  const fs::path own = fs::read_symlink("/proc/self/exe", none).parent_path();
  fs::current_path(fs::exists(own / WF_FIXTURES, none) ? own : fs::path(WF_FIXTURES_FOLDER), none);
}

}  // namespace

int main(int argc, char** argv) {
  enter_folder_of_fixtures();  // before GoogleTest lists the cases
  testing::InitGoogleTest(&argc, argv);
  if (const std::string absence = wf::cuda_absence(); !absence.empty() && !GTEST_FLAG_GET(list_tests)) {
    constexpr int kSkipped = 77;
    std::fprintf(stderr, "cuda_tests: skipped: %s\n", absence.c_str());
    return kSkipped;
  }
  return RUN_ALL_TESTS();
}
