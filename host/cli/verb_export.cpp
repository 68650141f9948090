// export: a model in, the same one in another program's format out.
#include "host/base/shown.hpp"
#include "host/cli/json_text.hpp"
#include "host/cli/output_file.hpp"
#include "host/cli/verbs.hpp"
#include "host/cli/words.hpp"
#include "host/model/libmf_model.hpp"
#include "host/model/model_file.hpp"

#include <fmt/format.h>

#include <filesystem>

namespace wf::cli {

int run_verb(const ExportRequest& request, Console& console) {
  if (request.format.empty()) throw UsageError("export needs the name of a format", "add --format libmf");
  const std::string path =
      request.out.empty() ? std::filesystem::path(request.model).stem().string() + ".libmf" : request.out;
  check_writable(path);
  refuse_same_file(path, request.model);
  const Model model = read_model(request.model);
  write_libmf_model(model, path);
  const int rank = model.rank + (model.has_biases() ? 2 : 0);
  console.line("saved",
               fmt::format("{} · {} · {} · {}{}", path, plural(model.n_users, "user"), plural(model.n_items, "item"),
                           plural(rank, "factor"), model.has_biases() ? ", two of them for the biases" : ""));
  if (model.users.kind() != IdKind::rows || model.items.kind() != IdKind::rows) {
    console.note(
        "LIBMF knows rows by their numbers, and these are the model's rows from 0 on, not its ids; with train --ids "
        "rows they are the same");
  }
  if (!console.json()) return 0;
  OutputFile out("");
  out.write(JsonObject()
                .text("exported", path)
                .text("format", request.format)
                .count("n_users", model.n_users)
                .count("n_items", model.n_items)
                .count("rank", rank)
                .str() +
            '\n');
  out.commit();
  return 0;
}

}  // namespace wf::cli
