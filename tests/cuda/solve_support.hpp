// Rows to solve by least squares, on the device and by the reference, and what a solution leaves of their equations.
#pragma once
#include "host/reference/reference.hpp"
#include "tests/cuda/support.hpp"
#include "tests/kernels/cuda_on_host.hpp"

#include <numeric>

namespace wf::test {

inline constexpr double kUnit = 0x1p-24;  // relative rounding of a float

/// Rows with lists of given lengths, whose partners are drawn with repetition.
struct SolveProblem {
  SolveProblem(int of_rank, const std::vector<Position>& lengths, bool with_biases, int padding = 3,
               Position n_partners = 300, std::uint64_t seed = 11)
      : rank(of_rank),
        biases(with_biases),
        rows(static_cast<Position>(lengths.size())),
        partner_factors(n_partners, of_rank, seed, 1, padding),
        partner_biases(n_partners, 1, seed + 1),
        factors(rows, of_rank, seed + 2, 0.5F, padding),
        row_biases(rows, 1, seed + 3),
        gram(of_rank, of_rank, seed + 4),
        padding_(padding),
        seed_(seed) {
    begin.push_back(0);
    for (const Position length : lengths) {
      for (Position n = 0; n < length; ++n) {
        const RandomBits bits = random_bits(seed, Purpose::synthetic, static_cast<std::uint64_t>(partner.size()), 2);
        partner.push_back(static_cast<RowId>(bits.word[0] % static_cast<std::uint32_t>(n_partners)));
        value.push_back(0.5F * static_cast<float>(bits.word[1] % 11));  // 0 .. 5
      }
      begin.push_back(static_cast<Position>(partner.size()));
    }
    settings.lambda = 0.5;
    settings.lambda_bias = 2;
    settings.mean = with_biases ? 2.5F : 0;
    settings.n_partners = n_partners;
  }
  void make_implicit(Convention convention) {
    settings.implicit = true;
    settings.convention = convention;
    settings.alpha = 2;
    settings.unobserved = 1;
    Reference().gram(partner_factors.view(), gram.view());
  }
  RowListsView<Host> lists() const {
    return {{begin.data(), static_cast<Position>(begin.size())},
            {partner.data(), static_cast<Position>(partner.size())},
            {value.data(), static_cast<Position>(value.size())}};
  }
  SolveSides<Host> sides() {
    return {partner_factors.view(), biases ? partner_biases.view() : Rows<float, Host>{}, factors.view(),
            biases ? row_biases.view() : Rows<float, Host>{}};
  }
  Position count(Position row) const { return lists().count(row); }
  int unknowns() const { return rank + (biases ? 1 : 0); }
  /// The unknowns of a row as they are.
  std::vector<double> solution(Position row) {
    std::vector<double> x(factors.view().row(row), factors.view().row(row) + rank);
    if (biases) x.push_back(*row_biases.view().row(row));
    return x;
  }

  std::vector<std::vector<double>> solutions() {
    std::vector<std::vector<double>> all;
    for (Position row = 0; row < rows; ++row) all.push_back(solution(row));
    return all;
  }
  /// The rows as they were at first.
  void rewind() {
    factors = Table(rows, rank, seed_ + 2, 0.5F, padding_);
    row_biases = Table(rows, 1, seed_ + 3);
  }

  int rank;
  bool biases;
  Position rows;
  Table partner_factors, partner_biases, factors, row_biases, gram;
  std::vector<Position> begin;
  std::vector<RowId> partner;
  std::vector<float> value;
  SolveSettings settings;

