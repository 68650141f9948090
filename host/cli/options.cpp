// The options that verbs share, the verbs' own few, and the choice of the verb.
#include "host/cli/options.hpp"

#include "host/cli/manual.hpp"
#include "host/cli/setting_sources.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace wf::cli {
namespace {

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
  add_data(parser, request.data);
  add_reader_options(parser, request.reader, true);
  add_timestamp_option(parser, request.reader.options);
  add_threads(parser, request.reader.options.threads);
  parser.value(Group::output, "--format", join(words_of<RatingsFormat>(), "|"),
               "RecBole's .inter, Matrix Market, SciPy's CSR, LightGCN's lists, or the page file (default: as FILE is "
               "called; pages without -o)",
               [&request](const std::string& option, const std::string& word) {
                 request.format = parse_word<RatingsFormat>(option, word);
               });
  parser.value(Group::output, "-o,--out", "FILE",
               "what is written: .csv, .inter, .mtx, .npz or .wfr (default: DATA's name with the format's suffix, in "
               "the current folder; stdin: ratings.wfr)",
               store(request.out));
}

void add_info(Parser& parser, InfoRequest& request) {
  parser.positional("MODEL", "a model that train wrote", request.model);
  parser.flag(Group::model, "--settings", "print the settings of its training, as TOML with which --config repeats it",
              [&request] { request.repeat = true; });
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

void add_doctor(Parser& /*parser*/, DoctorRequest& /*request*/) {}

void add_config_options(Parser& parser, Command& command) {
  parser.value(Group::output, "--config", "FILE",
               "settings from a TOML file: the long names of options, for all verbs or in a table for one, as [train]",
               [](const std::string&, const std::string&) {});  // read before the others
  parser.typed_only();
  parser.flag(Group::output, "--print-config",
              "print every setting with its value and its source, as TOML for --config, and do nothing else",
              [&command] { command.print_config = true; });
  parser.typed_only();
}

template <class Request, void (*add)(Parser&, Request&)>
void add_to(Parser& parser, Command& command) {
  add(parser, command.request.emplace<Request>());
  add_output_options(parser, command.output);
  add_config_options(parser, command);
}

/// What the parser cannot see by looking at one option.
void check_reader(const ReaderRequest& reader) {
  const bool declared = reader.n_users > 0 || reader.n_items > 0;
  if (declared && reader.options.ids != IdKind::rows) {
    throw UsageError("--n-users and --n-items need ids that are row numbers", "add --ids rows");
  }
}

/// What says one thing twice, in whatever verb.
const std::vector<Contradiction>& contradictions() {
  static const std::vector<Contradiction> kContradictions{{"algorithm", {"implicit"}},
                                                          {"implicit", {"algorithm"}},
                                                          {"valid", {"valid-frac", "no-valid"}},
                                                          {"valid-frac", {"valid", "no-valid"}},
                                                          {"no-valid", {"valid", "valid-frac"}},
                                                          {"patience", {"no-early-stopping"}},
                                                          {"quiet", {"verbose"}},
                                                          {"verbose", {"quiet"}},
                                                          {"cut", {"test-frac", "valid-frac"}},
                                                          {"test-frac", {"cut", "valid-cut"}},
                                                          {"lambda", {"lambda-user", "lambda-item"}},
                                                          {"l1", {"l1-user", "l1-item"}},
                                                          {"seen", {"keep-seen", "history"}},
                                                          {"keep-seen", {"seen"}},
                                                          {"user", {"users", "all-users", "history", "item", "items"}},
                                                          {"users", {"user", "all-users", "history", "item", "items"}},
                                                          {"item", {"items", "user", "users"}},
                                                          {"items", {"item", "user", "users"}},
                                                          {"all-users", {"user", "users", "history"}},
                                                          {"history", {"user", "users", "all-users", "seen"}}};
  return kContradictions;
}

Command parse_with(const Verb& verb, const std::vector<std::string>& words) {
  Command command{verb.name, {}, {}};
  Parser parser(verb.name, verb.summary, verb.examples);
  verb.add(parser, command);
  parser.read(words);
  std::string file;
  for (const Setting& setting : parser.settings()) {
    if (setting.key() == "config" && setting.given()) file = setting.words.front();
    if (setting.key() == "print-config" && setting.given()) command.print_config = true;
  }
  const auto variables = own_variables();
  if (!file.empty() || !variables.empty()) {
    for (const OuterValue& value : outer_values(verb.name, file, variables, all_settings())) parser.add(value);
  }
  parser.finish(contradictions(), !command.print_config);
  command.settings = parser.settings();
  if (command.output.quiet && command.output.verbose) {
    throw UsageError("--quiet prints no line, and --verbose says more on each", "leave one of them out");
  }
  std::visit(
      [&command](auto& request) {
        if constexpr (requires { request.reader; }) check_reader(request.reader);
        if constexpr (requires { request.train.reader; }) check_reader(request.train.reader);
        if constexpr (requires { request.settings; }) request.settings = command.settings;
      },
      command.request);
  return command;
}

std::vector<std::string> verbs() {
  std::vector<std::string> names;
  for (const Verb& verb : verb_table()) names.emplace_back(verb.name);
  return names;
}

std::string help_on(const std::string& word) {
  for (const Verb& verb : verb_table()) {
    if (word != verb.name) continue;
    Command command;
    Parser parser(verb.name, verb.summary, verb.examples);
    verb.add(parser, command);
    return parser.help(false);
  }
  const std::vector<std::string> pages = manual_words();
  if (std::find(pages.begin(), pages.end(), word) != pages.end()) return manual_text(word);
  std::vector<std::string> known = verbs();
  known.insert(known.end(), pages.begin(), pages.end());
  refuse_word("help", word, known);
}

std::string program_help() {
  std::string text = R"(warpfactor factorizes ratings: users x items in, a model that predicts and recommends out.

Examples:
  warpfactor train ratings.csv.gz
  warpfactor recommend ratings.safetensors --user 42
  warpfactor evaluate ratings.safetensors test.csv

Usage: warpfactor VERB [words] [options]

Verbs:
)";
  for (const Verb& verb : verb_table()) text += fmt::format("  {:<10} {}\n", verb.name, verb.arrow);
  return text + R"(
warpfactor VERB --help shows a verb's options, --help-all the rare ones too.
warpfactor help parameters, man or completion-bash prints all of it, as a page or for a shell.
warpfactor --version prints the version.
Exit codes: 0 done, 1 failed, 2 usage, 3 bad input, 4 no device or out of memory, 130/143 interrupted.
)";
}

}  // namespace

