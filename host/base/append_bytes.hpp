// Binary files, value by value.
#pragma once
#include <string>
#include <type_traits>

namespace wf {

/// The value's bytes as they lie in memory, which is little-endian wherever this is compiled.
template <class T>
void append_bytes(std::string& bytes, const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

}  // namespace wf