 private:
  int padding_;
  std::uint64_t seed_;
};

inline SolvedRows solve_on_device(SolveProblem& problem, Order order = Order::racing) {
  Cuda kernels(order);
  const SolveSides<Host> sides = problem.sides();
  const auto begin = kernels.borrow(problem.lists().begin);
  const auto partner = kernels.borrow(problem.lists().partner);
  const auto value = kernels.borrow(problem.lists().value);
  Visitor partner_factors(kernels, sides.partner_factors), partner_biases(kernels, sides.partner_biases);
  Visitor factors(kernels, sides.factors), biases(kernels, sides.biases), gram(kernels, problem.gram.view());
  kernels.solve_rows({begin.span(), partner.span(), value.span()},
                     {partner_factors.view(), partner_biases.view(), factors.view(), biases.view()},
                     problem.settings.implicit ? gram.view() : Rows<float, Device>{}, problem.settings);
  factors.bring_back(sides.factors);
  biases.bring_back(sides.biases);
  return kernels.take_solved();
}
inline SolvedRows solve_by_reference(SolveProblem& problem) {
  Reference kernels;
  kernels.solve_rows(problem.lists(), problem.sides(), problem.gram.view(), problem.settings);
  return kernels.take_solved();
}

/// One row's equations in double, and what a solution leaves of them.
struct RowEquations {
  RowEquations(SolveProblem& problem, Position row)
      : size(static_cast<std::size_t>(problem.unknowns())), matrix(size * size), right(size) {
    const auto rank = static_cast<std::size_t>(problem.rank);
    const SolveSettings& settings = problem.settings;
    Position counted = 0;
    for (std::size_t f = 0; settings.implicit && f < rank; ++f) {
      for (std::size_t g = 0; g < rank; ++g) {
        matrix[f * size + g] =
            settings.unobserved * static_cast<double>(problem.gram.view().row(static_cast<Position>(f))[g]);
      }
    }
    const RowListsView<Host> lists = problem.lists();
    for (Position n = lists.begin[row]; n < lists.begin[row + 1]; ++n) {
      const float* const factors = problem.partner_factors.view().row(lists.partner[n]);
      std::vector<double> q(factors, factors + rank);
      double rest = lists.value[n];
      if (problem.biases) {
        q.push_back(1);
        rest -= static_cast<double>(settings.mean) + *problem.partner_biases.view().row(lists.partner[n]);
      }
      const Term<double> term =
          settings.implicit ? implicit_term<double>(settings, lists.value[n]) : explicit_term<double>(rest);
      counted += counts(settings, lists.value[n]) ? 1 : 0;
      pulled += std::fabs(term.pull) * length(q);
      weighed += std::fabs(term.curvature) * length(q) * length(q);
      for (std::size_t f = 0; f < size; ++f) {
        right[f] += term.pull * q[f];
        for (std::size_t g = 0; g < size; ++g) matrix[f * size + g] += term.curvature * q[f] * q[g];
      }
    }
    ridge = settings.lambda * row_scale(settings, counted);
    for (std::size_t f = 0; f < rank; ++f) matrix[f * size + f] += ridge;
    if (problem.biases) matrix[rank * size + rank] += settings.lambda_bias;
  }

  static double length(const std::vector<double>& values) {
    return std::sqrt(std::inner_product(values.begin(), values.end(), values.begin(), 0.0));
  }
  double trace() const {
    double sum = 0;
    for (std::size_t f = 0; f < size; ++f) sum += matrix[f * size + f];
    return sum;
  }
  /// |A x - b| / (|A| |x| + |b|), norms of Frobenius.
  double residual_ratio(const std::vector<double>& x) const { return residual(x) / scale(x); }
  double scale(const std::vector<double>& x) const { return length(matrix) * length(x) + length(right); }
  double residual(const std::vector<double>& x) const {
    std::vector<double> rest = right;
    for (std::size_t f = 0; f < size; ++f) {
      for (std::size_t g = 0; g < size; ++g) rest[f] -= matrix[f * size + g] * x[g];
    }
    return length(rest);
  }

  std::size_t size;
  std::vector<double> matrix, right;
  double ridge = 0;
  double weighed = 0, pulled = 0;  ///< sums over the ratings of |curvature| |q|^2 and |pull| |q|
};

/// What float may leave of the equations of a row of n ratings and m unknowns: sums of n terms, off by n units of their
/// size; and Cholesky's method, off by (3 m + 1) |L| |L'| units, whose norm is at most the trace, sqrt(m) |A|. Higham:
/// Accuracy and stability of numerical algorithms, 2nd edition, theorem 10.4.
inline double residual_allowed(double ratings, double unknowns) {
  return (ratings + 4 + (3 * unknowns + 1) * std::sqrt(unknowns)) * kUnit;
}

}  // namespace wf::test
