// The part of a text that each of several ranks reads.
#pragma once
#include "host/ranks/ranks.hpp"
#include "host/readers/line_reader.hpp"

#include <string>

namespace wf {

/// Bytes first .. end - 1 of a file: whole lines. Parts of all ranks are the file, in their order.
struct TextPart {
  Position first = 0, end = 0;
};

/// This rank's part of a source that has parts, whose head, the first `body` bytes, is the first rank's. A line belongs
/// to the rank in whose share of the rest it begins; a part may be empty. Behind a line that is too long, parts may
/// meet: whoever has it, ends with an error.
TextPart part_of(const ByteSource& source, Position body, const Ranks& ranks);

/// XXH3-64 of a whole file of over HashOfPart::kShort bytes, 16 hex digits, when each rank has read its part to the
/// end. All ranks call it together. Throws Error, on all, for a file that has changed.
std::string hash_of_all(const ByteSource& source, Ranks& ranks);

/// Throws InputError, on all ranks, where they do not see one file: by its length, its head's and its first 64 KB.
void check_same_file(const LineReader& lines, Ranks& ranks);

}  // namespace wf
