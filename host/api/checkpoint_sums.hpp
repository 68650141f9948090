// Checksums of a file in pieces, so that several ranks can make and check them: a head, the data, XXH3-64 of every
// 4 MB of the data, and XXH3-64 of the head and those.
#pragma once
#include "host/base/disk_file.hpp"
#include "host/base/host_buffer.hpp"
#include "host/ranks/ranks.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace wf {

/// Of so much data, how many checksums there are: that of the head is the last.
Position count_of_sums(Position data_bytes);

/// Of the pieces that are this rank's share to look at; `read_at` reads the file.
using ReadAt = std::function<void(Position place, void* into, Position bytes)>;
HostBuffer<std::uint64_t> sums_of_share(const Ranks& ranks, Position head_bytes, Position data_bytes,
                                        const ReadAt& read_at);

/// All checksums, of what all ranks have found. For all ranks together.
HostBuffer<std::uint64_t> all_sums(Ranks& ranks, const std::string& head, const HostBuffer<std::uint64_t>& share);

/// Whether a file whose head says its own length, as that of a .safetensors file does, is as its checksums say; the
/// same on all ranks, which call it together. Throws InputError where they look at different files.
bool sums_are_right(Ranks& ranks, const DiskFile& file);

}  // namespace wf
