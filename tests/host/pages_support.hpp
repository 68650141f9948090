// What the tests of page files share: data sets of every kind of ids, and what is equal about two of them.
#pragma once
#include "host/pages/page_file.hpp"
#include "host/pages/write_pages.hpp"
#include "tests/host/model_support.hpp"

#include <algorithm>
#include <bit>
#include <string>
#include <tuple>
#include <vector>

namespace wf::test {

using testing_support::bytes_of;
using testing_support::FreshFolder;

using BitTriple = std::tuple<RowId, RowId, std::uint32_t>;  ///< user, item, bits of the value

/// The set of ratings, whatever their order.
inline std::vector<BitTriple> set_of(const Ratings& ratings) {
  std::vector<BitTriple> set;
  for (Position n = 0; n < ratings.size(); ++n) {
    set.emplace_back(ratings.user[n], ratings.item[n], std::bit_cast<std::uint32_t>(ratings.value[n]));
  }
  std::sort(set.begin(), set.end());
  return set;
}

inline std::vector<std::string> texts_of(const IdMap& ids) {
  std::vector<std::string> texts;
  for (Position row = 0; row < ids.size(); ++row) texts.push_back(ids.text(static_cast<RowId>(row)));
  return texts;
}

inline IdMap ids_of(IdKind kind, int count) {
  if (kind == IdKind::rows) return IdMap::rows(count);
  IdMap ids(kind);
  for (int n = 0; n < count; ++n) {
    ids.insert(kind == IdKind::integers ? std::to_string(n * 1'000'003 - 7) : std::string("id ") + std::to_string(n));
  }
  return ids;
}

/// `count` ratings of 30 users and 20 items; pairs repeat. `steps` different values.
inline Dataset some_data(int count, IdKind users, IdKind items, int steps) {
  Dataset data{{}, ids_of(users, 30), ids_of(items, 20)};
  for (int n = 0; n < count; ++n) {
    data.ratings.push_back(n * 7 % 30, n * n % 20, static_cast<float>(n % steps) * 0.37F - 1);
  }
  return data;
}

/// As if the data had been read from ratings.csv.
inline PageSource some_source(const Dataset& data) {
  PageSource source;
  source.report.path = "ratings.csv";
  source.report.separator = ",";
  source.report.header = "user,item,rating";
  source.report.user_column = "user";
  source.report.item_column = "item";
  source.report.rating_column = "rating";
  source.report.lines = data.ratings.size() + 1;
  source.report.ratings = data.ratings.size();
  source.report.bytes = 1234;
  source.report.hash = "0123456789abcdef";
  source.report.min_value = 0.1F;
  source.report.max_value = 5;
  source.report.mean_value = 1.0 / 3;
  source.stamp = FileStamp{1234, 1'700'000'000'123'456'789};
  source.options.rating_column = "3";
  return source;
}

inline Dataset read_pages(const std::string& path, int threads = 1) {
  Dataset data;
  PageFile(path).read_into(data, threads);
  return data;
}

}  // namespace wf::test
