#include "host/ratings/write_ratings.hpp"

#include "host/base/append_bytes.hpp"
#include "host/base/error.hpp"
#include "host/base/shown.hpp"
#include "host/base/text_file.hpp"
#include "host/ratings/by_user.hpp"
#include "host/ratings/numpy_file.hpp"

#include <fmt/format.h>

#include <iterator>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

namespace wf {
namespace {

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"') result += '"';
    result += c;
  }
  return result + '"';
}

/// A reader takes blanks at the ends away, and a line that begins with # or % for a comment.
bool has_edges(const std::string& text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  return !text.empty() &&
         (is_blank(text.front()) || is_blank(text.back()) || text.front() == '#' || text.front() == '%');
}

/// RecBole reads .inter by pandas, which undoes quotes; tabs and line ends in them are beyond other readers.
std::string inter_field(const std::string& text) {
  if (text.find_first_of("\t\r\n") != std::string::npos) {
    throw UsageError("the id " + shown(text) + " holds a tab or a line end, which .inter cannot", "--format csv");
  }
  return has_edges(text) || text.find('"') != std::string::npos ? quoted(text) : text;
}

std::string line_of(const Dataset& data, Position n, bool with_rating, char separator,
                    std::string (*field)(const std::string&)) {
  const Ratings& ratings = data.ratings;
  std::string line = field(data.users.text(ratings.user[n])) + separator + field(data.items.text(ratings.item[n]));
  if (with_rating) fmt::format_to(std::back_inserter(line), "{}{}", separator, ratings.value[n]);
  if (!data.timestamps.empty()) fmt::format_to(std::back_inserter(line), "{}{}", separator, data.timestamps[n]);
  return line + '\n';
}

void write_csv(TextFile& file, const Dataset& data, bool with_rating) {
  file << csv_header(data, with_rating);
  for (Position n = 0; n < data.ratings.size(); ++n) file << csv_line(data, n, with_rating);
}

/// https://recbole.io/docs/user_guide/data/atomic_files.html
void write_inter(TextFile& file, const Dataset& data, bool with_rating) {
  file << "user_id:token\titem_id:token" << (with_rating ? "\trating:float" : "")
       << (data.timestamps.empty() ? "\n" : "\ttimestamp:float\n");
  for (Position n = 0; n < data.ratings.size(); ++n) file << line_of(data, n, with_rating, '\t', inter_field);
}

/// https://math.nist.gov/MatrixMarket/formats.html
void write_matrix_market(TextFile& file, const Dataset& data, bool with_rating) {
  const Ratings& ratings = data.ratings;
  file << "%%MatrixMarket matrix coordinate " << (with_rating ? "real" : "pattern") << " general\n";
  (file.number(data.users.size()) << " ").number(data.items.size()) << " ";
  file.number(ratings.size()) << "\n";
  for (Position n = 0; n < ratings.size(); ++n) {
    (file.number(Position{ratings.user[n]} + 1) << " ").number(Position{ratings.item[n]} + 1);
    if (with_rating) (file << " ").number(ratings.value[n]);
    file << "\n";
  }
}

/// The ratings by user, in the order of the data: user u has begin[u] .. begin[u + 1].
struct UserLists {
  HostBuffer<std::int64_t> begin;  // [n_users + 1]
  HostBuffer<RowId> item;
  HostBuffer<float> value;

  explicit UserLists(const Dataset& data) : item(data.ratings.size()), value(data.ratings.size()) {
    const Ratings& ratings = data.ratings;
    ByUser by_user(ratings.view().user, data.users.size());
    for (Position n = 0; n < ratings.size(); ++n) {
      item[n] = ratings.item[by_user.order[n]];
      value[n] = ratings.value[by_user.order[n]];
    }
    begin = std::move(by_user.first);
  }
};

/// https://github.com/gusye1234/LightGCN-PyTorch: a user and the items, counted from 0.
void write_lists(TextFile& file, const Dataset& data) {
  const UserLists lists(data);
  for (Position user = 0; user < data.users.size(); ++user) {
    if (lists.begin[user] == lists.begin[user + 1]) continue;
    file.number(user);
    for (Position n = lists.begin[user]; n < lists.begin[user + 1]; ++n) (file << " ").number(lists.item[n]);
    file << "\n";
  }
}

/// What scipy.sparse.save_npz writes of a csr_matrix, and load_npz reads.
void write_scipy(const std::string& path, const Dataset& data) {
  const UserLists lists(data);
  const auto array = [](const char* type, const auto& values) {
    using Value = std::remove_cvref_t<decltype(values[0])>;
    return NumpyArray{type, {values.size()}, values.data(), values.size() * Position{sizeof(Value)}, {}};
  };
  NumpyArray shape{"<i8", {2}, nullptr, 2 * sizeof(std::int64_t), {}};
  append_bytes(shape.owned, std::int64_t{data.users.size()});
  append_bytes(shape.owned, std::int64_t{data.items.size()});
  std::vector<std::pair<std::string, NumpyArray>> arrays;
  arrays.emplace_back("indices", array("<i4", lists.item));
  arrays.emplace_back("indptr", array("<i8", lists.begin));
  arrays.emplace_back("format", NumpyArray{"|S3", {}, nullptr, 3, "csr"});
  arrays.emplace_back("shape", std::move(shape));
  arrays.emplace_back("data", array("<f4", lists.value));
  write_npz(path, arrays);
}

}  // namespace

std::string csv_field(const std::string& text) {
  return has_edges(text) || text.find_first_of("\",\r\n;|") != std::string::npos ? quoted(text) : text;
}

std::string csv_header(const Dataset& data, bool with_rating) {
  return fmt::format("user,item{}{}\n", with_rating ? ",rating" : "", data.timestamps.empty() ? "" : ",timestamp");
}

std::string csv_line(const Dataset& data, Position n, bool with_rating) {
  return line_of(data, n, with_rating, ',', csv_field);
}

bool has_ids(RatingsFormat format) {
  return format == RatingsFormat::csv || format == RatingsFormat::inter || format == RatingsFormat::pages;
}

void write_ratings(const std::string& path, RatingsFormat format, const Dataset& data, bool with_rating) {
  if (format == RatingsFormat::npz) return write_scipy(path, data);
  TextFile file(path);
  switch (format) {
    case RatingsFormat::csv:
      write_csv(file, data, with_rating);
      break;
    case RatingsFormat::inter:
      write_inter(file, data, with_rating);
      break;
    case RatingsFormat::mtx:
      write_matrix_market(file, data, with_rating);
      break;
    case RatingsFormat::lightgcn:
      write_lists(file, data);
      break;
    case RatingsFormat::npz:
    case RatingsFormat::pages:
      throw std::logic_error("write_ratings writes no page files");
  }
  file.commit();
}

void write_ids(const std::string& path, const IdMap& ids) {
  TextFile file(path);
  for (Position row = 0; row < ids.size(); ++row) {
    const std::string text = ids.text(static_cast<RowId>(row));
    if (text.find_first_of("\r\n") != std::string::npos) {
      throw UsageError("the id " + shown(text) + " holds a line end, which a list of ids cannot", "--format csv");
    }
    file << text << "\n";
  }
  file.commit();
}

}  // namespace wf
