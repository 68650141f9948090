// Ids come out as they went in, whatever they are.
#include "host/ratings/id_map.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace wf {
namespace {

std::string reason(IdMap& ids, const std::string& id) {
  try {
    ids.insert(id);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "no error";
}

std::vector<std::string> all_texts(const IdMap& ids) {
  std::vector<std::string> texts;
  for (Position row = 0; row < ids.size(); ++row) texts.push_back(ids.text(static_cast<RowId>(row)));
  return texts;
}

rc::Gen<std::string> any_id() {
  const auto text =
      rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::elementOf(std::string("0179-+aZ \"\xC3"))));
  return rc::gen::oneOf(
      rc::gen::map(rc::gen::arbitrary<std::int64_t>(), [](std::int64_t id) { return std::to_string(id); }),
      rc::gen::map(rc::gen::inRange(0, 30), [](int id) { return std::to_string(id); }),
      rc::gen::map(rc::gen::inRange((1 << 20) - 5, (1 << 20) + 5), [](int id) { return std::to_string(id); }), text);
}

TEST(IdMap, GivesRowsInOrderOfFirstAppearance) {
  IdMap ids;
  EXPECT_EQ(ids.insert("40"), 0);
  EXPECT_EQ(ids.insert("-7"), 1);
  EXPECT_EQ(ids.insert("40"), 0);
  EXPECT_EQ(ids.insert("0"), 2);
  EXPECT_EQ(ids.kind(), IdKind::integers);
  EXPECT_EQ(ids.size(), 3);
  EXPECT_EQ(ids.find("-7"), 1);
  EXPECT_EQ(ids.find("8"), std::nullopt);
  EXPECT_EQ(ids.find(""), std::nullopt);
  EXPECT_EQ(ids.find("abc"), std::nullopt);
}

TEST(IdMap, TellsSmallIdsFromLargeOnes) {
  IdMap ids;  // ids below 2^20 are looked up in a table that grows, others are hashed
  const std::vector<std::string> given{"5", "1048575", "1048576", "-1", "-1048575", "0", "4294967301"};
  for (std::size_t n = 0; n < given.size(); ++n) ASSERT_EQ(ids.insert(given[n]), static_cast<RowId>(n));
  EXPECT_EQ(all_texts(ids), given);
  const IdMap copy = ids.clone();
  for (std::size_t n = 0; n < given.size(); ++n) EXPECT_EQ(copy.find(given[n]), static_cast<RowId>(n));
  for (const std::string absent : {"4", "6", "1048574", "1048577", "-2", "-5"}) {
    EXPECT_EQ(ids.find(absent), std::nullopt) << absent;
    EXPECT_EQ(IdMap().find(absent), std::nullopt) << absent;
  }
}

TEST(IdMap, HoldsTheEndsOfTheIntegerRange) {
  IdMap ids;
  ids.insert("9223372036854775807");
  ids.insert("-9223372036854775808");
  EXPECT_EQ(ids.kind(), IdKind::integers);
  EXPECT_THAT(all_texts(ids), testing::ElementsAre("9223372036854775807", "-9223372036854775808"));
}

TEST(IdMap, BecomesStringsAtTheFirstIdThatIsNoPlainInteger) {
  for (const std::string odd : {"007", "+1", "-0", "00", "abc", "1.0", "1e3", " 1", "-", "--1", "1 "}) {
    SCOPED_TRACE(odd);
    IdMap ids;
    ids.insert("12");
    ids.insert("-3");
    EXPECT_EQ(ids.find(odd), std::nullopt);
    EXPECT_EQ(ids.insert(odd), 2);
    EXPECT_EQ(ids.kind(), IdKind::strings);
    EXPECT_EQ(ids.insert("12"), 0);
    EXPECT_EQ(ids.find(odd), 2);
    EXPECT_THAT(all_texts(ids), testing::ElementsAre("12", "-3", odd));
  }
}

TEST(IdMap, KeepsLeadingZerosApart) {
  IdMap ids;
  EXPECT_EQ(ids.insert("0054890"), 0);
  EXPECT_EQ(ids.insert("54890"), 1);
  EXPECT_EQ(ids.insert("0054890"), 0);
}

