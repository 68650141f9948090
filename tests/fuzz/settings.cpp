// A configuration file, and the space of a search.
#include "host/cli/config_file.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wf;
  const fuzz::MemoryFile file(data, size);
  fuzz::read_or_refuse(size, [&] {
    for (const cli::ConfigEntry& entry : cli::read_config_file(file.path())) fuzz::require(entry.line > 0);
  });
  fuzz::read_or_refuse(size, [&] { cli::read_space_file(file.path()); });
  return 0;
}
