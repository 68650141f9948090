// Reading a text as a file, and what came of it, for the tests of the readers.
#pragma once
#include "host/base/error.hpp"
#include "host/readers/read_ratings.hpp"
#include "tests/support/run_program.hpp"

#include <string>
#include <tuple>
#include <vector>

namespace wf::test {

using ReadTriple = std::tuple<std::string, std::string, float>;  ///< outside ids and value
using Triples = std::vector<ReadTriple>;

inline Triples triples_of(const Dataset& data) {
  Triples triples;
  for (Position n = 0; n < data.ratings.size(); ++n) {
    triples.emplace_back(data.users.text(data.ratings.user[n]), data.items.text(data.ratings.item[n]),
                         data.ratings.value[n]);
  }
  return triples;
}

struct ReadBack {
  Dataset data;
  ReadReport report;
  Triples triples;
};

inline ReadBack read_back(const std::string& path, const ReadOptions& options = {}) {
  ReadBack result;
  result.report = read_ratings(path, options, result.data);
  result.triples = triples_of(result.data);
  return result;
}

/// `bytes` as a file ratings.csv, whatever they are.
inline ReadBack read_text_as_file(const std::string& bytes, const ReadOptions& options = {}) {
  const TemporaryFolder folder;
  return read_back(folder.write("ratings.csv", bytes), options);
}

/// The message of the InputError that reading `bytes` ends with, the folder taken from its path; "no error" otherwise.
inline std::string read_error(const std::string& bytes, const ReadOptions& options = {}) {
  const TemporaryFolder folder;
  try {
    read_back(folder.write("ratings.csv", bytes), options);
  } catch (const InputError& error) {
    const std::string message = error.what();
    const std::string prefix = folder.path().string() + "/";
    return message.rfind(prefix, 0) == 0 ? message.substr(prefix.size()) : message;
  }
  return "no error";
}

}  // namespace wf::test
