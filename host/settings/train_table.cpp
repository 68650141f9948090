// The settings of a training, one line of the table each. Defaults are printed from TrainConfig, never written twice.
#include "host/kernels/rank_rules.hpp"
#include "host/schedule/block.hpp"
#include "host/settings/train_settings.hpp"
#include "host/settings/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace wf {
namespace {

/// A loss by its name, or by the number that LIBMF's mf-train -f has for it.
Loss parse_loss(const std::string& option, const std::string& word) {
  for (const auto& [number, loss] :
       {std::pair{"0", Loss::mse}, std::pair{"1", Loss::l1}, std::pair{"2", Loss::kl}, std::pair{"5", Loss::logistic},
        std::pair{"6", Loss::squared_hinge}, std::pair{"7", Loss::hinge}, std::pair{"10", Loss::bpr},
        std::pair{"11", Loss::bpr_item}}) {
    if (word == number) return loss;
  }
  return parse_word<Loss>(option, word);
}

/// Adds options that write into TrainConfig and note that they were given.
class ConfigTable {
 public:
  ConfigTable(Parser& parser, TrainSettings& settings) : parser_(parser), given_(settings.given) {}

  template <class Integer>
  void whole(Group group, const std::string& names, const std::string& text, Integer& into, Position low,
             Position high) {
    const Integer default_value = into;
    parser_.value(group, names, "N", fmt::format("{} (default {}; {} to {})", text, default_value, low, high),
                  [&given = given_, &into, low, high](const std::string& option, const std::string& word) {
                    into = static_cast<Integer>(parse_whole(option, word, low, high));
                    given.insert(option.substr(2));
                  });
  }
  template <class Real>
  void number(Group group, const std::string& names, const std::string& text, Real& into, Range range,
              const std::string& default_text = {}) {
    std::string shown = default_text;
    if (shown.empty()) {
      const std::string allowed = range_text(range);
      shown = fmt::format("{}{}{}", into, allowed.empty() ? "" : "; ", allowed);
    }
    parser_.value(group, names, "X", fmt::format("{} (default {})", text, shown),
                  [&given = given_, &into, range](const std::string& option, const std::string& word) {
                    into = static_cast<Real>(parse_number(option, word, range));
                    given.insert(option.substr(2));
                  });
  }
  template <class Enum>
  void choice(Group group, const std::string& names, const std::string& text, Enum& into,
              const std::string& default_text = {}) {
    const std::string shown = default_text.empty() ? std::string(name_of(into)) : default_text;
    parser_.value(group, names, join(words_of<Enum>(), "|"), fmt::format("{} (default {})", text, shown),
                  [&given = given_, &into](const std::string& option, const std::string& word) {
                    into = parse_word<Enum>(option, word);
                    given.insert(option.substr(2));
                  });
  }
  /// A flag and its opposite; `into` is the default.
  void either(Group group, const std::string& on, const std::string& off, const std::string& text, bool& into) {
    parser_.either(group, on, off, text, into, [&given = given_, on, &into](bool value) {
      into = value;
      given.insert(on.substr(2));
    });
  }

