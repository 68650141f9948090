// The bodies of SolveLoops, to be inlined into functions that are compiled for one instruction set.
#pragma once
#include "host/cpu/list_scores.hpp"
#include "host/cpu/solve_tiles.hpp"
#include "host/kernels/score.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace wf {

template <class Ops, class Vector>
class RowSolver {
  using Eight = lanes::Eight;
  using Partners = typename ListScores<Ops>::Partners;
  static constexpr Position kRowsAhead = 8;  // rows are asked for so many ratings before they are used

 public:
  WF_INLINE RowSolver(const SolveTask& task, SolveRoom& room)
      : task_(task),
        lists_(task.lists),
        partners_(task.sides.partner_factors),
        settings_(task.settings),
        scores_(task.lists, task.sides.partner_factors),
        room_(room),
        shape_(room.shape),
        has_biases_(!task.sides.biases.empty()) {}

  /// See SolveLoops.
  WF_INLINE RowTotals add_ratings(Position first, Position end, float* sums) {
    RowTotals totals;
    const Sums at(shape_, sums);
    for (Position from = first; from < end; from += shape_.chunk) {
      const auto count = static_cast<int>(std::min<Position>(shape_.chunk, end - from));
      const bool same = gather(from, count, 0, shape_.rank, shape_.padded, totals);
      add_right(count, at);
      const float* const weighted = same ? room_.plain.data() : room_.weighted.data();
      add_products<Ops, Vector>({room_.plain.data(), shape_.padded, count}, weighted, shape_.padded, at.matrix,
                                shape_.pitch);
    }
    return totals;
  }

  WF_INLINE bool solve(Position row, const RowTotals& totals, float* sums) {
    const Sums at(shape_, sums);
    const auto ridge = static_cast<float>(settings_.lambda * row_scale(settings_, totals.counted));
    const bool whole = factorize_with(shape_, at, ridge);
    float* const x = room_.x.data();
    solve_back<Ops>(shape_, at.matrix, room_.inverse.data(), shape_.padded, x);
    if (has_biases_) return solve_bias(row, totals, at) && whole;
    store(row);
    return whole;
  }

  /// See SolveLoops.
  WF_INLINE float add_rests(Position first, Position end, const float* x, float bias, bool pulls, float* rest) const {
    float sum = 0;
    scores_.for_scores(x, first, end,
                       [&](Position n, int count, const Partners& partners, const float* products) WF_INLINE_LAMBDA {
                         float weights[ListScores<Ops>::kTogether];
                         for (int k = 0; k < count; ++k) {
                           const Term<float> term = term_of(n + k);
                           weights[k] = (pulls ? term.pull : 0.0F) - term.curvature * (products[k] + bias);
                           sum += weights[k];
                         }
                         scores_.add_partners(partners, count, weights, rest);
                       });
    return sum;
  }

  WF_INLINE void find_scores(Position first, Position end, const float* x, float* scores) const {
    scores_.for_scores(x, first, end,
                       [&](Position n, int count, const Partners&, const float* products)
                           WF_INLINE_LAMBDA { std::copy_n(products, count, scores + (n - first)); });
  }

  WF_INLINE void add_block(const FactorBlock& block, Position first, Position end, const float* scores, float* sums) {
    SolveShape shape(block.width);
    shape.chunk = std::min(shape.chunk, shape_.chunk * shape_.padded / shape.padded);
    const Sums at(shape, sums);
    std::memset(room_.plain.data(), 0, static_cast<std::size_t>(shape.chunk * shape.padded) * sizeof(float));
    RowTotals totals;
    for (Position from = first; from < end; from += shape.chunk) {
      const auto count = static_cast<int>(std::min<Position>(shape.chunk, end - from));
      const bool same = gather(from, count, block.from, block.width, shape.padded, totals);
      for (int n = 0; n < count; ++n) {
        const float factor = room_.pull[n] - room_.curvature[n] * scores[from - first + n];
        add_row(factor, plain(n, shape.padded), shape.padded, at.right);
      }
      const float* const weighted = same ? room_.plain.data() : room_.weighted.data();
      add_products<Ops, Vector>({room_.plain.data(), shape.padded, count}, weighted, shape.padded, at.matrix,
                                shape.pitch);
    }
  }

