// An error that one of several ranks has met, for all of them: said once, and the same everywhere.
#pragma once
#include "host/base/error.hpp"
#include "host/ranks/ranks.hpp"

#include <optional>

namespace wf {

/// Throws the error of the first rank that has one, on all; returns where none has. All ranks call it together.
void throw_first(Ranks& ranks, const std::optional<Error>& mine);

/// f(), which begins nothing together: the Error of the first rank where it throws one is thrown on all.
template <class F>
void on_all(Ranks& ranks, const F& f) {
  std::optional<Error> error;
  try {
    f();
  } catch (const Error& met) {
    error = met;
  }
  throw_first(ranks, error);
}

}  // namespace wf