TEST(IdMap, RefusesDigitsBeyondInt64AlsoAmongStrings) {
  IdMap ids;
  EXPECT_EQ(reason(ids, "9223372036854775808"), "id \"9223372036854775808\" does not fit a 64-bit integer");
  EXPECT_EQ(reason(ids, "-9223372036854775809"), "id \"-9223372036854775809\" does not fit a 64-bit integer");
  EXPECT_EQ(ids.size(), 0);
  EXPECT_EQ(ids.kind(), IdKind::integers);
  ids.insert("abc");
  EXPECT_EQ(reason(ids, "9223372036854775808"), "id \"9223372036854775808\" does not fit a 64-bit integer");
  EXPECT_EQ(ids.size(), 1);
  EXPECT_EQ(ids.insert("9223372036854775808x"), 1);
  EXPECT_EQ(ids.insert("00000000000000000000000000007"), 2) << "leading zeros make no large number";
}

TEST(IdMap, TakesAnyDigitsOnceStringsAreAskedFor) {
  IdMap ids;
  ids.insert("5");
  ids.fix_strings();
  EXPECT_EQ(ids.kind(), IdKind::strings);
  EXPECT_EQ(ids.insert("9223372036854775808"), 1);
  EXPECT_THAT(all_texts(ids.clone()), testing::ElementsAre("5", "9223372036854775808"));
  EXPECT_EQ(ids.clone().insert("99999999999999999999"), 2) << "a clone is fixed, too";
}

TEST(IdMap, RefusesTextOnceIntegersAreAskedFor) {
  IdMap ids;
  ids.fix_integers();
  EXPECT_THAT(reason(ids, "abc"), testing::HasSubstr("\"abc\" is no integer"));
  EXPECT_THAT(reason(ids, "007"), testing::HasSubstr("is no integer"));
  EXPECT_THAT(reason(ids, "9223372036854775808"), testing::HasSubstr("does not fit a 64-bit integer"));
  IdMap copy = ids.clone();
  EXPECT_THAT(reason(copy, "abc"), testing::HasSubstr("is no integer"));
  EXPECT_EQ(ids.insert("7"), 0);
}

TEST(IdMap, RefusesAnEmptyId) {
  IdMap integers;
  IdMap strings(IdKind::strings);
  IdMap rows = IdMap::rows(3);
  for (IdMap* ids : {&integers, &strings, &rows}) EXPECT_EQ(reason(*ids, ""), "id is empty");
}

TEST(IdMap, MessagesAreHarmlessToATerminal) {
  IdMap rows = IdMap::rows(3);
  const std::string why = reason(rows, "\x1B[31m" + std::string(1000, 'x'));
  EXPECT_THAT(why, testing::HasSubstr("\\x1b[31m"));
  EXPECT_LT(why.size(), 200U);
}

TEST(IdMap, OfRowsTakesRowNumbersAndGrows) {
  IdMap ids = IdMap::rows(3);
  EXPECT_EQ(ids.kind(), IdKind::rows);
  EXPECT_EQ(ids.insert("2"), 2);
  EXPECT_EQ(ids.size(), 3);
  EXPECT_EQ(ids.find("3"), std::nullopt);
  EXPECT_EQ(ids.insert("9"), 9);
  EXPECT_EQ(ids.size(), 10);
  EXPECT_EQ(ids.find("3"), 3);
  EXPECT_EQ(ids.text(3), "3");
  EXPECT_EQ(ids.clone().size(), 10);
  EXPECT_EQ(ids.insert("2147483646"), 2147483646);
  for (const std::string bad : {"-1", "01", "+1", "2147483647", "9223372036854775808", "a", "1.0"}) {
    EXPECT_THAT(reason(ids, bad), testing::HasSubstr("is no row number")) << bad;
    EXPECT_EQ(ids.find(bad), std::nullopt) << bad;
  }
}

TEST(IdMap, OfRowsInMemoryRefusesWhatDoesNotFit) {
  IdMap ids = IdMap::rows_in_memory(1000);
  EXPECT_EQ(ids.size(), 0);
  EXPECT_EQ(ids.insert("999"), 999);
  EXPECT_EQ(reason(ids, "1000"),
            "id \"1000\" is taken for a row number, and memory does not hold tables of more than 1000 rows");
  EXPECT_THAT(reason(ids, "-1"), testing::HasSubstr("is no row number"));
  EXPECT_EQ(ids.clone().rules().row_limit, 1000);
  EXPECT_THAT(reason(ids, "x"), testing::HasSubstr("is no row number"));
}

