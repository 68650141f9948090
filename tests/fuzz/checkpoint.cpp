// A checkpoint, with its checksums set right.
#include "host/api/checkpoint_file.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/support/seal_checkpoint.hpp"

#include <algorithm>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wf;
  std::vector<std::uint8_t> bytes(data, data + size);
  test::seal_checkpoint(reinterpret_cast<char*>(bytes.data()), static_cast<Position>(size));
  const fuzz::MemoryFile file(bytes.data(), bytes.size());
  fuzz::read_or_refuse(size, [&] {
    const CheckpointFile checkpoint(file.path());
    const TrainingState state = checkpoint.state();
    fuzz::require(state.epoch == checkpoint.epoch());
    for (const auto& [name, array] : state.arrays) {
      HostBuffer<Position> room(std::min<Position>(array.size(), 512));
      if (array.type() == StateArray::Type::i64) {
        array.read(array.size() - room.size(), room.span());
      } else {
        array.read(array.size() - room.size(), Span<float, Host>{reinterpret_cast<float*>(room.data()), room.size()});
      }
    }
  });
  return 0;
}
