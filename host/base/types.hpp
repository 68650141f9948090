// The integer types of the project and the qualifiers that let nvcc compile the same headers.
#pragma once
#include <cstdint>

#if defined(__CUDACC__)
#define WF_HD __host__ __device__
#else
#define WF_HD
#endif

namespace wf {

using RowId = std::int32_t;     ///< a row of a factor table: below 2^31
using Position = std::int64_t;  ///< whatever is counted, summed or multiplied

inline constexpr Position kMaxRows = INT32_MAX;  ///< rows a table can have: RowId's range
inline constexpr int kMaxRank = 4096;            ///< factors a row can have

}  // namespace wf