 private:
  Parser& parser_;
  std::set<std::string>& given_;
};

void add_optimizer_options(ConfigTable& table, Parser& parser, TrainConfig& config) {
  const Group group = Group::training;
  table.choice(group, "--optimizer", "how a gradient is applied", config.optimizer,
               "sgd with mini-batches and with --loss l1, huber or bce_with_logits, else row_adagrad");
  table.number(group, "--accumulator", "what row_adagrad's sums of squared gradients begin with", config.accumulator,
               kPositive, fmt::format("{} × σ³", config.accumulator));
  parser.rare();
  table.number(group, "--bias-rate", "row_adagrad: a bias's learning rate to that of its row's first factors",
               config.bias_rate, kNotNegative, fmt::format("{} × σ", config.bias_rate));
  parser.rare();
  table.choice(group, "--gradients", "sparse touches only the rows of a batch, dense all rows", config.gradients);
  parser.rare();
  table.number(group, "--momentum", "of sgd, with dense or sparse gradients", config.momentum, kFraction);
  parser.rare();
  table.number(group, "--weight-decay", "PyTorch's L2 term; needs --gradients dense", config.weight_decay,
               kNotNegative);
  parser.rare();
  table.number(group, "--beta1", "of adam and sparse_adam", config.beta1, kFraction);
  parser.rare();
  table.number(group, "--beta2", "of adam and sparse_adam", config.beta2, kFraction);
  parser.rare();
  table.number(group, "--eps", "of adagrad, adam and sparse_adam", config.eps, kNotNegative,
               "1e-10 for adagrad, else 1e-08");
  parser.rare();
}

/// The rows of the table, with nothing given.
const std::vector<Setting>& train_rows() {
  static const std::vector<Setting> kRows = [] {
    TrainSettings settings;
    Parser parser("train", "", {});
    add_train_settings(parser, settings);
    return parser.settings();
  }();
  return kRows;
}

}  // namespace

void add_model_options(Parser& parser, TrainSettings& settings) {
  ConfigTable table(parser, settings);
  TrainConfig& config = settings.config;
  const Group group = Group::model;
  table.whole(group, "-k,--rank,--factors,--dim", "factors per user and item", config.rank, 1, kMaxRank);
  table.either(group, "--biases", "--no-biases", "a bias per user and item, and the global mean", config.biases);
  parser.value(group, "--global-mean", "X|auto",
               "added to every score of a model with biases; auto is the mean of the training ratings, its logit "
               "with --loss bce_with_logits, 0 with a loss of two classes (default auto)",
               [&settings](const std::string& option, const std::string& word) {
                 if (word == "auto") return;
                 settings.config.global_mean = parse_number(option, word, kAnyNumber);
                 settings.given.insert("global-mean");
               });
  table.choice(group, "--bias-init",
               "how biases begin; fitted is by least squares, which mini-batches, --global-mean, --init-from and "
               "losses of labels "
               "turn to zero",
               config.bias_init);
  parser.rare();
  table.choice(group, "--init", "how factors are drawn; scaled is N(0, 1/k), normal is N(0, 1)", config.init.kind);
  table.number(group, "--init-scale", "multiplies every drawn factor", config.init.scale, kAnyNumber,
               fmt::format("{} × √σ for scaled with steps per rating, σ the ratings' standard deviation, else 1",
                           config.init.scale));
  table.number(group, "--init-low", "--init uniform: lower bound", config.init.low, kAnyNumber);
  parser.rare();
  table.number(group, "--init-high", "--init uniform: upper bound", config.init.high, kAnyNumber);
  parser.rare();
  table.choice(group, "--fan-mode", "--init kaiming_*: which fan, as PyTorch defines it", config.init.fan_mode);
  parser.rare();
  table.choice(group, "--nonlinearity", "--init kaiming_*: whose gain", config.init.nonlinearity);
  parser.rare();
  table.number(group, "--negative-slope", "--nonlinearity leaky_relu: its slope", config.init.negative_slope,
               kAnyNumber);
  parser.rare();
  parser.value(group, "--init-from", "FILE",
               "start from the tables of a .safetensors file: user_factors.weight, item_factors.weight and, if there, "
               "user_biases.weight, item_biases.weight",
               [&settings](const std::string&, const std::string& word) { settings.init_from = word; });
  table.whole(group, "--user-padding-idx", "user row that stays as it is, as nn.Embedding's padding_idx; -1 is none",
              config.user_padding, -1, kMaxRows - 1);
  parser.rare();
  table.whole(group, "--item-padding-idx", "item row that stays as it is; -1 is none", config.item_padding, -1,
              kMaxRows - 1);
  parser.rare();
  table.number(group, "--max-norm", "rows longer than this are shortened at look-up; 0 is off",
               config.norm_limit.max_norm, kNotNegative);
  parser.rare();
  table.number(group, "--norm-type", "p of the p-norm that --max-norm limits", config.norm_limit.norm_type, kPositive);
  parser.rare();
  parser.flag(group, "--scale-grad-by-freq", "divide a row's gradient by its count in the batch", [&settings] {
    settings.config.scale_grad_by_freq = true;
    settings.given.insert("scale-grad-by-freq");
  });
  parser.rare();
}

