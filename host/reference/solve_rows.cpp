#include "host/reference/reference.hpp"

#include <cmath>
#include <vector>

namespace wf {
namespace {

/// The equations of one row, as they are written down: matrix x = right, the bias being the last unknown, whose
/// partners are all 1.
struct Equations {
  int size;
  std::vector<double> matrix, right;

  explicit Equations(int unknowns)
      : size(unknowns),
        matrix(static_cast<std::size_t>(unknowns) * static_cast<std::size_t>(unknowns)),
        right(static_cast<std::size_t>(unknowns)) {}
  double& at(int f, int g) { return matrix[static_cast<std::size_t>(f) * right.size() + static_cast<std::size_t>(g)]; }
  double of(int f) const { return right[static_cast<std::size_t>(f)]; }
};

/// One side's tables with their biases as one more column.
class Problem {
 public:
  Problem(const RowListsView<Host>& lists, const SolveSides<Host>& sides, const Rows<const float, Host>& gram,
          const SolveSettings& settings)
      : lists_(lists), sides_(sides), gram_(gram), settings_(settings) {}

  int unknowns() const { return sides_.rank() + (has_biases() ? 1 : 0); }

  Equations equations(Position row) const {
    Equations result(unknowns());
    const int rank = sides_.rank();
    if (settings_.implicit) {
      for (int f = 0; f < rank; ++f) {
        for (int g = 0; g < rank; ++g) result.at(f, g) = settings_.unobserved * static_cast<double>(gram_.row(f)[g]);
      }
    }
    Position counted = 0;
    for (Position n = lists_.begin[row]; n < lists_.begin[row + 1]; ++n) {
      add(result, lists_.partner[n], lists_.value[n]);
      if (counts(settings_, lists_.value[n])) ++counted;
    }
    const double ridge = settings_.lambda * row_scale(settings_, counted);
    for (int f = 0; f < rank; ++f) result.at(f, f) += ridge;
    if (has_biases()) result.at(rank, rank) += settings_.lambda_bias;
    return result;
  }

  std::vector<double> solution_so_far(Position row) const {
    std::vector<double> x(sides_.factors.row(row), sides_.factors.row(row) + sides_.rank());
    if (has_biases()) x.push_back(*sides_.biases.row(row));
    return x;
  }
  void store(Position row, const std::vector<double>& x) const {
    for (int f = 0; f < sides_.rank(); ++f)
      sides_.factors.row(row)[f] = static_cast<float>(x[static_cast<std::size_t>(f)]);
    if (has_biases()) *sides_.biases.row(row) = static_cast<float>(x.back());
  }

 private:
  bool has_biases() const { return !sides_.biases.empty(); }

  void add(Equations& equations, RowId partner, float value) const {
    std::vector<double> q(sides_.partner_factors.row(partner), sides_.partner_factors.row(partner) + sides_.rank());
    double rest = value;
    if (has_biases()) {
      q.push_back(1);
      rest -= static_cast<double>(settings_.mean) + *sides_.partner_biases.row(partner);
    }
    const Term<double> term =
        settings_.implicit ? implicit_term<double>(settings_, value) : explicit_term<double>(rest);
    for (int f = 0; f < equations.size; ++f) {
      const double qf = q[static_cast<std::size_t>(f)];
      equations.right[static_cast<std::size_t>(f)] += term.pull * qf;
      for (int g = 0; g < equations.size; ++g)
        equations.at(f, g) += term.curvature * qf * q[static_cast<std::size_t>(g)];
    }
  }