void add_reader_options(Parser& parser, ReaderRequest& reader, bool with_rating) {
  const Group group = Group::data;
  ReadOptions& options = reader.options;
  parser.value(group, "--sep", "comma|tab|semicolon|pipe|blank|::", "what separates fields (default: detected)",
               [&options](const std::string& option, const std::string& word) {
                 options.separator = parse_separator(option, word);
               });
  parser.either(group, "--header", "--no-header",
                "whether the first line names the columns or is data (default: detected)", std::nullopt,
                [&options](bool value) { options.header = value; });
  parser.value(group, "--col-user", "NAME|N", "column of the user, by name or counted from 1 (default: detected)",
               store(options.user_column));
  parser.value(group, "--col-item", "NAME|N", "column of the item (default: detected)", store(options.item_column));
  parser.value(group, "--col-rating", "NAME|N|none",
               with_rating ? "column of the rating; none: every rating is 1 (default: detected)"
                           : "column of the rating, which is ignored (default: detected)",
               store(options.rating_column));
  add_id_options(parser, reader);
  parser.flag(group, "--lists", "a line is a user and any number of items, as LightGCN has them (default: detected)",
              [&options] { options.lists = true; });
  parser.rare();
  parser.flag(group, "--skip-bad", "count and report malformed lines instead of stopping at the first",
              [&options] { options.skip_bad = true; });
}

