#include "host/api/training_identity.hpp"

#include "host/api/config_json.hpp"
#include "host/base/hash.hpp"
#include "host/config/names.hpp"
#include "host/schedule/row_sharing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace wf {
namespace {

template <class T>
void add_values(Hash& hash, Span<const T, Host> values) {
  hash.add(values.data, values.size * Position{sizeof(T)});
}

/// Of ratings that come in parts: each of their three columns by itself.
struct RatingHash {
  Hash user, item, value;

  void add(const RatingsView<Host>& ratings) {
    add_values(user, ratings.user);
    add_values(item, ratings.item);
    add_values(value, ratings.value);
  }
  std::uint64_t digest() const {
    const std::uint64_t digests[] = {user.value(), item.value(), value.value()};
    Hash all;
    add_values(all, Span<const std::uint64_t, Host>{digests, 3});
    return all.value();
  }
};

/// Of the ratings of each range of users, which one rank has; all ranks get them.
class RangeHashes {
 public:
  explicit RangeHashes(const BlockGrid& grid) : grid_(grid), ranges_(static_cast<std::size_t>(grid.size())) {}

  /// Ratings by the grid's names, of ascending ranges.
  void add(const RatingsView<Host>& ratings) {
    for (Position first = 0; first < ratings.size();) {
      const int range = grid_.user_range_of(ratings.user[first]);
      Position end = first + 1;
      while (end < ratings.size() && grid_.user_range_of(ratings.user[end]) == range) ++end;
      ranges_[static_cast<std::size_t>(range)].add(ratings.part(first, end - first));
      first = end;
    }
  }
  void add_to(HostBuffer<std::uint64_t>& digests) const {
    const Owners owners = grid_.owners();
    HostBuffer<std::uint64_t> mine;
    for (int g = owners.first(grid_.ranks().rank()); g < owners.first(grid_.ranks().rank() + 1); ++g) {
      mine.push_back(ranges_[static_cast<std::size_t>(g)].digest());
    }
    for (const std::uint64_t digest : grid_.ranks().gather(std::as_const(mine).span())) digests.push_back(digest);
  }

 private:
  const BlockGrid& grid_;
  std::vector<RatingHash> ranges_;
};

/// The same for any number of ranks: a sum, to which each rating adds its hash.
class RatingSum {
 public:
  /// `place`: in the list of its user, where the order counts.
  void add(RowId user, RowId item, float value, Position place) {
    const struct {
      RowId user, item;
      float value;
      std::uint32_t place;
    } rating{user, item, value, static_cast<std::uint32_t>(place)};
    sum_ += hash_of_bytes(&rating, sizeof rating);
  }
  std::uint64_t of_all(Ranks& ranks) const {
    std::uint64_t total = 0;
    for (const std::uint64_t sum : ranks.gather(Span<const std::uint64_t, Host>{&sum_, 1})) total += sum;
    return total;
  }

 private:
  std::uint64_t sum_ = 0;
};

/// Of the ratings to train on, and of those to validate with.
std::array<std::uint64_t, 2> sums_of(const RatingLists& lists, const RatingsView<Host>& valid) {
  const RowSharing* const sharing = lists.sharing.get();
  const auto name = [sharing](SharedRows RowSharing::*side, Position row) {
    return sharing == nullptr ? static_cast<RowId>(row) : (sharing->*side).name_of(row);
  };
  const Position first = sharing == nullptr ? 0 : sharing->users.own().begin;
  const RowListsView<Host> view = lists.user.view();
  RatingSum train, held;
  for (Position row = 0; row < view.rows(); ++row) {
    const RowId user = name(&RowSharing::users, first + row);
    for (Position n = view.begin[row]; n < view.begin[row + 1]; ++n) {
      train.add(user, name(&RowSharing::items, view.partner[n]), view.value[n], n - view.begin[row]);
    }
  }
  for (Position n = 0; n < valid.size(); ++n) {
    held.add(name(&RowSharing::users, valid.user[n]), name(&RowSharing::items, valid.item[n]), valid.value[n], 0);
  }
  return {train.of_all(lists.ranks()), held.of_all(lists.ranks())};
}

}  // namespace

Identity identity_of(const TrainSettings& settings, const TrainConfig& config, const std::string& engine) {
  Identity identity;
  constexpr std::array<std::string_view, 4> kNoDifference{"epochs", "threads", "early-stopping", "patience"};
  for (const auto& [key, value] : config_values(config)) {
    if (std::find(kNoDifference.begin(), kNoDifference.end(), key) == kNoDifference.end()) identity["--" + key] = value;
  }
  identity["--engine"] = engine;
  identity["--device-plan"] = name_of(config.device_plan);
  identity["--deterministic"] = settings.deterministic ? "true" : "false";
  identity["--init-from"] = settings.init_from.empty() ? "none" : "given";
  return identity;
}

std::string hash_of(const TrainingData& data) {
  HostBuffer<std::uint64_t> digests;
  if (data.grid) {
    RangeHashes train(*data.grid), valid(*data.grid);
    ThreadPool pool(1);
    data.grid->source().for_parts(pool, 1, [&](int, const RatingPart& part) { train.add(part.ratings); });
    valid.add(data.valid.view());
    train.add_to(digests);
    valid.add_to(digests);
  } else if (data.lists) {
    for (const std::uint64_t sum : sums_of(*data.lists, data.valid.view())) digests.push_back(sum);
  } else {
    RatingHash train, valid;
    train.add(data.train.view());
    valid.add(data.valid.view());
    for (const std::uint64_t digest : {train.digest(), valid.digest()}) digests.push_back(digest);
  }
  Hash all;
  add_values(all, std::as_const(digests).span());
  return all.text();
}

std::vector<std::string> differences(const Identity& then, const Identity& now, const std::set<std::string>& derived) {
  const auto value_in = [](const Identity& identity, const std::string& key) {
    const auto found = identity.find(key);
    return found == identity.end() ? std::string("none") : found->second;
  };
  const auto differs = [&](const std::string& key) { return value_in(then, key) != value_in(now, key); };
  std::vector<std::string> keys;
  const bool other_file = differs(kData) || differs(kRatingCount);
  const bool other_ratings = other_file || differs(kRatingsAsRead);
  for (const char* key : {kData, kRatingCount}) keys.emplace_back(key);
  if (!other_file) keys.emplace_back(kRatingsAsRead);  // else it follows
  Identity both = then;
  both.insert(now.begin(), now.end());
  for (const auto& [key, value] : both) {
    const bool follows = other_ratings && derived.contains(key);
    if (key != kData && key != kRatingCount && key != kRatingsAsRead && !follows) keys.push_back(key);
  }
  std::vector<std::string> found;
  for (const std::string& key : keys) {
    if (differs(key)) found.push_back(fmt::format("{} was {}, is {}", key, value_in(then, key), value_in(now, key)));
  }
  return found;
}

}  // namespace wf
