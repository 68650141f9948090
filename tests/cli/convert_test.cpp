// convert: ratings as other programs' files, which are read like any other.
#include "tests/cli/small_data.hpp"

#include <filesystem>

namespace wf::test {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Converted : public testing::Test {
 protected:
  Converted() {
    folder_.write("ratings.csv",
                  "userId,movieId,rating,timestamp\nann,7,3.5,978300760\nbob,9,1,978300761\nann,9,5,978300762\n");
  }
  ProgramResult run(const std::vector<std::string>& arguments, const std::string& stdin_text = {}) const {
    return run_in(folder_, arguments, stdin_text);
  }
  std::string must(const std::vector<std::string>& arguments) const {
    const ProgramResult result = run(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.err;
  }
  std::string text(const std::string& name) const { return read_text(folder_.file(name)); }

  TemporaryFolder folder_;
};

TEST_F(Converted, TakesTheFormatOutOfTheNameOrTheOption) {
  must({"convert", "ratings.csv", "-o", "r.inter"});
  EXPECT_EQ(text("r.inter"),
            "user_id:token\titem_id:token\trating:float\ttimestamp:float\nann\t7\t3.5\t978300760\n"
            "bob\t9\t1\t978300761\nann\t9\t5\t978300762\n");
  must({"convert", "ratings.csv", "--format", "inter"});
  EXPECT_EQ(text("ratings.inter"), text("r.inter"));
  must({"convert", "r.inter", "--col-timestamp", "none", "-o", "r.csv"});
  EXPECT_EQ(text("r.csv"), "user,item,rating\nann,7,3.5\nbob,9,1\nann,9,5\n");
  must({"convert", "ratings.csv"});
  EXPECT_TRUE(std::filesystem::exists(folder_.file("ratings.wfr")));
  must({"convert", "ratings.wfr", "-o", "pages.csv"});
  EXPECT_EQ(lines_of(text("pages.csv")).size(), 4U) << "a page file is ratings, too, in its own order";
}

TEST_F(Converted, WritesIdsBesideNumberedRows) {
  EXPECT_THAT(must({"convert", "ratings.csv", "-o", "r.mtx"}),
              HasSubstr("mtx numbers rows and has no ids; r.mtx.users.txt and r.mtx.items.txt list them"));
  EXPECT_EQ(text("r.mtx"), "%%MatrixMarket matrix coordinate real general\n2 2 3\n1 1 3.5\n2 2 1\n1 2 5\n");
  EXPECT_EQ(text("r.mtx.users.txt"), "ann\nbob\n");
  EXPECT_EQ(text("r.mtx.items.txt"), "7\n9\n");
  EXPECT_THAT(must({"convert", "r.mtx", "--ids", "rows", "-o", "rows.npz"}), Not(HasSubstr("has no ids")));
  EXPECT_FALSE(std::filesystem::exists(folder_.file("rows.npz.users.txt"))) << "a row is its own id";
}

TEST_F(Converted, SaysWhatAFormatLeavesOut) {
  EXPECT_THAT(must({"convert", "ratings.csv", "--format", "lightgcn", "-o", "train.txt"}),
              HasSubstr("LightGCN's lists have no values: 1 to 5 are left out"));
  EXPECT_EQ(text("train.txt"), "0 0 1\n1 1\n");
  folder_.write("pairs.csv", "user,item\nann,7\nbob,9\n");
  EXPECT_THAT(must({"convert", "pairs.csv", "--format", "lightgcn", "-o", "train.txt"}), Not(HasSubstr("left out")));
  const ProgramResult times = run({"convert", "ratings.csv", "--col-timestamp", "4", "-o", "r.mtx"});
  EXPECT_EQ(times.exit_code, 2);
  EXPECT_THAT(times.err, HasSubstr("mtx has no timestamps"));
}

TEST_F(Converted, ReportsInJson) {
  const ProgramResult result = run({"convert", "ratings.csv", "-o", "r.npz", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json report = json::parse(result.out);
  EXPECT_EQ(report["converted"], "r.npz");
  EXPECT_EQ(report["format"], "npz");
  EXPECT_EQ(report["n_users"], 2);
  EXPECT_EQ(report["n_ratings"], 3);
  EXPECT_EQ(report["bytes"], std::filesystem::file_size(folder_.file("r.npz")));
}

TEST_F(Converted, RefusesWhatItCannotWrite) {
  EXPECT_THAT(run({"convert", "ratings.csv", "-o", "r.parquet"}).err,
              AllOf(HasSubstr("its ending names no format"), HasSubstr("csv|inter|mtx|npz|lightgcn|pages")));
  EXPECT_EQ(run({"convert", "ratings.csv", "--format", "csv"}).exit_code, 2) << "it would overwrite DATA";
  EXPECT_EQ(run({"convert", "ratings.csv", "--format", "pages", "-o", "r.mtx"}).exit_code, 2);
  folder_.write("r.mtx.users.txt", "ann 7 3\nbob 9 4\n");
  EXPECT_EQ(run({"convert", "r.mtx.users.txt", "-o", "r.mtx"}).exit_code, 2) << "so would the ids";
}

/// The same ratings in every form train the same model.
TEST_F(Converted, AMatrixKeepsItsEmptyRows) {
  folder_.write("m.mtx", "%%MatrixMarket matrix coordinate real general\n10 5 2\n1 1 3\n2 2 4\n");
  must({"train", "m.mtx", "--ids", "rows", "-k", "2", "--epochs", "1", "--no-valid", "-o", "m.safetensors"});
  const json info = json::parse(run({"info", "m.safetensors", "--json"}).out);
  EXPECT_EQ(info["n_users"], 10);
  EXPECT_EQ(info["n_items"], 5);
  folder_.write("big.mtx", "%%MatrixMarket matrix coordinate real general\n2000000000 5 1\n1 1 3\n");
  const ProgramResult big = run({"train", "big.mtx", "--ids", "rows", "-k", "1000"});
  EXPECT_EQ(big.exit_code, 3);
  EXPECT_THAT(big.err, HasSubstr("memory does not hold tables of more than"));
}

TEST_F(Converted, TrainsFromEveryForm) {
  std::string rows = "user,item,rating\n";
  for (int u = 0; u < 12; ++u) {
    for (int i = 0; i < 9; ++i) rows += std::to_string(u) + ',' + std::to_string(i) + ",4\n";
  }
  folder_.write("rows.csv", rows);
  const auto info = [&](const std::string& data, const std::vector<std::string>& more = {}) {
    std::vector<std::string> words{"train", data, "--ids", "rows", "-k", "2", "--epochs", "1", "-o", "m.safetensors"};
    words.insert(words.end(), more.begin(), more.end());
    must(words);
    return json::parse(run({"info", "m.safetensors", "--json"}).out);
  };
  const json expected = info("rows.csv");
  for (const std::string name : {"r.inter", "r.mtx", "r.npz"}) {
    must({"convert", "rows.csv", "--ids", "rows", "-o", name});
    const json got = info(name);
    EXPECT_EQ(got["n_users"], expected["n_users"]) << name;
    EXPECT_EQ(got["n_items"], expected["n_items"]) << name;
    EXPECT_EQ(got["metadata"]["n_ratings"], expected["metadata"]["n_ratings"]) << name;
  }
  must({"convert", "rows.csv", "--ids", "rows", "--format", "lightgcn", "-o", "train.txt"});
  const json lists = info("train.txt", {"--lists"});
  EXPECT_EQ(lists["n_users"], expected["n_users"]);
  EXPECT_THAT(lists["metadata"]["reader"].dump(), HasSubstr("lists")) << "the record says how it was read";
  const ProgramResult evaluated = run({"evaluate", "m.safetensors", "rows.csv", "--at", "3", "--json"});
  EXPECT_EQ(evaluated.exit_code, 0) << evaluated.err;
  must({"convert", "train.txt", "--lists", "-o", "lists.wfr"});
  EXPECT_EQ(run({"train", "lists.wfr", "--lists", "-k", "2"}).exit_code, 2) << "its text has been read";
}

}  // namespace
}  // namespace wf::test
