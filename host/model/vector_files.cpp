#include "host/model/vector_files.hpp"

#include "host/base/append_bytes.hpp"
#include "host/base/error.hpp"
#include "host/base/shown.hpp"
#include "host/base/text_file.hpp"

namespace wf {

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
  TextFile file(path);
  file << header;
  std::string row;
  for (RowId item = 0; item < model.n_items; ++item) {
    const float* const factors = model.tables.item_factors.data() + Position{item} * model.rank;
    row.assign(reinterpret_cast<const char*>(factors), static_cast<std::size_t>(model.rank) * sizeof(float));
    if (model.has_biases()) append_bytes(row, model.tables.item_biases[item]);
    file << row;
  }
  file.commit();
}

void write_word2vec(const Model& model, bool of_items, const std::string& path) {
  const Position rows = of_items ? model.n_items : model.n_users;
  const IdMap& ids = of_items ? model.items : model.users;
  const float* factor = (of_items ? model.tables.item_factors : model.tables.user_factors).data();
  TextFile file(path);
  file.number(rows) << " ";
  file.number(model.rank) << "\n";
  for (RowId row = 0; row < rows; ++row) {
    const std::string id = ids.text(row);
    if (id.find_first_of(" \t\r\n") != std::string::npos) {
      throw UsageError("the id " + shown(id) + " has a blank in it, which ends an id in word2vec's text",
                       "another --format");
    }
    file << id;
    for (int f = 0; f < model.rank; ++f) (file << " ").number(*factor++);
    file << "\n";
  }
  file.commit();
}

}  // namespace wf
