// recommend: the best unseen items of some users.
#include "host/api/engines.hpp"
#include "host/api/recommend.hpp"
#include "host/cli/data_files.hpp"
#include "host/cli/json_text.hpp"
#include "host/cli/output_file.hpp"
#include "host/cli/verbs.hpp"
#include "host/cli/words.hpp"
#include "host/model/model_file.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <unordered_map>
#include <utility>

namespace wf::cli {
namespace {

std::vector<std::string> read_id_lines(std::istream& in, const std::string& path) {
  std::vector<std::string> ids;
  std::string line;
  while (std::getline(in, line)) {
    if (ids.empty() && line.rfind("\xEF\xBB\xBF", 0) == 0) line.erase(0, 3);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t')) line.pop_back();
    if (!line.empty()) ids.push_back(line);
  }
  if (in.bad()) throw InputError({path}, std::string("cannot be read: ") + std::strerror(errno));
  if (ids.empty()) throw InputError({path}, "it holds no user", "it takes one user id a line");
  return ids;
}

std::vector<std::string> requested_users(const RecommendRequest& request) {
  if (request.users.empty() == request.users_file.empty()) {
    throw UsageError(request.users.empty() ? "for whom?" : "--user and --users exclude each other",
                     "give --user ID, as often as needed, or --users FILE");
  }
  if (!request.users.empty()) return request.users;
  const bool from_stdin = request.users_file == "-";
  std::ifstream file(from_stdin ? "/dev/stdin" : request.users_file);
  if (!file) {
    throw InputError({request.users_file}, std::string("cannot be opened: ") + std::strerror(errno),
                     "--users takes a file with one user id a line");
  }
  return read_id_lines(file, from_stdin ? "stdin" : request.users_file);
}

std::vector<RowId> rows_of(const Model& model, const std::vector<std::string>& users, const std::string& path) {
  std::vector<RowId> rows;
  for (const std::string& user : users) {
    const std::optional<RowId> row = model.users.find(user);
    if (!row || *row >= model.n_users) {
      throw InputError({path},
                       fmt::format("user \"{}\" is not among the model's {}", user, plural(model.n_users, "user")),
                       fmt::format("its first user is {}; an id is written as in the training file",
                                   model.n_users > 0 ? model.users.text(0) : std::string("nobody")));
    }
    rows.push_back(*row);
  }
  return rows;
}

/// The ratings whose items are to be left out.
Ratings seen_ratings(const RecommendRequest& request, const Model& model, const TrainingRecord& record,
                     Console& console) {
  if (request.keep_seen) {
    if (!request.seen.empty()) throw UsageError("--seen and --keep-seen exclude each other", "give one of them");
    return {};
  }
  if (!request.seen.empty()) {
    Dataset data = known_dataset(model);
    ReadOptions options = options_for(model, record, request.reader.options);
    options.need_rating = false;
    note_reader(console, record, options);
    read_file(console, request.seen, options, data);
    return std::move(data.ratings);
  }
  TrainingFile file = reread_training_file(console, model, record, request.model, request.engine.threads);
  if (!file.ratings) {
    throw UsageError("which items has the user seen? " + file.why_not,
                     "--seen FILE names ratings whose items are left out, --keep-seen leaves out none");
  }
  return std::move(*file.ratings);
}

using NameTable = std::unordered_map<std::string, std::string>;

NameTable load_names(const std::string& path) {
  NameTable names;
  for (auto& [id, name] : read_names(path)) names.emplace(std::move(id), std::move(name));
  return names;
}

struct Line {
  std::string user, item, name;
  int rank;
  float score;
};

/// Writes CSV, JSON Lines or, for people, an aligned table.
class RecommendationWriter {
 public:
  enum class Form { csv, json, table };

  RecommendationWriter(OutputFile& out, Form form, bool with_names) : out_(out), form_(form), with_names_(with_names) {
    if (form_ == Form::csv) out_.write(with_names_ ? "user,rank,item,score,name\n" : "user,rank,item,score\n");
  }

  void write(const std::vector<Line>& lines) {
    if (form_ == Form::table) return write_table(lines);
    for (const Line& line : lines) out_.write(form_ == Form::json ? json(line) : csv(line));
  }

