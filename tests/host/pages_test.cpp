// Page files: what is written is read back, for all kinds of ids and values, and is what the text gives.
#include "host/base/error.hpp"
#include "host/readers/byte_source.hpp"
#include "tests/host/pages_support.hpp"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <limits>

namespace wf::test {
namespace {

constexpr IdKind kKinds[] = {IdKind::rows, IdKind::integers, IdKind::strings};

void expect_equal(const Dataset& read, const Dataset& written) {
  EXPECT_EQ(read.users.kind(), written.users.kind());
  EXPECT_EQ(read.items.kind(), written.items.kind());
  EXPECT_EQ(texts_of(read.users), texts_of(written.users));
  EXPECT_EQ(texts_of(read.items), texts_of(written.items));
  EXPECT_EQ(set_of(read.ratings), set_of(written.ratings));
}

TEST(Pages, GiveBackEveryKindOfIdsAndValues) {
  const FreshFolder folder;
  const std::string path = folder.file("a.wfr");
  for (const IdKind users : kKinds) {
    for (const IdKind items : kKinds) {
      for (const int steps : {1, 10, 256, 257}) {  // of a table, and one too many
        const Dataset data = some_data(600, users, items, steps);
        for (const int grid : {0, 1, 4}) {
          const Position bytes = write_pages(path, data, some_source(data), 2, grid);
          EXPECT_EQ(bytes, static_cast<Position>(std::filesystem::file_size(path)));
          for (const int threads : {1, 3}) expect_equal(read_pages(path, threads), data);
        }
      }
    }
  }
}

TEST(Pages, KnowWhatTheyWereMadeFrom) {
  const FreshFolder folder;
  const Dataset data = some_data(50, IdKind::integers, IdKind::strings, 5);
  PageSource source = some_source(data);
  source.options.header = false;
  source.options.ids = IdKind::strings;
  source.declared_users = 30;
  write_pages(folder.file("a.wfr"), data, source);
  const PageFile file(folder.file("a.wfr"));
  EXPECT_EQ(to_json(file.source()), to_json(source));
  EXPECT_TRUE(same_options(file.source(), source));
  EXPECT_EQ(file.source().stamp, source.stamp);
  EXPECT_EQ(file.source().report.mean_value, 1.0 / 3);
  EXPECT_EQ(file.source().report.min_value, 0.1F);
  source.options.skip_bad = true;
  EXPECT_FALSE(same_options(file.source(), source));
  source.stamp.reset();
  EXPECT_FALSE(page_source_from_json(to_json(source)).stamp);
}

TEST(Pages, AreAFunctionOfTheSetOfRatings) {
  const FreshFolder folder;
  Dataset data = some_data(5000, IdKind::integers, IdKind::integers, 10);
  const PageSource source = some_source(data);
  write_pages(folder.file("a.wfr"), data, source, 1, 3);
  for (Ratings* ratings : {&data.ratings}) {
    std::reverse(ratings->user.begin(), ratings->user.end());
    std::reverse(ratings->item.begin(), ratings->item.end());
    std::reverse(ratings->value.begin(), ratings->value.end());
  }
  write_pages(folder.file("b.wfr"), data, source, 3, 3);
  EXPECT_EQ(bytes_of(folder.file("a.wfr")), bytes_of(folder.file("b.wfr")));
}

TEST(Pages, GiveWhatTheirTextGives) {
  const FreshFolder folder;
  std::string text = "user,item,rating\n";
  for (int n = 0; n < 9000; ++n) {  // two by two pages
    text += std::to_string(n * 31 % 400 + 5) + ",i" + std::to_string(n * 17 % 90) + ',' + std::to_string(n % 9) + "\n";
  }
  const std::string csv = folder.write("ratings.csv", text);
  Dataset of_text;
  PageSource source{{}, stamp_of(csv), {}, 0, 0};
  source.report = read_ratings(csv, {}, of_text);
  EXPECT_EQ(hash_of_file(csv), source.report.hash);
  EXPECT_EQ(source.stamp->bytes, static_cast<Position>(text.size()));
  write_pages(folder.file("ratings.wfr"), of_text, source);
  expect_equal(read_pages(folder.file("ratings.wfr"), 2), of_text);
  EXPECT_FALSE(is_page_file(csv));
  EXPECT_FALSE(is_page_file(folder.file("absent")));
  EXPECT_FALSE(is_page_file("-"));
  std::filesystem::rename(folder.file("ratings.wfr"), folder.file("ratings.csv"));
  EXPECT_TRUE(is_page_file(csv)) << "by its bytes, not its name";
  Dataset ignored;
  EXPECT_THROW(read_ratings(csv, {}, ignored), InputError);
}

TEST(Pages, TranslateIdsThatAreKnownAlready) {
  const FreshFolder folder;
  const std::string path = folder.file("a.wfr");
  for (const IdKind kind : kKinds) {
    const Dataset data = some_data(300, kind, kind, 5);
    write_pages(path, data, some_source(data));
    Dataset into;
    into.users.insert("11");
    into.users.insert("id 3");
    into.items.insert(data.items.text(7));
    into.ratings.push_back(0, 0, 9);
    PageFile(path).read_into(into, 2);
    ASSERT_EQ(into.ratings.size(), 301);
    std::vector<std::tuple<std::string, std::string, float>> expected{{"11", data.items.text(7), 9.0F}}, read;
    for (Position n = 0; n < 300; ++n) {
      expected.emplace_back(data.users.text(data.ratings.user[n]), data.items.text(data.ratings.item[n]),
                            data.ratings.value[n]);
    }
    for (Position n = 0; n < 301; ++n) {
      read.emplace_back(into.users.text(into.ratings.user[n]), into.items.text(into.ratings.item[n]),
                        into.ratings.value[n]);
    }
    std::sort(expected.begin(), expected.end());
    std::sort(read.begin(), read.end());
    EXPECT_EQ(read, expected);
  }
}

TEST(Pages, RefuseIdsThatCannotBeTranslated) {
  const FreshFolder folder;
  const Dataset data = some_data(30, IdKind::strings, IdKind::rows, 5);
  write_pages(folder.file("a.wfr"), data, some_source(data));
  Dataset rows{{}, IdMap::declared_rows(100), IdMap()};
  EXPECT_THROW(PageFile(folder.file("a.wfr")).read_into(rows), InputError);
  Dataset few{{}, IdMap(), IdMap::declared_rows(5)};
  EXPECT_THROW(PageFile(folder.file("a.wfr")).read_into(few), InputError);
}

TEST(Pages, KeepTheRulesOfDeclaredRows) {
  const FreshFolder folder;
  Dataset data{{}, IdMap::declared_rows(40), IdMap::declared_rows(40)};
  data.ratings.push_back(3, 39, 1);
  PageSource source = some_source(data);
  source.options.ids = IdKind::rows;
  source.declared_users = source.declared_items = 40;
  write_pages(folder.file("a.wfr"), data, source);
  Dataset read = read_pages(folder.file("a.wfr"));
  EXPECT_EQ(read.users.size(), 40);
  EXPECT_THROW(read.users.insert("40"), std::invalid_argument);
}

RC_GTEST_PROP(PagesProperty, GiveBackAnyRatings, ()) {
  const int count = *rc::gen::inRange(1, 400);
  const auto draw = *rc::gen::arbitrary<std::uint32_t>();
  const int grid = *rc::gen::inRange(1, 6);
  const auto values = *rc::gen::suchThat(rc::gen::container<std::vector<float>>(rc::gen::arbitrary<float>()),
                                         [](const std::vector<float>& drawn) { return !drawn.empty(); });
  Dataset data{{},
               ids_of(*rc::gen::elementOf(std::vector<IdKind>(std::begin(kKinds), std::end(kKinds))), 50),
               ids_of(IdKind::integers, 9)};
  for (int n = 0; n < count; ++n) {
    const std::uint32_t bits = (draw + static_cast<std::uint32_t>(n)) * 2654435761U;
    const float value = values[bits % values.size()];
    data.ratings.push_back(static_cast<RowId>(bits >> 8) % 50, static_cast<RowId>(bits >> 20) % 9,
                           std::isfinite(value) ? value : -0.0F);
  }
  const FreshFolder folder;
  write_pages(folder.file("a.wfr"), data, some_source(data), 1, grid);
  const Dataset read = read_pages(folder.file("a.wfr"), 2);
  RC_ASSERT(set_of(read.ratings) == set_of(data.ratings));
  RC_ASSERT(texts_of(read.users) == texts_of(data.users));
}

}  // namespace
}  // namespace wf::test
