// Problems of least squares by row, and what a solution of one is: the normal equations in double, by definition.
#pragma once
#include "host/config/names.hpp"
#include "host/reference/reference.hpp"
#include "host/train/turned_rows.hpp"
#include "tests/kernels/problems.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <type_traits>
#include <vector>

namespace wf::test {

inline RatingLists lists_of(const Ratings& ratings, Position n_users, Position n_items) {
  ThreadPool pool(1);
  return list_both(pool, list_by_item(pool, RatingsInMemory(ratings.view()), n_items), n_users);
}

/// The normal equations of a row in double, the bias as the last unknown.
struct Equations {
  std::vector<std::vector<double>> matrix;
  std::vector<double> right;
};

/// The reference, but for the rows that K solves: where K is tested op by op and is no kernel set.
template <class K>
class SolvesBy : public Reference {
 public:
  explicit SolvesBy(K& kernels) : kernels_(kernels) {}
  void solve_rows(const RowListsView<Host>& lists, const SolveSides<Host>& sides, Rows<const float, Host> gram,
                  const SolveSettings& settings) {
    kernels_.solve_rows(lists, sides, gram, settings);
  }

 private:
  K& kernels_;
};

/// Tables and lists of one problem; users are solved.
struct Problem {
  Problem(const Ratings& ratings, Position users, Position items, int rank, bool with_biases, std::uint64_t seed = 3)
      : n_users(users),
        n_items(items),
        biases(with_biases),
        tables(users, items, rank, seed, 1 / std::sqrt(static_cast<float>(rank))),
        lists(lists_of(ratings, users, items)),
        gram(rank, rank, 0, 1, 0) {}

  int rank() { return tables.user_factors.view().rank; }
  SolveSides<Host> users() {
    const ModelView<float, Host> model = tables.view(biases);
    return {model.item_factors, model.item_biases, model.user_factors, model.user_biases};
  }
  SolveSides<Host> items() {
    const ModelView<float, Host> model = tables.view(biases);
    return {model.user_factors, model.user_biases, model.item_factors, model.item_biases};
  }

  template <class K>
  SolvedRows solve(K& kernels, SolveSettings settings, bool of_users = true) {
    const SolveSides<Host> sides = of_users ? users() : items();
    settings.n_partners = sides.partner_factors.count;
    settings.mean = biases ? tables.global_mean : 0;
    if (settings.implicit) kernels.gram(sides.partner_factors, gram.view());
    kernels.solve_rows((of_users ? lists.user : lists.item).view(), sides,
                       settings.implicit ? gram.view() : Rows<float, Host>{}, settings);
    return kernels.take_solved();
  }

  Span<const float, Host> gram_span() { return {gram.view().data, Position{rank()} * rank()}; }

  /// The users by TurnedRows.
  template <class K>
  SolvedRows solve_turned(K& kernels, SolveSettings settings) {
    const SolveSides<Host> sides = users();
    settings.n_partners = sides.partner_factors.count;
    kernels.gram(sides.partner_factors, gram.view());
    const auto turn = [&](auto&& by) {
      TurnedRows<std::remove_cvref_t<decltype(by)>> turned(by, n_items, rank());
      EXPECT_TRUE(turned.solve(lists.user.view(), sides, gram_span(), settings));
    };
    if constexpr (KernelSet<K>) {
      turn(kernels);
    } else {
      turn(SolvesBy<K>(kernels));
    }
    return kernels.take_solved();
  }

