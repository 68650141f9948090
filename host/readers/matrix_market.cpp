#include "host/readers/matrix_market.hpp"

#include "host/base/shown.hpp"
#include "host/ratings/id_rules.hpp"
#include "host/readers/fields.hpp"

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

namespace wf {
namespace {

/// Behind the per cent signs.
std::vector<std::string> lower_words(std::string_view line) {
  line.remove_prefix(std::min(line.find_first_not_of("% \t"), line.size()));
  FieldSplitter splitter(" ", false);
  std::vector<std::string> words;
  for (const Field& field : splitter.split(line)) {
    std::string& word = words.emplace_back(field.text);
    for (char& c : word) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return words;
}

}  // namespace

bool is_matrix_banner(std::string_view line) {
  const std::vector<std::string> words = lower_words(line.substr(0, 80));
  return !words.empty() && words.front() == "matrixmarket";
}

MatrixHead read_matrix_banner(std::string_view line, const Place& place) {
  const std::vector<std::string> words = lower_words(line);
  const auto is = [&](std::size_t n, std::string_view word) { return words[n] == word; };
  if (words.size() != 5 || !is(1, "matrix")) {
    throw InputError(place, "is no banner of a Matrix Market file: " + shown(line),
                     "%%MatrixMarket matrix coordinate real general is one");
  }
  if (!is(2, "coordinate")) {
    throw InputError(place, "is a Matrix Market file with every cell, or one of another kind: " + shown(words[2]),
                     "write what is rated: scipy.io.mmwrite(FILE, scipy.sparse.coo_matrix(ratings))");
  }
  if (!is(3, "real") && !is(3, "integer") && !is(3, "double") && !is(3, "pattern")) {
    throw InputError(place, "is a Matrix Market file of " + shown(words[3]) + " values, which are no ratings",
                     "real, integer and pattern ones are read");
  }
  if (!is(4, "general") && !is(4, "symmetric")) {
    throw InputError(place, "is a Matrix Market file that is " + shown(words[4]) + ", which ratings are not",
                     "scipy.io.mmwrite(FILE, matrix, symmetry=\"general\")");
  }
  return {is(3, "pattern"), is(4, "symmetric")};
}

void read_matrix_size(std::string_view line, const Place& place, MatrixHead& head) {
  FieldSplitter splitter(" ", false);
  const std::vector<Field>& fields = splitter.split(line);
  Position* const sizes[] = {&head.users, &head.items, &head.entries};
  for (std::size_t n = 0; n < std::size(sizes) && fields.size() == std::size(sizes); ++n) {
    *sizes[n] = canonical_integer(fields[n].text).value_or(-1);
  }
  if (fields.size() != std::size(sizes) || std::min({head.users, head.items, head.entries}) < 0) {
    throw InputError(place, "is no size line of a Matrix Market file: " + shown(line),
                     "rows, columns and entries: three whole numbers");
  }
  if (std::max(head.users, head.items) > kMaxRows) {
    throw InputError(place, "has more rows or columns than " + std::to_string(kMaxRows), "leave out the empty ones");
  }
  if (head.symmetric && head.users != head.items) {
    throw InputError(place, "is a symmetric matrix that is not square", "correct its banner or its size line");
  }
}

}  // namespace wf