void add_algorithm_options(Parser& parser, TrainSettings& settings) {
  ConfigTable table(parser, settings);
  TrainConfig& config = settings.config;
  const Group group = Group::training;
  table.choice(
      group, "--algorithm,--algo",
      "sgd is gradient descent by rating or mini-batch, als alternating least squares, ials the same for "
      "implicit feedback, where what was not rated counts as well; svd is the truncated singular value "
      "decomposition of the ratings with 0 for what was not rated, pca the same of items without their means; nmf "
      "finds nonnegative factors",
      config.algorithm);
  parser.flag(group, "--implicit", "--algorithm ials", [&settings] {
    if (settings.given.contains("algorithm") && settings.config.algorithm != Algorithm::ials) {
      throw UsageError("--implicit and another --algorithm exclude each other", "give one of them");
    }
    settings.config.algorithm = Algorithm::ials;
  });
  table.choice(group, "--convention",
               "ials: whose --alpha, --lambda and --unobserved-weight; docs/algorithms.md has the formulas",
               config.convention);
  parser.rare();
  table.number(group, "--alpha", "ials: what a rating's value adds to its confidence", config.alpha, kNotNegative,
               fmt::format("{}, 1 for --convention implicit and spark", config.alpha));
  table.number(group, "--unobserved-weight", "ials: confidence in what was not rated", config.unobserved_weight,
               kPositive, fmt::format("{}, 1 for --convention implicit and spark", config.unobserved_weight));
  table.choice(group, "--solver",
               "als, ials: of a row's equations, exactly, by conjugate gradients, or by blocks of factors; nmf: all "
               "factors at once by a quotient (multiplicative, its default), or one after the other (hals)",
               config.solver);
  table.whole(group, "--cg-steps", "--solver cg: steps a sweep", config.cg_steps, 1, 1000);
  parser.rare();
  table.whole(group, "--block", "--solver subspace: factors that are solved together", config.block, 1, kMaxRank);
  parser.rare();
  table.choice(group, "--als-precision",
               "als, ials on a device: equations summed in fp32, or by tensor cores of factors rounded to so many bits",
               config.als_precision);
  parser.rare();
  table.choice(group, "--nmf-loss", "nmf: squared errors, or the generalised Kullback-Leibler divergence",
               config.nmf_loss);
  table.choice(group, "--missing", "nmf: what a cell without a rating is, unknown or 0", config.missing);
  table.whole(group, "--oversample", "svd, pca: columns of the sketch beside the rank, at least", config.oversample, 0,
              1000);
  parser.rare();
  table.whole(group, "--power-iterations", "svd, pca: times that the sketch goes through the ratings and back",
              config.power_iterations, 0, 1000);
  table.number(group, "--nu", "--reg-scaling weight: its exponent", config.nu, kNotNegative);
  parser.rare();
}

