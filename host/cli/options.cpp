// The options that verbs share, the verbs' own few, and the choice of the verb.
#include "host/cli/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace wf::cli {
namespace {

const std::vector<std::string>& verbs() {
  static const std::vector<std::string> names{"train",    "convert", "split",     "describe", "verify",
                                              "evaluate", "predict", "recommend", "similar",  "report",
                                              "info",     "export",  "synth",     "doctor"};
  return names;
}

std::string program_help() {
  return R"(warpfactor factorizes ratings: users x items in, a model that predicts and recommends out.

Examples:
  warpfactor train ratings.csv.gz
  warpfactor recommend ratings.safetensors --user 42
  warpfactor evaluate ratings.safetensors test.csv

Usage: warpfactor VERB [words] [options]

Verbs:
  train      ratings -> model
  convert    ratings -> a page file, which is read many times as fast
  split      ratings -> train and test, as files
  describe   ratings -> how many, how even, where to begin
  verify     ratings -> is an engine right? the same steps on the reference
  evaluate   model + ratings -> RMSE, MAE, baselines
  predict    model + pairs -> predicted ratings
  recommend  model + users -> their best unseen items
  similar    model + items or users -> those most like them
  report     model + ratings -> a page to look at
  info       model -> what it is
  export     model -> the same in another program's format
  synth      nothing -> ratings of any size
  doctor     machine -> report for bug reports

warpfactor VERB --help shows a verb's options, --help-all the rare ones too.
warpfactor --version prints the version.
Exit codes: 0 done, 1 failed, 2 usage, 3 bad input, 4 no device or out of memory, 130/143 interrupted.
)";
}

/// For options that only store their text.
Parser::Take store(std::string& into) {
  return [&into](const std::string& option, const std::string& word) {
    if (word.empty()) throw UsageError(option + ": its value is empty", "leave the option out for its default");
    into = word;
  };
}

void add_id_options(Parser& parser, ReaderRequest& reader) {
  const Group group = Group::data;
  parser.value(group, "--ids", "auto|integers|strings|rows", "what ids are; rows: they are row numbers (default auto)",
               [&reader](const std::string& option, const std::string& word) {
                 if (word == "auto") return;
                 const std::vector<std::string> known{"auto", "integers", "strings", "rows"};
                 if (word == "integers") reader.options.ids = IdKind::integers;
                 if (word == "strings") reader.options.ids = IdKind::strings;
                 if (word == "rows") reader.options.ids = IdKind::rows;
                 if (!reader.options.ids) refuse_word(option, word, known);
               });
  const auto rows = [](Position& into) {
    return
        [&into](const std::string& option, const std::string& word) { into = parse_whole(option, word, 1, kMaxRows); };
  };
  parser.value(group, "--n-users", "N", "--ids rows: users there are (default: the largest row seen, plus 1)",
               rows(reader.n_users));
  parser.rare();
  parser.value(group, "--n-items", "N", "--ids rows: items there are (default: the largest row seen, plus 1)",
               rows(reader.n_items));
  parser.rare();
}

std::string parse_separator(const std::string& option, const std::string& word) {
  const std::vector<std::pair<std::string, std::string>> names{
      {"comma", ","}, {"tab", "\t"}, {"\\t", "\t"}, {"semicolon", ";"}, {"pipe", "|"}, {"blank", " "}, {"space", " "}};
  for (const auto& [name, separator] : names) {
    if (word == name) return separator;
  }
  for (const char* separator : {",", "\t", "::", ";", "|", " "}) {
    if (word == separator) return word;
  }
  throw UsageError(fmt::format("{}: \"{}\" is no separator", option, word),
                   "it takes comma, tab, semicolon, pipe, blank or ::");
}

void add_convert(Parser& parser, ConvertRequest& request) {
  parser.positional("DATA", "ratings: .csv, .tsv, .dat, blank-separated, also .gz and .zst; - is stdin", request.data);
  add_reader_options(parser, request.reader, true);
  add_threads(parser, request.reader.options.threads);
  parser.value(Group::output, "-o,--out", "FILE.wfr",
               "the page file (default: DATA's name with .wfr, in the current folder; stdin: ratings.wfr)",
               store(request.out));
}

