// What a model file keeps: every bit of the tables, every id, every fact; and what --init-from takes.
#include "host/model/model_file.hpp"

#include "host/base/error.hpp"
#include "tests/host/model_support.hpp"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <cstring>
#include <limits>
#include <set>

namespace wf {
namespace {

using testing::HasSubstr;
using testing_support::bytes_of;
using testing_support::FreshFolder;
using testing_support::safetensors;

constexpr int kFileUsers = 3, kFileItems = 4, kFileRank = 2;

IdMap ids_of(const std::vector<std::string>& texts) {
  IdMap ids;
  for (const std::string& text : texts) ids.insert(text);
  return ids;
}

Model small_model(bool biases = true) {
  Model model = make_model(kFileUsers, kFileItems, kFileRank, biases);
  initialise(model, {}, 5, -1, -1);
  for (float& bias : model.tables.user_biases) bias = 0.1F;
  model.global_mean = 3.5123456F;
  model.rating_mean = 3.512345678901234;
  model.rating_min = 0.5F;
  model.rating_max = 5;
  model.norm_limit = {1.25F, std::numeric_limits<float>::infinity()};
  model.users = ids_of({"100", "-5", "9223372036854775807"});
  model.items = ids_of({"007", "Amélie \"\\\n", "x", "12"});
  model.metadata["config"] = "{\"lr\": 0.01}";
  return model;
}

bool same_bits(const HostBuffer<float>& a, const HostBuffer<float>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size() * 4)) == 0);
}

void expect_same_tables(const Tables& a, const Tables& b) {
  EXPECT_TRUE(same_bits(a.user_factors, b.user_factors));
  EXPECT_TRUE(same_bits(a.item_factors, b.item_factors));
  EXPECT_TRUE(same_bits(a.user_biases, b.user_biases));
  EXPECT_TRUE(same_bits(a.item_biases, b.item_biases));
}

nlohmann::json header_of(const std::string& file) {
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), 8);
  return nlohmann::json::parse(file.substr(8, length));
}

/// A file as PyTorch writes it: F32 tables named in `shapes`, all ones.
std::string torch_file(const std::vector<std::pair<std::string, std::vector<int>>>& shapes,
                       const std::string& dtype = "F32") {
  nlohmann::json header;
  std::string data;
  for (const auto& [name, shape] : shapes) {
    int count = 1;
    for (const int size : shape) count *= size;
    const std::size_t begin = data.size();
    const float one = 1;
    for (int n = 0; n < count; ++n) data.append(reinterpret_cast<const char*>(&one), dtype == "F16" ? 2 : 4);
    header[name] = {{"dtype", dtype}, {"shape", shape}, {"data_offsets", {begin, data.size()}}};
  }
  return safetensors(header.dump(), data);
}