  WF_INLINE void move_scores(const FactorBlock& block, Position first, Position end, const float* change,
                             float* scores) const {
    for (Position n = first; n < end; ++n) {
      scores[n - first] += dot<float>(partners_.row(lists_.partner[n]) + block.from, change, block.width);
    }
  }

  /// By conjugate gradients or by blocks of factors; false where the equations leave some factors open.
  template <class Ratings>
  WF_INLINE bool solve_by_passes(Position row, Ratings& ratings) {
    if (settings_.solver == Solver::subspace) return solve_blocks(row, ratings);
    descend(row, ratings);
    return true;
  }

  WF_INLINE SolvedRows solve_rows(Position first, Position end, Position longest) {
    SolvedRows solved;
    for (Position row = first; row < end; ++row) {
      const Position ratings = lists_.count(row);
      if (ratings > longest) continue;
      if (ratings == 0) {
        clear(row);
        ++solved.empty;
      } else if (settings_.solver != Solver::cholesky) {
        ShortRow of_row(*this, row);
        if (!solve_by_passes(row, of_row)) ++solved.deficient;
      } else if (ratings >= shape_.rank || !has_dual() || !solve_dual(row, solved)) {
        start();
        const RowTotals totals = add_ratings(lists_.begin[row], lists_.begin[row + 1], room_.sums.data());
        if (!solve(row, totals, room_.sums.data())) ++solved.deficient;
      }
    }
    return solved;
  }

  WF_INLINE ErrorSums errors(const ModelView<const float, Host>& model, Position first, Position end) {
    ErrorSums sums;
    for (Position user = first; user < end; ++user) {
      std::copy_n(model.user_factors.row(user), shape_.rank, room_.x.data());
      for_scores(
          user, room_.x.data(), [&](Position n, int count, const Partners&, const float* products) WF_INLINE_LAMBDA {
            for (int k = 0; k < count; ++k) {
              const float score = with_biases(model, products[k], static_cast<RowId>(user), lists_.partner[n + k]);
              add_list_error(sums, settings_, score, lists_.value[n + k]);
            }
          });
    }
    return sums;
  }

  /// Rows of a table as ratings of weight 1.
  WF_INLINE void add_gram(const Rows<const float, Host>& table, Position first, Position end) {
    const Sums at(shape_, room_.sums.data());
    for (Position from = first; from < end; from += shape_.chunk) {
      const auto count = static_cast<int>(std::min<Position>(shape_.chunk, end - from));
      for (int n = 0; n < count; ++n) copy_row(table.row(from + n), shape_.rank, plain(n, shape_.padded));
      add_products<Ops, Vector>({room_.plain.data(), shape_.padded, count}, room_.plain.data(), shape_.padded,
                                at.matrix, shape_.pitch);
    }
  }

 private:
  /// Where a row's sums are.
  struct Sums {
    WF_INLINE Sums(const SolveShape& shape, float* sums)
        : matrix(sums), right(sums + Position{shape.padded} * shape.pitch), border(right + shape.padded) {}
    float *matrix, *right, *border;
  };

  WF_INLINE float* plain(int n, int padded) { return room_.plain.data() + Position{n} * padded; }

  WF_INLINE void copy_row(const float* from, int count, float* to) const {
    int f = 0;
    for (; f + 8 <= count; f += 8) lanes::store(lanes::load<Eight>(from + f), to + f);
    for (; f < count; ++f) to[f] = from[f];
  }

  WF_INLINE Term<float> term_of(Position n) const {
    const float value = lists_.value[n];
    if (settings_.implicit) return implicit_term<float>(settings_, value);
    return explicit_term<float>(
        has_biases_ ? value - (settings_.mean + *task_.sides.partner_biases.row(lists_.partner[n])) : value);
  }