void add_evaluate(Parser& parser, EvaluateRequest& request) {
  parser.positional("MODEL", "a model that train wrote", request.model);
  parser.positional("FILE", "ratings to compare with; - is stdin", request.data);
  add_reader_options(parser, request.reader, true);
  parser.value(Group::evaluation, "--train", "FILE",
               "training ratings to fit the bias baseline on (default: the recorded training file, if it is unchanged)",
               store(request.train));
  add_engine_options(parser, request.engine.engine, request.engine.threads, &request.reader.options);
}

void add_predict(Parser& parser, PredictRequest& request) {
  parser.positional("MODEL", "a model that train wrote", request.model);
  parser.positional("PAIRS", "a file of user,item; a rating column is ignored; - is stdin", request.pairs);
  add_reader_options(parser, request.reader, false);
  add_engine_options(parser, request.engine.engine, request.engine.threads, &request.reader.options);
  parser.value(Group::output, "-o,--out", "FILE", "where to write user,item,prediction (default stdout)",
               store(request.out));
}

void add_top(Parser& parser, const char* what, int& top) {
  parser.value(Group::output, "-n,--top,--topk", "N", fmt::format("{} (default {}; 1 to 1000000)", what, top),
               [&top](const std::string& option, const std::string& word) {
                 top = static_cast<int>(parse_whole(option, word, 1, 1000000));
               });
}

Parser::Take append(std::vector<std::string>& into) {
  return [&into](const std::string&, const std::string& word) { into.push_back(word); };
}

void add_recommend(Parser& parser, RecommendRequest& request) {
  parser.positional("MODEL", "a model that train wrote", request.model);
  parser.list(Group::data, "--user", "ID", "whom to recommend to; may be given several times", append(request.users));
  parser.value(Group::data, "--users", "FILE", "users, one id a line; - is stdin", store(request.users_file));
  parser.value(Group::data, "--seen", "FILE",
               "ratings whose items are left out (default: the recorded training file, if it is unchanged)",
               store(request.seen));
  parser.flag(Group::data, "--keep-seen", "recommend items that the user has rated, too",
              [&request] { request.keep_seen = true; });
  parser.value(Group::data, "--names", "FILE", "item ids and names, e.g. MovieLens' movies.csv: adds a name column",
               store(request.names));
  add_reader_options(parser, request.reader, false);
  add_engine_options(parser, request.engine.engine, request.engine.threads, &request.reader.options);
  add_top(parser, "items per user", request.top);
  parser.value(Group::output, "-o,--out", "FILE", "where to write user,rank,item,score (default stdout)",
               store(request.out));
}