void add_output_options(Parser& parser, OutputRequest& output) {
  parser.flag(Group::output, "--json", "machine-readable: results on stdout, errors on stderr",
              [&output] { output.json = true; });
  parser.flag(Group::output, "--quiet", "only errors on stderr", [&output] { output.quiet = true; });
  parser.flag(Group::output, "--verbose",
              "before each line on stderr the seconds since the start, and the memory that the program takes",
              [&output] { output.verbose = true; });
  parser.rare();
  parser.value(Group::output, "--color", "auto|always|never",
               "colours on stderr; a set NO_COLOR means never (default auto)",
               [&output](const std::string& option, const std::string& word) {
                 if (word == "auto") return;
                 if (word != "always" && word != "never") refuse_word(option, word, {"auto", "always", "never"});
                 output.color = word == "always" ? Color::always : Color::never;
               });
  parser.rare();
}

const std::vector<Verb>& verb_table() {
  static const std::vector<Verb> kVerbs{
      {"train",
       "ratings -> model",
       "train: ratings in, model out.",
       {"warpfactor train ratings.csv.gz", "warpfactor train u.data -k 32 --epochs 20 -o movies.safetensors",
        "zcat ratings.csv.gz | warpfactor train - --valid-frac 0.1"},
       add_to<TrainRequest, add_train_options>},
      {"tune",
       "ratings + time -> the best settings for train",
       "tune: ratings in, out the settings that do best on a part of them that is kept back.",
       {"warpfactor tune ratings.csv --budget 5m", "warpfactor tune ratings.csv --trials 50 --space space.toml",
        "warpfactor tune ratings.csv --algorithm als --epochs 15 -o best.toml"},
       add_to<TuneRequest, add_tune_options>},
      {"convert",
       "ratings -> a page file, read many times as fast, or other programs' files",
       "convert: ratings in, a page file out, which every verb reads many times as fast, or another program's file.",
       {"warpfactor convert ratings.csv.gz && warpfactor train ratings.wfr",
        "warpfactor convert u.data --col-rating 3 -o movies.mtx",
        "warpfactor convert ratings.wfr --format lightgcn -o train.txt"},
       add_to<ConvertRequest, add_convert>},
      {"split",
       "ratings -> train and test, as files",
       "split: ratings in, train and test out, and validation if asked for.",
       {"warpfactor split ratings.csv --test-frac 0.1 --valid-frac 0.1 -o splits",
        "warpfactor split ratings.csv --method leave-one-out --order timestamp",
        "warpfactor split ratings.csv.gz --method user-ratio --min-user 5 --min-item 5 --seed 1"},
       add_to<SplitRequest, add_split_options>},
      {"describe",
       "ratings -> how many, how even, where to begin",
       "describe: what ratings are like, and a rank and lambda to begin with.",
       {"warpfactor describe ratings.csv.gz", "warpfactor describe ratings.csv --json",
        "zcat ratings.csv.gz | warpfactor describe -"},
       add_to<DescribeRequest, add_describe_options>},
      {"verify",
       "ratings -> is an engine right? the same steps on the reference",
       "verify: is an engine right? The same steps on the reference and on it, phase by phase.",
       {"warpfactor verify ratings.csv --device cuda",
        "warpfactor verify ratings.csv --device cuda --deterministic --steps 50",
        "warpfactor verify ratings.csv --device cpu --optimizer adagrad --json"},
       add_to<VerifyRequest, add_verify_options>},
      {"evaluate",
       "model + ratings -> RMSE, MAE, baselines; ranking metrics",
       "evaluate: how far a model's predictions are from ratings, and how well it ranks.",
       {"warpfactor evaluate ratings.safetensors test.csv",
        "warpfactor evaluate ratings.safetensors test.csv --at 10,20 --train ratings.csv",
        "warpfactor evaluate ratings.safetensors test.csv --json"},
       add_to<EvaluateRequest, add_evaluate_options>},
      {"predict",
       "model + pairs -> predicted ratings",
       "predict: a rating for each pair of user and item.",
       {"warpfactor predict ratings.safetensors pairs.csv -o predictions.csv",
        "printf '42,31\\n' | warpfactor predict ratings.safetensors -",
        "warpfactor predict ratings.safetensors pairs.csv --json"},
       add_to<PredictRequest, add_predict_options>},
      {"recommend",
       "model + users -> their best unseen items",
       "recommend: the items with the highest predictions that a user has not rated yet.",
       {"warpfactor recommend ratings.safetensors --user 42",
        "warpfactor recommend ratings.safetensors --user 42 --names movies.csv -n 5",
        "warpfactor recommend ratings.safetensors --all-users --seen ratings.csv -o top.csv"},
       add_to<RecommendRequest, add_recommend_options>},
      {"similar",
       "model + items or users -> those most like them",
       "similar: the items whose factors are most like an item's, or the users most like a user.",
       {"warpfactor similar ratings.safetensors --item 31",
        "warpfactor similar ratings.safetensors --item 31 --names movies.csv -n 5",
        "warpfactor similar ratings.safetensors --users users.txt --similarity dot -o neighbours.csv"},
       add_to<SimilarRequest, add_similar_options>},
      {"report",
       "model + ratings -> a page to look at",
       "report: one HTML page of a model, with its training, its errors and a map of its items.",
       {"warpfactor report ratings.safetensors",
        "warpfactor report ratings.safetensors --names movies.csv -o ratings.html",
        "warpfactor report ratings.safetensors --test test.csv"},
       add_to<ReportRequest, add_report_options>},
      {"info",
       "model -> what it is",
       "info: what a model file or a page file holds.",
       {"warpfactor info ratings.safetensors", "warpfactor info ratings.safetensors --json",
        "warpfactor info ratings.wfr"},
       add_to<InfoRequest, add_info>},
      {"export",
       "model -> the same in another program's format",
       "export: a model for another program.",
       {"warpfactor export ratings.safetensors --format npz",
        "warpfactor export ratings.safetensors --format faiss -o items.faiss",
        "warpfactor export ratings.safetensors --format libmf && mf-predict test.txt ratings.libmf out.txt"},
       add_to<ExportRequest, add_export>},
      {"synth",
       "nothing -> ratings of any size",
       "synth: ratings out of nothing, with popularity, taste and noise like real ones.",
       {"warpfactor synth --shape ml-100k -o ratings.txt",
        "warpfactor synth --users 1000 --items 500 --ratings 50000 | warpfactor train -",
        "warpfactor synth --shape ml-10m --seed 7 -o big.txt"},
       add_to<SynthRequest, add_synth>},
      {"doctor",
       "machine -> report for bug reports",
       "doctor: what this machine and this build offer; paste it into bug reports.",
       {"warpfactor doctor", "warpfactor doctor --json", "warpfactor doctor > report.txt"},
       add_to<DoctorRequest, add_doctor>}};
  return kVerbs;
}

