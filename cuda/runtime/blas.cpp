#include "cuda/runtime/blas.hpp"

#include "cuda/runtime/check.hpp"
#include "cuda/runtime/shared_library.hpp"
#include "host/base/error.hpp"

#include <cublas_v2.h>
#include <array>
#include <climits>

namespace wf {
namespace {

/// The functions that are used of the library.
struct Library {
  decltype(&cublasCreate_v2) create = nullptr;
  decltype(&cublasDestroy_v2) destroy = nullptr;
  decltype(&cublasSetStream_v2) set_stream = nullptr;
  decltype(&cublasSgemm_v2) sgemm = nullptr;
};

#if defined(WF_INTERPRETER)
Library open_library() {
  return {cublasCreate_v2, cublasDestroy_v2, cublasSetStream_v2, cublasSgemm_v2};
}
#else
Library open_library() {
  const std::string same_major = "libcublas.so." + std::to_string(CUBLAS_VER_MAJOR);
  SharedLibrary library({same_major.c_str(), "libcublas.so"});
  Library functions;
  library.load(functions.create, "cublasCreate_v2");
  library.load(functions.destroy, "cublasDestroy_v2");
  library.load(functions.set_stream, "cublasSetStream_v2");
  library.load(functions.sgemm, "cublasSgemm_v2");
  return library.is_complete() ? functions : Library{};
}
#endif

const Library& library() {
  static const Library functions = open_library();
  return functions;
}

void check_blas(cublasStatus_t status, const char* call, int line = __builtin_LINE()) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw DeviceError(std::string(call) + " failed on " + device_name() + " with status " +
                        std::to_string(static_cast<int>(status)) + " [blas.cpp:" + std::to_string(line) + "]",
                    "--engine cpu does without cuBLAS");
}

}  // namespace

void Blas::Destroy::operator()(cublasContext* handle) const {
  library().destroy(handle);
}

bool Blas::available() {
  if (!tried_ && library().create != nullptr) {
    cublasHandle_t handle = nullptr;
    if (library().create(&handle) == CUBLAS_STATUS_SUCCESS) handle_.reset(handle);
  }
  tried_ = true;
  return handle_ != nullptr;
}

void Blas::products(const Context& gpu, Rows<const float, Device> left, Rows<const float, Device> right,
                    Rows<float, Device> out) {
  const auto narrow = [](Position size) {
    if (size > INT_MAX) throw std::logic_error("Blas::products: a dimension above 2^31 - 1");
    return static_cast<int>(size);
  };
  check_blas(library().set_stream(handle_.get(), gpu.compute()), "cublasSetStream");
  const float one = 1, zero = 0;
  // row-major out [a x b] is column-major [b x a]: right^T times left
  check_blas(library().sgemm(handle_.get(), CUBLAS_OP_T, CUBLAS_OP_N, narrow(right.count), narrow(left.count),
                             left.rank, &one, right.data, narrow(right.pitch), left.data, narrow(left.pitch), &zero,
                             out.data, narrow(out.pitch)),
             "cublasSgemm");
}

}  // namespace wf