void add_similar(Parser& parser, SimilarRequest& request) {
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

void add_info(Parser& parser, InfoRequest& request) {
  parser.positional("MODEL", "a model that train wrote", request.model);
}

void add_export(Parser& parser, ExportRequest& request) {
  parser.positional("MODEL", "a model that train wrote", request.model);
  parser.value(
      Group::output, "--format", join(words_of<ModelFormat>(), "|"),
      "whose: the text of LIBMF's mf-train, NumPy's arrays with ids or one by one, word2vec's text, or faiss's "
      "IndexFlatIP of the items",
      [&request](const std::string& option, const std::string& word) {
        request.format = parse_word<ModelFormat>(option, word);
      });
  parser.flag(Group::output, "--users", "word2vec: the users' rows instead of the items'",
              [&request] { request.of_users = true; });
  parser.value(Group::output, "-o,--out", "FILE",
               "the exported model (default: MODEL's name with the format's suffix, in the current folder); npy: "
               "NAME.user_factors.npy and so on, for each array",
               store(request.out));
}

void add_synth(Parser& parser, SynthRequest& request) {
  const auto whole = [](std::optional<Position>& into, Position high) {
    return [&into, high](const std::string& option, const std::string& word) {
      into = parse_whole(option, word, 1, high);
    };
  };
  parser.value(Group::data, "--shape", "NAME", "of a known data set: ml-100k, ml-1m, ml-10m, ...",
               store(request.shape));
  parser.value(Group::data, "--users", "N", "users, without or instead of the shape's", whole(request.users, kMaxRows));
  parser.value(Group::data, "--items", "N", "items, without or instead of the shape's", whole(request.items, kMaxRows));
  parser.value(Group::data, "--ratings", "N", "ratings, without or instead of the shape's",
               whole(request.ratings, std::numeric_limits<Position>::max() / 64));
  parser.value(Group::data, "-k,--rank,--factors,--dim", "N", "of the planted factors (default: the shape's)",
               [&request](const std::string& option, const std::string& word) {
                 request.rank = static_cast<int>(parse_whole(option, word, 1, kMaxRank));
               });
  parser.value(Group::data, "--noise", "X", "standard deviation in rating units (default: the shape's)",
               [&request](const std::string& option, const std::string& word) {
                 request.noise = parse_number(option, word, kNotNegative);
               });
  parser.value(
      Group::data, "--seed", "N", "of every random choice (default 42)",
      [&request](const std::string& option, const std::string& word) { request.seed = parse_seed(option, word); });
  parser.value(Group::output, "-o,--out", "FILE", "where to write lines `user item rating` (default stdout)",
               store(request.out));
}

struct VerbHelp {
  std::string summary;
  std::vector<std::string> examples;
};

VerbHelp verb_help(const std::string& verb) {
  if (verb == "train") {
    return {"train: ratings in, model out.",
            {"warpfactor train ratings.csv.gz", "warpfactor train u.data -k 32 --epochs 20 -o movies.safetensors",
             "zcat ratings.csv.gz | warpfactor train - --valid-frac 0.1"}};
  }
  if (verb == "convert") {
    return {"convert: ratings in, a page file out, which every verb takes for ratings and reads many times as fast.",
            {"warpfactor convert ratings.csv.gz", "warpfactor convert u.data --col-rating 3 -o movies.wfr",
             "warpfactor train movies.wfr"}};
  }
  if (verb == "split") {
    return {"split: ratings in, train and test out, and validation if asked for.",
            {"warpfactor split ratings.csv --test-frac 0.1 --valid-frac 0.1 -o splits",
             "warpfactor split ratings.csv --method leave-one-out --order timestamp",
             "warpfactor split ratings.csv.gz --method user-ratio --min-user 5 --min-item 5 --seed 1"}};
  }
  if (verb == "describe") {
    return {"describe: what ratings are like, and a rank and lambda to begin with.",
            {"warpfactor describe ratings.csv.gz", "warpfactor describe ratings.csv --json",
             "zcat ratings.csv.gz | warpfactor describe -"}};
  }
  if (verb == "verify") {
    return {"verify: is an engine right? The same steps on the reference and on it, phase by phase.",
            {"warpfactor verify ratings.csv --device cuda",
             "warpfactor verify ratings.csv --device cuda --deterministic --steps 50",
             "warpfactor verify ratings.csv --device cpu --optimizer adagrad --json"}};
  }
  if (verb == "evaluate") {
    return {"evaluate: how far a model's predictions are from ratings.",
            {"warpfactor evaluate ratings.safetensors test.csv",
             "warpfactor evaluate ratings.safetensors test.csv --train ratings.csv",
             "warpfactor evaluate ratings.safetensors test.csv --json"}};
  }
  if (verb == "predict") {
    return {"predict: a rating for each pair of user and item.",
            {"warpfactor predict ratings.safetensors pairs.csv -o predictions.csv",
             "printf '42,31\\n' | warpfactor predict ratings.safetensors -",
             "warpfactor predict ratings.safetensors pairs.csv --json"}};
  }
  if (verb == "recommend") {
    return {"recommend: the items with the highest predictions that a user has not rated yet.",
            {"warpfactor recommend ratings.safetensors --user 42",
             "warpfactor recommend ratings.safetensors --user 42 --names movies.csv -n 5",
             "warpfactor recommend ratings.safetensors --users users.txt --seen ratings.csv -o top.csv"}};
  }
  if (verb == "similar") {
    return {"similar: the items whose factors are most like an item's, or the users most like a user.",
            {"warpfactor similar ratings.safetensors --item 31",
             "warpfactor similar ratings.safetensors --item 31 --names movies.csv -n 5",
             "warpfactor similar ratings.safetensors --users users.txt --similarity dot -o neighbours.csv"}};
  }
  if (verb == "report") {
    return {"report: one HTML page of a model, with its training, its errors and a map of its items.",
            {"warpfactor report ratings.safetensors",
             "warpfactor report ratings.safetensors --names movies.csv -o ratings.html",
             "warpfactor report ratings.safetensors --test test.csv"}};
  }
  if (verb == "info") {
    return {"info: what a model file or a page file holds.",
            {"warpfactor info ratings.safetensors", "warpfactor info ratings.safetensors --json",
             "warpfactor info ratings.wfr"}};
  }
  if (verb == "export") {
    return {"export: a model for another program.",
            {"warpfactor export ratings.safetensors --format npz",
             "warpfactor export ratings.safetensors --format faiss -o items.faiss",
             "warpfactor export ratings.safetensors --format libmf && mf-predict test.txt ratings.libmf out.txt"}};
  }
  if (verb == "synth") {
    return {"synth: ratings out of nothing, with popularity, taste and noise like real ones.",
            {"warpfactor synth --shape ml-100k -o ratings.txt",
             "warpfactor synth --users 1000 --items 500 --ratings 50000 | warpfactor train -",
             "warpfactor synth --shape ml-10m --seed 7 -o big.txt"}};
  }
  return {"doctor: what this machine and this build offer; paste it into bug reports.",
          {"warpfactor doctor", "warpfactor doctor --json", "warpfactor doctor > report.txt"}};
}

/// What the parser cannot see by looking at one option.
void check_reader(const ReaderRequest& reader) {
  const bool declared = reader.n_users > 0 || reader.n_items > 0;
  if (declared && reader.options.ids != IdKind::rows) {
    throw UsageError("--n-users and --n-items need ids that are row numbers", "add --ids rows");
  }
}

template <class Request, class Add>
Command parse_with(const std::string& verb, const std::vector<std::string>& words, const Add& add) {
  Command command{verb, {}, Request{}};
  const VerbHelp help = verb_help(verb);
  Parser parser(verb, help.summary, help.examples);
  add(parser, std::get<Request>(command.request));
  add_output_options(parser, command.output);
  parser.parse(words);
  if constexpr (requires(const Request& request) { request.reader; }) {
    check_reader(std::get<Request>(command.request).reader);
  }
  if constexpr (std::is_same_v<Request, VerifyRequest>) check_reader(std::get<Request>(command.request).train.reader);
  return command;
}

}  // namespace

