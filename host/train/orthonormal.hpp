// A tall table whose columns are made orthonormal: by Cholesky factors of its Gram matrix, again and again until it is
// the identity. Yamamoto, Nakatsukasa, Yanagisawa, Fukaya: Roundoff error analysis of the CholeskyQR2 algorithm. ETNA
// 44, 2015; with a shift where columns nearly depend on each other: Fukaya, Kannan, Nakatsukasa, Yamamoto, Yanagisawa:
// Shifted Cholesky QR for computing the QR factorization of ill-conditioned matrices. SIAM J. Sci. Comput. 42(1), 2020.
#pragma once
#include "host/base/philox.hpp"
#include "host/base/triangular.hpp"
#include "host/kernels/contract.hpp"
#include "host/model/model.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace wf {

/// Columns of the sketch: rank + oversample, rounded up to whole lines of 16 floats, which cost no more to fetch; at
/// most `rows`, of the shorter side. Throws UsageError where those are fewer than the rank.
int sketch_columns(const TrainConfig& config, Position rows);

/// +1 or -1 for each element, a function of seed, stream and index.
void draw_signs(HostBuffer<float>& values, std::uint64_t seed, std::uint32_t stream);

/// Each column of the item factors gets the sign by which its largest element (the first of equals) is positive, and
/// the user factors' column the same: the product stays what it is.
void fix_signs(Tables& tables, int rank);

template <KernelSet K>
class Orthonormal {
 public:
  using Space = typename K::Space;
  using Buffer = typename K::template Buffer<float>;

  Orthonormal(K& kernels, Position rows, int columns)
      : kernels_(kernels),
        rows_(rows),
        columns_(columns),
        values_(kernels.template room<float>(checked_product(rows, columns))),
        spare_(kernels.template room<float>(checked_product(rows, columns))),
        gram_(kernels.template room<float>(checked_product(columns, columns))) {}

  Rows<float, Space> table() { return {values_.data(), rows_, columns_, columns_}; }
  const Buffer& buffer() const { return values_; }
  /// The table.
  template <class Visit>
  void state(Visit&& visit) {
    visit("sketch", values_);
  }

  void draw(std::uint64_t seed) {
    HostBuffer<float> signs(values_.size());
    draw_signs(signs, seed, 0);
    values_ = kernels_.to_space(std::move(signs));
  }

  /// One factor's worth: columns far enough from each other for the next product, with the same span.
  void condition() { apply(factor(gram())); }

  /// The same span, or one that contains it where columns depend on each other. Throws FailedError where the table is
  /// not finite.
  void orthonormalise(std::uint64_t seed) {
    for (std::uint32_t pass = 1; pass <= kPasses; ++pass) {
      const HostBuffer<double> sums = gram();
      if (off_identity(sums, true) <= kOrthonormal) return;
      if (!refill(empty_columns(sums, pass > kShifted), seed, pass)) apply(factor(sums));
    }
    if (!(off_identity(gram(), true) <= kAcceptable)) {
      throw FailedError("the columns of the sketch are not independent of each other", "take a lower --rank");
    }
  }

  /// R of the table's P R; the table is then P but for the last factor. Columns that depend on others have rows of
  /// zeros there.
  HostBuffer<double> triangle() {
    HostBuffer<double> product;
    for (std::uint32_t pass = 1;; ++pass) {
      const HostBuffer<double> sums = gram();
      UpperFactor of_pass = factor(sums);
      product = pass == 1 ? of_pass.values.clone() : product_of_uppers(of_pass.values, product, columns_);
      if (pass == kPasses || off_identity(sums, false) <= kOrthonormal) return product;
      apply(of_pass);
    }
  }

 private:
  static constexpr std::uint32_t kPasses = 12;
  static constexpr std::uint32_t kShifted = 3;  // passes that tell apart what is 1e-7 of a column: a float's rounding
  // elements of the table are rounded by 2^-25, sums of their products by more; what a pass leaves is about 1e-7
  static constexpr double kOrthonormal = 1e-6;
  static constexpr double kAcceptable = 1e-5;
  // by pivots of this size, the error of a Gram matrix in float, some 1e-6 of its elements, is a hundredth
  static constexpr double kSafePivot = 1e-4;

  HostBuffer<double> gram() {
    kernels_.gram(table(), Rows<float, Space>{gram_.data(), columns_, columns_, columns_});
    HostBuffer<float> sums(gram_.size());
    kernels_.fetch(std::as_const(gram_).span(), sums.span());
    HostBuffer<double> wide(sums.size());
    for (Position n = 0; n < sums.size(); ++n) {
      if (!std::isfinite(sums[n])) {
        throw FailedError("the decomposition is no longer finite", "scale the ratings down");
      }
      wide[n] = static_cast<double>(sums[n]);
    }
    return wide;
  }

  UpperFactor factor(const HostBuffer<double>& sums) const {
    UpperFactor plain = upper_factor(sums, columns_, 0);
    if (plain.smallest_pivot() >= kSafePivot) return plain;
    return upper_factor(sums, columns_, 2e-6 * std::sqrt(static_cast<double>(columns_)));
  }

  /// `all`: empty columns count as well.
  double off_identity(const HostBuffer<double>& sums, bool all) const {
    double largest = 0;
    for (int r = 0; r < columns_; ++r) {
      for (int c = 0; c < columns_; ++c) {
        const double sum = sums[Position{r} * columns_ + c];
        if (all || r != c || sum != 0) largest = std::max(largest, std::fabs(sum - (r == c ? 1.0 : 0.0)));
      }
    }
    return largest;
  }

  void apply(const UpperFactor& of_pass) {
    const HostBuffer<double> inverse = inverse_of_upper(of_pass.values, columns_);
    HostBuffer<float> narrow(inverse.size());
    for (Position n = 0; n < inverse.size(); ++n) narrow[n] = static_cast<float>(inverse[n]);
    const auto small = kernels_.borrow(std::as_const(narrow).span());
    kernels_.multiply_table(table(), Rows<const float, Space>{small.span().data, columns_, columns_, columns_},
                            Rows<float, Space>{spare_.data(), rows_, columns_, columns_});
    std::swap(values_, spare_);
  }

  /// Columns that are nothing or, with `dependent`, nothing but what rounding left of others.
  std::vector<bool> empty_columns(const HostBuffer<double>& sums, bool dependent) const {
    const UpperFactor plain = upper_factor(sums, columns_, 0);
    std::vector<bool> empty(static_cast<std::size_t>(columns_));
    for (int c = 0; c < columns_; ++c) {
      empty[static_cast<std::size_t>(c)] =
          sums[Position{c} * (columns_ + 1)] == 0 || (dependent && plain.pivots[c] < kSafePivot);
    }
    return empty;
  }

  /// Those columns become random ones. Returns whether there were any.
  bool refill(const std::vector<bool>& empty, std::uint64_t seed, std::uint32_t pass) {
    if (std::find(empty.begin(), empty.end(), true) == empty.end()) return false;
    HostBuffer<float> table = kernels_.to_host(std::move(values_)), signs(table.size());
    draw_signs(signs, seed, pass);
    const float length = 1 / std::sqrt(static_cast<float>(rows_));
    for (Position n = 0; n < table.size(); ++n) {
      if (empty[static_cast<std::size_t>(n % columns_)]) table[n] = length * signs[n];
    }
    values_ = kernels_.to_space(std::move(table));
    return true;
  }

  K& kernels_;
  Position rows_;
  int columns_;
  Buffer values_, spare_, gram_;
};

}  // namespace wf
