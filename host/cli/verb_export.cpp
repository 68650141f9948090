// export: a model in, the same one in another program's format out.
#include "host/base/json_text.hpp"
#include "host/base/shown.hpp"
#include "host/cli/output_file.hpp"
#include "host/cli/verbs.hpp"
#include "host/config/names.hpp"
#include "host/model/libmf_model.hpp"
#include "host/model/model_file.hpp"
#include "host/model/vector_files.hpp"
#include "host/ratings/numpy_file.hpp"
#include "host/settings/words.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

namespace wf::cli {
namespace {

namespace fs = std::filesystem;
using Arrays = std::vector<std::pair<std::string, NumpyArray>>;

/// What was written: the files, and how many numbers a row has there.
struct Exported {
  std::vector<std::string> files;
  int rank = 0;
  std::string note;  ///< what the other program does not know
};

const char* suffix_of(ModelFormat format) {
  switch (format) {
    case ModelFormat::libmf:
      return ".libmf";
    case ModelFormat::npz:
      return ".npz";
    case ModelFormat::npy:
      return ".npy";
    case ModelFormat::word2vec:
      return ".word2vec.txt";
    case ModelFormat::faiss:
      return ".faiss";
  }
  return "";
}

Arrays arrays_of(const Model& model) {
  Arrays arrays{{"user_factors", numpy_array(model.tables.user_factors.span(), model.n_users, model.rank)},
                {"item_factors", numpy_array(model.tables.item_factors.span(), model.n_items, model.rank)}};
  if (model.has_biases()) {
    arrays.emplace_back("user_biases", numpy_array(model.tables.user_biases.span(), model.n_users));
    arrays.emplace_back("item_biases", numpy_array(model.tables.item_biases.span(), model.n_items));
    arrays.emplace_back("global_mean", numpy_value(model.global_mean));
  }
  return arrays;
}

Exported write_as_npz(const Model& model, const std::string& path) {
  Arrays arrays = arrays_of(model);
  arrays.emplace_back("user_ids", numpy_ids(model.users, model.n_users));
  arrays.emplace_back("item_ids", numpy_ids(model.items, model.n_items));
  write_npz(path, arrays);
  return {{path}, model.rank, ""};
}

/// "model.npy" -> "model.user_factors.npy" and so on: a file has one array.
std::string array_path(const std::string& path, const std::string& name) {
  const std::string stem = path.ends_with(".npy") ? path.substr(0, path.size() - 4) : path;
  return stem + '.' + name + ".npy";
}

Exported write_as_npy(const Model& model, const std::string& path) {
  Exported exported{{}, model.rank, "the ids are not in these files; --format npz has them"};
  const Arrays arrays = arrays_of(model);
  for (const auto& [name, array] : arrays) {
    exported.files.push_back(array_path(path, name));
    check_writable(exported.files.back());
  }
  for (std::size_t n = 0; n < arrays.size(); ++n) write_npy(exported.files[n], arrays[n].second);
  return exported;
}

Exported write_as_libmf(const Model& model, const std::string& path) {
  write_libmf_model(model, path);
  Exported exported{{path}, model.rank + (model.has_biases() ? 2 : 0), ""};
  if (model.users.kind() != IdKind::rows || model.items.kind() != IdKind::rows) {
    exported.note =
        "LIBMF knows rows by their numbers, and these are the model's rows from 0 on, not its ids; with train --ids "
        "rows they are the same";
  }
  return exported;
}

Exported write_as_faiss(const Model& model, const std::string& path) {
  write_faiss_index(model, path);
  if (!model.has_biases()) return {{path}, model.rank, "faiss knows items by their rows, from 0 on"};
  return {{path},
          model.rank + 1,
          "faiss knows items by their rows, from 0 on; their last component is the bias: search with a user's factors "
          "and a 1 behind them"};
}

Exported write_as_word2vec(const Model& model, bool of_items, const std::string& path) {
  write_word2vec(model, of_items, path);
  return {{path}, model.rank, model.has_biases() ? "word2vec's text has no biases: they are left out" : ""};
}

Exported write_as(ModelFormat format, const Model& model, bool of_items, const std::string& path) {
  switch (format) {
    case ModelFormat::libmf:
      return write_as_libmf(model, path);
    case ModelFormat::npz:
      return write_as_npz(model, path);
    case ModelFormat::npy:
      return write_as_npy(model, path);
    case ModelFormat::word2vec:
      return write_as_word2vec(model, of_items, path);
    case ModelFormat::faiss:
      return write_as_faiss(model, path);
  }
  return {};
}

}  // namespace

int run_verb(const ExportRequest& request, Console& console) {
  if (!request.format) {
    throw UsageError("export needs the name of a format", "add --format " + join(words_of<ModelFormat>(), "|"));
  }
  const ModelFormat format = *request.format;
  if (request.of_users && format != ModelFormat::word2vec) {
    throw UsageError(fmt::format("--users is for word2vec's text, which has one side; {} {}", name_of(format),
                                 format == ModelFormat::faiss ? "searches items" : "has both"),
                     "leave it out");
  }
  const std::string path =
      request.out.empty() ? fs::path(request.model).stem().string() + suffix_of(format) : request.out;
  if (format != ModelFormat::npy) check_writable(path);
  refuse_same_file(path, request.model);
  const Model model = read_model(request.model);
  const Exported exported = write_as(format, model, !request.of_users, path);
  console.line("saved", fmt::format("{} · {} · {} · {}", join(exported.files, ", "), plural(model.n_users, "user"),
                                    plural(model.n_items, "item"), plural(exported.rank, "factor")));
  if (!exported.note.empty()) console.note(exported.note);
  if (!console.json()) return 0;
  OutputFile out("");
  out.write(JsonObject()
                .text("exported", exported.files.front())
                .text("format", name_of(format))
                .count("files", static_cast<Position>(exported.files.size()))
                .count("n_users", model.n_users)
                .count("n_items", model.n_items)
                .count("rank", exported.rank)
                .str() +
            '\n');
  out.commit();
  return 0;
}

}  // namespace wf::cli