std::string load_error(Model& model, const std::string& path) {
  try {
    load_tables(model, path);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

TEST(ModelFile, KeepsEveryBitAndFact) {
  const FreshFolder folder;
  const Model model = small_model();
  write_model(model, folder.file("m"));
  const Model again = read_model(folder.file("m"));
  expect_same_tables(again.tables, model.tables);
  EXPECT_EQ(again.n_users, kFileUsers);
  EXPECT_EQ(again.n_items, kFileItems);
  EXPECT_EQ(again.rank, kFileRank);
  EXPECT_EQ(again.global_mean, model.global_mean);
  EXPECT_EQ(again.rating_mean, model.rating_mean);
  EXPECT_EQ(again.rating_min, 0.5F);
  EXPECT_EQ(again.rating_max, 5.0F);
  EXPECT_EQ(again.norm_limit.max_norm, 1.25F);
  EXPECT_TRUE(std::isinf(again.norm_limit.norm_type));
  EXPECT_EQ(again.metadata, model.metadata);  // and none of the file's own keys
  EXPECT_EQ(again.users.kind(), IdKind::integers);
  EXPECT_EQ(again.items.kind(), IdKind::strings);
  for (RowId row = 0; row < kFileUsers; ++row) EXPECT_EQ(again.users.text(row), model.users.text(row));
  for (RowId row = 0; row < kFileItems; ++row) EXPECT_EQ(again.items.text(row), model.items.text(row));
}

TEST(ModelFile, KeepsWhatUsersHaveSeenAndGivesTheAskedOnesTheirs) {
  const FreshFolder folder;
  Ratings ratings;
  ratings.push_back(0, 3, 1);
  ratings.push_back(2, 1, 1);
  ratings.push_back(2, 0, 1);
  Model model = small_model();
  model.seen = ItemSets(ratings.view(), kFileUsers, kFileItems);
  write_model(model, folder.file("m"));
  const auto seen_by = [](const Model& by, RowId user) {
    return std::vector<RowId>(by.seen.of(user).begin(), by.seen.of(user).end());
  };
  const Model again = read_model(folder.file("m"));
  EXPECT_THAT(seen_by(again, 0), testing::ElementsAre(3));
  EXPECT_THAT(seen_by(again, 1), testing::IsEmpty());
  EXPECT_THAT(seen_by(again, 2), testing::ElementsAre(0, 1));
  const Model part = read_model_for(folder.file("m"), {model.users.text(2), "nobody", model.users.text(2)});
  EXPECT_THAT(seen_by(part, 0), testing::IsEmpty());
  EXPECT_THAT(seen_by(part, 2), testing::ElementsAre(0, 1));
  write_model(again, folder.file("n"));
  EXPECT_EQ(bytes_of(folder.file("m")), bytes_of(folder.file("n")));
}

TEST(ModelFile, IsTheSameBytesWhenWrittenAgain) {
  const FreshFolder folder;
  write_model(small_model(), folder.file("a"));
  write_model(read_model(folder.file("a")), folder.file("b"));
  EXPECT_EQ(bytes_of(folder.file("a")), bytes_of(folder.file("b")));
  EXPECT_EQ(folder.count(), 2);  // no temporary stays behind
}

TEST(ModelFile, KeepsUnusualFloatsBitForBit) {
  const FreshFolder folder;
  Model model = small_model();
  model.tables.user_factors[0] = -0.0F;
  model.tables.user_factors[1] = std::numeric_limits<float>::denorm_min();
  model.tables.user_factors[2] = std::numeric_limits<float>::max();
  model.global_mean = std::numeric_limits<float>::denorm_min();
  write_model(model, folder.file("m"));
  const Model again = read_model(folder.file("m"));
  expect_same_tables(again.tables, model.tables);
  EXPECT_EQ(again.global_mean, model.global_mean);
}

TEST(ModelFile, WithoutBiasesAndWithRowIdsHoldsTheFactorsAlone) {
  const FreshFolder folder;
  Model model = small_model(false);
  model.users = IdMap::rows(kFileUsers);
  model.items = IdMap::rows(kFileItems);
  write_model(model, folder.file("m"));
  std::set<std::string> names;
  const nlohmann::json header = header_of(bytes_of(folder.file("m")));
  for (const auto& [name, value] : header.items()) names.insert(name);
  EXPECT_EQ(names, (std::set<std::string>{"__metadata__", "user_factors.weight", "item_factors.weight"}));
  const Model again = read_model(folder.file("m"));
  EXPECT_FALSE(again.has_biases());
  EXPECT_EQ(again.users.kind(), IdKind::rows);
  EXPECT_EQ(again.users.size(), kFileUsers);
  EXPECT_EQ(again.items.size(), kFileItems);
}

TEST(ModelFile, AlignsTheDataOfEveryTensor) {
  const FreshFolder folder;
  write_model(small_model(), folder.file("m"));
  const std::string file = bytes_of(folder.file("m"));
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), 8);
  EXPECT_EQ(length % 8, 0U);
  const std::map<std::string, int> sizes{{"I64", 8}, {"F32", 4}, {"U8", 1}};
  const nlohmann::json header = header_of(file);
  for (const auto& [name, value] : header.items()) {
    if (name == "__metadata__") continue;
    EXPECT_EQ(value["data_offsets"][0].get<int>() % sizes.at(value["dtype"]), 0) << name;
  }
}

TEST(ModelFile, MetadataIsTextOnly) {
  const FreshFolder folder;
  write_model(small_model(), folder.file("m"));
  const nlohmann::json metadata = header_of(bytes_of(folder.file("m")))["__metadata__"];
  for (const auto& [key, value] : metadata.items()) EXPECT_TRUE(value.is_string()) << key;
  EXPECT_EQ(metadata["format"], "warpfactor");
  EXPECT_EQ(metadata["format_version"], "1");
  EXPECT_EQ(metadata["user_id_kind"], "integers");
  EXPECT_EQ(metadata["item_id_kind"], "strings");
  EXPECT_EQ(metadata["config"], "{\"lr\": 0.01}");
}

RC_GTEST_PROP(ModelFile, KeepsAnyIds, ()) {
  const FreshFolder folder;
  const auto texts = *rc::gen::unique<std::vector<std::string>>(rc::gen::nonEmpty<std::string>());
  IdMap ids;
  ids.fix_strings();
  for (const std::string& text : texts) ids.insert(text);
  Model model = make_model(ids.size(), 1, 1, false);
  initialise(model, {}, 1, -1, -1);
  model.users = std::move(ids);
  model.items = IdMap::rows(1);
  write_model(model, folder.file("m"));
  const Model again = read_model(folder.file("m"));
  for (std::size_t row = 0; row < texts.size(); ++row) {
    RC_ASSERT(again.users.text(static_cast<RowId>(row)) == texts[row]);
    RC_ASSERT(again.users.find(texts[row]) == static_cast<RowId>(row));
  }
}

