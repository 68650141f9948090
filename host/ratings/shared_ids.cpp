#include "host/ratings/shared_ids.hpp"

#include <xxhash.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace wf {
namespace {

/// Ids on their way: numbers; or texts, one behind the other, and the bytes that each has.
struct IdList {
  HostBuffer<std::int64_t> numbers;
  HostBuffer<char> texts;

  void push(std::int64_t number) { numbers.push_back(number); }
  void push(std::string_view text) {
    numbers.push_back(static_cast<std::int64_t>(text.size()));
    const Position end = texts.size();
    const Position size = end + static_cast<Position>(text.size());
    if (size > texts.capacity()) texts.reserve(std::max(size, 2 * texts.capacity()));
    texts.resize(size);
    std::copy(text.begin(), text.end(), texts.begin() + end);
  }
};

using Lists = std::vector<IdList>;  // one for each rank, or of each

Lists exchanged(Ranks& ranks, Lists to) {
  std::vector<HostBuffer<std::int64_t>> numbers;
  std::vector<HostBuffer<char>> texts;
  for (IdList& list : to) {
    numbers.push_back(std::move(list.numbers));
    texts.push_back(std::move(list.texts));
  }
  numbers = ranks.exchange(numbers);
  texts = ranks.exchange(texts);
  for (std::size_t r = 0; r < to.size(); ++r) to[r] = {std::move(numbers[r]), std::move(texts[r])};
  return to;
}

/// The row of each id of the list, which gets one where it has none.
HostBuffer<RowId> inserted(const IdList& list, IdMap& into) {
  HostBuffer<RowId> rows(list.numbers.size());
  if (into.kind() == IdKind::integers) {
    into.insert_integers(list.numbers.span(), rows.span());
    return rows;
  }
  const char* text = list.texts.data();
  for (Position n = 0; n < rows.size(); ++n) {
    rows[n] = into.insert({text, static_cast<std::size_t>(list.numbers[n])});
    text += list.numbers[n];
  }
  return rows;
}

/// f(id) for rows first .. end - 1: its number, or its text.
template <class F>
void for_ids(const IdMap& ids, bool as_text, Position first, Position end, const F& f) {
  for (Position row = first; row < end; ++row) {
    if (as_text)
      f(std::string_view(ids.text(static_cast<RowId>(row))));
    else
      f(ids.integers()[row]);
  }
}

/// The same on all ranks, and no secret: who makes up ids that one rank gets all of, makes that one work as one process
/// does.
std::size_t owner_of(std::string_view id, std::size_t ranks) {
  return XXH3_64bits(id.data(), id.size()) % ranks;
}
std::size_t owner_of(std::int64_t id, std::size_t ranks) {
  return XXH3_64bits(&id, sizeof id) % ranks;
}

/// Of this rank's ids from `known` on: is it the first that has it?
HostBuffer<char> first_here(Ranks& ranks, const IdMap& ids, bool as_text, Position known) {
  const auto n_ranks = static_cast<std::size_t>(ranks.size());
  Lists to(n_ranks);
  HostBuffer<int> owners;
  for_ids(ids, as_text, known, ids.size(), [&](auto id) {
    const std::size_t owner = owner_of(id, n_ranks);
    owners.push_back(static_cast<int>(owner));
    to[owner].push(id);
  });
  std::vector<HostBuffer<char>> answers(n_ranks);
  {
    const Lists asked = exchanged(ranks, std::move(to));
    IdMap seen(as_text ? IdKind::strings : IdKind::integers);
    if (as_text) seen.fix_strings();  // whoever read an id has looked whether it may be one
    for (std::size_t r = 0; r < n_ranks; ++r) {
      const Position before = seen.size();
      for (const RowId row : inserted(asked[r], seen)) answers[r].push_back(row >= before ? 1 : 0);
    }
  }
  answers = ranks.exchange(answers);
  HostBuffer<char> first(owners.size());
  std::vector<Position> place(n_ranks, 0);
  for (Position n = 0; n < first.size(); ++n) {
    const auto owner = static_cast<std::size_t>(owners[n]);
    first[n] = answers[owner][place[owner]++];
  }
  return first;
}

IdMap map_of(const IdList& list, bool as_text, const IdRules& rules) {
  IdMap ids;
  if (as_text) {
    HostBuffer<std::int64_t> offsets(list.numbers.size() + 1);
    offsets[0] = 0;
    for (Position n = 0; n < list.numbers.size(); ++n) offsets[n + 1] = offsets[n] + list.numbers[n];
    ids = IdMap::from_strings(list.texts.span(), offsets.span());
  } else {
    ids = IdMap::from_integers(list.numbers.span());
  }
  if (rules.strings_fixed) ids.fix_strings();
  if (rules.integers_fixed) ids.fix_integers();
  return ids;
}

void share_rows(Ranks& ranks, IdMap& ids) {
  auto most = static_cast<double>(ids.size());
  ranks.most({&most, 1});
  const auto size = static_cast<std::int64_t>(most);
  if (size <= ids.size()) return;
  const std::int64_t last = size - 1;
  RowId row = 0;
  ids.insert_integers({&last, 1}, {&row, 1});
}

/// The ids of all ranks: the known ones, then the new ones of each.
IdMap gathered(Ranks& ranks, const IdMap& ids, bool as_text, Position known) {
  IdList mine;
  const HostBuffer<char> first = first_here(ranks, ids, as_text, known);
  const char* is_first = first.begin();
  for_ids(ids, as_text, known, ids.size(), [&](auto id) {
    if (*is_first++ != 0) mine.push(id);
  });
  IdList all;
  for_ids(ids, as_text, 0, known, [&](auto id) { all.push(id); });
  if (known + ranks.sum(mine.numbers.size()) > kMaxRows) {
    throw std::invalid_argument("more than " + std::to_string(kMaxRows) + " different ids");
  }
  for (const std::int64_t number : ranks.gather(std::as_const(mine.numbers).span())) all.numbers.push_back(number);
  const HostBuffer<char> texts = ranks.gather(std::as_const(mine.texts).span());
  const Position texts_end = all.texts.size();
  all.texts.resize(texts_end + texts.size());
  std::copy(texts.begin(), texts.end(), all.texts.begin() + texts_end);
  return map_of(all, as_text, ids.rules());
}

}  // namespace

void share_ids(Ranks& ranks, IdMap& ids, Position known, Span<RowId, Host> rows) {
  if (ids.kind() == IdKind::rows) return share_rows(ranks, ids);
  const bool as_text = ranks.any(ids.kind() == IdKind::strings);
  IdMap all = gathered(ranks, ids, as_text, known);
  IdList local;
  for_ids(ids, as_text, 0, ids.size(), [&](auto id) { local.push(id); });
  const HostBuffer<RowId> renamed = inserted(local, all);  // each is there
  for (RowId& row : rows) row = renamed[row];
  ids = std::move(all);
}

}  // namespace wf
