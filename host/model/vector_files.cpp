#include "host/model/vector_files.hpp"

#include "host/base/append_bytes.hpp"
#include "host/base/atomic_file.hpp"
#include "host/base/error.hpp"
#include "host/base/shown.hpp"

#include <charconv>

namespace wf {
namespace {

/// Text on its way to a file.
class Lines {
 public:
  explicit Lines(const std::string& path) : file_(path) {}
  void add(const std::string& text) {
    text_ += text;
    if (text_.size() < kBuffer) return;
    file_.write(text_.data(), static_cast<Position>(text_.size()));
    text_.clear();
  }
  void commit() {
    file_.write(text_.data(), static_cast<Position>(text_.size()));
    file_.commit();
  }

 private:
  static constexpr std::size_t kBuffer = std::size_t{1} << 20;

  AtomicFile file_;
  std::string text_;
};

}  // namespace

void write_faiss_index(const Model& model, const std::string& path) {
  const int width = model.rank + (model.has_biases() ? 1 : 0);
  std::string header("IxFI");
  append_bytes(header, static_cast<std::int32_t>(width));
  append_bytes(header, static_cast<std::int64_t>(model.n_items));
  append_bytes(header, std::int64_t{1} << 20);  // twice nothing: faiss writes it and reads past it
  append_bytes(header, std::int64_t{1} << 20);
  append_bytes(header, char{1});          // is trained
  append_bytes(header, std::int32_t{0});  // METRIC_INNER_PRODUCT
  append_bytes(header, static_cast<std::uint64_t>(checked_product(model.n_items, width)));
  Lines file(path);
  file.add(header);
  std::string row;
  for (RowId item = 0; item < model.n_items; ++item) {
    const float* const factors = model.tables.item_factors.data() + Position{item} * model.rank;
    row.assign(reinterpret_cast<const char*>(factors), static_cast<std::size_t>(model.rank) * sizeof(float));
    if (model.has_biases()) append_bytes(row, model.tables.item_biases[item]);
    file.add(row);
  }
  file.commit();
}

void write_word2vec(const Model& model, bool of_items, const std::string& path) {
  const Position rows = of_items ? model.n_items : model.n_users;
  const IdMap& ids = of_items ? model.items : model.users;
  const float* factor = (of_items ? model.tables.item_factors : model.tables.user_factors).data();
  Lines file(path);
  file.add(std::to_string(rows) + ' ' + std::to_string(model.rank) + '\n');
  for (RowId row = 0; row < rows; ++row) {
    std::string line = ids.text(row);
    if (line.find_first_of(" \t\r\n") != std::string::npos) {
      throw UsageError("the id " + shown(line) + " has a blank in it, which ends an id in word2vec's text",
                       "another --format");
    }
    for (int f = 0; f < model.rank; ++f) {
      char digits[32];
      line += ' ';
      line.append(digits, std::to_chars(digits, digits + sizeof digits, *factor++).ptr);
    }
    file.add(line + '\n');
  }
  file.commit();
}

}  // namespace wf
