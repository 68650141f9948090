// Bytes at a place of an open file: all of them, whatever parts the system moves them in.
#pragma once
#include "host/base/types.hpp"

namespace wf {

inline constexpr int kEndOfFile = -1;

/// 0, or errno.
int write_all_at(int descriptor, Position place, const void* data, Position bytes);
/// 0, errno, or kEndOfFile where the file has fewer bytes.
int read_all_at(int descriptor, Position place, void* into, Position bytes);

}  // namespace wf