  /// Of user `row`, by definition: nothing is shared with the engines but the terms.
  Equations equations(Position row, const SolveSettings& settings) {
    const SolveSides<Host> sides = users();
    const auto size = static_cast<std::size_t>(rank() + (biases ? 1 : 0));
    Equations result{std::vector(size, std::vector<double>(size)), std::vector<double>(size)};
    const auto partner = [&](Position item) {
      std::vector<double> q(sides.partner_factors.row(item), sides.partner_factors.row(item) + rank());
      if (biases) q.push_back(1);
      return q;
    };
    const auto add = [&](const std::vector<double>& q, double curvature, double pull) {
      for (std::size_t f = 0; f < size; ++f) {
        result.right[f] += pull * q[f];
        for (std::size_t g = 0; g < size; ++g) result.matrix[f][g] += curvature * q[f] * q[g];
      }
    };
    Position counted = 0;
    const RowListsView<Host> of = lists.user.view();
    for (Position n = of.begin[row]; n < of.begin[row + 1]; ++n) {
      const RowId item = of.partner[n];
      const double value = of.value[n];
      if (settings.implicit) {
        const Term<double> term = implicit_term<double>(settings, value);
        add(partner(item), term.curvature, term.pull);
      } else {
        const double mean = biases ? static_cast<double>(tables.global_mean) + *sides.partner_biases.row(item) : 0;
        add(partner(item), 1, value - mean);
      }
      if (counts(settings, of.value[n])) ++counted;
    }
    for (Position item = 0; settings.implicit && item < n_items; ++item) add(partner(item), settings.unobserved, 0);
    const double ridge = settings.lambda * row_scale(settings, counted);
    for (std::size_t f = 0; f < static_cast<std::size_t>(rank()); ++f) result.matrix[f][f] += ridge;
    if (biases) result.matrix.back().back() += settings.lambda_bias;
    return result;
  }
  std::vector<double> solution(Position row) {
    std::vector<double> x(users().factors.row(row), users().factors.row(row) + rank());
    if (biases) x.push_back(*users().biases.row(row));
    return x;
  }

  Position n_users, n_items;
  bool biases;
  Tables4 tables;
  RatingLists lists;
  Table gram;
};

/// The largest |A x - b| of an equation, in units of what rounding may leave there: |A||x| + |b|.
inline double residual_ratio(const Equations& equations, const std::vector<double>& x) {
  double largest = 0, scale = 0;
  for (std::size_t f = 0; f < x.size(); ++f) {
    double rest = -equations.right[f], size = std::fabs(equations.right[f]);
    for (std::size_t g = 0; g < x.size(); ++g) {
      rest += equations.matrix[f][g] * x[g];
      size += std::fabs(equations.matrix[f][g] * x[g]);
    }
    largest = std::isnan(rest) ? INFINITY : std::max(largest, std::fabs(rest));
    scale = std::max(scale, size);
  }
  return scale > 0 ? largest / scale : largest;
}

/// Rounding of the sums over a row's ratings and all partners, and of Cholesky's method: Higham, Accuracy and stability
/// of numerical algorithms, 2002, theorem 10.4, by which the solution is that of a matrix 4 k (3 k + 1) eps off at
/// most; here with the k that its error grows by in practice, ibid. section 10.1.
inline double allowed_residual(Position ratings, Position partners, int rank) {
  return rounding(static_cast<double>(ratings + partners) + 4.0 * rank, 1);
}

inline SolveSettings explicit_settings() {
  SolveSettings settings;
  settings.lambda = 0.05;
  settings.lambda_bias = 2;
  return settings;
}
inline SolveSettings implicit_settings(Convention convention) {
  SolveSettings settings;
  settings.implicit = true;
  settings.convention = convention;
  settings.alpha = 2;
  settings.unobserved = convention == Convention::hu || convention == Convention::ials ? 0.2 : 1;
  settings.lambda = 0.02;
  settings.scaling = convention == Convention::implicit ? RegScaling::none
                     : convention == Convention::spark  ? RegScaling::count
                                                        : RegScaling::weight;
  settings.nu = 0.8;
  return settings;
}

inline void expect_solved(Problem& problem, const SolveSettings& asked, const std::string& what) {
  SolveSettings settings = asked;
  settings.n_partners = problem.n_items;
  for (Position row = 0; row < problem.n_users; ++row) {
    const Position ratings = problem.lists.user.view().count(row);
    if (ratings == 0) continue;
    EXPECT_LE(residual_ratio(problem.equations(row, settings), problem.solution(row)),
              allowed_residual(ratings, settings.implicit ? problem.n_items : 0, problem.rank()))
        << what << ", row " << row << " of " << ratings << " ratings";
  }
}

}  // namespace wf::test