TEST(ModelFile, RefusesToWriteWhatIsNotFinite) {
  const FreshFolder folder;
  folder.write("m", "old");
  for (const float bad : {std::nanf(""), INFINITY, -INFINITY}) {
    for (HostBuffer<float> Tables::*table :
         {&Tables::user_factors, &Tables::item_factors, &Tables::user_biases, &Tables::item_biases}) {
      Model model = small_model();
      (model.tables.*table)[2] = bad;
      EXPECT_THROW(write_model(model, folder.file("m")), FailedError);
    }
  }
  EXPECT_EQ(bytes_of(folder.file("m")), "old");
  EXPECT_EQ(folder.count(), 1);
}

TEST(ModelFile, RefusesToWriteFactsThatNoReaderAccepts) {
  const FreshFolder folder;
  folder.write("m", "old");
  const auto refused = [&](const char* key, auto change) {
    Model model = small_model();
    change(model);
    try {
      write_model(model, folder.file("m"));
      ADD_FAILURE() << key << " was written";
    } catch (const FailedError& error) {
      EXPECT_THAT(error.what(), HasSubstr(std::string("not written: ") + key + " is "));
    }
  };
  refused("global_mean", [](Model& m) { m.global_mean = NAN; });
  refused("rating_mean", [](Model& m) { m.rating_mean = INFINITY; });
  refused("rating_min", [](Model& m) { m.rating_min = -INFINITY; });
  refused("rating_max", [](Model& m) { m.rating_max = NAN; });
  refused("max_norm", [](Model& m) { m.norm_limit.max_norm = INFINITY; });
  refused("max_norm", [](Model& m) { m.norm_limit.max_norm = -1; });
  refused("norm_type", [](Model& m) { m.norm_limit.norm_type = 0; });
  refused("norm_type", [](Model& m) { m.norm_limit.norm_type = NAN; });
  EXPECT_EQ(bytes_of(folder.file("m")), "old");
}

TEST(ModelFile, RefusesToWriteIdsOfAnotherSize) {
  const FreshFolder folder;
  Model model = small_model();
  model.users = ids_of({"1"});
  EXPECT_THROW(write_model(model, folder.file("m")), std::logic_error);
}

TEST(ModelFile, SaysWhyItCannotBeWritten) {
  const FreshFolder folder;
  try {
    write_model(small_model(), folder.file("absent/m"));
    FAIL() << "no error";
  } catch (const FailedError& error) {
    EXPECT_THAT(error.what(), HasSubstr("absent/m: cannot create the file: No such file or directory"));
  }
}

TEST(ModelFile, ReadsThePlainTablesOfAPyTorchModule) {
  const FreshFolder folder;
  const Model model =
      read_model(folder.write("m", torch_file({{"user_factors.weight", {3, 2}}, {"item_factors.weight", {4, 2}}})));
  EXPECT_EQ(model.n_users, 3);
  EXPECT_EQ(model.n_items, 4);
  EXPECT_EQ(model.users.kind(), IdKind::rows);
  EXPECT_EQ(model.users.size(), 3);
  EXPECT_EQ(model.global_mean, 0);
  EXPECT_FALSE(model.has_biases());
  EXPECT_FALSE(model.norm_limit.active());
  EXPECT_EQ(model.tables.user_factors[5], 1);
}

TEST(LoadTables, TakesAllFourTables) {
  const FreshFolder folder;
  Model model = small_model();
  const std::string file = torch_file({{"user_factors.weight", {3, 2}},
                                       {"item_factors.weight", {4, 2}},
                                       {"user_biases.weight", {3, 1}},
                                       {"item_biases.weight", {4}},  // a Parameter instead of an Embedding
                                       {"something.else", {5}}});
  EXPECT_EQ(load_error(model, folder.write("m", file)), "no error");
  for (const auto* table :
       {&model.tables.user_factors, &model.tables.item_factors, &model.tables.user_biases, &model.tables.item_biases}) {
    EXPECT_TRUE(std::all_of(table->begin(), table->end(), [](float value) { return value == 1; }));
  }
  EXPECT_EQ(model.global_mean, 3.5123456F);  // only tables are taken
}

