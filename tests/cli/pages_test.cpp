// convert, page files as DATA, and train --cache: the same model as from the text, to the bit.
#include "host/model/safetensors.hpp"
#include "tests/cli/small_data.hpp"

#include <zlib.h>

#include <filesystem>
#include <fstream>

namespace wf::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

/// The raw tensors of a model: what stands behind its header.
std::string tensors_of(const std::string& path) {
  const std::string bytes = read_text(path);
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data(), 8);
  return bytes.substr(8 + header);
}

/// Text that would train in another way if it were read in another order: ids of both kinds, steps and repeats.
std::string mixed_ratings() {
  std::string text = "item;user;stars\n";
  for (int n = 0; n < 12'000; ++n) {
    text += "i" + std::to_string(n * 37 % 211) + ';' + std::to_string(n * n % 503) + ';' +
            std::to_string(1 + (n * 7 + n / 100) % 9) + ".5\n";
  }
  return text;
}

class PagesFolder : public testing::Test {
 protected:
  PagesFolder() { folder_.write("ratings.csv", small_ratings()); }
  ProgramResult run(const std::vector<std::string>& arguments, const std::string& stdin_text = {}) const {
    return run_in(folder_, arguments, stdin_text);
  }
  ProgramResult must(const std::vector<std::string>& arguments, const std::string& stdin_text = {}) const {
    ProgramResult result = run(arguments, stdin_text);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result;
  }
  std::string train(const std::string& data, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words{"train", data, "-o", "m.safetensors", "-k", "8", "--epochs", "3", "--engine", "cpu"};
    words.insert(words.end(), more.begin(), more.end());
    err_ = must(words).err;
    return tensors_of(folder_.file("m.safetensors"));
  }
  json metadata(const std::string& model) const { return json::parse(must({"info", model, "--json"}).out)["metadata"]; }

  TemporaryFolder folder_;
  mutable std::string err_;
};

TEST_F(PagesFolder, InfoSaysWhatTheyHold) {
  const json converted = json::parse(must({"convert", "ratings.csv", "--json"}).out);
  const json info = json::parse(must({"info", "ratings.wfr", "--json"}).out);
  for (const char* key : {"n_ratings", "n_users", "n_items"}) EXPECT_EQ(info[key], converted[key]) << key;
  EXPECT_EQ(info["data"], "ratings.csv");
  EXPECT_THAT(must({"info", "ratings.wfr"}).out, testing::StartsWith("pages               ratings.wfr\n"));
}

TEST_F(PagesFolder, ConvertSaysWhatItDid) {
  const ProgramResult result = must({"convert", "ratings.csv", "--json"});
  const json summary = json::parse(result.out);
  EXPECT_EQ(summary["pages"], "ratings.wfr");
  EXPECT_EQ(summary["n_users"], kSmallUsers);
  EXPECT_EQ(summary["bytes"], std::filesystem::file_size(folder_.file("ratings.wfr")));
  EXPECT_THAT(result.err, HasSubstr("saved  ratings.wfr · "));
  EXPECT_THAT(result.err, HasSubstr(" bytes a rating"));
}

TEST_F(PagesFolder, ConvertRefusesWhatItCannotWrite) {
  const ProgramResult other = run({"convert", "ratings.csv", "-o", "ratings.parquet"});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.err, HasSubstr("ratings.parquet: its ending names no format of ratings"));
  must({"convert", "ratings.csv", "-o", "a.wfr"});
  EXPECT_EQ(run({"convert", "a.wfr", "-o", "b.wfr"}).exit_code, 2);
  EXPECT_EQ(run({"convert", "ratings.csv", "-o", "absent/a.wfr"}).exit_code, 1);
}

TEST_F(PagesFolder, APageFileTrainsTheModelOfItsText) {
  folder_.write("mixed.txt", mixed_ratings());
  const std::vector<std::string> columns{"--sep", "semicolon", "--col-user", "user", "--col-item", "item"};
  std::vector<std::string> convert{"convert", "mixed.txt", "-o", "mixed.wfr"};
  convert.insert(convert.end(), columns.begin(), columns.end());
  must(convert);
  const std::string expected = train("mixed.txt", columns);
  std::filesystem::rename(folder_.file("m.safetensors"), folder_.file("text.safetensors"));
  for (const char* threads : {"1", "2", "3"}) {
    EXPECT_TRUE(train("mixed.wfr", {"-j", threads}) == expected) << threads;
  }
  EXPECT_THAT(err_, HasSubstr("read   mixed.wfr: page file of mixed.txt · 12,000 ratings, page by page"));
  for (const char* key : {"data", "data_hash", "data_bytes", "reader", "n_ratings", "baseline_bias_rmse"}) {
    EXPECT_EQ(metadata("m.safetensors")[key], metadata("text.safetensors")[key]) << "the record is that of the text";
  }
}

