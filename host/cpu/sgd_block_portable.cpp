#include "host/cpu/sgd_variants.hpp"

namespace wf {

[[gnu::flatten]] ErrorSums sgd_block_portable(const SgdTask& task) {
  return sgd_block(task);
}

}  // namespace wf
