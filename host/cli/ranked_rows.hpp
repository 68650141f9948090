// What verbs share that answer with the best rows for some others: whom they are asked about, and how they answer.
#pragma once
#include "host/api/recommend.hpp"
#include "host/cli/output_file.hpp"
#include "host/ratings/id_map.hpp"

#include <string>
#include <unordered_map>
#include <vector>

namespace wf::cli {

/// Whom a request names: ids of its own (--user ID), or those of a file, one a line. `side` is user or item. Throws
/// UsageError where both or none are given, InputError where the file cannot be read or is empty.
std::vector<std::string> requested_ids(const std::string& side, const std::vector<std::string>& ids,
                                       const std::string& file);

/// Their rows in a table of n_rows. Throws InputError, which names `path`, for an id that the model does not have.
std::vector<RowId> rows_of(const IdMap& map, Position n_rows, const std::vector<std::string>& ids,
                           const std::string& side, const std::string& path);

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

/// The scores of users against all items, a block of users at a time: 64 rows of 4 bytes an item.
class BlockScores {
 public:
  /// All outlive this.
  BlockScores(Scorer& scorer, const std::vector<RowId>& users, Position n_items)
      : scorer_(scorer), users_(users), n_items_(n_items) {}

  /// Of the n-th user; n ascends from call to call. Valid until the next call.
  Span<const float, Host> of(std::size_t n);

 private:
  static constexpr std::size_t kBlock = 64;

  void load(std::size_t first);

  Scorer& scorer_;
  const std::vector<RowId>& users_;
  Position n_items_;
  HostBuffer<float> scores_;
  std::size_t first_ = 0;
};

/// The n best of `scores` but `excluded` (ascending), by the names of their ids. Adds to `unnamed` those that `names`,
/// unless empty, lacks.
std::vector<RankedLine> ranked_lines(const std::string& of, Span<const float, Host> scores,
                                     const std::vector<RowId>& excluded, int n, const IdMap& ids,
                                     const NameTable& names, Position& unnamed);

}  // namespace wf::cli
