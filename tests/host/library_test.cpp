// The library as others see it: its one header, and nothing else of the project but files to compare with.
#include "host/library/warpfactor.hpp"

#include "tests/support/run_program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace wf::test {
namespace {

using testing::HasSubstr;
using warpfactor::Error;
using warpfactor::ErrorKind;
using warpfactor::Model;
using warpfactor::Scored;

/// Users and items of one parity like each other.
warpfactor::Ratings two_tastes() {
  warpfactor::Ratings ratings;
  for (int u = 0; u < 30; ++u) {
    for (int i = 0; i < 20; ++i) {
      if ((u * 7 + i * 3) % 4 != 0)
        ratings.add("u" + std::to_string(u), "i" + std::to_string(i), u % 2 == i % 2 ? 5 : 1);
    }
  }
  return ratings;
}

const warpfactor::Settings kSmall{{"rank", 4}, {"epochs", 40}, {"deterministic", true}, {"valid-frac", 0.1}};

std::vector<std::string> ids_of(const std::vector<Scored>& list) {
  std::vector<std::string> ids;
  for (const Scored& one : list) ids.push_back(one.id);
  return ids;
}

bool is_even(const std::string& id) {
  return (id.back() - '0') % 2 == 0;
}

TEST(Library, LearnsRecommendsAndFindsNeighbours) {
  const warpfactor::Ratings ratings = two_tastes();
  const Model model = Model::train(ratings, kSmall);
  EXPECT_EQ(model.n_users(), 30U);
  EXPECT_EQ(model.n_items(), 20U);
  EXPECT_EQ(model.rank(), 4);
  EXPECT_LT(model.valid_rmse().value(), 1);
  EXPECT_EQ(model.divergence(), "");
  EXPECT_GT(model.predict("u2", "i4"), model.predict("u2", "i5") + 2);
  const std::vector<Scored> list = model.recommend("u2", 3, ratings.items_of("u2"));
  ASSERT_EQ(list.size(), 3U);
  EXPECT_TRUE(is_even(list.front().id));
  EXPECT_FLOAT_EQ(list.front().score, model.predict("u2", list.front().id));
  EXPECT_GE(list[0].score, list[1].score);
  for (const std::string& seen : ratings.items_of("u2"))
    EXPECT_THAT(ids_of(list), testing::Not(testing::Contains(seen)));
  for (const std::string& id : ids_of(model.similar_items("i3", 4))) EXPECT_FALSE(is_even(id)) << id;
  for (const std::string& id : ids_of(model.similar_users("u8", 4))) EXPECT_TRUE(is_even(id)) << id;
}

TEST(Library, RecommendsToSomeoneNew) {
  const Model model = Model::train(two_tastes(), kSmall);
  const std::vector<Scored> list = model.recommend({{"i1", 5}, {"i3", 5}, {"i2", 1}, {"nothing", 3}}, 4);
  ASSERT_EQ(list.size(), 4U);
  for (const Scored& one : list) EXPECT_FALSE(is_even(one.id)) << one.id;
  EXPECT_THAT(ids_of(list), testing::Not(testing::Contains("i1")));
  EXPECT_THROW(model.recommend({{"nothing", 3}}), Error);
}

TEST(Library, IsTheProgram) {
  // the same ratings and settings give the same model, bit for bit, and each reads the other's
  const TemporaryFolder folder;
  std::string text;
  for (int u = 0; u < 30; ++u) {
    for (int i = 0; i < 20; ++i) {
      if ((u * 7 + i * 3) % 4 != 0) {
        text += "u" + std::to_string(u) + ",i" + std::to_string(i) + "," + (u % 2 == i % 2 ? "5" : "1") + "\n";
      }
    }
  }
  folder.write("ratings.csv", text);
  ProgramOptions options;
  options.folder = folder.path();
  const std::vector<std::string> train{"train",           "ratings.csv",  "-k",  "4",  "--epochs",           "40",
                                       "--deterministic", "--valid-frac", "0.1", "-o", "program.safetensors"};
  ASSERT_EQ(run_program(train, options).exit_code, 0);
  const Model own = Model::train(two_tastes(), kSmall), read = Model::read(folder.file("program.safetensors"));
  ASSERT_EQ(own.user_factors().size(), read.user_factors().size());
  EXPECT_TRUE(std::equal(own.user_factors().begin(), own.user_factors().end(), read.user_factors().begin()));
  EXPECT_TRUE(std::equal(own.item_factors().begin(), own.item_factors().end(), read.item_factors().begin()));
  EXPECT_EQ(own.item_id(3), read.item_id(3));
  own.write(folder.file("library.safetensors"));
  const ProgramResult evaluated =
      run_program({"evaluate", "library.safetensors", "ratings.csv", "--train", "ratings.csv"}, options);
  ASSERT_EQ(evaluated.exit_code, 0) << evaluated.err;
  const ProgramResult repeated = run_program({"info", "library.safetensors", "--settings"}, options);
  EXPECT_THAT(repeated.out, HasSubstr("rank = 4\n"));
  const warpfactor::Errors errors = own.evaluate(warpfactor::Ratings::read(folder.file("ratings.csv")));
  EXPECT_NEAR(std::stod(evaluated.out.substr(evaluated.out.find_first_of("0123456789"))), errors.rmse, 1e-6);
}

TEST(Library, CountsWhatItDoesNotKnow) {
  const Model model = Model::train(two_tastes(), kSmall);
  warpfactor::Ratings others;
  others.add("u1", "i1", 5);
  others.add("new", "i1", 5);
  others.add(7, 8, 3);
  const warpfactor::Errors errors = model.evaluate(others);
  EXPECT_EQ(errors.n, 3U);
  EXPECT_EQ(errors.n_unknown, 2U);
  EXPECT_TRUE(std::isnan(model.evaluate({}).rmse));
  EXPECT_TRUE(std::isfinite(model.predict("new", "newer")));
}

TEST(Library, ThrowsErrorsThatSayWhatToDo) {
  const auto kind_of = [](const auto& work, const std::string& text) {
    try {
      work();
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(text));
      return error.kind();
    }
    ADD_FAILURE() << "no error";
    return ErrorKind::failed;
  };
  const warpfactor::Ratings ratings = two_tastes();
  EXPECT_EQ(kind_of([&] { Model::train(ratings, {{"lamda", 1}}); }, "did you mean lambda?"), ErrorKind::usage);
  EXPECT_EQ(kind_of([&] { Model::train(ratings, {{"rank", 0}}); }, "--rank"), ErrorKind::usage);
  EXPECT_EQ(kind_of(
                [&] {
                  Model::train(ratings, {{"biases", "perhaps"}});
                },
                "neither true nor false"),
            ErrorKind::usage);
  EXPECT_EQ(kind_of([&] { Model::train({}); }, "no rating"), ErrorKind::usage);
  EXPECT_EQ(kind_of([&] { Model::read("nowhere.safetensors"); }, "nowhere.safetensors"), ErrorKind::input);
  EXPECT_EQ(kind_of([&] { warpfactor::Ratings::read("nowhere.csv"); }, "nowhere.csv"), ErrorKind::input);
  const Model model = Model::train(ratings, {{"epochs", 1}});
  EXPECT_EQ(kind_of([&] { model.recommend("nobody"); }, "user \"nobody\" is not among the model's"), ErrorKind::usage);
  EXPECT_EQ(kind_of([&] { model.item_id(20); }, "row 20 is beyond the 20 of the table"), ErrorKind::usage);
  EXPECT_EQ(kind_of([&] { model.recommend({{"i1", NAN}}); }, "no number"), ErrorKind::usage);
  warpfactor::Ratings empty_id;
  EXPECT_EQ(kind_of([&] { empty_id.add("", "i"); }, ""), ErrorKind::usage);
  EXPECT_EQ(kind_of([&] { empty_id.add("u", "i", NAN); }, "no number"), ErrorKind::usage);
  EXPECT_EQ(empty_id.size(), 0U);
}

TEST(Library, TellsOfEpochsAndStopsWhenAsked) {
  int last = 0;
  Model::train(two_tastes(), kSmall, [&](const warpfactor::Epoch& epoch) {
    last = epoch.epoch;
    EXPECT_EQ(epoch.epochs, 40);
    return epoch.epoch < 3;
  });
  EXPECT_EQ(last, 3);
}

}  // namespace
}  // namespace wf::test