void add_engine_options(Parser& parser, std::string& engine, int& threads, ReadOptions* reading) {
  parser.value(Group::engine, "--engine,--device", "auto|reference|cpu|cuda",
               "what computes; auto takes the fastest there is and says which (default auto)",
               [&engine](const std::string& option, const std::string& word) {
                 const std::vector<std::string> known{"auto", "reference", "cpu", "cuda"};
                 if (word == "gpu" || word == "GPU") {
                   throw UsageError(option + ": unknown word \"" + word + "\"", "did you mean cuda?");
                 }
                 if (std::find(known.begin(), known.end(), word) == known.end()) refuse_word(option, word, known);
                 engine = word;
               });
  add_threads(parser, threads, reading);
}

void add_threads(Parser& parser, int& threads, ReadOptions* reading) {
  parser.value(Group::engine, "-j,--threads", "N", "threads; 0 is all that the process may use (default 0; 0 to 4096)",
               [&threads, reading](const std::string& option, const std::string& word) {
                 threads = static_cast<int>(parse_whole(option, word, 0, 4096));
                 if (reading != nullptr) reading->threads = threads;
               });
}

void add_reader_options(Parser& parser, ReaderRequest& reader, bool with_rating) {
  const Group group = Group::data;
  ReadOptions& options = reader.options;
  parser.value(group, "--sep", "comma|tab|semicolon|pipe|blank|::", "what separates fields (default: detected)",
               [&options](const std::string& option, const std::string& word) {
                 options.separator = parse_separator(option, word);
               });
  const auto header = [&options](bool value) {
    if (options.header && *options.header != value) {
      throw UsageError("--header and --no-header exclude each other", "give one of them");
    }
    options.header = value;
  };
  parser.flag(group, "--header", "the first line names the columns (default: detected)", [header] { header(true); });
  parser.flag(group, "--no-header", "the first line is data", [header] { header(false); });
  parser.value(group, "--col-user", "NAME|N", "column of the user, by name or counted from 1 (default: detected)",
               store(options.user_column));
  parser.value(group, "--col-item", "NAME|N", "column of the item (default: detected)", store(options.item_column));
  parser.value(group, "--col-rating", "NAME|N|none",
               with_rating ? "column of the rating; none: every rating is 1 (default: detected)"
                           : "column of the rating, which is ignored (default: detected)",
               store(options.rating_column));
  add_id_options(parser, reader);
  parser.flag(group, "--skip-bad", "count and report malformed lines instead of stopping at the first",
              [&options] { options.skip_bad = true; });
}

