// The seam between the program and the CUDA module: what is not there is said, and errors cross it as what they are.
#include "host/api/cuda_module.hpp"
#include "host/api/engines.hpp"
#include "host/base/error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace wf::test {
namespace {

using testing::HasSubstr;

/// WARPFACTOR_CUDA_MODULE for the length of a test.
class NamedModule {
 public:
  explicit NamedModule(const std::string& path) { setenv("WARPFACTOR_CUDA_MODULE", path.c_str(), 1); }
  ~NamedModule() { unsetenv("WARPFACTOR_CUDA_MODULE"); }
  NamedModule(const NamedModule&) = delete;
  NamedModule& operator=(const NamedModule&) = delete;
};

std::string problem_of_loading() {
  try {
    cuda_module();
  } catch (const DeviceError& error) {
    return error.what();
  }
  return "";
}

// The module is loaded once, so these come before the test that loads it.
TEST(CudaModule, WithoutAModuleItIsNotCompiledIn) {
  if (!std::string(WF_CUDA_MODULE).empty()) GTEST_SKIP() << "this build has a CUDA module beside its programs";
  EXPECT_EQ(cuda_absence(), "not compiled in");
  EXPECT_THAT(problem_of_loading(), HasSubstr("WARPFACTOR_CUDA=ON"));
}

TEST(CudaModule, AModuleThatIsNotThereIsNamed) {
  const NamedModule module("/nowhere/libwarpfactor_cuda.so");
  EXPECT_THAT(problem_of_loading(), HasSubstr("/nowhere/libwarpfactor_cuda.so"));
}

TEST(CudaModule, AFileThatIsNoLibraryIsNamed) {
  const NamedModule module("/etc/hostname");
  EXPECT_THAT(problem_of_loading(), HasSubstr("/etc/hostname"));
}

TEST(CudaModule, ALibraryOfAnotherKindIsRefused) {
  const NamedModule module("libm.so.6");
  EXPECT_THAT(problem_of_loading(), HasSubstr("another version"));
}

TEST(CudaModule, ItsErrorsAreTheProgramsErrors) {
  const std::string path = WF_CUDA_MODULE;
  if (path.empty()) GTEST_SKIP() << "this build has no CUDA module";
  const NamedModule module(path);
  const CudaModule& loaded = cuda_module();
  EXPECT_THAT(loaded.versions(), HasSubstr("toolkit"));
  try {
    const auto devices = loaded.devices();
    EXPECT_FALSE(devices.empty());
  } catch (const DeviceError& error) {  // no driver here: the module's error, caught by its type
    EXPECT_THAT(error.what(), HasSubstr("cudaGetDeviceCount"));
    EXPECT_THAT(error.cure(), HasSubstr("--engine cpu"));
  }
}

}  // namespace
}  // namespace wf::test
