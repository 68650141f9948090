#include "host/readers/line_reader.hpp"

#include "host/base/error.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace wf {
namespace {

constexpr std::size_t kBuffer = 1 << 19;
static_assert(kBuffer >= 2 * kLongestLine);

std::string_view without_carriage_return(std::string_view line) {
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

}  // namespace

BadLine too_long_fault() {
  return {0, "is longer than " + std::to_string(kLongestLine) + " bytes", "is this a ratings file, one rating a line?"};
}

BadLine nul_fault(Position column) {
  return {column, "a NUL byte: this is no text", "give a text file (UTF-8), plain, .gz or .zst"};
}

LineReader::LineReader(const std::string& path) : name_(path == "-" ? "stdin" : path), source_(path), buffer_(kBuffer) {
  while (end_ < 3 && fill()) {
  }
  if (end_ >= 3 && std::memcmp(buffer_.data(), "\xEF\xBB\xBF", 3) == 0) begin_ = 3;  // UTF-8 byte order mark
}

bool LineReader::fill() {
  if (at_end_) return false;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  const Position count = source_.read(buffer_.data() + end_, static_cast<Position>(buffer_.size() - end_));
  const std::size_t old_end = std::exchange(end_, end_ + static_cast<std::size_t>(count));
  check_no_nul(old_end);
  at_end_ = count == 0;
  return !at_end_;
}

void LineReader::check_no_nul(std::size_t from) const {
  if (from == end_) return;
  const void* nul = std::memchr(buffer_.data() + from, 0, end_ - from);
  if (nul == nullptr) return;
  const char* start = buffer_.data() + begin_;
  const auto* place = static_cast<const char*>(nul);
  const Position lines_between = std::count(start, place, '\n');
  const auto* line = place;
  while (line != start && line[-1] != '\n') --line;
  throw line_error(name_, line_number_ + 1 + lines_between, nul_fault(place - line + 1));
}

void LineReader::put_back() {
  begin_ = last_begin_;
  --line_number_;
}

bool LineReader::next(std::string_view& line) {
  std::size_t searched = 0;
  for (;;) {
    const char* start = buffer_.data() + begin_;
    const std::size_t available = end_ - begin_;
    const auto* newline = static_cast<const char*>(std::memchr(start + searched, '\n', available - searched));
    const std::size_t length = newline != nullptr ? static_cast<std::size_t>(newline - start) : available;
    if (length > static_cast<std::size_t>(kLongestLine)) {
      throw line_error(name_, line_number_ + 1, too_long_fault());
    }
    if (newline != nullptr) {
      line = without_carriage_return({start, length});
      last_begin_ = begin_;
      begin_ += length + 1;
      ++line_number_;
      return true;
    }
    searched = available;
    if (fill()) continue;
    if (available == 0) return false;
    line = without_carriage_return({buffer_.data() + begin_, available});
    last_begin_ = begin_;
    begin_ = end_;
    ++line_number_;
    return true;
  }
}

Position LineReader::read(char* into, Position size) {
  if (begin_ == end_ && at_end_) return 0;
  if (begin_ == end_) {
    const Position count = source_.read(into, size);
    at_end_ = count == 0;
    return count;
  }
  const std::size_t count = std::min(static_cast<std::size_t>(size), end_ - begin_);
  std::memcpy(into, buffer_.data() + begin_, count);
  begin_ += count;
  return static_cast<Position>(count);
}

void LineReader::read_part(Position first, Position end) {
  source_.read_part(first, end);
  begin_ = end_ = last_begin_ = 0;
  at_end_ = false;
}

std::vector<std::string> LineReader::peek(int count) {
  while (end_ < buffer_.size() && fill()) {
  }
  std::vector<std::string> lines;
  const std::string_view rest(buffer_.data() + begin_, end_ - begin_);
  std::size_t start = 0;
  while (start < rest.size() && static_cast<int>(lines.size()) < count) {
    const std::size_t newline = std::min(rest.find('\n', start), rest.size());
    if (newline == rest.size() && !at_end_) break;  // not a whole line
    lines.emplace_back(without_carriage_return(rest.substr(start, newline - start)));
    start = newline + 1;
  }
  return lines;
}

}  // namespace wf
