// Views: a pointer, its extent and, as a type, the memory it lies in. They own nothing and go by value.
#pragma once
#include "host/base/types.hpp"

#include <type_traits>

namespace wf {

struct Host {};    ///< memory that the CPU reads and writes
struct Device {};  ///< memory of an accelerator; a host op given such a view does not compile

/// `size` consecutive values of type T in memory `Space`.
template <class T, class Space>
struct Span {
  T* data = nullptr;
  Position size = 0;

  WF_HD T& operator[](Position n) const { return data[n]; }
  WF_HD T* begin() const { return data; }
  WF_HD T* end() const { return data + size; }
  WF_HD bool empty() const { return size == 0; }
  WF_HD Span part(Position first, Position count) const { return {data + first, count}; }
  WF_HD operator Span<const T, Space>() const requires(!std::is_const_v<T>) { return {data, size}; }
};

/// A table [count x rank]; row r starts at data + r * pitch, pitch >= rank.
template <class T, class Space>
struct Rows {
  T* data = nullptr;
  Position count = 0;
  int rank = 0;
  Position pitch = 0;

  WF_HD T* row(Position r) const { return data + r * pitch; }
  WF_HD bool empty() const { return count == 0; }
  WF_HD operator Rows<const T, Space>() const requires(!std::is_const_v<T>) { return {data, count, rank, pitch}; }
};

}  // namespace wf
