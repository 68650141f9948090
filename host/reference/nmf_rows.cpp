#include "host/reference/reference.hpp"

#include <vector>

namespace wf {
namespace {

using Vector = std::vector<double>;

struct NmfProblem {
  RowListsView<Host> lists;
  Rows<const float, Host> partners, shared, products;
  NmfSettings settings;

  std::size_t rank() const { return static_cast<std::size_t>(partners.rank); }
  double partner(Position n, std::size_t f) const { return partners.row(lists.partner[n])[f]; }
  double score(Position n, const Vector& x) const {
    double sum = 0;
    for (std::size_t f = 0; f < rank(); ++f) sum += x[f] * partner(n, f);
    return sum;
  }
};

void scale_row(const NmfProblem& problem, Position row, Vector& x) {
  const NmfSettings& settings = problem.settings;
  Vector above(problem.rank()), below(problem.rank());
  if (settings.takes_products()) {
    above.assign(problem.products.row(row), problem.products.row(row) + x.size());
  }
  for (Position n = problem.lists.begin[row]; !settings.takes_products() && n < problem.lists.begin[row + 1]; ++n) {
    const double score = problem.score(n, x);
    for (std::size_t f = 0; f < x.size(); ++f) {
      above[f] += nmf_pull<double>(settings, problem.lists.value[n], score) * problem.partner(n, f);
      below[f] += nmf_push<double>(settings, score) * problem.partner(n, f);
    }
  }
  if (settings.counts_zeros()) {
    for (std::size_t f = 0; f < x.size(); ++f) {
      below[f] = settings.loss == NmfLoss::kl ? static_cast<double>(problem.shared.row(0)[f]) : 0;
      for (std::size_t g = 0; settings.loss == NmfLoss::frobenius && g < x.size(); ++g) {
        below[f] += static_cast<double>(problem.shared.row(static_cast<Position>(f))[g]) * x[g];
      }
    }
  }
  for (std::size_t f = 0; f < x.size(); ++f) x[f] = nmf_scaled(x[f], above[f], below[f]);
}

void move_row(const NmfProblem& problem, Position row, Vector& x) {
  for (std::size_t f = 0; f < x.size(); ++f) {
    double slope = 0, curvature = 0;
    if (!problem.settings.takes_products()) {
      for (Position n = problem.lists.begin[row]; n < problem.lists.begin[row + 1]; ++n) {
        const double q = problem.partner(n, f);
        slope += (static_cast<double>(problem.lists.value[n]) - problem.score(n, x)) * q;
        curvature += q * q;
      }
    } else {
      slope = problem.products.row(row)[f];
      const float* const of_factor = problem.shared.row(static_cast<Position>(f));
      for (std::size_t g = 0; g < x.size(); ++g) slope -= static_cast<double>(of_factor[g]) * x[g];
      curvature = of_factor[f];
    }
    x[f] = hals_moved(x[f], slope, curvature);
  }
}

}  // namespace

void Reference::nmf_rows(const RowListsView<Host>& lists, Rows<const float, Host> partners,
                         Rows<const float, Host> shared, Rows<const float, Host> products, Rows<float, Host> factors,
                         const NmfSettings& settings) {
  const NmfProblem problem{lists, partners, shared, products, settings};
  for (Position row = 0; row < lists.rows(); ++row) {
    Vector x(factors.row(row), factors.row(row) + factors.rank);
    if (lists.count(row) == 0) {
      x.assign(x.size(), 0);
    } else if (settings.solver == Solver::hals) {
      move_row(problem, row, x);
    } else {
      scale_row(problem, row, x);
    }
    for (std::size_t f = 0; f < x.size(); ++f) factors.row(row)[f] = static_cast<float>(x[f]);
  }
}

void Reference::list_errors(const RowListsView<Host>& lists, const ModelView<const float, Host>& model,
                            const NmfSettings& settings) {
  ErrorSums sums;
  for (Position user = 0; user < lists.rows(); ++user) {
    for (Position n = lists.begin[user]; n < lists.begin[user + 1]; ++n) {
      const auto one = score<double>(model, {}, static_cast<RowId>(user), lists.partner[n]);
      add_list_error(sums, settings, one, static_cast<double>(lists.value[n]));
    }
  }
  add_errors(sums);
}

}  // namespace wf
