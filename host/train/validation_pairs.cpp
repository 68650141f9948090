#include "host/train/validation_pairs.hpp"

namespace wf {

ValidationPairs::ValidationPairs(const RatingsView<Host>& train, const RatingsView<Host>& held_out, Position n_users,
                                 Position n_items, Loss loss, std::uint64_t seed, ThreadPool& pool)
    : loss_(loss) {
  Ratings all;
  const auto is_known = [&](Position n) {
    return held_out.user[n] >= 0 && held_out.user[n] < n_users && held_out.item[n] >= 0 && held_out.item[n] < n_items;
  };
  all.resize(train.size());
  std::copy(train.user.begin(), train.user.end(), all.user.begin());
  std::copy(train.item.begin(), train.item.end(), all.item.begin());
  for (Position n = 0; n < held_out.size(); ++n) {
    if (is_known(n)) all.push_back(held_out.user[n], held_out.item[n], 1);
  }
  const bool items = anchors_items(loss);
  const RatingsView<Host> view = all.view();
  const PositiveLists lists =
      items ? positive_lists(view.item, view.user, n_items, pool) : positive_lists(view.user, view.item, n_users, pool);
  const RowRange everything{0, static_cast<RowId>(items ? n_users : n_items)};
  for (Position n = 0; n < held_out.size(); ++n) {
    if (!is_known(n)) continue;
    const RowId anchor = items ? held_out.item[n] : held_out.user[n];
    const Unrated unrated(lists.view(), anchor, everything);
    if (unrated.count == 0) continue;
    const RandomBits bits = random_bits(seed, Purpose::validation_pairs, static_cast<std::uint64_t>(n));
    const std::uint64_t place = to_index(bits.word[0], bits.word[1], static_cast<std::uint64_t>(unrated.count));
    anchor_.push_back(anchor);
    positive_.push_back(items ? held_out.user[n] : held_out.item[n]);
    negative_.push_back(unrated[static_cast<Position>(place)]);
  }
}

}  // namespace wf
