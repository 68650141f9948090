#include "host/api/training_identity.hpp"

#include "host/api/config_json.hpp"
#include "host/config/names.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <memory>
#include <utility>

namespace wf {
namespace {

/// One array after the other; of ratings that come in parts, each of their three columns by itself.
class ArrayHash {
 public:
  ArrayHash() : state_(XXH3_createState(), &XXH3_freeState) { XXH3_64bits_reset(state_.get()); }
  template <class T>
  void add(Span<const T, Host> values) {
    if (values.size > 0)
      XXH3_64bits_update(state_.get(), values.data, static_cast<std::size_t>(values.size) * sizeof(T));
  }
  std::uint64_t value() const { return XXH3_64bits_digest(state_.get()); }

 private:
  std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state_;
};

struct RatingHash {
  ArrayHash user, item, value;

  void add(const RatingsView<Host>& ratings) {
    user.add(ratings.user);
    item.add(ratings.item);
    value.add(ratings.value);
  }
  void add_to(HostBuffer<std::uint64_t>& digests) const {
    for (const ArrayHash* hash : {&user, &item, &value}) digests.push_back(hash->value());
  }
};

}  // namespace

Identity identity_of(const TrainSettings& settings, const TrainConfig& config, const std::string& engine) {
  Identity identity;
  for (const auto& [key, value] : config_values(config)) {
    if (key != "epochs" && key != "threads") identity["--" + key] = value;
  }
  identity["--engine"] = engine;
  identity["--device-plan"] = name_of(config.device_plan);
  identity["--deterministic"] = settings.deterministic ? "true" : "false";
  identity["--init-from"] = settings.init_from.empty() ? "none" : settings.init_from;
  return identity;
}

std::string hash_of(const TrainingData& data) {
  RatingHash train, valid;
  ArrayHash lists;
  if (data.grid) {
    ThreadPool pool(1);
    data.grid->source().for_parts(pool, 1, [&](int, const RatingPart& part) { train.add(part.ratings); });
  } else if (data.lists) {
    for (const RowLists* side : {&data.lists->user, &data.lists->item}) {
      const RowListsView<Host> view = side->view();
      lists.add(view.begin);
      lists.add(view.partner);
      lists.add(view.value);
    }
  } else {
    train.add(data.train.view());
  }
  valid.add(data.valid.view());
  HostBuffer<std::uint64_t> digests(1, lists.value());
  train.add_to(digests);
  valid.add_to(digests);
  ArrayHash all;
  all.add(std::as_const(digests).span());
  return fmt::format("{:016x}", all.value());
}

std::vector<std::string> differences(const Identity& then, const Identity& now) {
  const auto value_in = [](const Identity& identity, const std::string& key) {
    const auto found = identity.find(key);
    return found == identity.end() ? std::string("none") : found->second;
  };
  Identity both = then;
  both.insert(now.begin(), now.end());
  std::vector<std::string> found;
  for (const auto& [key, value] : both) {
    const std::string was = value_in(then, key), is = value_in(now, key);
    if (was == is || (key == kRatingsAsRead && (was == "none" || is == "none"))) continue;
    found.push_back(fmt::format("{} was {}, is {}", key, was, is));
  }
  return found;
}

}  // namespace wf