  /// Factors from .. from + width - 1 of the partners of `count` ratings, and what the ratings weigh. Returns whether
  /// all weigh 1; else the rows are there once more, weighted.
  WF_INLINE bool gather(Position first, int count, int from, int width, int padded, RowTotals& totals) {
    bool same = true;
    for (int n = 0; n < count; ++n) {
      scores_.prefetch(first + n + kRowsAhead);
      copy_row(partners_.row(lists_.partner[first + n]) + from, width, plain(n, padded));
      const Term<float> term = term_of(first + n);
      room_.pull[n] = term.pull;
      room_.curvature[n] = term.curvature;
      same = same && term.curvature == 1.0F;
      totals.pull += static_cast<double>(term.pull);
      totals.counted += counts(settings_, lists_.value[first + n]) ? 1 : 0;
    }
    if (same) return true;
    for (int n = 0; n < count; ++n) {
      const Eight factor = lanes::all(room_.curvature[n]);
      float* const to = room_.weighted.data() + Position{n} * padded;
      for (int f = 0; f < padded; f += 8) lanes::store(factor * lanes::load<Eight>(plain(n, padded) + f), to + f);
    }
    return false;
  }

  /// right += pull * rows; with biases, border += rows.
  WF_INLINE void add_right(int count, const Sums& at) {
    constexpr int kLanes = lanes::kLanes<Vector>;
    for (int f = 0; f < shape_.padded; f += kLanes) {
      auto right = lanes::load<Vector>(at.right + f), border = lanes::load<Vector>(at.border + f);
      const float* row = room_.plain.data() + f;
      for (int n = 0; n < count; ++n, row += shape_.padded) {
        const auto value = lanes::load<Vector>(row);
        Ops::add_product(right, Ops::template all<Vector>(&room_.pull[n]), value);
        border += value;
      }
      lanes::store(right, at.right + f);
      lanes::store(border, at.border + f);
    }
  }

  /// The sums before the first rating.
  WF_INLINE void start() {
    float* const sums = room_.sums.data();
    if (task_.base.empty()) {
      std::memset(sums, 0, static_cast<std::size_t>(shape_.sums()) * sizeof(float));
      return;
    }
    for (int f = 0; f < shape_.padded; ++f) {
      std::memcpy(sums + Position{f} * shape_.pitch, task_.base.row(f),
                  static_cast<std::size_t>(shape_.padded) * sizeof(float));
    }
    std::memset(Sums(shape_, sums).right, 0, 2 * static_cast<std::size_t>(shape_.padded) * sizeof(float));
  }

  /// The matrix and the ridge become their upper factor; the right-hand side and the border come behind its columns.
  WF_INLINE bool factorize_with(const SolveShape& shape, const Sums& at, float ridge) {
    float* const diagonal = room_.diagonal.data();
    for (int f = 0; f < shape.padded; ++f) {
      float* const element = at.matrix + Position{f} * (shape.pitch + 1);
      *element = f < shape.rank ? *element + ridge : 1.0F;
      diagonal[f] = *element;
      float* const columns = at.matrix + Position{f} * shape.pitch + shape.padded;
      std::memset(columns, 0, SolveShape::kVector * sizeof(float));
      columns[0] = at.right[f];
      columns[1] = at.border[f];
    }
    return factorize<Ops, Vector>(shape, at.matrix, diagonal, room_.inverse.data());
  }

  WF_INLINE void clear(Position row) {
    std::fill_n(task_.sides.factors.row(row), shape_.rank, 0.0F);
    if (has_biases_) *task_.sides.biases.row(row) = 0;
  }
  WF_INLINE void store(Position row) { copy_row(room_.x.data(), shape_.rank, task_.sides.factors.row(row)); }

  /// The bias is one more unknown, with 1 for a partner; the factors, which depend on it in a line, are eliminated.
  WF_INLINE bool solve_bias(Position row, const RowTotals& totals, const Sums& at) {
    float* const x = room_.x.data();
    float* const change = room_.image.data();  // of x, for a bias of -1
    solve_back<Ops>(shape_, at.matrix, room_.inverse.data(), shape_.padded + 1, change);
    const auto ratings = static_cast<double>(totals.counted);
    const auto right = totals.pull - static_cast<double>(dot<float>(at.border, x, shape_.padded));
    const double own = ratings + settings_.lambda_bias;
    const double pivot = own - static_cast<double>(dot<float>(at.border, change, shape_.padded));
    const bool open = !(pivot > static_cast<double>(kSmallestPivot) * own);
    const auto bias = open ? 0.0F : static_cast<float>(right / pivot);
    for (int f = 0; f < shape_.padded; ++f) x[f] -= bias * change[f];
    *task_.sides.biases.row(row) = bias;
    store(row);
    return !open;
  }

