// A page file, with its checksums set right.
#include "host/pages/page_file.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

namespace {

using namespace wf;

bool lies_in(Position offset, Position bytes, Position size) {
  return offset >= 0 && bytes >= 0 && offset <= size && bytes <= size - offset;
}

void seal_pages(std::vector<std::uint8_t>& bytes, const PageHeader& header) {
  const auto size = static_cast<Position>(bytes.size());
  if (!lies_in(header.directory.offset, header.directory.bytes, size)) return;
  const Position entries = header.directory.bytes / Position{sizeof(PageEntry)};
  for (Position n = 0; n < entries; ++n) {
    std::uint8_t* const at = bytes.data() + header.directory.offset + n * Position{sizeof(PageEntry)};
    PageEntry entry;
    std::memcpy(&entry, at, sizeof entry);
    if (entry.ratings < 0 || entry.ratings > size || entry.segments < 0 || entry.segments > size) continue;
    const Position page = PageShape(entry.ratings, entry.segments, header.values.bytes > 0 ? 1 : 4).padded;
    if (!lies_in(entry.offset, page, size)) continue;
    fuzz::seal(bytes.data() + entry.offset, static_cast<std::size_t>(page), &entry.hash);
    std::memcpy(at, &entry, sizeof entry);
  }
}

void seal_all(std::vector<std::uint8_t>& bytes) {
  if (bytes.size() < sizeof(PageHeader)) return;
  const auto size = static_cast<Position>(bytes.size());
  PageHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  seal_pages(bytes, header);
  for (PageSection* section :
       {&header.metadata, &header.user_ids, &header.item_ids, &header.values, &header.directory}) {
    if (!lies_in(section->offset, section->bytes, size) || !lies_in(section->offset, padded(section->bytes), size))
      continue;
    fuzz::seal(bytes.data() + section->offset, static_cast<std::size_t>(padded(section->bytes)), &section->hash);
  }
  std::memcpy(bytes.data(), &header, sizeof header);
  fuzz::seal(bytes.data(), offsetof(PageHeader, hash), &header.hash);
  std::memcpy(bytes.data(), &header, sizeof header);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint8_t> bytes(data, data + size);
  seal_all(bytes);
  const fuzz::MemoryFile file(bytes.data(), bytes.size());
  fuzz::read_or_refuse(size, [&] {
    const PageFile pages(file.path());
    Dataset into;
    pages.read_into(into, 1);
    fuzz::require(into.ratings.size() == pages.size());
    for (Position n = 0; n < into.ratings.size(); ++n) {
      fuzz::require(into.ratings.user[n] >= 0 && into.ratings.user[n] < into.users.size());
      fuzz::require(into.ratings.item[n] >= 0 && into.ratings.item[n] < into.items.size());
      fuzz::require(std::isfinite(into.ratings.value[n]));
    }
  });
  return 0;
}