void add_training_options(Parser& parser, TrainSettings& settings) {
  ConfigTable table(parser, settings);
  TrainConfig& config = settings.config;
  const Group group = Group::training;
  table.whole(
      group, "--epochs,--iterations",
      "passes over the ratings, at most; --loss warp makes 30 where none are given, other algorithms than sgd 20 "
      "sweeps, nmf and gd 100",
      config.epochs, 0, 1000000);
  table.number(group, "--lr,--learning-rate", "learning rate", config.lr, kNotNegative,
               fmt::format("{} × √σ with row_adagrad, {} / σ with sgd, σ the ratings' standard deviation; --loss "
                           "bpr {}; with mini-batches by optimizer",
                           kRowAdagradLr, config.lr, default_lr(Loss::bpr)));
  parser.value(group, "--lambda,--reg", "X",
               fmt::format("penalty on squared factors, user and item (default {} × σ; --loss kl {}, logistic {}, bpr "
                           "{}, warp {}; 0 with mini-batches)",
                           config.lambda_user, default_lambda(Loss::kl), default_lambda(Loss::logistic),
                           default_lambda(Loss::bpr), default_lambda(Loss::warp)),
               [&settings](const std::string& option, const std::string& word) {
                 settings.lambda = parse_number(option, word, kNotNegative);
               });
  table.number(group, "--lambda-user", "the penalty of user rows alone", config.lambda_user, kNotNegative,
               "--lambda's");
  parser.rare();
  table.number(group, "--lambda-item", "the penalty of item rows alone", config.lambda_item, kNotNegative,
               "--lambda's");
  parser.rare();
  table.number(group, "--lambda-bias", "penalty on squared biases, not by count", config.lambda_bias, kNotNegative,
               fmt::format("{}, 0 with mini-batches", config.lambda_bias));
  parser.rare();
  parser.value(group, "--l1", "X", "penalty on the factors' sizes, for each rating, user and item (default 0)",
               [&settings](const std::string& option, const std::string& word) {
                 settings.l1 = parse_number(option, word, kNotNegative);
                 settings.given.insert("l1");
               });
  parser.rare();
  table.number(group, "--l1-user", "the size penalty of user rows alone", config.l1_user, kNotNegative, "--l1's");
  parser.rare();
  table.number(group, "--l1-item", "the size penalty of item rows alone", config.l1_item, kNotNegative, "--l1's");
  parser.rare();
  parser.flag(group, "--nonnegative", "factors stay at 0 or above, as always with --loss kl", [&settings] {
    settings.config.nonnegative = true;
    settings.given.insert("nonnegative");
  });
  parser.rare();
  table.choice(
      group, "--reg-scaling",
      "what --lambda is multiplied with: the row's count of ratings, nothing, or for als and ials the weight of "
      "its cells, (count + unobserved weight × other rows)^nu",
      config.reg_scaling, "count, weight for ials");
  parser.rare();
  parser.value(group, "--loss", join(words_of<Loss>(), "|"),
               fmt::format("what is minimised; LIBMF's numbers are taken, too (default {})", name_of(config.loss)),
               [&settings](const std::string& option, const std::string& word) {
                 if (word == "12") {  // LIBMF's squared error over all pairs
                   settings.config.algorithm = Algorithm::ials;
                   return;
                 }
                 settings.config.loss = parse_loss(option, word);
                 settings.given.insert("loss");
               });
  parser.value(group, "--positive-from", "X",
               "--loss bpr, bpr_item and warp: the least rating that counts (default any above 0)",
               [&settings](const std::string& option, const std::string& word) {
                 settings.config.positive_from = parse_number(option, word, kAnyNumber);
                 settings.given.insert("positive-from");
               });
  parser.rare();
  table.whole(group, "--negatives", "--loss warp: unrated items drawn for a rating until one scores too high, at most",
              config.negatives, 1, kMostNegatives);
  parser.rare();
  table.choice(group, "--reduction", "of a mini-batch's losses", config.reduction);
  parser.rare();
  table.whole(group, "--batch-size", "ratings per mini-batch with PyTorch's semantics; 0 is one step per rating",
              config.batch_size, 0, kMaxRows);
  add_optimizer_options(table, parser, config);
  table.choice(group, "--lr-schedule", "inverse is lr / (1 + decay * t^1.5); bold_driver raises by 5 % and halves",
               config.lr_schedule);
  table.number(group, "--lr-decay", "decay of --lr-schedule inverse", config.lr_decay, kNotNegative);
  parser.rare();
  table.choice(group, "--shuffle", "order of the ratings: as read, or new each epoch", config.shuffle);
  table.choice(group, "--storage",
               "how factors are kept while ratings are stepped; of 16 bits, rounded at random, on a device",
               config.storage);
  parser.rare();
  table.choice(group, "--device-plan",
               "steps per rating on a device: rows of items in its memory, or those of a block in shared memory",
               config.device_plan);
  parser.rare();
  table.whole(group, "--grid", "ranges per side of the block grid; 0 is from data, threads and cache", config.grid, 0,
              kMaxGrid);
  parser.rare();
  parser.value(
      group, "--seed", "N", fmt::format("of every random choice (default {})", config.seed),
      [&config](const std::string& option, const std::string& word) { config.seed = parse_seed(option, word); });
  parser.flag(group, "--deterministic",
              "same bits in every run, on any number of threads: the grid is from the data alone, and cuda sorts "
              "instead of racing",
              [&settings] { settings.deterministic = true; });
  parser.rare();
}