void add_output_options(Parser& parser, OutputRequest& output) {
  parser.flag(Group::output, "--json", "machine-readable: results on stdout, errors on stderr",
              [&output] { output.json = true; });
  parser.flag(Group::output, "--quiet", "only errors on stderr", [&output] { output.quiet = true; });
  parser.value(Group::output, "--color", "auto|always|never",
               "colours on stderr; a set NO_COLOR means never (default auto)",
               [&output](const std::string& option, const std::string& word) {
                 if (word == "auto") return;
                 if (word != "always" && word != "never") refuse_word(option, word, {"auto", "always", "never"});
                 output.color = word == "always" ? Color::always : Color::never;
               });
  parser.rare();
}

Command parse_command(const std::vector<std::string>& arguments) {
  const std::string verb = arguments.empty() ? "" : arguments[0];
  if (verb == "--help" || verb == "-h" || verb == "--help-all" || (verb == "help" && arguments.size() == 1)) {
    throw HelpRequest{program_help()};
  }
  if (verb.empty()) {
    throw UsageError("no verb is given", "one of " + join(verbs(), ", ") + "; warpfactor --help says more");
  }
  if (verb == "help") return parse_command({arguments[1], "--help"});
  const std::vector<std::string> words(arguments.begin() + 1, arguments.end());
  if (verb == "train") return parse_with<TrainRequest>(verb, words, add_train_options);
  if (verb == "convert") return parse_with<ConvertRequest>(verb, words, add_convert);
  if (verb == "split") return parse_with<SplitRequest>(verb, words, add_split_options);
  if (verb == "describe") return parse_with<DescribeRequest>(verb, words, add_describe_options);
  if (verb == "verify") return parse_with<VerifyRequest>(verb, words, add_verify_options);
  if (verb == "evaluate") return parse_with<EvaluateRequest>(verb, words, add_evaluate);
  if (verb == "predict") return parse_with<PredictRequest>(verb, words, add_predict);
  if (verb == "recommend") return parse_with<RecommendRequest>(verb, words, add_recommend);
  if (verb == "similar") return parse_with<SimilarRequest>(verb, words, add_similar);
  if (verb == "report") return parse_with<ReportRequest>(verb, words, add_report_options);
  if (verb == "info") return parse_with<InfoRequest>(verb, words, add_info);
  if (verb == "export") return parse_with<ExportRequest>(verb, words, add_export);
  if (verb == "synth") return parse_with<SynthRequest>(verb, words, add_synth);
  if (verb == "doctor") return parse_with<DoctorRequest>(verb, words, [](Parser&, DoctorRequest&) {});
  if (verb[0] == '-') throw UsageError("the verb comes first, not " + verb, "one of " + join(verbs(), ", "));
  throw UsageError(fmt::format("unknown verb \"{}\"", verb), suggestion(verb, verbs()));
}

}  // namespace wf::cli