TEST(IdMap, SaysBeforehandWhyItWouldRefuse) {
  const IdMap ids;
  EXPECT_EQ(ids.why_not("7"), "");
  EXPECT_EQ(ids.why_not("abc"), "");
  EXPECT_EQ(ids.why_not(""), "id is empty");
  EXPECT_THAT(ids.why_not("9223372036854775808"), testing::HasSubstr("does not fit"));
}

TEST(IdMap, RefusesAModelFileWithAnIdTwice) {
  const std::vector<std::int64_t> twice{1, 2, 1};
  EXPECT_THROW(IdMap::from_integers({twice.data(), 3}), std::invalid_argument);
  const std::string bytes = "abab";
  const std::vector<std::int64_t> offsets{0, 2, 4};
  EXPECT_THROW(IdMap::from_strings({bytes.data(), 4}, {offsets.data(), 3}), std::invalid_argument);
}

TEST(IdMap, KeepsTextsWhileItsMemoryMoves) {
  IdMap ids;
  constexpr int kMany = 20'000;
  for (int n = 0; n < kMany; ++n) ASSERT_EQ(ids.insert("id" + std::to_string(n)), n);
  for (int n = 0; n < kMany; ++n) ASSERT_EQ(ids.find("id" + std::to_string(n)), n);
  EXPECT_EQ(ids.offsets().size, kMany + 1);
}

TEST(IdMap, IsNotSlowedDownByIdsThatShareTheirLowBits) {
  IdMap ids;  // with the identity as hash these 50 000 ids share one bucket: 10^9 steps, or memory without end
  constexpr std::int64_t kMany = 50'000;
  for (std::int64_t n = 0; n < kMany; ++n) ASSERT_EQ(ids.insert(std::to_string(n << 40)), n);
  EXPECT_EQ(ids.find(std::to_string((kMany - 1) << 40)), kMany - 1);
}

TEST(IdMap, FindsIdsThatWereHashedBeforeTheTableReachedThem) {
  IdMap ids;  // the first thousand are too few for a table as long as they are large
  constexpr std::int64_t kFirst = 3'000'000, kMany = 800'000;
  std::vector<std::int64_t> given;
  for (std::int64_t n = 0; n < 1000; ++n) given.push_back(kFirst + 5 * n);
  for (std::int64_t n = 0; n < kMany; ++n) given.push_back(5 * n);
  std::vector<RowId> rows(given.size());
  ids.insert_integers({given.data(), static_cast<Position>(given.size())},
                      {rows.data(), static_cast<Position>(rows.size())});
  EXPECT_EQ(ids.size(), kMany);  // 5 n from 3,000,000 on were known
  for (std::size_t n = 0; n < given.size(); ++n) {
    ASSERT_EQ(ids.find(std::to_string(given[n])), rows[n]);
    ASSERT_EQ(ids.integers()[rows[n]], given[n]);
  }
  EXPECT_EQ(ids.find("3000001"), std::nullopt);
  EXPECT_EQ(ids.clone().find("3004995"), 999);
}

RC_GTEST_PROP(IdMap, InsertsNumbersAsTheirTexts, ()) {
  const auto given = *rc::gen::container<std::vector<std::int64_t>>(
      rc::gen::oneOf(rc::gen::arbitrary<std::int64_t>(), rc::gen::inRange<std::int64_t>(0, 30),
                     rc::gen::inRange<std::int64_t>((1 << 20) - 5, (1 << 20) + 5)));
  for (const bool strings : {false, true}) {
    IdMap one_by_one, together;
    if (strings) one_by_one.fix_strings(), together.fix_strings();
    std::vector<RowId> rows(given.size());
    together.insert_integers({given.data(), static_cast<Position>(given.size())},
                             {rows.data(), static_cast<Position>(rows.size())});
    for (std::size_t n = 0; n < given.size(); ++n) RC_ASSERT(one_by_one.insert(std::to_string(given[n])) == rows[n]);
    RC_ASSERT(all_texts(together) == all_texts(one_by_one));
  }
}

