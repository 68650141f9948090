// A line of the common shape -> user, item and value, in one pass over its bytes. Whatever is not of that shape is
// refused here without a reason and goes to CarefulLine.
#pragma once
#include "host/readers/fast_number.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace wf {

/// One of , ; | or a tab.
struct ByteSeparator {
  char byte;
  bool ends_text(const char* at) const { return *at == byte; }
  bool take(const char*& at) const { return *at++ == byte; }
};

struct ColonSeparator {
  bool ends_text(const char* at) const { return at[0] == ':' && at[1] == ':'; }
  bool take(const char*& at) const {
    const bool there = ends_text(at);
    at += 2;
    return there;
  }
};

/// Any run of blanks and tabs.
struct BlankSeparator {
  bool ends_text(const char* at) const { return *at == ' ' || *at == '\t'; }
  bool take(const char*& at) const {
    if (!ends_text(at)) return false;
    do {
      ++at;
    } while (ends_text(at));
    return true;
  }
};

/// Any other: every line is for CarefulLine.
struct NoSeparator {
  bool ends_text(const char*) const { return true; }
  bool take(const char*&) const { return false; }
};

/// What a field is for, and how its bytes are to be taken.
enum class FieldUse : std::uint8_t { none, user_number, user_text, item_number, item_text, rating, timestamp };

/// Where the fields of a line go. Which of number and text is filled follows from the uses.
struct FastFields {
  std::int64_t user_number = 0, item_number = 0, timestamp = 0;
  std::string_view user_text, item_text;
  float value = 1;
};

/// Takes a text without quotes and without blanks at its ends, at least one byte long. A carriage return that ends the
/// line is not part of it.
template <class Separator>
bool take_text(const Separator& separator, const char*& at, std::string_view& text) {
  const char* first = at;
  if (*at == '"' || *at == ' ' || *at == '\t') return false;
  while (*at != '\n' && !separator.ends_text(at)) ++at;
  if (*at == '\n' && at != first && at[-1] == '\r') --at;
  if (at == first || at[-1] == ' ' || at[-1] == '\t') return false;
  text = {first, static_cast<std::size_t>(at - first)};
  return true;
}

/// Takes the line at `at` with `count` fields, which a line feed and kReadBeyond bytes end; `at` is then behind the
/// line feed. False: the line is not of the common shape, or may not be; `at` is anywhere in it.
template <class Separator>
bool take_line(const Separator& separator, const FieldUse* use, std::size_t count, const char*& at, FastFields& into) {
  if (*at == '#' || *at == '%') return false;
  std::string_view ignored;
  const FieldUse* last = use + count - 1;
  for (;; ++use) {
    bool taken = false;
    switch (*use) {
      case FieldUse::user_number:
        taken = take_integer(at, into.user_number);
        break;
      case FieldUse::item_number:
        taken = take_integer(at, into.item_number);
        break;
      case FieldUse::rating:
        taken = take_decimal(at, into.value);
        break;
      case FieldUse::user_text:
        taken = take_text(separator, at, into.user_text);
        break;
      case FieldUse::item_text:
        taken = take_text(separator, at, into.item_text);
        break;
      case FieldUse::timestamp:
        taken = take_integer(at, into.timestamp);
        break;
      case FieldUse::none:
        taken = take_text(separator, at, ignored);
        break;
    }
    if (!taken) return false;
    if (use == last) break;
    if (!separator.take(at)) return false;
  }
  if (*at == '\r') ++at;
  return *at++ == '\n';
}

}  // namespace wf
