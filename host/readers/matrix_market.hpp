// The head of a Matrix Market file: https://math.nist.gov/MatrixMarket/formats.html
#pragma once
#include "host/base/error.hpp"

#include <string_view>

namespace wf {

/// What banner and size line say of the entries that follow: `u i value` a line, u and i counted from 1.
struct MatrixHead {
  bool pattern = false;    ///< no values: each is 1
  bool symmetric = false;  ///< an entry beside the diagonal stands for its mirror image, too
  Position users = 0, items = 0, entries = 0;
};

/// Has the comment line the banner's first word, in any case and behind one % or two?
bool is_matrix_banner(std::string_view line);

/// Throws InputError for matrices that hold no ratings: dense, complex, skew-symmetric or hermitian ones.
MatrixHead read_matrix_banner(std::string_view line, const Place& place);

/// Fills in the sizes. Throws InputError for what is no size line, and for more rows than a table has.
void read_matrix_size(std::string_view line, const Place& place, MatrixHead& head);

}  // namespace wf