RC_GTEST_PROP(IdMap, ReturnsEveryIdAsItWasGiven, ()) {
  const auto given = *rc::gen::container<std::vector<std::string>>(any_id());
  IdMap ids;
  ids.fix_strings();
  if (*rc::gen::arbitrary<bool>()) ids = IdMap();
  std::map<std::string, RowId> expected;
  for (const std::string& id : given) {
    if (!ids.why_not(id).empty()) {
      RC_ASSERT_THROWS_AS(ids.insert(id), std::invalid_argument);
      continue;
    }
    const RowId row = ids.insert(id);
    const auto [known, is_new] = expected.emplace(id, static_cast<RowId>(expected.size()));
    RC_ASSERT(row == known->second);
    RC_ASSERT(ids.text(row) == id);
    static_cast<void>(is_new);
  }
  RC_ASSERT(ids.size() == static_cast<Position>(expected.size()));
  const IdMap copy = ids.clone();
  for (const auto& [id, row] : expected) {
    RC_ASSERT(ids.find(id) == row);
    RC_ASSERT(copy.find(id) == row);
    RC_ASSERT(copy.text(row) == id);
  }
  const std::string other = *any_id();
  RC_ASSERT(ids.find(other).has_value() == (expected.count(other) == 1));
}

RC_GTEST_PROP(IdMap, KindAndRefusalsDoNotDependOnTheOrder, ()) {
  const auto big = rc::gen::elementOf(std::vector<std::string>{"9223372036854775808", "-9223372036854775809"});
  const auto given =
      *rc::gen::container<std::vector<std::string>>(rc::gen::weightedOneOf<std::string>({{9, any_id()}, {1, big}}));
  const auto outcome = [](const std::vector<std::string>& order) {
    IdMap ids;
    std::map<std::string, bool> taken;
    for (const std::string& id : order) taken[id] = reason(ids, id) == "no error";
    return std::make_pair(ids.kind(), taken);
  };
  std::vector<std::string> backwards(given.rbegin(), given.rend());
  RC_ASSERT(outcome(backwards) == outcome(given));
  std::sort(backwards.begin(), backwards.end());
  RC_ASSERT(outcome(backwards) == outcome(given));
}

RC_GTEST_PROP(IdMap, IsRebuiltFromWhatAModelFileHolds, ()) {
  const auto given = *rc::gen::container<std::vector<std::string>>(any_id());
  IdMap ids;
  for (const std::string& id : given) {
    if (ids.why_not(id).empty()) ids.insert(id);
  }
  const IdMap again = ids.kind() == IdKind::integers ? IdMap::from_integers(ids.integers())
                                                     : IdMap::from_strings(ids.bytes(), ids.offsets());
  RC_ASSERT(again.kind() == ids.kind());
  RC_ASSERT(all_texts(again) == all_texts(ids));
  for (const std::string& id : given) RC_ASSERT(again.find(id) == ids.find(id));
}

/// The number whose hash is `hash` where nothing is drawn: SplitMix64's finaliser backwards.
std::int64_t id_of_hash(std::uint64_t hash) {
  hash = (hash ^ hash >> 31 ^ hash >> 62) * 0x319642B2D24D8EC3U;
  hash = (hash ^ hash >> 27 ^ hash >> 54) * 0x96DE1B173F119089U;
  return static_cast<std::int64_t>(hash ^ hash >> 30 ^ hash >> 60);
}

/// In a table that all would fill from its first bucket on, the 8,193rd id makes robin_map double it, as does each
/// behind: to more memory than there is.
TEST(IdMap, TakesIdsThatWereMadeToMeetInOneBucket) {
  constexpr int kIds = 20'000;
  IdMap ids;
  for (int n = 1; n <= kIds; ++n) {
    ids.insert(std::to_string(id_of_hash(static_cast<std::uint64_t>(n) << 40)));
  }
  EXPECT_EQ(ids.size(), kIds);
  EXPECT_EQ(ids.find(std::to_string(id_of_hash(std::uint64_t{7} << 40))), 6);
}

}  // namespace
}  // namespace wf
