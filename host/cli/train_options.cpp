// The options of `train` and `verify` beside those of every training (host/settings/train_table.cpp): files.
#include "host/cli/options.hpp"

#include <fmt/format.h>

namespace wf::cli {
namespace {

void take_interval(const std::string& option, const std::string& word, TrainRequest& request) {
  try {
    if (word.find_first_of("smh") != std::string::npos) {
      request.checkpoint_seconds = parse_seconds(option, word);
    } else {
      request.checkpoint_epochs = parse_whole(option, word, 1, 1000000);
    }
  } catch (const UsageError&) {
    throw UsageError(fmt::format("{}: \"{}\" is neither a number of epochs nor a time", option, word),
                     "it takes N, from 1 to 1000000, or a time as 30s, 5m or 1h");
  }
}

void add_file_options(Parser& parser, TrainRequest& request) {
  const Group group = Group::output;
  parser.value(group, "-o,--out", "FILE",
               "the model (default: DATA's name with .safetensors, in the current folder; stdin: model.safetensors)",
               [&request](const std::string&, const std::string& word) { request.out = word; });
  parser.value(group, "--metrics", "FILE|none",
               "one JSON object per epoch (default: the model's name with .metrics.jsonl)",
               [&request](const std::string&, const std::string& word) { request.metrics = word; });
  parser.value(group, "--tensorboard", "FOLDER",
               "the numbers of each epoch for TensorBoard, in an event file of its own",
               [&request](const std::string&, const std::string& word) { request.tensorboard = word; });
  parser.value(group, "--report", "FILE.html", "a page about the model, as the verb report writes it",
               [&request](const std::string&, const std::string& word) { request.report = word; });
  parser.flag(
      group, "--no-save-seen",
      "the model does not keep which items each user has rated (4 bytes a rating): recommend then reads DATA again, to "
      "leave them out",
      [&request] { request.save_seen = false; });
  parser.value(
      group, "--checkpoint-every", "N|TIME",
      "leave MODEL.checkpoint, from which --resume goes on, after every N epochs, or at the end of an epoch "
      "where so much time has passed, as 30s, 5m or 1h (default: none)",
      [&request](const std::string& option, const std::string& word) { take_interval(option, word, request); });
  parser.flag(group, "--resume",
              "go on from MODEL.checkpoint, to the same model as if never stopped; where there is none, begin afresh",
              [&request] { request.resume = true; });
  parser.value(group, "--batch-losses", "FILE", "CSV epoch,batch,loss of every mini-batch before its update",
               [&request](const std::string&, const std::string& word) { request.batch_losses = word; });
  parser.rare();
}

}  // namespace

void add_train_options(Parser& parser, TrainRequest& request) {
  add_data(parser, request.data);
  add_reader_options(parser, request.reader, true);
  parser.flag(Group::data, "--cache", "keep DATA's ratings in DATA.wfr and read them from there until DATA changes",
              [&request] { request.cache = true; });
  parser.value(
      Group::data, "--memory", "SIZE",
      "what the run may take of memory, as 500M or 4G: ratings of a page file that do not fit are laid out in a "
      "file beside the model and read block by block; the same model (default: no limit)",
      [&request](const std::string& option, const std::string& word) { request.memory = parse_bytes(option, word); });
  parser.value(Group::evaluation, "--valid", "FILE", "validate on this file instead of a part of DATA",
               [&request](const std::string&, const std::string& word) { request.valid = word; });
  parser.flag(Group::evaluation, "--no-valid", "train on everything; the last epoch is the model",
              [&request] { request.no_valid = true; });
  parser.value(
      Group::evaluation, "--folds", "K",
      "cross-validate: train K times, each time without one part of DATA, which tests; prints the mean and the "
      "standard deviation and keeps no model (2 to 255)",
      [&request](const std::string& option, const std::string& word) {
        request.folds = static_cast<int>(parse_whole(option, word, 2, 255));
      });
  add_train_settings(parser, request, &request.reader.options.threads);
  add_file_options(parser, request);
}

void add_tune_options(Parser& parser, TuneRequest& request) {
  TrainRequest& train = request.train;
  add_data(parser, train.data);
  add_reader_options(parser, train.reader, true);
  const Group group = Group::evaluation;
  parser.value(
      group, "--budget", "TIME", "how long to search, as 90s, 5m or 1h30m (default: no limit)",
      [&request](const std::string& option, const std::string& word) { request.budget = parse_seconds(option, word); });
  parser.value(group, "--trials", "N",
               fmt::format("settings to try (default {}; with --budget, as many as there is time for)", kUsualTrials),
               [&request](const std::string& option, const std::string& word) {
                 request.trials = parse_whole(option, word, 1, 1000000);
               });
  parser.value(group, "--space", "FILE",
               "what to search, as TOML: rank = { from = 8, to = 128, scale = \"log\" }, or a list of values (default: "
               "rank, and lambda, lr and the like around their own defaults)",
               store(request.space));
  parser.value(group, "--metric", join(words_of<Metric>(), "|"),
               "what is best on the validation part (default: ndcg where scores put items in order, else rmse)",
               [&request](const std::string& option, const std::string& word) {
                 request.metric = parse_word<Metric>(option, word);
               });
  parser.value(group, "--valid", "FILE", "measure on this file instead of a part of DATA", store(train.valid));
  add_train_settings(parser, train, &train.reader.options.threads);
  parser.value(Group::output, "-o,--out", "FILE",
               "the best settings, for train --config (default: DATA's name with .tuned.toml, in the current folder)",
               store(request.out));
}

void add_verify_options(Parser& parser, VerifyRequest& request) {
  TrainRequest& train = request.train;
  parser.positional("DATA", "ratings to train on; a part of them is enough", train.data);
  add_reader_options(parser, train.reader, true);
  parser.value(Group::training, "--steps", "N",
               fmt::format("mini-batches to compare (default {}; 1 to 10000)", request.steps),
               [&request](const std::string& option, const std::string& word) {
                 request.steps = static_cast<int>(parse_whole(option, word, 1, 10000));
               });
  parser.value(Group::evaluation, "--tolerance", "X",
               "relative difference that passes (default: what rounding explains, by rank, batch and step)",
               [&request](const std::string& option, const std::string& word) {
                 request.tolerance = parse_number(option, word, kNotNegative);
               });
  add_model_options(parser, train);
  add_training_options(parser, train);
  add_engine_options(parser, train.config.engine, train.config.threads, &train.reader.options.threads);
}

}  // namespace wf::cli