  RowListsView<Host> lists_;
  SolveSides<Host> sides_;
  Rows<const float, Host> gram_;
  SolveSettings settings_;
};

/// Cholesky's method for unknowns from .. from + count - 1, the others being what they are in x; those that the
/// equations leave open become 0. Returns whether there were any.
bool solve_part(Equations equations, std::vector<double>& x, int from, int count) {
  const auto value = [&x](int f) -> double& { return x[static_cast<std::size_t>(f)]; };
  std::vector<double> right(static_cast<std::size_t>(count));
  for (int f = 0; f < count; ++f) {
    double sum = equations.of(from + f);
    for (int g = 0; g < equations.size; ++g) {
      if (g < from || g >= from + count) sum -= equations.at(from + f, g) * value(g);
    }
    right[static_cast<std::size_t>(f)] = sum;
  }
  bool open = false;
  std::vector<double> pivots(static_cast<std::size_t>(count));
  for (int f = 0; f < count; ++f) {  // L L' in the lower half; a pivot of 0 for an unknown that is open
    for (int g = 0; g <= f; ++g) {
      double sum = equations.at(from + f, from + g);
      const double diagonal = sum;
      for (int h = 0; h < g; ++h) sum -= equations.at(from + f, from + h) * equations.at(from + g, from + h);
      const double pivot = pivots[static_cast<std::size_t>(g)];
      if (f == g) {
        const bool none = !(sum > static_cast<double>(kSmallestPivot) * diagonal);
        open = open || none;
        pivots[static_cast<std::size_t>(f)] = none ? 0 : std::sqrt(sum);
      }
      equations.at(from + f, from + g) = f == g ? pivots[static_cast<std::size_t>(f)] : pivot > 0 ? sum / pivot : 0;
    }
  }
  const auto solved = [&](int f, double sum) {
    const double pivot = pivots[static_cast<std::size_t>(f)];
    return pivot > 0 ? sum / pivot : 0;
  };
  for (int f = 0; f < count; ++f) {
    double sum = right[static_cast<std::size_t>(f)];
    for (int g = 0; g < f; ++g) sum -= equations.at(from + f, from + g) * right[static_cast<std::size_t>(g)];
    right[static_cast<std::size_t>(f)] = solved(f, sum);
  }
  for (int f = count - 1; f >= 0; --f) {
    double sum = right[static_cast<std::size_t>(f)];
    for (int g = f + 1; g < count; ++g) sum -= equations.at(from + g, from + f) * value(from + g);
    value(from + f) = solved(f, sum);
  }
  return open;
}

/// `steps` of conjugate gradients from x on. Hestenes, Stiefel: Methods of conjugate gradients for solving linear
/// systems. J. Res. Nat. Bur. Standards 49(6), 1952.
void descend(Equations equations, std::vector<double>& x, int steps) {
  const auto size = static_cast<std::size_t>(equations.size);
  const auto times = [&](const std::vector<double>& v) {
    std::vector<double> product(size);
    for (std::size_t f = 0; f < size; ++f) {
      for (std::size_t g = 0; g < size; ++g) product[f] += equations.matrix[f * size + g] * v[g];
    }
    return product;
  };
  const auto inner = [](const std::vector<double>& a, const std::vector<double>& b) {
    double sum = 0;
    for (std::size_t f = 0; f < a.size(); ++f) sum += a[f] * b[f];
    return sum;
  };
  std::vector<double> rest = equations.right;
  const std::vector<double> start = times(x);
  for (std::size_t f = 0; f < size; ++f) rest[f] -= start[f];
  std::vector<double> direction = rest;
  double length = inner(rest, rest);
  for (int step = 0; step < steps && length > 0; ++step) {
    const std::vector<double> image = times(direction);
    const double curvature = inner(direction, image);
    if (!(curvature > 0)) break;
    const double rate = length / curvature;
    for (std::size_t f = 0; f < size; ++f) {
      x[f] += rate * direction[f];
      rest[f] -= rate * image[f];
    }
    const double shorter = inner(rest, rest);
    for (std::size_t f = 0; f < size; ++f) direction[f] = rest[f] + shorter / length * direction[f];
    length = shorter;
  }
}

}  // namespace

void Reference::gram(Rows<const float, Host> table, Rows<float, Host> sums) {
  for (int f = 0; f < table.rank; ++f) {
    for (int g = 0; g < table.rank; ++g) {
      double sum = 0;
      for (Position r = 0; r < table.count; ++r) sum += static_cast<double>(table.row(r)[f]) * table.row(r)[g];
      sums.row(f)[g] = static_cast<float>(sum);
    }
  }
}

void Reference::solve_rows(const RowListsView<Host>& lists, const SolveSides<Host>& sides, Rows<const float, Host> gram,
                           const SolveSettings& settings) {
  const Problem problem(lists, sides, gram, settings);
  const int unknowns = problem.unknowns();
  SolvedRows solved;
  for (Position row = 0; row < lists.rows(); ++row) {
    std::vector<double> x = problem.solution_so_far(row);
    if (lists.count(row) == 0) {
      ++solved.empty;
      x.assign(x.size(), 0);
    } else if (settings.solver == Solver::cg) {
      descend(problem.equations(row), x, settings.cg_steps);
    } else {
      const int block = settings.solver == Solver::subspace ? settings.block : unknowns;
      bool open = false;
      for (int from = 0; from < unknowns; from += block) {
        open = solve_part(problem.equations(row), x, from, std::min(block, unknowns - from)) || open;
      }
      if (open) ++solved.deficient;
    }
    problem.store(row, x);
  }
  add_solved(solved);
}

void Reference::list_errors(const RowListsView<Host>& lists, const ModelView<const float, Host>& model,
                            const SolveSettings& settings) {
  ErrorSums sums;
  for (Position user = 0; user < lists.rows(); ++user) {
    for (Position n = lists.begin[user]; n < lists.begin[user + 1]; ++n) {
      add_list_error(sums, settings, score<double>(model, {}, static_cast<RowId>(user), lists.partner[n]),
                     lists.value[n]);
    }
  }
  add_errors(sums);
}

}  // namespace wf