/// Text, compressed text, pages and pages that do not fit memory; the validation RMSE is part of what is compared.
TEST_F(PagesFolder, TheSameBitsFromAnyFileInAnyMemoryOnAnyNumberOfThreads) {
  // several chunks of 65,536 for whatever works in chunks; a million takes minutes in a build without optimization
  must({"synth", "--users", "3000", "--items", "2000", "--ratings", "200000", "-o", "r.txt"});
  must({"convert", "r.txt"});
  const std::string text = read_text(folder_.file("r.txt"));
  const gzFile file = gzopen(folder_.file("r.txt.gz").c_str(), "wb");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  const std::vector<std::string> options{"--grid", "24"};
  const auto trained = [&](const char* data, const std::vector<std::string>& more) {
    std::vector<std::string> words = options;
    words.insert(words.end(), more.begin(), more.end());
    std::string bits = train(data, words);
    for (const std::string& line : lines_of(read_text(folder_.file("m.metrics.jsonl")))) {
      const json epoch = json::parse(line);
      for (const char* key : {"train_loss", "train_rmse", "valid_rmse", "valid_mae"}) bits += epoch[key].dump() + ' ';
    }
    return bits;
  };
  const std::string expected = trained("r.txt", {"-j", "1"});
  for (const char* threads : {"1", "2", "3", "8"}) {
    EXPECT_TRUE(trained("r.txt", {"-j", threads}) == expected) << threads;
    EXPECT_TRUE(trained("r.txt.gz", {"-j", threads}) == expected) << threads;
    EXPECT_TRUE(trained("r.wfr", {"-j", threads}) == expected) << threads;
    EXPECT_TRUE(trained("r.wfr", {"-j", threads, "--memory", "1T"}) == expected) << threads;
    EXPECT_THAT(err_, HasSubstr("hold all ratings"));
  }
}

TEST_F(PagesFolder, TooLittleMemoryIsRefusedWithWhatWouldDo) {
  must({"convert", "ratings.csv"});
  const ProgramResult little = run({"train", "ratings.wfr", "--memory", "1M"});
  EXPECT_THAT(little.err, HasSubstr("the model does not keep what users have rated"));
  EXPECT_EQ(little.exit_code, 2);
  EXPECT_THAT(little.err, HasSubstr("--memory 1.0 MB is too little"));
  EXPECT_THAT(little.err, HasSubstr("give at least "));
  const ProgramResult text = run({"train", "ratings.csv", "--memory", "1G"});
  EXPECT_EQ(text.exit_code, 2);
  EXPECT_THAT(text.err, HasSubstr("warpfactor convert ratings.csv writes one"));
  EXPECT_EQ(run({"train", "ratings.wfr", "--memory", "1G", "--batch-size", "64"}).exit_code, 2);
  for (const char* size : {"", "M", "5X", "-1G", "0", "nan", "1e30", "2MM"}) {
    EXPECT_EQ(run({"train", "ratings.wfr", "--memory", size}).exit_code, 2) << size;
  }
}

TEST_F(PagesFolder, ACompressedTextGivesTheSamePages) {
  const std::string text = small_ratings();
  const gzFile file = gzopen(folder_.file("zipped.csv.gz").c_str(), "wb");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  must({"convert", "zipped.csv.gz"});
  EXPECT_TRUE(train("zipped.wfr") == train("ratings.csv"));
}

TEST_F(PagesFolder, EveryVerbTakesPagesForRatings) {
  must({"convert", "ratings.csv"});
  train("ratings.csv");
  for (const char* verb : {"evaluate", "predict"}) {
    const ProgramResult of_text = must({verb, "m.safetensors", "ratings.csv"});
    const ProgramResult of_pages = must({verb, "m.safetensors", "ratings.wfr"});
    std::vector<std::string> one = lines_of(of_text.out), other = lines_of(of_pages.out);
    std::sort(one.begin(), one.end());
    std::sort(other.begin(), other.end());
    EXPECT_EQ(one, other) << verb;
  }
  EXPECT_EQ(must({"recommend", "m.safetensors", "--user", "100", "--seen", "ratings.wfr"}).out,
            must({"recommend", "m.safetensors", "--user", "100"}).out);
  EXPECT_EQ(must({"evaluate", "m.safetensors", "ratings.csv", "--train", "ratings.wfr"}).out,
            must({"evaluate", "m.safetensors", "ratings.csv", "--train", "ratings.csv"}).out);
  EXPECT_TRUE(train("ratings.csv", {"--valid", "ratings.wfr"}) == train("ratings.csv", {"--valid", "ratings.csv"}));
}

