// A checkpoint, with its checksum set right.
#include "host/api/checkpoint_file.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wf;
  std::vector<std::uint8_t> bytes(data, data + size);
  if (size >= 8) fuzz::seal(bytes.data(), size - 8, &bytes[size - 8]);
  const fuzz::MemoryFile file(bytes.data(), bytes.size());
  fuzz::read_or_refuse(size, [&] {
    const CheckpointFile checkpoint(file.path());
    const TrainingState state = checkpoint.state();
    fuzz::require(state.epoch == checkpoint.epoch());
  });
  return 0;
}
