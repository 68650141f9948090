#include "host/pages/page_file.hpp"

#include "host/base/error.hpp"
#include "host/pages/page_ids.hpp"
#include "host/schedule/block_grid.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>

namespace wf {
namespace {

template <class T>
HostBuffer<T> as_values(const HostBuffer<char>& bytes) {
  HostBuffer<T> values(bytes.size() / static_cast<Position>(sizeof(T)));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), static_cast<std::size_t>(values.size()) * sizeof(T));
  return values;
}

/// What the ids of one side take in their section; of strings, without the texts.
Position id_section_bytes(std::uint32_t kind, Position count) {
  switch (static_cast<IdKind>(kind)) {
    case IdKind::rows:
      return 0;
    case IdKind::integers:
      return 8 * count;
    case IdKind::strings:
      break;
  }
  return 8 * (count + 1);
}

}  // namespace

bool is_page_file(const std::string& path) {
  if (path == "-" || !stamp_of(path)) return false;
  try {
    const DiskFile file(path);
    char start[sizeof kPageMagic] = {};
    if (file.size() < static_cast<Position>(sizeof start)) return false;
    file.read_at(0, start, sizeof start);
    return std::equal(std::begin(start), std::end(start), kPageMagic);
  } catch (const InputError&) {
    return false;  // whoever reads it as text says why
  }
}

PageFile::PageFile(const std::string& path) : file_(path) {
  if (file_.size() < static_cast<Position>(sizeof header_)) fail("is no page file, or only its beginning");
  file_.read_at(0, &header_, sizeof header_);
  check_header();
  check_sections();
  const HostBuffer<char> metadata = read_section(header_.metadata, "metadata");
  try {
    source_ = page_source_from_json({metadata.data(), static_cast<std::size_t>(metadata.size())});
    source_known_ = true;
    if (source_.report.ratings != header_.ratings) fail("its metadata counts other ratings than its header");
  } catch (const std::invalid_argument& error) {
    fail(error.what());
  }
  table_ = as_values<float>(read_section(header_.values, "table of values"));
  if (!std::all_of(table_.begin(), table_.end(), [](float value) { return std::isfinite(value); })) {
    fail("its table holds a value that is not finite");
  }
  directory_ = as_values<PageEntry>(read_section(header_.directory, "directory"));
  check_directory();
  Position begin = 0;
  for (const PageEntry& page : directory_) {
    begins_.push_back(begin);
    begin += page.ratings;
  }
  share_among(Ranks::alone());
}

void PageFile::fail(const std::string& what) const {
  const std::string source = source_known_ && source_.report.path != "-" ? source_.report.path : "its ratings";
  throw InputError(Place{file_.path()}, what,
                   "delete it; warpfactor convert or train --cache writes it again from " + source);
}

void PageFile::check_header() const {
  if (!std::equal(std::begin(header_.magic), std::end(header_.magic), kPageMagic)) fail("is no page file");
  if (header_.version != kPageVersion) {
    fail("has format version " + std::to_string(header_.version) + "; this program reads version " +
         std::to_string(kPageVersion));
  }
  if (header_.hash != XXH3_64bits(&header_, offsetof(PageHeader, hash))) fail("its header is damaged");
  if (header_.file_bytes != file_.size()) {
    fail("has " + std::to_string(file_.size()) + " bytes, and its header says " + std::to_string(header_.file_bytes));
  }
  const auto is_count = [](Position count, Position most) { return count >= 0 && count <= most; };
  constexpr auto kLastKind = static_cast<std::uint32_t>(IdKind::strings);
  // a rating takes 5 bytes at least: memory for the ratings is asked for with this number
  if (header_.ratings == 0) fail("holds no ratings");
  if (!is_count(header_.ratings, file_.size() / 5) || !is_count(header_.n_users, kMaxRows) ||
      !is_count(header_.n_items, kMaxRows) || header_.grid < 1 || header_.grid > kMaxGrid ||
      header_.user_kind > kLastKind || header_.item_kind > kLastKind) {
    fail("its header has counts that cannot be");
  }
}

/// Sections lie one behind the other, and have the bytes that the counts ask for.
void PageFile::check_sections() const {
  Position next = sizeof(PageHeader);
  const auto check = [&](const PageSection& section, const char* name, Position least, Position most) {
    if (section.offset != next || section.bytes < least || section.bytes > std::min(most, file_.size()) ||
        next + padded(section.bytes) > file_.size()) {
      fail(std::string("its ") + name + " lie outside of it, or elsewhere than they should");
    }
    next += padded(section.bytes);
  };
  const auto check_ids = [&](const PageSection& section, const char* name, std::uint32_t kind, Position count) {
    const Position least = id_section_bytes(kind, count);
    check(section, name, least, static_cast<IdKind>(kind) == IdKind::strings ? file_.size() : least);
  };
  check(header_.metadata, "metadata", 0, kLargestMetadata);
  check_ids(header_.user_ids, "user ids", header_.user_kind, header_.n_users);
  check_ids(header_.item_ids, "item ids", header_.item_kind, header_.n_items);
  check(header_.values, "values", 0, 4 * kMostTableValues);
  if (header_.values.bytes % 4 != 0) fail("its table of values ends within one");
  const Position entries = Position{header_.grid} * header_.grid * static_cast<Position>(sizeof(PageEntry));
  check(header_.directory, "pages' places", entries, entries);
}

/// Pages lie one behind the other to the end of the file, and hold all ratings.
void PageFile::check_directory() const {
  Position next = header_.directory.offset + padded(header_.directory.bytes);
  Position ratings = 0;
  for (const PageEntry& page : directory_) {
    if (page.ratings < 0 || page.ratings > header_.ratings || page.segments < 0 || page.segments > page.ratings) {
      fail("a page has counts that cannot be");
    }
    if (page.offset != next) fail("a page is not where the one before it ends");
    next += PageShape(page.ratings, page.segments, table_.empty() ? 4 : 1).padded;
    if (next > file_.size()) fail("a page ends behind the file's end");
    ratings += page.ratings;
  }
  if (next != file_.size()) fail("ends with bytes that belong to no page");
  if (ratings != header_.ratings) fail("its pages hold another number of ratings than its header says");
}

HostBuffer<char> PageFile::read_section(const PageSection& section, const char* name) const {
  HostBuffer<char> bytes(padded(section.bytes));
  file_.read_at(section.offset, bytes.data(), bytes.size());
  if (section.hash != XXH3_64bits(bytes.data(), static_cast<std::size_t>(bytes.size()))) {
    fail(std::string("the checksum of its ") + name + " is another: they are not what was written");
  }
  bytes.resize(section.bytes);
  return bytes;
}

IdMap PageFile::read_ids(IdKind kind, Position count, const PageSection& section, const char* name) const {
  try {
    return ids_from_bytes(kind, count, read_section(section, name));
  } catch (const std::invalid_argument& error) {
    fail(std::string("its ") + name + ": " + error.what());
  }
}

}  // namespace wf