  /// Can a row with fewer ratings than factors be solved for a number of each rating instead? Where a penalty alone
  /// settles what its ratings leave open, or one for each factor.
  WF_INLINE bool has_dual() const {
    if (settings_.implicit) return task_.diagonal && settings_.lambda > 0 && !has_biases_;
    return settings_.lambda > 0 && (!has_biases_ || settings_.lambda_bias > 0);
  }

  /// x = Q' a with (Q Q' + ridge) a = rests, Q [ratings x rank]: the same x, as (Q' Q + ridge) Q' = Q' (Q Q' + ridge).
  /// With a bias, whose partners are 1, ridge / lambda_bias to each element, and bias = ridge / lambda_bias * sum of a.
  /// Saunders, Gammerman, Vovk: Ridge regression learning algorithm in dual variables. ICML 1998.
  /// Implicit, with curvatures C and a diagonal D for the ridge: x = D^-1 Q' S z with (1 + S Q D^-1 Q' S) z = S^-1
  /// pull, S^2 = C. Returns whether the row was solved so.
  WF_INLINE bool solve_dual(Position row, SolvedRows& solved) {
    const Position first = lists_.begin[row];
    const auto ratings = static_cast<int>(lists_.count(row));
    const SolveShape dual(ratings);
    const float ridge = ridge_of(row);
    const float of_bias = has_biases_ ? ridge / static_cast<float>(settings_.lambda_bias) : 0.0F;
    const Sums at(dual, room_.sums.data());
    std::memset(at.matrix, 0, static_cast<std::size_t>(dual.sums()) * sizeof(float));
    float *const of_rating = room_.direction.data(), *const of_factor = room_.image.data();
    for (int n = 0; n < ratings; ++n) {
      std::fill_n(at.matrix + Position{n} * dual.pitch, ratings, of_bias);
      const Term<float> term = term_of(first + n);
      if (!(term.curvature > 0)) return false;
      of_rating[n] = std::sqrt(term.curvature);
      at.right[n] = term.pull / of_rating[n];
    }
    for (int f = 0; f < shape_.rank; ++f) {
      of_factor[f] = settings_.implicit ? 1 / std::sqrt(task_.base.row(f)[f] + ridge) : 1.0F;
    }
    float* const columns = transpose(first, ratings, dual.padded);
    add_products<Ops, Vector>({columns, dual.padded, shape_.rank}, columns, dual.padded, at.matrix, dual.pitch);
    if (settings_.implicit) {
      float size = 0;
      for (int n = 0; n < ratings; ++n) size += at.matrix[Position{n} * (dual.pitch + 1)];
      if (!(size <= kLargestDualCondition)) return false;
    }
    if (!factorize_with(dual, at, settings_.implicit ? 1.0F : ridge)) ++solved.deficient;
    float* const weight = room_.rest.data();
    solve_back<Ops>(dual, at.matrix, room_.inverse.data(), dual.padded, weight);
    float* const x = room_.x.data();
    std::fill_n(x, shape_.padded, 0.0F);
    float sum = 0;
    for (int n = 0; n < ratings; ++n) {
      add_row(weight[n] * of_rating[n], partners_.row(lists_.partner[first + n]), shape_.rank, x);
      sum += weight[n];
    }
    for (int f = 0; f < shape_.rank; ++f) x[f] *= of_factor[f] * of_factor[f];
    if (has_biases_) *task_.sides.biases.row(row) = of_bias * sum;
    store(row);
    return true;
  }