TEST_F(PagesFolder, RefusesOptionsThatPagesCannotFollow) {
  must({"convert", "ratings.csv"});
  const std::vector<std::vector<std::string>> refused{{"--sep", "comma"},  {"--no-header"},       {"--col-user", "1"},
                                                      {"--col-item", "2"}, {"--col-rating", "3"}, {"--skip-bad"},
                                                      {"--ids", "rows"},   {"--shuffle", "none"}, {"--cache"}};
  for (const std::vector<std::string>& words : refused) {
    std::vector<std::string> command{"train", "ratings.wfr", "--epochs", "1"};
    command.insert(command.end(), words.begin(), words.end());
    const ProgramResult result = run(command);
    EXPECT_EQ(result.exit_code, 2) << words[0] << result.err;
    EXPECT_THAT(result.err, HasSubstr(words[0]));
  }
  EXPECT_EQ(run({"train", "-", "--cache"}, small_ratings()).exit_code, 2);
  EXPECT_EQ(run({"train", "ratings.csv", "--cache", "--shuffle", "none"}).exit_code, 2);
  const ProgramResult piped = run({"train", "-"}, read_text(folder_.file("ratings.wfr")));
  EXPECT_EQ(piped.exit_code, 3);
  EXPECT_THAT(piped.err, HasSubstr("is a page file, which is not read"));
}

TEST_F(PagesFolder, DamagedPagesAreRefused) {
  must({"convert", "ratings.csv"});
  std::string bytes = read_text(folder_.file("ratings.wfr"));
  bytes[bytes.size() - 70] ^= 1;
  folder_.write("bad.wfr", bytes);
  const ProgramResult result = run({"train", "bad.wfr"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("bad.wfr: page 0 is not what was written"));
  EXPECT_THAT(result.err, HasSubstr("again from ratings.csv"));
}

TEST_F(PagesFolder, TheCacheIsWrittenThenUsed) {
  const std::string expected = train("ratings.csv");
  EXPECT_FALSE(std::filesystem::exists(folder_.file("ratings.csv.wfr"))) << "only when asked for";
  EXPECT_TRUE(train("ratings.csv", {"--cache"}) == expected);
  EXPECT_THAT(err_, HasSubstr("cache  ratings.csv.wfr"));
  EXPECT_TRUE(train("ratings.csv", {"--cache"}) == expected);
  EXPECT_THAT(err_, HasSubstr("read   ratings.csv: from its cache ratings.csv.wfr · "));
  EXPECT_EQ(metadata("m.safetensors")["data"], "ratings.csv");
  train("ratings.csv");
  EXPECT_THAT(err_, Not(HasSubstr("cache")));
}

TEST_F(PagesFolder, TheCacheFollowsItsText) {
  const auto touch = [this] {
    const auto path = folder_.path() / "ratings.csv";
    std::filesystem::last_write_time(path, std::filesystem::last_write_time(path) + std::chrono::seconds(5));
  };
  train("ratings.csv", {"--cache"});
  touch();  // the same bytes at another time: compared by their hash
  train("ratings.csv", {"--cache"});
  EXPECT_THAT(err_, HasSubstr("from its cache"));
  std::string text = small_ratings();
  text[text.size() - 2] = text[text.size() - 2] == '5' ? '4' : '5';  // the same size
  folder_.write("ratings.csv", text);
  touch();
  const std::string changed = train("ratings.csv", {"--cache"});
  EXPECT_THAT(err_, HasSubstr("the cache ratings.csv.wfr is written anew: ratings.csv has changed"));
  EXPECT_TRUE(train("ratings.csv", {"--cache"}) == changed);
  EXPECT_THAT(err_, HasSubstr("from its cache"));
  folder_.write("ratings.csv", text + "100,501,3\n");
  train("ratings.csv", {"--cache"});
  EXPECT_THAT(err_, HasSubstr("is written anew: ratings.csv has changed"));
  train("ratings.csv", {"--cache", "--col-rating", "none"});
  EXPECT_THAT(err_, HasSubstr("is written anew: it was read with other options"));
}

TEST_F(PagesFolder, ADamagedCacheIsWrittenAnew) {
  const std::string expected = train("ratings.csv", {"--cache"});
  const std::string whole = read_text(folder_.file("ratings.csv.wfr"));
  for (const std::size_t place : {std::size_t{8}, std::size_t{100}, whole.size() - 70}) {  // version, header, a page
    std::string bytes = whole;
    bytes[place] ^= 2;
    folder_.write("ratings.csv.wfr", bytes);
    EXPECT_TRUE(train("ratings.csv", {"--cache"}) == expected);
    EXPECT_THAT(err_, HasSubstr("note   the cache ratings.csv.wfr is written anew: "));
    EXPECT_EQ(read_text(folder_.file("ratings.csv.wfr")), whole);
  }
}

TEST_F(PagesFolder, ACacheThatCannotBeWrittenIsANote) {
  std::filesystem::create_directory(folder_.path() / "ratings.csv.wfr");
  train("ratings.csv", {"--cache"});
  EXPECT_THAT(err_, HasSubstr("note   no cache is written: "));
}

}  // namespace
}  // namespace wf::test