void add_validation_options(Parser& parser, TrainSettings& settings) {
  ConfigTable table(parser, settings);
  TrainConfig& config = settings.config;
  const Group group = Group::evaluation;
  table.number(group, "--valid-frac", "share of DATA, drawn at random, that validates instead of training",
               config.valid_frac, kFraction);
  table.whole(group, "--patience,--early-stopping,--stopping-step",
              "epochs without a better validation loss before stopping", config.patience, 1, 1000000);
  table.number(group, "--min-delta", "how much better counts as better", config.min_delta, kNotNegative);
  parser.rare();
  parser.flag(group, "--no-early-stopping", "run all epochs; the best one is still the model",
              [&config] { config.early_stopping = false; });
}

void add_engine_options(Parser& parser, std::string& engine, int& threads, int* reading_threads) {
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
  add_threads(parser, threads, reading_threads);
}

void add_threads(Parser& parser, int& threads, int* reading_threads) {
  parser.value(Group::engine, "-j,--threads", "N", "threads; 0 is all that the process may use (default 0; 0 to 4096)",
               [&threads, reading_threads](const std::string& option, const std::string& word) {
                 threads = static_cast<int>(parse_whole(option, word, 0, 4096));
                 if (reading_threads != nullptr) *reading_threads = threads;
               });
}

void add_device_memory(Parser& parser, TrainSettings& settings) {
  parser.value(Group::engine, "--device-memory", "SIZE",
               "what the run may take of a device's memory, as 500M or 40G: with steps per rating, ratings that do not "
               "fit stream, then rows as well (default: all that is free)",
               [&settings](const std::string& option, const std::string& word) {
                 settings.config.device_memory = parse_bytes(option, word);
                 settings.given.insert("device-memory");
               });
  parser.rare();
}

void add_train_settings(Parser& parser, TrainSettings& settings, int* reading_threads) {
  add_algorithm_options(parser, settings);
  add_model_options(parser, settings);
  add_training_options(parser, settings);
  add_validation_options(parser, settings);
  add_engine_options(parser, settings.config.engine, settings.config.threads, reading_threads);
  add_device_memory(parser, settings);
}

const Setting* train_setting(const std::string& key) {
  for (const Setting& row : train_rows()) {
    if (row.has_key(key)) return &row;
  }
  return nullptr;
}

TrainSettings read_train_settings(const std::vector<OuterValue>& values) {
  TrainSettings settings;
  Parser parser("train", "", {});
  add_train_settings(parser, settings);
  for (const OuterValue& value : values) {
    if (train_setting(value.key) == nullptr) {
      std::vector<std::string> known;
      for (const Setting& row : train_rows()) {
        const std::vector<std::string> keys = row.keys();
        known.insert(known.end(), keys.begin(), keys.end());
      }
      throw Error(ErrorKind::usage, fmt::format("a training has no setting \"{}\"", value.key),
                  suggestion(value.key, known), value.place);
    }
    parser.add(value);
  }
  parser.finish({}, true);
  return settings;
}

}  // namespace wf