TEST(LoadTables, LeavesBiasesThatTheFileLacks) {
  const FreshFolder folder;
  Model model = small_model();
  load_tables(model, folder.write("m", torch_file({{"user_factors.weight", {3, 2}}, {"item_factors.weight", {4, 2}}})));
  EXPECT_EQ(model.tables.user_biases[1], 0.1F);
}

TEST(LoadTables, AModelWithoutBiasesTakesNone) {
  const FreshFolder folder;
  Model model = small_model(false);
  load_tables(model, folder.write("m", torch_file({{"user_factors.weight", {3, 2}},
                                                   {"item_factors.weight", {4, 2}},
                                                   {"user_biases.weight", {3, 1}},
                                                   {"item_biases.weight", {4, 1}}})));
  EXPECT_FALSE(model.has_biases());
}

TEST(LoadTables, NamesBothShapes) {
  const FreshFolder folder;
  Model model = small_model();
  const auto error = [&](std::vector<int> users, std::vector<int> items, std::vector<int> biases) {
    return load_error(model, folder.write("m", torch_file({{"user_factors.weight", std::move(users)},
                                                           {"item_factors.weight", std::move(items)},
                                                           {"user_biases.weight", std::move(biases)}})));
  };
  EXPECT_THAT(error({4, 2}, {4, 2}, {3}),
              HasSubstr("tensor user_factors.weight is [4, 2], but the model needs [3, 2] (check -k, --n-users"));
  EXPECT_THAT(error({3, 2}, {4, 3}, {3}), HasSubstr("item_factors.weight is [4, 3], but the model needs [4, 2]"));
  EXPECT_THAT(error({6}, {4, 2}, {3}), HasSubstr("user_factors.weight is [6], but the model needs [rows, rank]"));
  EXPECT_THAT(error({3, 2}, {4, 2}, {1, 3}), HasSubstr("user_biases.weight is [1, 3], but the model needs [3, 1]"));
  EXPECT_NE(model.tables.user_factors[0], 1);  // untouched
}

TEST(LoadTables, RefusesOtherTypesAndMissingTables) {
  const FreshFolder folder;
  Model model = small_model();
  const std::string half = torch_file({{"user_factors.weight", {3, 2}}, {"item_factors.weight", {4, 2}}}, "F16");
  EXPECT_THAT(load_error(model, folder.write("half", half)),
              HasSubstr("tensor user_factors.weight is F16, not F32 (convert it, e.g. by .float()"));
  const std::string other = torch_file({{"embedding.weight", {3, 2}}});
  EXPECT_THAT(load_error(model, folder.write("other", other)),
              HasSubstr("has no tensor user_factors.weight; it has \"embedding.weight\""));
}

TEST(LoadTables, RefusesTheRowsOfOtherIds) {
  const FreshFolder folder;
  write_model(small_model(), folder.file("m"));
  Model same = small_model();
  EXPECT_EQ(load_error(same, folder.file("m")), "no error");
  Model other = small_model();
  other.users = ids_of({"100", "9223372036854775807", "-5"});
  EXPECT_THAT(load_error(other, folder.file("m")),
              HasSubstr("row 1 of user_ids is \"-5\", in the ratings it is \"9223372036854775807\""));
  Model by_row = small_model();
  by_row.users = IdMap::rows(kFileUsers);
  by_row.items = IdMap::rows(kFileItems);
  EXPECT_EQ(load_error(by_row, folder.file("m")), "no error");
}

TEST(ModelFile, ReadsNoOtherUsersThanThoseAskedFor) {
  const FreshFolder folder;
  const std::string path = folder.file("m.safetensors");
  const Model model = small_model();
  write_model(model, path);
  // a file whose first user is damaged: only who asks for that one, or for all, has to know
  std::string bytes = bytes_of(path);
  const std::string first_row(reinterpret_cast<const char*>(model.tables.user_factors.data()), 4);
  const float not_a_number = std::numeric_limits<float>::quiet_NaN();
  bytes.replace(bytes.find(first_row), 4, reinterpret_cast<const char*>(&not_a_number), 4);
  folder.write("m.safetensors", bytes);
  EXPECT_THROW(read_model(path), InputError);
  EXPECT_THROW(read_model_for(path, {"-5", "100"}), InputError);

  const Model some = read_model_for(path, {"-5", "nobody"});
  Tables expected{model.tables.user_factors.clone(), model.tables.item_factors.clone(),
                  model.tables.user_biases.clone(), model.tables.item_biases.clone()};
  for (const int row : {0, 2}) std::fill_n(expected.user_factors.begin() + row * kFileRank, kFileRank, 0.0F);
  expect_same_tables(some.tables, expected);
  EXPECT_EQ(some.users.text(2), "9223372036854775807");
}

}  // namespace
}  // namespace wf
