// The options of the verbs that use a model: evaluate, predict, recommend, similar.
#include "host/cli/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace wf::cli {
namespace {

constexpr Position kLongestList = 1'000'000;

void add_top(Parser& parser, const char* what, int& top) {
  parser.value(Group::output, "-n,--top,--topk", "N", fmt::format("{} (default {}; 1 to {})", what, top, kLongestList),
               [&top](const std::string& option, const std::string& word) {
                 top = static_cast<int>(parse_whole(option, word, 1, kLongestList));
               });
}

Parser::Take append(std::vector<std::string>& into) {
  return [&into](const std::string&, const std::string& word) { into.push_back(word); };
}

/// "10,20": Ks, ascending and without duplicates.
std::vector<Position> parse_cuts(const std::string& option, const std::string& text) {
  std::set<Position> cuts;
  for (const std::string& word : split(text, ',')) cuts.insert(parse_whole(option, word, 1, kLongestList));
  return {cuts.begin(), cuts.end()};
}

void add_ranking_options(Parser& parser, RankingRequest& ranking) {
  const Group group = Group::evaluation;
  parser.value(
      group, "--at,--topk", "K[,K...]",
      "rank all items for each user of FILE, too: precision, recall, hit rate, NDCG, MAP, MRR, coverage, Gini and "
      "popularity of the first K, and AUC",
      [&ranking](const std::string& option, const std::string& word) { ranking.at = parse_cuts(option, word); });
  parser.value(
      group, "--relevant-from", "X",
      "the least rating of FILE that should be ranked high (default: that of --positive-from in training, else "
      "every rating)",
      [&ranking](const std::string& option, const std::string& word) {
        ranking.relevant_from = parse_number(option, word, kAnyNumber);
      });
  parser.flag(group, "--keep-seen", "rank the items that a user has rated in training, too",
              [&ranking] { ranking.keep_seen = true; });
  parser.value(group, "--sampled", "N",
               "rank what is relevant among N other items drawn for each user: fast, and biased",
               [&ranking](const std::string& option, const std::string& word) {
                 ranking.sampled = parse_whole(option, word, 1, kMaxRows);
               });
  parser.rare();
  parser.value(
      group, "--seed", "N", "of --sampled (default 42)",
      [&ranking](const std::string& option, const std::string& word) { ranking.seed = parse_seed(option, word); });
  parser.rare();
}

}  // namespace

void add_evaluate_options(Parser& parser, EvaluateRequest& request) {
  parser.positional("MODEL", "a model that train wrote", request.model);
  parser.positional("FILE", "ratings to compare with; - is stdin", request.data);
  add_reader_options(parser, request.reader, true);
  parser.value(Group::evaluation, "--train", "FILE",
               "training ratings: the bias baseline is fitted on them, and --at leaves their items out (default: the "
               "training file, if it is beside MODEL or in the current folder, and unchanged)",
               store(request.train));
  add_ranking_options(parser, request.ranking);
  add_engine_options(parser, request.engine.engine, request.engine.threads, &request.reader.options.threads);
}

void add_predict_options(Parser& parser, PredictRequest& request) {
  parser.positional("MODEL", "a model that train wrote", request.model);
  parser.positional("PAIRS", "a file of user,item; a rating column is ignored; - is stdin", request.pairs);
  add_reader_options(parser, request.reader, false);
  parser.value(
      Group::model, "--unknown", "bias|mean|skip|error",
      "pairs with an id that the model does not know: bias of the side that is known and mean, mean alone, left "
      "out, or refused (default bias)",
      [&request](const std::string& option, const std::string& word) {
        const std::vector<std::string> words{"bias", "mean", "skip", "error"};
        const auto found = std::find(words.begin(), words.end(), word);
        if (found == words.end()) refuse_word(option, word, words);
        request.unknown = static_cast<Unknown>(found - words.begin());
      });
  add_engine_options(parser, request.engine.engine, request.engine.threads, &request.reader.options.threads);
  parser.value(Group::output, "-o,--out", "FILE", "where to write user,item,prediction (default stdout)",
               store(request.out));
}

void add_recommend_options(Parser& parser, RecommendRequest& request) {
  parser.positional("MODEL", "a model that train wrote", request.model);
  parser.list(Group::data, "--user", "ID", "whom to recommend to; may be given several times", append(request.users));
  parser.value(Group::data, "--users", "FILE", "users, one id a line; - is stdin", store(request.users_file));
  parser.flag(Group::data, "--all-users", "all users that the model has", [&request] { request.all_users = true; });
  parser.value(
      Group::data, "--history", "FILE",
      "ratings of users that the model need not know: their factors are fitted to these, with the items as they "
      "are, and all of them get a list",
      store(request.history));
  parser.value(Group::data, "--allow,--candidates", "FILE", "recommend only these items, one id a line",
               store(request.allow));
  parser.value(Group::data, "--deny", "FILE", "never recommend these items, one id a line", store(request.deny));
  parser.value(Group::data, "--seen", "FILE",
               "ratings whose items are left out (default: what the model keeps, else the training "
               "file, if it is beside MODEL or in the current folder, and unchanged)",
               store(request.seen));
  parser.flag(Group::data, "--keep-seen", "recommend items that the user has rated, too",
              [&request] { request.keep_seen = true; });
  parser.value(Group::data, "--names", "FILE", "item ids and names, e.g. MovieLens' movies.csv: adds a name column",
               store(request.names));
  add_reader_options(parser, request.reader, false);
  add_engine_options(parser, request.engine.engine, request.engine.threads, &request.reader.options.threads);
  add_top(parser, "items per user", request.top);
  parser.value(Group::output, "-o,--out", "FILE", "where to write user,rank,item,score (default stdout)",
               store(request.out));
}

void add_similar_options(Parser& parser, SimilarRequest& request) {
  parser.positional("MODEL", "a model that train wrote", request.model);
  parser.list(Group::data, "--item", "ID", "what others are to be like; may be given several times",
              append(request.items));
  parser.value(Group::data, "--items", "FILE", "items, one id a line; - is stdin", store(request.items_file));
  parser.list(Group::data, "--user", "ID", "whom others are to be like; may be given several times",
              append(request.users));
  parser.value(Group::data, "--users", "FILE", "users, one id a line; - is stdin", store(request.users_file));
  parser.value(Group::data, "--names", "FILE", "ids and names, e.g. MovieLens' movies.csv: adds a name column",
               store(request.names));
  parser.value(Group::model, "--similarity", "cosine|dot",
               "of factors: of their directions, or with their lengths, which popular items have (default cosine)",
               [&request](const std::string& option, const std::string& word) {
                 request.similarity = parse_word<Similarity>(option, word);
               });
  add_engine_options(parser, request.engine.engine, request.engine.threads);
  add_top(parser, "rows for each", request.top);
  parser.value(Group::output, "-o,--out", "FILE", "where to write item,rank,similar,score (default stdout)",
               store(request.out));
}

}  // namespace wf::cli
