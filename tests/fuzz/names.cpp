// A table of names, as --names reads it: ids and what they are called.
#include "host/readers/read_ratings.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const wf::fuzz::MemoryFile file(data, size);
  wf::fuzz::read_or_refuse(size, [&] {
    for (const auto& [id, name] : wf::read_names(file.path())) wf::fuzz::require(id.size() + name.size() <= size);
  });
  return 0;
}
