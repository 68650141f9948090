#include "host/api/successive_halving.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace wf::test {
namespace {

using Job = SuccessiveHalving::Job;

/// The jobs in their order, where trial n scores scores[n] on every rung.
std::vector<Job> jobs_for(const std::vector<double>& scores) {
  SuccessiveHalving halving(static_cast<Position>(scores.size()));
  std::vector<Job> jobs;
  while (const auto job = halving.next()) {
    jobs.push_back(*job);
    halving.report(*job, scores.at(static_cast<std::size_t>(job->trial)));
  }
  return jobs;
}

std::vector<std::pair<Position, int>> pairs_of(const std::vector<Job>& jobs) {
  std::vector<std::pair<Position, int>> pairs;
  for (const Job& job : jobs) pairs.emplace_back(job.trial, job.rung);
  return pairs;
}

TEST(SuccessiveHalving, GivesANinthAThirdAndAllOfTheEpochs) {
  EXPECT_EQ((Job{0, 0}.epochs(100)), 11);
  EXPECT_EQ((Job{0, 1}.epochs(100)), 33);
  EXPECT_EQ((Job{0, 2}.epochs(100)), 100);
  EXPECT_EQ((Job{0, 0}.epochs(4)), 1);
  EXPECT_EQ((Job{0, 0}.epochs(1)), 1);
  EXPECT_EQ((Job{0, 0}.epochs(0)), 0);
}

TEST(SuccessiveHalving, SendsUpTheBestOfThree) {
  // the first goes all the way; of three the second is best, goes up, and is the best there of two at the end
  const std::vector<std::pair<Position, int>> expected{{0, 0}, {0, 1}, {0, 2}, {1, 0}, {2, 0}, {1, 1}, {1, 2}};
  EXPECT_EQ(pairs_of(jobs_for({5, 1, 3})), expected);
}

TEST(SuccessiveHalving, RunsEachTrialOnceARungAndTheBestInFull) {
  std::vector<double> scores;
  for (int n = 0; n < 40; ++n) scores.push_back((n * 17 + 5) % 41);
  const std::vector<Job> jobs = jobs_for(scores);
  std::set<std::pair<Position, int>> seen;
  std::map<int, int> on_rung;
  for (const Job& job : jobs) {
    EXPECT_TRUE(seen.insert({job.trial, job.rung}).second);
    EXPECT_TRUE(job.rung == 0 || seen.contains({job.trial, job.rung - 1}));
    ++on_rung[job.rung];
  }
  EXPECT_EQ(on_rung[0], 40);
  // a third goes up, and some that were among the best third of what was there before better ones came
  EXPECT_GE(on_rung[1], 40 / 3);
  EXPECT_LT(on_rung[1], 40 / 2 + 1);
  const auto best = std::min_element(scores.begin(), scores.end()) - scores.begin();
  EXPECT_TRUE(seen.contains({best, 2}));
  EXPECT_EQ(jobs[2].rung, 2);  // of the first trial
}

TEST(SuccessiveHalving, LeavesFailuresBehind) {
  const double fails = INFINITY;
  const std::vector<std::pair<Position, int>> expected{{0, 0}, {1, 0}, {2, 0}, {2, 1}, {2, 2}};
  EXPECT_EQ(pairs_of(jobs_for({fails, fails, 7})), expected);
  EXPECT_EQ(pairs_of(jobs_for({fails})).size(), 1U);
}

TEST(SuccessiveHalving, BeginsTrialsWithoutEndWhereNoneAreCounted) {
  SuccessiveHalving halving(std::nullopt);
  for (int n = 0; n < 100; ++n) halving.report(*halving.next(), 1);
  EXPECT_GT(halving.begun(), 60);
}

}  // namespace
}  // namespace wf::test
