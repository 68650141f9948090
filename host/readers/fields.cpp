#include "host/readers/fields.hpp"

#include "host/base/shown.hpp"

namespace wf {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

Field trimmed(std::string_view line, std::size_t begin, std::size_t end) {
  while (begin < end && is_blank(line[begin])) ++begin;
  while (end > begin && is_blank(line[end - 1])) --end;
  return {line.substr(begin, end - begin), static_cast<Position>(begin) + 1};
}

}  // namespace

InputError line_error(const std::string& file, Position line, const BadLine& bad) {
  return {Place{file, line, bad.column}, bad.what, bad.cure};
}

const std::vector<Field>& FieldSplitter::split(std::string_view line) {
  fields_.clear();
  if (!unquoted_.empty()) unquoted_.clear();
  if (separator_ == " ") {
    split_blanks(line);
    return fields_;
  }
  std::size_t start = 0;
  for (;;) {
    std::size_t first = start;
    while (first < line.size() && line[first] == ' ') ++first;
    std::size_t end = 0;
    if (quotes_ && first < line.size() && line[first] == '"') {
      end = take_quoted(line, first);
      while (end < line.size() && is_blank(line[end]) && line.compare(end, separator_.size(), separator_) != 0) ++end;
      if (end < line.size() && line.compare(end, separator_.size(), separator_) != 0) {
        throw BadLine{static_cast<Position>(end) + 1, "text after a closing quote: " + shown(line.substr(end)),
                      "quote the whole field and double the quotes inside"};
      }
    } else {
      end = separator_.size() == 1 ? line.find(separator_[0], start) : line.find(separator_, start);
      if (end == std::string_view::npos) end = line.size();
      fields_.push_back(trimmed(line, start, end));
    }
    if (end >= line.size()) return fields_;
    start = end + separator_.size();
  }
}

void FieldSplitter::split_blanks(std::string_view line) {
  std::size_t at = 0;
  for (;;) {
    while (at < line.size() && is_blank(line[at])) ++at;
    if (at == line.size()) return;
    std::size_t end = at;
    if (quotes_ && line[at] == '"') {
      end = take_quoted(line, at);
      if (end < line.size() && !is_blank(line[end])) {
        throw BadLine{static_cast<Position>(end) + 1, "text after a closing quote: " + shown(line.substr(end)),
                      "quote the whole field and double the quotes inside"};
      }
    } else {
      while (end < line.size() && !is_blank(line[end])) ++end;
      fields_.push_back({line.substr(at, end - at), static_cast<Position>(at) + 1});
    }
    at = end;
  }
}

/// Appends the quoted field that begins at `start`; returns the place behind its closing quote.
std::size_t FieldSplitter::take_quoted(std::string_view line, std::size_t start) {
  std::size_t piece = start + 1;
  std::string* joined = nullptr;
  for (;;) {
    const std::size_t quote = line.find('"', piece);
    if (quote == std::string_view::npos) {
      throw BadLine{static_cast<Position>(start) + 1, "a quote that is not closed: " + shown(line.substr(start)),
                    "close it on the same line"};
    }
    const std::string_view part = line.substr(piece, quote - piece);
    const bool doubled = quote + 1 < line.size() && line[quote + 1] == '"';
    if (joined == nullptr && !doubled) {
      fields_.push_back({part, static_cast<Position>(start) + 1});
      return quote + 1;
    }
    if (joined == nullptr) joined = &unquoted_.emplace_back();
    joined->append(part);
    if (!doubled) {
      fields_.push_back({*joined, static_cast<Position>(start) + 1});
      return quote + 1;
    }
    joined->push_back('"');
    piece = quote + 2;
  }
}

}  // namespace wf
