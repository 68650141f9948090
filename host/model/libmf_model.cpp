#include "host/model/libmf_model.hpp"

#include "host/base/disk_file.hpp"
#include "host/base/error.hpp"
#include "host/base/shown.hpp"
#include "host/base/text_file.hpp"
#include "host/config/names.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

namespace wf {
namespace {

/// Losses by their numbers. Of those that LIBMF lacks, the one whose scores mean the same.
int number_of(Loss loss) {
  switch (loss) {
    case Loss::l1:
      return 1;
    case Loss::kl:
      return 2;
    case Loss::bce_with_logits:
    case Loss::logistic:
      return 5;
    case Loss::squared_hinge:
      return 6;
    case Loss::hinge:
      return 7;
    case Loss::bpr:
    case Loss::warp:
      return 10;
    case Loss::bpr_item:
      return 11;
    case Loss::mse:
    case Loss::huber:
      break;
  }
  return 0;
}
Loss loss_of(int number) {
  for (const Loss loss :
       {Loss::l1, Loss::kl, Loss::logistic, Loss::squared_hinge, Loss::hinge, Loss::bpr, Loss::bpr_item}) {
    if (number_of(loss) == number) return loss;
  }
  return Loss::mse;
}

/// The words of a text, one after the other.
class Words {
 public:
  Words(const std::string& path, std::string_view text) : path_(path), text_(text) {}

  std::string_view next() {
    while (at_ < text_.size() && is_blank(text_[at_])) line_ += text_[at_++] == '\n' ? 1 : 0;
    const std::size_t begin = at_;
    while (at_ < text_.size() && !is_blank(text_[at_])) ++at_;
    if (begin == at_) fail("ends where more is announced");
    return text_.substr(begin, at_ - begin);
  }
  void expect(const std::string& word) {
    const std::string_view found = next();
    if (found != word) fail("has " + shown(std::string(found)) + " in place of " + word);
  }
  /// `infinite` numbers and NaN are refused.
  template <class Number>
  Number number() {
    const std::string_view word = next();
    Number value{};
    const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    const bool whole = error == std::errc{} && stop == word.data() + word.size();
    if (!whole || !std::isfinite(static_cast<double>(value))) fail("has no number in " + shown(std::string(word)));
    return value;
  }
  Position count(const std::string& name, Position least, Position most) {
    expect(name);
    const auto value = number<Position>();
    if (value < least || value > most) {
      fail(name + " is " + std::to_string(value) + ", outside " + std::to_string(least) + " to " +
           std::to_string(most));
    }
    return value;
  }
  void expect_end() {
    while (at_ < text_.size() && is_blank(text_[at_])) line_ += text_[at_++] == '\n' ? 1 : 0;
    if (at_ < text_.size()) fail("goes on behind its last row");
    if (!text_.ends_with('\n')) fail("is cut in its last row");  // a number that is cut is a number, too
  }
  Position bytes_left() const { return static_cast<Position>(text_.size() - at_); }

  [[noreturn]] void fail(const std::string& what) const {
    throw InputError({path_, line_}, "a model of LIBMF that " + what, "write it again with mf-train, or export");
  }

 private:
  static bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

