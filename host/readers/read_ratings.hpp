// file -> ratings: the verb of the folder. Detects what the bytes are, says what it found, refuses what it cannot read.
#pragma once
#include "host/ranks/ranks.hpp"
#include "host/ratings/ratings.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace wf {

/// What to override of the detection. Empty or nullopt: detect.
struct ReadOptions {
  std::string separator;       ///< ",", "\t", "::", ";", "|", or " " for runs of blanks
  std::optional<bool> header;  ///< is the first line a header?
  std::string user_column;     ///< a header name, or a number from 1
  std::string item_column;
  std::string rating_column;     ///< "none": no rating column, every value is 1
  std::string timestamp_column;  ///< "none": no timestamps
  bool lists = false;            ///< a line is a user and any number of items, every value 1
  bool timestamps = false;       ///< read them into Dataset::timestamps, where the file has any
  std::optional<IdKind> ids;     ///< nullopt: integers where all are, else strings, a dictionary per side
  bool skip_bad = false;         ///< count malformed lines instead of stopping at the first
  bool need_rating = true;       ///< false: pairs for `predict`; a rating column is allowed and ignored
  int threads = 0;  ///< that parse; 0: all CPUs this process may run on. What is read does not depend on it
};

/// How to read a ratings file: the detection's overrides and declared sizes (`--ids rows` only; 0: from the data).
struct ReaderRequest {
  ReadOptions options;
  Position n_users = 0;
  Position n_items = 0;
};
/// The first of the options given that say how a text is laid out, `--sep` or so; empty: there is none.
std::string given_layout_option(const ReadOptions& options);
/// Throws UsageError for such an option, but `none` for a column, where a file is `what` and has a layout of its own.
void refuse_layout_options(ReadOptions options, const std::string& file, const char* what);

/// What was found and what was done about it: one of these is printed for every file that is read.
struct ReadReport {
  std::string path;
  std::string kind;                   ///< "Matrix Market", "lists" or "SciPy csr" where it is no table of lines
  std::string compression;            ///< "", "gzip" or "zstd"
  std::string separator;              ///< as in ReadOptions
  std::optional<std::string> header;  ///< the header line, if there is one
  std::string user_column, item_column, rating_column;  ///< name or number; rating "none": implicit
  std::string timestamp_column = "none";                ///< "none": there is none, or it was not asked for
  Position lines = 0;     ///< text lines in all, header, comments and blank lines included
  Position comments = 0;  ///< lines that begin with # or %
  Position blank = 0;
  Position ratings = 0;
  Position bad_lines = 0;  ///< only with skip_bad
  std::string first_bad;   ///< the message of the first bad line
  Position bytes = 0;      ///< of the file as it lies on disk
  std::string hash;        ///< XXH3-64 of those bytes, 16 hex digits
  double seconds = 0;
  float min_value = 0, max_value = 0;
  double mean_value = 0;  ///< the same in whatever order values are added

  bool implicit() const { return rating_column == "none"; }
};

/// "gzip, comma, header userId,movieId,rating,timestamp · 20,000,263 ratings in 1.3 s · 0 bad lines"
std::string describe(const ReadReport& report);

std::string with_thousands(Position count);  ///< "1,234,567"

/// Appends the file's triples to `into`; new ids get new rows. `path` "-" is stdin. `progress`, if given, is called at
/// most every 0.1 s with the bytes read so far, by one thread at a time but not always the caller's. Throws InputError
/// with file, line, column, the text found and what to do, and UsageError for options that such a file does not have.
/// Peak memory: 12 bytes per rating, the ids, and 3 MB a thread.
///
/// Several ranks call it together, with the same options and the same ids in `into`. Each reads its part of a plain
/// text, and gets its ratings, the ids of all, with the rows that one process would give them, and the report of the
/// file. All throw the error of the first bad line, or UsageError for a file that has no parts.
ReadReport read_ratings(const std::string& path, const ReadOptions& options, Dataset& into,
                        const std::function<void(Position bytes)>& progress = {}, Ranks& ranks = Ranks::alone());

/// Throws the UsageError of several ranks for a file that `is` something without parts that can be read alone.
[[noreturn]] void refuse_for_ranks(const std::string& file, const std::string& is);

/// Names for ids, from a delimited file such as MovieLens' movies.csv: the column called title or name, else the
/// second, for the ids in the column called movieId, item_id, book_id, id, ..., else the first other one. Same errors
/// as read_ratings.
std::vector<std::pair<std::string, std::string>> read_names(const std::string& path);

}  // namespace wf