 private:
  std::string csv(const Line& line) const {
    std::string text =
        fmt::format("{},{},{},{:.9g}", csv_field(line.user), line.rank, csv_field(line.item), line.score);
    if (with_names_) text += ',' + csv_field(line.name);
    return text + '\n';
  }
  std::string json(const Line& line) const {
    JsonObject object;
    object.text("user", line.user).count("rank", line.rank).text("item", line.item).number("score", line.score);
    if (with_names_) object.text("name", line.name);
    return object.str() + '\n';
  }
  void write_table(const std::vector<Line>& lines) {
    std::size_t width = 4;
    for (const Line& line : lines) width = std::max(width, line.item.size());
    if (!lines.empty()) out_.write(fmt::format("user {}\n", lines.front().user));
    for (const Line& line : lines) {
      out_.write(fmt::format("{:>4}  {:<{}}  {:8.4f}  {}\n", line.rank, line.item, width, line.score, line.name));
    }
  }

  OutputFile& out_;
  Form form_;
  bool with_names_;
};

/// `seen` and the padding row, which stands for no item; ascending.
std::vector<RowId> left_out(const std::vector<RowId>& seen, RowId padding) {
  std::vector<RowId> rows = seen;
  if (padding >= 0) rows.insert(std::lower_bound(rows.begin(), rows.end(), padding), padding);
  return rows;
}

/// The scores of users against all items, a block of users at a time: 64 rows of 4 bytes an item.
class BlockScores {
 public:
  BlockScores(Scorer& scorer, const std::vector<RowId>& users, Position n_items)
      : scorer_(scorer), users_(users), n_items_(n_items) {}

  /// Of the n-th user; n ascends from call to call. Valid until the next call.
  Span<const float, Host> of(std::size_t n) {
    if (n >= first_ + kBlock || scores_.empty()) load(n / kBlock * kBlock);
    return std::as_const(scores_).span().part(static_cast<Position>(n - first_) * n_items_, n_items_);
  }

 private:
  static constexpr std::size_t kBlock = 64;

  void load(std::size_t first) {
    first_ = first;
    const auto count = static_cast<Position>(std::min(kBlock, users_.size() - first));
    scores_.resize(checked_product(count, n_items_));
    scorer_.score_items({users_.data() + first, count}, {scores_.data(), count, static_cast<int>(n_items_), n_items_});
  }

  Scorer& scorer_;
  const std::vector<RowId>& users_;
  Position n_items_;
  HostBuffer<float> scores_;
  std::size_t first_ = 0;
};

}  // namespace

int run_verb(const RecommendRequest& request, Console& console) {
  const std::vector<std::string> users = requested_users(request);
  const Model model = read_model(request.model);
  const TrainingRecord record = read_record(model, request.model);
  const std::vector<RowId> rows = rows_of(model, users, request.users.empty() ? request.users_file : request.model);
  ChosenEngine chosen = make_engine(request.engine.engine, request.engine.threads);
  const SeenItems seen(seen_ratings(request, model, record, console).view(), rows);
  const NameTable names = request.names.empty() ? NameTable{} : load_names(request.names);

  using Form = RecommendationWriter::Form;
  refuse_same_file(request.out, request.model);
  OutputFile out(request.out);
  const bool table = out.is_stdout() && isatty(STDOUT_FILENO) != 0;
  RecommendationWriter writer(out,
                              console.json() ? Form::json
                              : table        ? Form::table
                                             : Form::csv,
                              !request.names.empty());
  const auto scorer = chosen.engine->open(model);
  BlockScores scores(*scorer, rows, model.n_items);
  Position unnamed = 0;
  for (std::size_t n = 0; n < rows.size(); ++n) {
    const std::vector<RowId> excluded = left_out(seen.of(rows[n]), record.item_padding);
    const Span<const RowId, Host> excluded_rows{excluded.data(), static_cast<Position>(excluded.size())};
    std::vector<Line> lines;
    for (const Recommendation& best : top_items(scores.of(n), excluded_rows, request.top)) {
      const std::string item = model.items.text(best.item);
      const auto name = names.find(item);
      unnamed += name == names.end() && !names.empty() ? 1 : 0;
      lines.push_back(
          {users[n], item, name == names.end() ? "" : name->second, static_cast<int>(lines.size()) + 1, best.score});
    }
    writer.write(lines);
    if (lines.size() < static_cast<std::size_t>(request.top)) {
      console.note(fmt::format("user {} gets {} of {}: of {} {} are seen already", users[n], lines.size(), request.top,
                               plural(model.n_items, "item"), grouped(static_cast<Position>(excluded.size()))));
    }
  }
  out.commit();
  if (unnamed > 0) console.note(fmt::format("{} not in {}", plural(unnamed, "recommended item"), request.names));
  return 0;
}

}  // namespace wf::cli
