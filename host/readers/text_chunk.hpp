// A piece of a ratings file on its way: whole lines of text, and what they say.
#pragma once
#include "host/base/host_buffer.hpp"
#include "host/readers/fields.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <exception>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wf {

/// One side's ids: numbers while all of the chunk are canonical integers, else texts.
struct IdColumn {
  bool as_text = false;
  HostBuffer<std::int64_t> numbers;
  std::vector<std::string_view> texts;  ///< into the chunk's text or its `unquoted`
};

/// A line that is refused; `line` counts from 1 in its chunk.
struct LineFault {
  Position line = 0;
  BadLine bad;
};

/// The range of values.
struct Tally {
  float min = std::numeric_limits<float>::infinity();
  float max = -std::numeric_limits<float>::infinity();

  void add(float value) { add({value, value}); }
  void add(const Tally& more) {
    min = std::min(min, more.min);
    max = std::max(max, more.max);
  }
};

/// What the lines of a chunk hold.
struct ParsedLines {
  IdColumn users, items;
  HostBuffer<float> values;
  HostBuffer<std::int64_t> timestamps;  ///< empty where the layout has none
  std::deque<std::string> unquoted;     ///< texts that do not stand in the file as they are meant
  Position lines = 0, comments = 0, blank = 0, bad_lines = 0;
  std::optional<LineFault> first_bad;  ///< of bad_lines
  std::optional<LineFault> fatal;      ///< where parsing ended
  Tally tally;
};

/// Buffers are used again for a later piece, so that their pages are taken from the system once.
struct TextChunk {
  HostBuffer<char> text;    ///< whole lines, the last with a line feed even where the file has none; then kReadBeyond
  Position size = 0;        ///< bytes of lines in text
  Position file_bytes = 0;  ///< read of the file when this chunk was complete
  std::exception_ptr cut_short;  ///< why there is no more behind these lines, if the file was not at its end
  ParsedLines parsed;
};

}  // namespace wf