  /// Factor f of the partners of `count` ratings side by side, times what solve_dual has for both: [rank x padded],
  /// zeros behind them.
  WF_INLINE float* transpose(Position first, int count, int padded) {
    const Position size = checked_product(shape_.rank, padded);
    if (room_.columns.size() < size) room_.columns.resize(size);
    float* const columns = room_.columns.data();
    for (int n = 0; n < count; n += 8) {
      const int together = std::min(8, count - n);
      const float* rows[8];
      for (int k = 0; k < together; ++k) {
        rows[k] = partners_.row(lists_.partner[first + n + k]);
        scores_.prefetch(first + n + k + kRowsAhead);
      }
      for (int f = 0; f < shape_.rank; ++f) {
        Eight values{};
        for (int k = 0; k < together; ++k) values[k] = rows[k][f];
        const Eight scale = lanes::all(room_.image[f]) * lanes::load<Eight>(room_.direction.data() + n);
        lanes::store(values * scale, columns + Position{f} * padded + n);
      }
    }
    const int written = (count + 7) / 8 * 8;
    for (int f = 0; written < padded && f < shape_.rank; ++f) {
      lanes::store(Eight{}, columns + Position{f} * padded + written);
    }
    return columns;
  }

  template <class Use>
  WF_INLINE void for_scores(Position row, const float* x, const Use& use) const {
    scores_.for_scores(x, lists_.begin[row], lists_.begin[row + 1], use);
  }

  /// sums[f] += factor * row[f].
  WF_INLINE void add_row(float factor, const float* row, int count, float* sums) const {
    int f = 0;
    const Eight all = lanes::all(factor);
    for (; f + 8 <= count; f += 8) {
      auto sum = lanes::load<Eight>(sums + f);
      Ops::add_product(sum, all, lanes::load<Eight>(row + f));
      lanes::store(sum, sums + f);
    }
    for (; f < count; ++f) sums[f] = Ops{}(factor, row[f], sums[f]);
  }

  /// -base * x - ridge * x.
  WF_INLINE void start_rest(const float* x, float ridge, float* rest) const {
    for (int f = 0; f < shape_.padded; ++f) rest[f] = -ridge * x[f];
    if (task_.base.empty()) return;
    constexpr int kTogether = ListScores<Ops>::kTogether;
    for (int f = 0; f < shape_.padded; f += kTogether) {  // rows and columns behind the rank are zeros
      Partners of_factors;
      float weights[kTogether];
      for (int k = 0; k < kTogether; ++k) {
        of_factors.rows[k] = task_.base.row(f + k);
        weights[k] = -x[f + k];
      }
      ListScores<Ops>::template add_rows<Vector>(of_factors, shape_.padded, weights, rest);
    }
  }

  WF_INLINE float ridge_of(Position row) const {
    Position counted = lists_.count(row);
    if (settings_.implicit) {
      counted = 0;
      for (Position n = lists_.begin[row]; n < lists_.begin[row + 1]; ++n)
        counted += counts(settings_, lists_.value[n]);
    }
    return static_cast<float>(settings_.lambda * row_scale(settings_, counted));
  }

  /// Conjugate gradients without the matrix: its product with a vector goes through the row's ratings.
  template <class Ratings>
  WF_INLINE void descend(Position row, Ratings& ratings) {
    const float ridge = ridge_of(row);
    const auto bias_ridge = static_cast<float>(settings_.lambda_bias);
    const int padded = shape_.padded;
    float *const x = room_.x.data(), *const rest = room_.rest.data(), *const direction = room_.direction.data(),
                 *const image = room_.image.data();
    copy_row(task_.sides.factors.row(row), shape_.rank, x);
    float bias = has_biases_ ? *task_.sides.biases.row(row) : 0;
    const auto add_rests = [&](const float* of, float of_bias, bool pulls, float* to) WF_INLINE_LAMBDA {
      start_rest(of, ridge, to);
      const float sum = ratings.add_rests(of, of_bias, pulls, to);
      return has_biases_ ? sum - bias_ridge * of_bias : 0.0F;
    };
    float bias_rest = add_rests(x, bias, true, rest);
    std::copy_n(rest, padded, direction);
    float bias_direction = bias_rest;
    float length = dot<float>(rest, rest, padded) + bias_rest * bias_rest;
    for (int step = 0; step < settings_.cg_steps && length > 0; ++step) {
      const float bias_image = add_rests(direction, bias_direction, false, image);
      const float curvature = -(dot<float>(direction, image, padded) + bias_direction * bias_image);
      if (!(curvature > 0)) break;
      const float rate = length / curvature;
      add_row(rate, direction, padded, x);
      add_row(rate, image, padded, rest);
      bias += rate * bias_direction;
      bias_rest += rate * bias_image;
      const float shorter = dot<float>(rest, rest, padded) + bias_rest * bias_rest;
      const float turn = shorter / length;
      for (int f = 0; f < padded; ++f) direction[f] = rest[f] + turn * direction[f];
      bias_direction = bias_rest + turn * bias_direction;
      length = shorter;
    }
    if (has_biases_) *task_.sides.biases.row(row) = bias;
    store(row);
  }

