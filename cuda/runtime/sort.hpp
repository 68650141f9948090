// Thrust, behind plain functions: it is slow to compile, so one file includes it.
#pragma once
#include "cuda/runtime/context.hpp"
#include "host/base/view.hpp"

namespace wf {

/// Sorts keys ascending and moves values along; equal keys keep their order. In the order of the compute stream.
void sort_pairs(const Context& gpu, Span<RowId, Device> keys, Span<RowId, Device> values);

/// to[n] = from[0] + ... + from[n]; `to` may be `from`.
void sum_up_to(const Context& gpu, Span<const RowId, Device> from, Span<RowId, Device> to);

}  // namespace wf
