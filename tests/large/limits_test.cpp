// Counts beyond 32 bits at their size. Pages that nobody writes take no memory: tables and ratings of zeros are as
// large as they say and lie in some megabytes, but for the pages of the rows under test. 10^8 ids take what they take.
#include "host/api/train.hpp"
#include "host/base/philox.hpp"
#include "host/cpu/cpu.hpp"
#include "host/ratings/id_map.hpp"
#include "host/reference/reference.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>

namespace wf {
namespace {

constexpr Position kTwoTo31 = Position{1} << 31, kTwoTo32 = Position{1} << 32;

template <class K>
class Large : public testing::Test {
 protected:
  K kernels_;
};
using HostKernels = testing::Types<Reference, Cpu>;
TYPED_TEST_SUITE(Large, HostKernels);

/// Zeros, but for the last row.
HostBuffer<float> table_with_last_row(Position rows, int rank, float value) {
  HostBuffer<float> table = HostBuffer<float>::zeros(rows * rank);
  std::fill(table.end() - rank, table.end(), value);
  return table;
}

TYPED_TEST(Large, RowsBeyondTwoTo32FactorsAreReadAndWritten) {
  for (const int rank : {1, 3, 64, kMaxRank}) {
    const Position rows = std::min(kMaxRows, kTwoTo32 / rank + 9);
    const auto last = static_cast<RowId>(rows - 1);
    HostBuffer<float> users = table_with_last_row(rows, rank, 0.5F), item(rank, 2);
    const ModelView<float, Host> model{{users.data(), rows, rank, rank}, {item.data(), 1, rank, rank}, {}, {}, 0};
    const RowId zero = 0;
    float score = -1;
    this->kernels_.predict(model, {}, {&last, 1}, {&zero, 1}, {&score, 1});
    EXPECT_EQ(score, static_cast<float>(rank)) << rank;
    this->kernels_.predict(model, {}, {&zero, 1}, {&zero, 1}, {&score, 1});
    EXPECT_EQ(score, 0) << rank;

    this->kernels_.renormalise_rows(model.user_factors, {&last, 1}, {.max_norm = 0.25F, .norm_type = 1});
    EXPECT_NEAR(users[rows * rank - 1], 0.25F / static_cast<float>(rank), 1e-6) << rank;
    EXPECT_EQ(users[0], 0);

    const float value = 3;
    this->kernels_.take_errors();
    this->kernels_.rating_errors(model, {}, {{&last, 1}, {&zero, 1}, {&value, 1}});
    EXPECT_EQ(this->kernels_.take_errors().count, 1);
  }
}

TYPED_TEST(Large, MoreThanTwoTo31RatingsAreAllCounted) {
  constexpr Position kRatings = kTwoTo31 + 1000;
  const HostBuffer<RowId> rows = HostBuffer<RowId>::zeros(kRatings);
  HostBuffer<float> values = HostBuffer<float>::zeros(kRatings);
  values[kRatings - 1] = 3;
  HostBuffer<float> factor(1, 0);
  const ModelView<float, Host> model{{factor.data(), 1, 1, 1}, {factor.data(), 1, 1, 1}, {}, {}, 0};
  this->kernels_.take_errors();
  this->kernels_.rating_errors(model, {}, {rows.span(), rows.span(), values.span()});
  const ErrorSums sums = this->kernels_.take_errors();
  EXPECT_EQ(sums.count, kRatings);
  EXPECT_EQ(sums.squared, 9);
}

/// 2, and 1 more for an odd user and for an odd item; in no memory.
class GeneratedRatings final : public RatingSource {
 public:
  GeneratedRatings(Position size, RowId users, RowId items) : size_(size), users_(users), items_(items) {}

  static float value_of(RowId user, RowId item) { return static_cast<float>(2 + user % 2 + item % 2); }

  using RatingSource::for_parts;
  Position size() const override { return size_; }
  void for_parts(ThreadPool& pool, int shares, const Visit& visit) const override {
    constexpr Position kPart = Position{1} << 16;
    share_out(pool, shares, [&](int share, std::atomic<Position>& next) {
      for (Position first = next++ * kPart; first < size_; first = next++ * kPart) {
        Ratings part;
        for (Position n = first; n < std::min(first + kPart, size_); ++n) {
          const RandomBits bits = random_bits(1, Purpose::synthetic, static_cast<std::uint64_t>(n));
          const auto user = static_cast<RowId>(bits.word[0] % static_cast<std::uint32_t>(users_));
          const auto item = static_cast<RowId>(bits.word[1] % static_cast<std::uint32_t>(items_));
          part.push_back(user, item, value_of(user, item));
        }
        visit(share, {first, part.view()});
      }
    });
  }

 private:
  Position size_;
  RowId users_, items_;
};

/// From a scratch file of 12 bytes a rating: 26 GB.
TEST(LargeTraining, MoreThanTwoTo31RatingsAreTrainedOn) {
  constexpr Position kRatings = kTwoTo31 + 1000;
  constexpr RowId kUsers = 200'000, kItems = 5'000;
  constexpr Position kScratch = 12 * kRatings + (Position{4} << 30);
  if (std::filesystem::space(testing::TempDir()).available < static_cast<std::uintmax_t>(kScratch)) {
    GTEST_SKIP() << testing::TempDir() << " has no 30 GB; TEST_TMPDIR names another folder";
  }
  TrainingSource source;
  source.data.users = IdMap::rows(kUsers);
  source.data.items = IdMap::rows(kItems);
  source.ratings = std::make_unique<GeneratedRatings>(kRatings, kUsers, kItems);
  source.memory = Position{3} << 30;
  source.scratch_folder = testing::TempDir();
  TrainSettings settings;
  settings.config.engine = "cpu";
  settings.config.rank = 8;
  settings.config.epochs = 1;
  settings.config.valid_frac = 0;
  settings.config.threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  settings.given = {"epochs", "valid-frac"};
  const Training training = train(settings, std::move(source));
  ASSERT_EQ(training.result.epochs.size(), 1U);
  EXPECT_EQ(training.n_ratings, kRatings);
  EXPECT_EQ(training.result.epochs[0].ratings, kRatings);
  EXPECT_LT(training.result.epochs[0].train_rmse, 0.2);  // of values 0.7 from their mean
  Cpu cpu(1);
  for (const RowId user : {0, 1, kUsers - 1}) {
    for (const RowId item : {0, 1, kItems - 1}) {
      float score = 0;
      cpu.predict(training.model.view(), {}, {&user, 1}, {&item, 1}, {&score, 1});
      EXPECT_NEAR(score, GeneratedRatings::value_of(user, item), 0.2) << user << ", " << item;
    }
  }
}

TEST(LargeIds, AHundredMillionTextsAreFoundAgain) {
  constexpr int kIds = 100'000'000;
  IdMap ids;
  ids.fix_strings();
  for (int n = 0; n < kIds; ++n) ids.insert("u" + std::to_string(n));
  ASSERT_EQ(ids.size(), kIds);
  for (int n = 0; n < kIds; n += 999'983) {
    const std::string id = "u" + std::to_string(n);
    ASSERT_EQ(ids.find(id), n);
    ASSERT_EQ(ids.text(n), id);
    ASSERT_EQ(ids.insert(id), n);
  }
  EXPECT_FALSE(ids.find("u" + std::to_string(kIds)));
}

}  // namespace
}  // namespace wf
