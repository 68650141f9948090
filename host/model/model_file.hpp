// model <-> one .safetensors file, with the tensor names of the PyTorch module's state_dict. docs/formats.md has the
// layout.
#pragma once
#include "host/model/model.hpp"

#include <string>
#include <vector>

namespace wf {

/// Writes to a temporary name beside `path`, syncs, renames: the old file stays whole until the new one is complete.
/// Refuses to write a NaN or an infinity. Throws FailedError with the call that failed, and std::logic_error for ids
/// that do not fit the tables.
void write_model(const Model& model, const std::string& path);

/// Whether Model::seen is asked for: in a large file it can be most of the bytes.
enum class SeenItems { read, leave };

/// Sizes are checked before anything is allocated; throws InputError for anything that is not a whole model. A
/// PyTorch module's own tables, saved without ids and metadata, are one: ids are then row numbers, means 0. So is the
/// text of LIBMF's mf-train (host/model/libmf_model.hpp).
Model read_model(const std::string& path, SeenItems seen = SeenItems::read);

/// The same, where only some users' factors are asked for: those of others may be zeros. A large table of users is then
/// not read, and an id that the model does not know is passed over.
Model read_model_for(const std::string& path, const std::vector<std::string>& users, SeenItems seen = SeenItems::read);

/// The tensors named user_factors.weight, ... of any .safetensors file into a model of the same shape: `--init-from`.
/// Biases may be absent from the file: they stay as they are; a model without biases takes none. Where the file has
/// ids, they must be the model's (unless the model's ids are row numbers). Throws InputError for a wrong shape, type
/// or id, or a value that is not finite.
void load_tables(Model& model, const std::string& path);

}  // namespace wf