  const std::string& path_;
  std::string_view text_;
  std::size_t at_ = 0;
  Position line_ = 1;
};

/// One side's rows that are not F, and their numbers.
struct Side {
  HostBuffer<float> factors;
  HostBuffer<std::int64_t> ids;
};

Side read_side(Words& words, const char* prefix, Position rows, int rank) {
  Side side;
  for (Position row = 0; row < rows; ++row) {
    words.expect(prefix + std::to_string(row));
    const std::string_view mark = words.next();
    if (mark != "T" && mark != "F") words.fail("has " + shown(std::string(mark)) + " in place of T or F");
    if (mark == "F") {
      for (int f = 0; f < rank; ++f) words.next();
      continue;
    }
    side.ids.push_back(row);
    for (int f = 0; f < rank; ++f) side.factors.push_back(words.number<float>());
  }
  return side;
}

IdMap ids_of(const Side& side, Position rows) {
  return side.ids.size() == rows ? IdMap::rows(rows) : IdMap::from_integers(side.ids.span());
}

std::string text_of(const std::string& path) {
  const DiskFile file(path);
  std::string text(static_cast<std::size_t>(file.size()), '\0');
  if (!text.empty()) file.read_at(0, text.data(), file.size());
  file.check_unchanged();
  return text;
}

/// A side's rows; with biases [row, own, 1] for users and [row, 1, own] for items.
void write_side(TextFile& file, char prefix, const Rows<const float, Host>& factors, const float* biases, float mean) {
  const bool user = prefix == 'p';
  for (Position row = 0; row < factors.count; ++row) {
    const float* values = factors.row(row);
    const auto is_zero = [](float value) { return value == 0; };
    const bool rated = biases != nullptr || !std::all_of(values, values + factors.rank, is_zero);
    (file << std::string_view(&prefix, 1)).number(row) << (rated ? " T" : " F");
    const auto put = [&file](float value) { (file << " ").number(value); };
    std::for_each(values, values + factors.rank, put);
    if (biases != nullptr) {
      const float own = biases[row] + (user ? mean : 0);
      put(user ? own : 1);
      put(user ? 1 : own);
    }
    file << " \n";  // as LIBMF ends its lines
  }
}

Loss trained_loss(const Model& model) {
  const auto found = model.metadata.find("config");
  if (found == model.metadata.end()) return Loss::mse;
  const nlohmann::json config = nlohmann::json::parse(found->second, nullptr, false);
  if (!config.is_object() || !config.contains("loss") || !config["loss"].is_string()) return Loss::mse;
  return from_name<Loss>(config["loss"].get<std::string>()).value_or(Loss::mse);
}

}  // namespace

bool is_libmf_model(const std::string& path) {
  const DiskFile file(path);
  constexpr Position kLongest = 16;
  std::array<char, kLongest> head{};
  const Position size = std::min(kLongest, file.size());
  if (size > 0) file.read_at(0, head.data(), size);
  const std::string_view text(head.data(), static_cast<std::size_t>(size));
  const std::size_t digits = text.find_first_not_of("0123456789", 2);
  return text.starts_with("f ") && digits != std::string_view::npos && digits > 2 &&
         (text[digits] == '\n' || text[digits] == '\r');
}

Model read_libmf_model(const std::string& path) {
  const std::string text = text_of(path);
  Words words(path, text);
  words.expect("f");
  const auto loss = words.number<int>();
  const Position n_users = words.count("m", 0, kMaxRows), n_items = words.count("n", 0, kMaxRows);
  const auto rank = static_cast<int>(words.count("k", 1, kMaxRank));
  words.expect("b");
  Model model;
  model.rating_mean = words.number<double>();
  constexpr Position kLeastOfFactor = 2;  // bytes: nothing is allocated for factors that cannot be there
  if (words.bytes_left() / kLeastOfFactor < checked_product(n_users + n_items, rank)) {
    words.fail("is too short for its " + std::to_string(n_users + n_items) + " rows");
  }
  Side users = read_side(words, "p", n_users, rank), items = read_side(words, "q", n_items, rank);
  words.expect_end();
  model.rank = rank;
  model.n_users = users.ids.size();
  model.n_items = items.ids.size();
  model.users = ids_of(users, n_users);
  model.items = ids_of(items, n_items);
  model.tables.user_factors = std::move(users.factors);
  model.tables.item_factors = std::move(items.factors);
  model.metadata["config"] = nlohmann::json{{"loss", name_of(loss_of(loss))}}.dump();
  return model;
}

void write_libmf_model(const Model& model, const std::string& path) {
  const int rank = model.rank + (model.has_biases() ? 2 : 0);
  if (model.norm_limit.active()) {
    throw UsageError("LIBMF has no limit to the length of rows, as this model's --max-norm is",
                     "train without --max-norm");
  }
  if (rank > kMaxRank) {
    throw UsageError("with its biases as two factors more the model has " + std::to_string(rank) + " factors, and " +
                         std::to_string(kMaxRank) + " are the most",
                     "train with --no-biases, or a lower --rank");
  }
  const double unknown = model.has_biases() ? static_cast<double>(model.global_mean) : model.rating_mean.value_or(0);
  const ModelView<const float, Host> view = model.view();
  TextFile file(path);
  (file << "f ").number(number_of(trained_loss(model))) << "\nm ";
  file.number(model.n_users) << "\nn ";
  file.number(model.n_items) << "\nk ";
  file.number(rank) << "\nb ";
  file.number(static_cast<float>(unknown)) << "\n";
  write_side(file, 'p', view.user_factors, view.user_biases.data, model.global_mean);
  write_side(file, 'q', view.item_factors, view.item_biases.data, model.global_mean);
  file.commit();
}

}  // namespace wf
