// cuBLAS, opened at first use: the program and the module start without it, and go on without it where it is missing.
#pragma once
#include "cuda/runtime/context.hpp"
#include "host/base/view.hpp"

#include <memory>
#include <string>

struct cublasContext;

namespace wf {

class Blas {
 public:
  /// Opens the library if that was not tried yet. False: there is none; kernels of our own do the work.
  bool available();

  /// out[a][b] = <left.row(a), right.row(b)>: [left.count x right.count], rows side by side, both of one rank.
  void products(const Context& gpu, Rows<const float, Device> left, Rows<const float, Device> right,
                Rows<float, Device> out);

 private:
  struct Destroy {
    void operator()(cublasContext* handle) const;
  };
  bool tried_ = false;
  std::unique_ptr<cublasContext, Destroy> handle_;
};

}  // namespace wf
