// The cuBLAS calls of the project, under the toolkit's own cublas_v2.h, by OpenBLAS on one thread: their results agree
// with the device's to rounding. Matrices are column-major; every one must lie in a device allocation.
#include "tests/simt/internal.hpp"

#include <cblas.h>
#include <cublas_v2.h>

#include <algorithm>

struct cublasContext {
  cudaStream_t stream = nullptr;
  bool device_scalars = false;
};

namespace {

struct Matrix {
  const float* data;
  int pitch;             // from one column to the next
  long long stride = 0;  // from one matrix of a batch to the next
  int rows = 0, columns = 0;
};

bool fits(const Matrix& matrix, int batch) {
  if (matrix.pitch < std::max(1, matrix.rows)) return false;
  if (matrix.rows == 0 || matrix.columns == 0 || batch == 0) return true;
  const simt::Lock lock(simt::api_lock());
  const long long floats = matrix.stride * (batch - 1) + (matrix.columns - 1LL) * matrix.pitch + matrix.rows;
  if (simt::covered(matrix.data, std::size_t(floats) * sizeof(float))) return true;
  simt::add_finding(simt::Kind::out_of_bounds, "a cuBLAS matrix does not lie in one device allocation");
  return false;
}

float* at(const Matrix& matrix, int batch, int column = 0) {
  return const_cast<float*>(matrix.data) + batch * matrix.stride + static_cast<long long>(column) * matrix.pitch;
}

/// As op(X) has the shape [rows x columns].
Matrix shaped(Matrix matrix, cublasOperation_t op, int rows, int columns) {
  matrix.rows = op == CUBLAS_OP_N ? rows : columns;
  matrix.columns = op == CUBLAS_OP_N ? columns : rows;
  return matrix;
}

CBLAS_TRANSPOSE cblas(cublasOperation_t op) {
  return op == CUBLAS_OP_N ? CblasNoTrans : CblasTrans;  // of real numbers, the conjugate is the transpose
}

/// Scalars on the host are read by the call, those on the device by the operation.
class Scalar {
 public:
  Scalar(cublasHandle_t handle, const float* p)
      : on_device_(handle->device_scalars ? p : nullptr), value_(handle->device_scalars ? 0 : *p) {}
  float value() const { return on_device_ != nullptr ? *on_device_ : value_; }

 private:
  const float* on_device_;
  float value_;
};

void with_one_thread() {
  static const bool once = [] {
    openblas_set_num_threads(1);
    return true;
  }();
  static_cast<void>(once);
}

/// C = alpha op(A) op(B) + beta C, for each of a batch
struct Product {
  cublasOperation_t op_a, op_b;
  int rows, columns, inner, batch;
  Scalar alpha, beta;
  Matrix a, b, c;

  void shape() {
    a = shaped(a, op_a, rows, inner);
    b = shaped(b, op_b, inner, columns);
    c = shaped(c, CUBLAS_OP_N, rows, columns);
  }
  bool is_valid() const {
    return rows >= 0 && columns >= 0 && inner >= 0 && batch >= 0 && fits(a, batch) && fits(b, batch) && fits(c, batch);
  }
  void compute() const {
    for (int i = 0; i < batch; ++i) {
      cblas_sgemm(CblasColMajor, cblas(op_a), cblas(op_b), rows, columns, inner, alpha.value(), at(a, i), a.pitch,
                  at(b, i), b.pitch, beta.value(), at(c, i), c.pitch);
      for (int j = 0; j < columns; ++j) simt::mark_written(at(c, i, j), std::size_t(rows) * sizeof(float));
    }
  }
};

/// C = alpha op(A) op(A)' + beta C, of which one triangle is written
struct Square {
  cublasFillMode_t fill;
  cublasOperation_t op;
  int size, inner;
  Scalar alpha, beta;
  Matrix a, c;

  void shape() {
    a = shaped(a, op, size, inner);
    c = shaped(c, CUBLAS_OP_N, size, size);
  }
  bool is_valid() const { return fill != CUBLAS_FILL_MODE_FULL && size >= 0 && inner >= 0 && fits(a, 1) && fits(c, 1); }
  void compute() const {
    const bool lower = fill == CUBLAS_FILL_MODE_LOWER;
    cblas_ssyrk(CblasColMajor, lower ? CblasLower : CblasUpper, cblas(op), size, inner, alpha.value(), at(a, 0),
                a.pitch, beta.value(), at(c, 0), c.pitch);
    for (int j = 0; j < size; ++j) {
      const int first = lower ? j : 0;
      const int count = lower ? size - j : j + 1;
      simt::mark_written(at(c, 0, j) + first, std::size_t(count) * sizeof(float));
    }
  }
};

template <class Operation>
cublasStatus_t enqueue(cublasHandle_t handle, Operation operation) {
  operation.shape();
  if (!operation.is_valid()) return CUBLAS_STATUS_INVALID_VALUE;
  with_one_thread();
  simt::enqueue(handle->stream, [operation] { operation.compute(); });
  return CUBLAS_STATUS_SUCCESS;
}

}  // namespace

extern "C" {

cublasStatus_t cublasCreate_v2(cublasHandle_t* handle) {
  *handle = new cublasContext;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream) {
  handle->stream = stream;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetMathMode(cublasHandle_t,
                                 cublasMath_t) {  // there is one: IEEE single precision
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetPointerMode_v2(cublasHandle_t handle, cublasPointerMode_t mode) {
  handle->device_scalars = mode == CUBLAS_POINTER_MODE_DEVICE;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSgemm_v2(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b, int rows,
                              int columns, int inner, const float* alpha, const float* a, int pitch_a, const float* b,
                              int pitch_b, const float* beta, float* c, int pitch_c) {
  return cublasSgemmStridedBatched(handle, op_a, op_b, rows, columns, inner, alpha, a, pitch_a, 0, b, pitch_b, 0, beta,
                                   c, pitch_c, 0, 1);
}

cublasStatus_t cublasSgemmStridedBatched(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b,
                                         int rows, int columns, int inner, const float* alpha, const float* a,
                                         int pitch_a, long long stride_a, const float* b, int pitch_b,
                                         long long stride_b, const float* beta, float* c, int pitch_c,
                                         long long stride_c, int batch) {
  return enqueue(handle,
                 Product{op_a, op_b, rows, columns, inner, batch, Scalar(handle, alpha), Scalar(handle, beta),
                         Matrix{a, pitch_a, stride_a}, Matrix{b, pitch_b, stride_b}, Matrix{c, pitch_c, stride_c}});
}

cublasStatus_t cublasSsyrk_v2(cublasHandle_t handle, cublasFillMode_t fill, cublasOperation_t op, int size, int inner,
                              const float* alpha, const float* a, int pitch_a, const float* beta, float* c,
                              int pitch_c) {
  return enqueue(handle, Square{fill, op, size, inner, Scalar(handle, alpha), Scalar(handle, beta), Matrix{a, pitch_a},
                                Matrix{c, pitch_c}});
}

}  // extern "C"
