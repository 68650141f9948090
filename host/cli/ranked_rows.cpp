#include "host/cli/ranked_rows.hpp"

#include "host/base/error.hpp"
#include "host/base/json_text.hpp"
#include "host/base/utf8.hpp"
#include "host/cli/data_files.hpp"
#include "host/ratings/write_ratings.hpp"
#include "host/settings/words.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <utility>

namespace wf::cli {
namespace {

std::vector<std::string> read_id_lines(std::istream& in, const std::string& side, const std::string& path) {
  std::vector<std::string> ids;
  std::string line;
  while (std::getline(in, line)) {
    if (ids.empty() && line.rfind("\xEF\xBB\xBF", 0) == 0) line.erase(0, 3);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t')) line.pop_back();
    if (!line.empty()) ids.push_back(line);
  }
  if (in.bad()) throw InputError({path}, std::string("cannot be read: ") + std::strerror(errno));
  if (ids.empty()) throw InputError({path}, "it holds no " + side, "it takes one " + side + " id a line");
  return ids;
}

}  // namespace

std::vector<std::string> requested_ids(const std::string& side, const std::vector<std::string>& ids,
                                       const std::string& file, const std::string& others) {
  if (ids.empty() == file.empty()) {
    throw UsageError(ids.empty() ? "for which " + side + "?" : fmt::format("--{0} and --{0}s exclude each other", side),
                     fmt::format("give --{0} ID, as often as needed, or --{0}s FILE{1}{2}", side,
                                 others.empty() ? "" : ", or ", others));
  }
  return ids.empty() ? ids_of_file("--" + side + "s", side, file) : ids;
}

std::vector<std::string> ids_of_file(const std::string& option, const std::string& side, const std::string& file) {
  const bool from_stdin = file == "-";
  std::ifstream in(from_stdin ? "/dev/stdin" : file);
  if (!in) {
    throw InputError({file}, std::string("cannot be opened: ") + std::strerror(errno),
                     fmt::format("{} takes a file with one {} id a line", option, side));
  }
  return read_id_lines(in, side, from_stdin ? "stdin" : file);
}

std::vector<RowId> rows_of(const IdMap& map, Position n_rows, const std::vector<std::string>& ids,
                           const std::string& side, const std::string& path, const std::string& advice) {
  std::vector<RowId> rows;
  for (const std::string& id : ids) {
    const std::optional<RowId> row = map.find(id);
    if (!row || *row >= n_rows) {
      throw InputError(
          {path}, fmt::format("{} \"{}\" is not among the model's {}", side, id, plural(n_rows, side.c_str())),
          fmt::format("its first {} is {}; an id is written as in the training file{}{}", side,
                      n_rows > 0 ? map.text(0) : std::string("nobody"), advice.empty() ? "" : "; ", advice));
    }
    rows.push_back(*row);
  }
  return rows;
}

NameTable load_names(const std::string& path) {
  NameTable names;
  for (auto& [id, name] : read_names(path)) names.emplace(std::move(id), std::move(name));
  return names;
}

RankedWriter::RankedWriter(OutputFile& out, bool json, std::string of, std::string row, bool with_names)
    : out_(out), of_(std::move(of)), row_(std::move(row)), with_names_(with_names) {
  if (json) {
    form_ = Form::json;
  } else if (out.is_stdout() && isatty(STDOUT_FILENO) != 0) {
    form_ = Form::table;
  }
  if (form_ == Form::csv) out_.write(fmt::format("{},rank,{},score{}\n", of_, row_, with_names_ ? ",name" : ""));
}

void RankedWriter::write(const std::vector<RankedLine>& lines) {
  if (form_ == Form::table) return write_table(lines);
  for (const RankedLine& line : lines) out_.write(form_ == Form::json ? json(line) : csv(line));
}

std::string RankedWriter::csv(const RankedLine& line) const {
  std::string text = fmt::format("{},{},{},{:.9g}", csv_field(line.of), line.rank, csv_field(line.row), line.score);
  if (with_names_) text += ',' + csv_field(line.name);
  return text + '\n';
}

std::string RankedWriter::json(const RankedLine& line) const {
  JsonObject object;
  object.text(of_, line.of).count("rank", line.rank).text(row_, line.row).number("score", line.score);
  if (with_names_) object.text("name", line.name);
  return object.str() + '\n';
}

void RankedWriter::write_table(const std::vector<RankedLine>& lines) {
  std::size_t width = 4;
  for (const RankedLine& line : lines) width = std::max(width, character_count(line.row));
  if (!lines.empty()) out_.write(fmt::format("{} {}\n", of_, lines.front().of));
  for (const RankedLine& line : lines) {
    out_.write(fmt::format("{:>4}  {:<{}}  {:8.4f}  {}\n", line.rank, line.row, width, line.score, line.name));
  }
}

std::vector<RankedLine> ranked_lines(const std::string& of, const std::vector<Recommendation>& list, const IdMap& ids,
                                     const NameTable& names, Position& unnamed) {
  std::vector<RankedLine> lines;
  for (const Recommendation& best : list) {
    const std::string id = ids.text(best.item);
    const auto name = names.find(id);
    unnamed += name == names.end() && !names.empty() ? 1 : 0;
    lines.push_back({of, id, name == names.end() ? "" : name->second, static_cast<int>(lines.size()) + 1, best.score});
  }
  return lines;
}

}  // namespace wf::cli