  /// Rendle, Krichene, Zhang, Koren: iALS++: Speeding up matrix factorization with subspace optimization.
  /// arXiv:2110.14044. One block of factors after the other, the scores being kept up to date.
  template <class Ratings>
  WF_INLINE bool solve_blocks(Position row, Ratings& ratings) {
    const float ridge = ridge_of(row);
    float *const x = room_.x.data(), *const rest = room_.rest.data(), *const change = room_.image.data();
    copy_row(task_.sides.factors.row(row), shape_.rank, x);
    ratings.find_scores(x);
    bool whole = true;
    for (int from = 0; from < shape_.rank; from += settings_.block) {
      const FactorBlock block{from, std::min(settings_.block, shape_.rank - from)};
      const SolveShape shape(block.width);
      const Sums at(shape, room_.sums.data());
      start_rest(x, ridge, rest);
      start_block(block, shape, rest + from, at);
      ratings.add_block(block, room_.sums.data());
      whole = factorize_with(shape, at, ridge) && whole;
      solve_back<Ops>(shape, at.matrix, room_.inverse.data(), shape.padded, change);
      for (int f = 0; f < block.width; ++f) x[from + f] += change[f];
      ratings.move_scores(block, change);
    }
    store(row);
    return whole;
  }

  /// A block's sums before the first rating.
  WF_INLINE void start_block(const FactorBlock& block, const SolveShape& shape, const float* rest, const Sums& at) {
    for (int f = 0; f < shape.padded; ++f) {
      for (int g = 0; g < shape.padded; ++g) {
        const bool inside = f < shape.rank && g < shape.rank;
        at.matrix[f * shape.pitch + g] =
            inside && !task_.base.empty() ? task_.base.row(block.from + f)[block.from + g] : 0.0F;
      }
      at.right[f] = f < shape.rank ? rest[f] : 0.0F;
      at.border[f] = 0;
    }
  }

  /// All ratings of a short row, as descend and solve_blocks go through them: what SplitRow is for a long one.
  struct ShortRow {
    RowSolver& solver;
    Position first, end;

    WF_INLINE ShortRow(RowSolver& of, Position row)
        : solver(of), first(of.lists_.begin[row]), end(of.lists_.begin[row + 1]) {}

    WF_INLINE float* scores() const { return solver.room_.scores.data(); }
    WF_INLINE float add_rests(const float* x, float bias, bool pulls, float* rest) const {
      return solver.add_rests(first, end, x, bias, pulls, rest);
    }
    WF_INLINE void find_scores(const float* x) const {
      if (solver.room_.scores.size() < end - first) solver.room_.scores.resize(end - first);
      solver.find_scores(first, end, x, scores());
    }
    WF_INLINE void add_block(const FactorBlock& block, float* sums) const {
      solver.add_block(block, first, end, scores(), sums);
    }
    WF_INLINE void move_scores(const FactorBlock& block, const float* change) const {
      solver.move_scores(block, first, end, change, scores());
    }
  };

  const SolveTask& task_;
  RowListsView<Host> lists_;
  Rows<const float, Host> partners_;
  SolveSettings settings_;
  ListScores<Ops> scores_;
  SolveRoom& room_;
  SolveShape shape_;
  bool has_biases_;
};

}  // namespace wf