std::vector<VerbSettings> all_settings() {
  std::vector<VerbSettings> all;
  for (const Verb& verb : verb_table()) {
    Command command;
    Parser parser(verb.name, verb.summary, verb.examples);
    verb.add(parser, command);
    all.push_back({verb.name, parser.settings()});
  }
  return all;
}

Command parse_command(const std::vector<std::string>& arguments) {
  const std::string verb = arguments.empty() ? "" : arguments[0];
  if (verb == "--help" || verb == "-h" || verb == "--help-all" || (verb == "help" && arguments.size() == 1)) {
    throw HelpRequest{program_help()};
  }
  if (verb.empty()) {
    throw UsageError("no verb is given", "one of " + join(verbs(), ", ") + "; warpfactor --help says more");
  }
  if (verb == "help") throw HelpRequest{help_on(arguments[1])};
  const std::vector<std::string> words(arguments.begin() + 1, arguments.end());
  for (const Verb& known : verb_table()) {
    if (verb == known.name) return parse_with(known, words);
  }
  if (verb[0] == '-') throw UsageError("the verb comes first, not " + verb, "one of " + join(verbs(), ", "));
  throw UsageError(fmt::format("unknown verb \"{}\"", verb), suggestion(verb, verbs()));
}

}  // namespace wf::cli
