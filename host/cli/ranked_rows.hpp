// What verbs share that answer with the best rows for some others: whom they are asked about, and how they answer.
#pragma once
#include "host/cli/output_file.hpp"
#include "host/kernels/top_items.hpp"
#include "host/ratings/id_map.hpp"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

namespace wf::cli {

/// Whom a request names: ids of its own (--user ID), or those of a file, one a line. `side` is user or item. Throws
/// UsageError where both or none are given, which also names `others`, a way that the verb has besides; InputError
/// where the file cannot be read or is empty.
std::vector<std::string> requested_ids(const std::string& side, const std::vector<std::string>& ids,
                                       const std::string& file, const std::string& others = "");

/// The ids of a file, one a line; - is stdin. Throws InputError where it cannot be read or is empty.
std::vector<std::string> ids_of_file(const std::string& option, const std::string& side, const std::string& file);

/// Their rows in a table of n_rows. Throws InputError, which names `path` and gives the `advice` of the verb besides,
/// for an id that the model does not have.
std::vector<RowId> rows_of(const IdMap& map, Position n_rows, const std::vector<std::string>& ids,
                           const std::string& side, const std::string& path, const std::string& advice = "");

/// Id to name.
using NameTable = std::unordered_map<std::string, std::string>;
NameTable load_names(const std::string& path);

/// One answer: `row` by its id, the best-th of those to `of`.
struct RankedLine {
  std::string of, row, name;
  int rank;
  float score;
};

/// Writes CSV, JSON Lines or, for people, an aligned table; columns `of`,rank,`row`,score[,name].
class RankedWriter {
 public:
  RankedWriter(OutputFile& out, bool json, std::string of, std::string row, bool with_names);

  /// Of one `of`.
  void write(const std::vector<RankedLine>& lines);

 private:
  enum class Form { csv, json, table };

  std::string csv(const RankedLine& line) const;
  std::string json(const RankedLine& line) const;
  void write_table(const std::vector<RankedLine>& lines);

  OutputFile& out_;
  std::string of_, row_;
  Form form_ = Form::csv;
  bool with_names_;
};

/// A list by the names of its ids. Adds to `unnamed` those that `names`, unless empty, lacks.
std::vector<RankedLine> ranked_lines(const std::string& of, const std::vector<Recommendation>& list, const IdMap& ids,
                                     const NameTable& names, Position& unnamed);

/// Rows of a block whose lists are made together: some 4 M entries, so that all users' lists need not be in memory.
inline Position rows_together(int top) {
  return std::max<Position>(64, (Position{1} << 22) / top);
}

}  // namespace wf::cli
