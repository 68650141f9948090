#include "host/api/successive_halving.hpp"

#include <algorithm>
#include <cmath>

namespace wf {

int SuccessiveHalving::Job::epochs(int of_all) const {
  int share = of_all;
  for (int above = rung + 1; above < kRungs; ++above) share /= kReduction;
  return std::max(share, std::min(of_all, 1));
}

/// Of the best `among` of a rung, the first that has not gone up.
SuccessiveHalving::Entry* SuccessiveHalving::best_waiting(int rung, Position among) {
  std::vector<Entry>& entries = rungs_[rung];
  for (Position n = 0; n < std::min(among, static_cast<Position>(entries.size())); ++n) {
    Entry& entry = entries[static_cast<std::size_t>(n)];
    if (!entry.gone_up && std::isfinite(entry.score)) return &entry;
  }
  return nullptr;
}

std::optional<SuccessiveHalving::Job> SuccessiveHalving::next() {
  const auto up = [](int rung, Entry& entry) {
    entry.gone_up = true;
    return Job{entry.trial, rung + 1};
  };
  for (int rung = kRungs - 2; rung >= 0; --rung) {
    for (Entry& entry : rungs_[rung]) {
      if (entry.trial == 0 && !entry.gone_up && std::isfinite(entry.score)) return up(rung, entry);
    }
    const auto third = static_cast<Position>(rungs_[rung].size()) / kReduction;
    if (Entry* entry = best_waiting(rung, third)) return up(rung, *entry);
  }
  if (!n_trials_ || begun_ < *n_trials_) return Job{begun_++, 0};
  for (int rung = 0; rung + 1 < kRungs; ++rung) {
    if (Entry* entry = best_waiting(rung, 1)) return up(rung, *entry);
  }
  return std::nullopt;
}

void SuccessiveHalving::report(const Job& job, double score) {
  std::vector<Entry>& entries = rungs_[job.rung];
  const Entry entry{job.trial, score};
  const auto place = std::upper_bound(entries.begin(), entries.end(), entry, [](const Entry& a, const Entry& b) {
    return a.score != b.score ? a.score < b.score : a.trial < b.trial;
  });
  entries.insert(place, entry);
}

}  // namespace wf
