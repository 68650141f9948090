// What the ratings' values are like: by hand, and for any number of threads.
#include "host/ratings/value_facts.hpp"
#include "host/base/host_buffer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace wf::test {
namespace {

ValueFacts facts(const std::vector<float>& values, int threads = 1) {
  const auto count = static_cast<Position>(values.size());
  const HostBuffer<RowId> rows(count, 0);
  return facts_of(RatingsInMemory({rows.span(), rows.span(), {values.data(), count}}), threads);
}

TEST(ValueFacts, AreThoseOfTheDefinition) {
  const ValueFacts some = facts({4, -1, 3, 2});  // squares of the deviations: 4, 9, 1, 0
  EXPECT_EQ(some.count, 4);
  EXPECT_DOUBLE_EQ(some.mean, 2);
  EXPECT_DOUBLE_EQ(some.deviation, std::sqrt(14 / 4.0));
  EXPECT_EQ(some.least, -1);
  EXPECT_EQ(some.most, 4);
}

TEST(ValueFacts, OfOneValueDeviateByNothing) {
  const ValueFacts one = facts({0.1F});
  EXPECT_EQ(one.deviation, 0);
  EXPECT_EQ(one.least, one.most);
}

TEST(ValueFacts, OfNothingAreZero) {
  EXPECT_EQ(facts({}).count, 0);
  EXPECT_EQ(facts({}).mean, 0);
}

TEST(ValueFacts, AreTheSameForAnyNumberOfThreads) {
  std::vector<float> values;
  for (int n = 0; n < 400'000; ++n) values.push_back(1 / static_cast<float>(n + 1));  // sums that round
  values[300'000] = 7;
  values[399'999] = -7;
  const ValueFacts one = facts(values, 1), three = facts(values, 3);
  EXPECT_EQ(one.mean, three.mean);
  EXPECT_EQ(one.deviation, three.deviation);
  EXPECT_EQ(one.most, 7);
  EXPECT_EQ(three.least, -7);
}

TEST(ValueFacts, AreTheSameInAnyOrder) {
  std::vector<float> values;
  for (int n = 0; n < 200'000; ++n) values.push_back(1 / static_cast<float>(n + 1));
  const ValueFacts ascending = facts(values);
  std::reverse(values.begin() + 100, values.end());
  const ValueFacts mixed = facts(values, 2);
  EXPECT_EQ(ascending.mean, mixed.mean);
  EXPECT_EQ(ascending.deviation, mixed.deviation);
}

TEST(ValueFacts, KeepTheirDigitsFarFromZeroAndAtAnyScale) {
  for (const float scale : {1e-40F, 1e-20F, 1.0F, 1e20F, 1e38F}) {
    const ValueFacts facts_at_scale = facts({scale, 3 * scale});
    EXPECT_NEAR(facts_at_scale.mean / scale, 2, 1e-6) << scale;
    EXPECT_NEAR(facts_at_scale.deviation / scale, 1, 1e-6) << scale;
  }
  const ValueFacts far = facts({1'000'000, 1'000'001});
  EXPECT_DOUBLE_EQ(far.mean, 1'000'000.5);
  EXPECT_DOUBLE_EQ(far.deviation, 0.5);
}

TEST(ValueFacts, OfWhatIsNotFiniteAreNone) {
  EXPECT_TRUE(std::isnan(facts({1, INFINITY}).mean));
  EXPECT_TRUE(std::isnan(facts({1, NAN, 2}).deviation));
}

}  // namespace
}  // namespace wf::test
