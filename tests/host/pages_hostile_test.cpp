// Page files that are none: each has its error, which names file and cure; none is read beyond its end, and none makes
// the reader allocate what the file does not hold.
#include "host/base/error.hpp"
#include "tests/host/pages_support.hpp"

#include <gmock/gmock.h>
#include <xxhash.h>

#include <cstddef>
#include <cstring>
#include <fstream>
#include <functional>

namespace wf::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string error_of(const std::string& path) {
  try {
    read_pages(path, 1);
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), StartsWith(path + ": "));
    EXPECT_FALSE(error.cure().empty()) << error.what();
    return error.what();
  }
  return "no error";
}

/// The bytes of a small file: 2 x 2 pages, strings and integers, a table of values.
std::string small_file() {
  const FreshFolder folder;
  const Dataset data = some_data(12, IdKind::integers, IdKind::strings, 3);
  write_pages(folder.file("a.wfr"), data, some_source(data), 1, 2);
  return bytes_of(folder.file("a.wfr"));
}

constexpr int kPages = 4;

/// A file that is whole by its checksums, whatever was done to it: what a stranger could write.
class Forgery {
 public:
  explicit Forgery(std::string bytes) : bytes_(std::move(bytes)) { std::memcpy(&header, bytes_.data(), sizeof header); }

  PageHeader header;
  char* at(Position offset) { return bytes_.data() + offset; }
  std::string& bytes() { return bytes_; }
  PageEntry entry(int page) {
    PageEntry entry;
    std::memcpy(&entry, at(header.directory.offset + page * 32), sizeof entry);
    return entry;
  }
  void put(int page, const PageEntry& entry) {
    std::memcpy(at(header.directory.offset + page * 32), &entry, sizeof entry);
  }

  /// Blanks behind the metadata, until they have so many bytes, a multiple of 64; what lies behind moves.
  void fill_metadata(Position bytes) {
    const Position more = bytes - padded(header.metadata.bytes);
    const auto end = static_cast<std::size_t>(header.metadata.offset + header.metadata.bytes);
    const auto blanks = static_cast<std::size_t>(bytes - header.metadata.bytes);
    bytes_.replace(end, static_cast<std::size_t>(padded(header.metadata.bytes) - header.metadata.bytes), blanks, ' ');
    header.metadata.bytes = bytes;
    for (PageSection* section : {&header.user_ids, &header.item_ids, &header.values, &header.directory}) {
      section->offset += more;
    }
    header.file_bytes += more;
    for (int page = 0; page < kPages; ++page) {
      PageEntry moved = entry(page);
      moved.offset += more;
      put(page, moved);
    }
  }

  /// Another value of a key of the metadata; blanks behind them make up for its length.
  void say(const std::string& key, const std::string& value) {
    fill_metadata(padded(header.metadata.bytes) + kPageAlignment);
    const std::size_t begin = bytes_.find(key, static_cast<std::size_t>(header.metadata.offset)) + key.size();
    const std::size_t old_size = bytes_.find_first_of(",}", begin) - begin;
    const auto end = static_cast<std::size_t>(header.metadata.offset + header.metadata.bytes);
    bytes_.insert(end, old_size, ' ');
    bytes_.erase(end - value.size(), value.size());
    bytes_.replace(begin, old_size, value);
  }

  /// With every checksum set right again, those of pages too.
  std::string sealed() {
    for (int page = 0; page < kPages; ++page) {
      PageEntry changed = entry(page);
      if (changed.ratings < 0 || changed.ratings > 100 || changed.segments > 100) continue;
      const Position bytes = PageShape(changed.ratings, changed.segments, 1).padded;
      if (changed.offset + bytes > static_cast<Position>(bytes_.size())) continue;
      changed.hash = XXH3_64bits(at(changed.offset), static_cast<std::size_t>(bytes));
      put(page, changed);
    }
    for (PageSection* section :
         {&header.metadata, &header.user_ids, &header.item_ids, &header.values, &header.directory}) {
      const bool inside = section->offset >= 0 && section->bytes >= 0 &&
                          section->bytes < static_cast<Position>(bytes_.size()) &&
                          section->offset + padded(section->bytes) <= static_cast<Position>(bytes_.size());
      if (inside) section->hash = XXH3_64bits(at(section->offset), static_cast<std::size_t>(padded(section->bytes)));
    }
    header.hash = XXH3_64bits(&header, offsetof(PageHeader, hash));
    std::memcpy(bytes_.data(), &header, sizeof header);
    return bytes_;
  }

 private:
  std::string bytes_;
};

std::string error_of_forged(const std::function<void(Forgery&)>& change) {
  const FreshFolder folder;
  Forgery forgery(small_file());
  change(forgery);
  return error_of(folder.write("a.wfr", forgery.sealed()));
}

TEST(HostilePages, WithoutARatingAreRefused) {  // a text without one is, too: nothing can be said of it
  const FreshFolder folder;
  Dataset data = some_data(12, IdKind::integers, IdKind::strings, 3);
  data.ratings = {};
  write_pages(folder.file("a.wfr"), data, some_source(data), 1, 2);
  EXPECT_THAT(error_of(folder.file("a.wfr")), HasSubstr("holds no ratings"));
}

TEST(HostilePages, TheUnharmedForgeryIsRead) {
  EXPECT_EQ(error_of_forged([](Forgery&) {}), "no error");
}

TEST(HostilePages, TruncationAtEveryByteIsAnError) {
  const FreshFolder folder;
  const std::string whole = small_file();
  const std::string path = folder.write("a.wfr", whole);
  ASSERT_EQ(error_of(path), "no error");
  for (std::size_t length = whole.size(); length-- > 0;) {
    std::filesystem::resize_file(path, length);
    ASSERT_NE(error_of(path), "no error") << length << " bytes";
  }
  EXPECT_THAT(error_of(folder.write("b.wfr", whole + "x")), HasSubstr("and its header says"));
}

TEST(HostilePages, EveryFlippedBitIsAnError) {
  const FreshFolder folder;
  const std::string whole = small_file();
  const std::string path = folder.write("a.wfr", whole);
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  const auto put = [&](std::size_t place, int byte) {
    file.seekp(static_cast<std::streamoff>(place));
    file.put(static_cast<char>(byte)).flush();
  };
  for (std::size_t place = 0; place < whole.size(); ++place) {
    put(place, whole[place] ^ 1 << place % 8);
    ASSERT_NE(error_of(path), "no error") << "byte " << place;
    put(place, whole[place]);
  }
}

TEST(HostilePages, NamesTheSourceToWriteThemAgainFrom) {
  const FreshFolder folder;
  std::string whole = small_file();
  whole.back() ^= 1;
  EXPECT_THAT(error_of(folder.write("a.wfr", whole)),
              HasSubstr("(delete it; warpfactor convert or train --cache writes "
                        "it again from ratings.csv)"));
}

TEST(HostilePages, RefusesAnotherVersion) {
  EXPECT_THAT(error_of_forged([](Forgery& f) { f.header.version = 2; }), HasSubstr("has format version 2"));
}

TEST(HostilePages, BigCountsDoNotAllocate) {
  const Position big = Position{1} << 40;
  EXPECT_THAT(error_of_forged([&](Forgery& f) { f.header.ratings = big; }), HasSubstr("counts that cannot be"));
  EXPECT_THAT(error_of_forged([&](Forgery& f) { f.header.n_users = big; }), HasSubstr("counts that cannot be"));
  EXPECT_THAT(error_of_forged([&](Forgery& f) { f.header.n_users = kMaxRows; }), HasSubstr("its user ids lie outside"));
  EXPECT_THAT(error_of_forged([&](Forgery& f) { f.header.n_items = kMaxRows; }), HasSubstr("its item ids lie outside"));
  EXPECT_THAT(error_of_forged([&](Forgery& f) { f.header.grid = 1024; }), HasSubstr("places lie outside"));
  EXPECT_THAT(error_of_forged([&](Forgery& f) { f.header.grid = 0; }), HasSubstr("counts that cannot be"));
  EXPECT_THAT(error_of_forged([&](Forgery& f) { f.header.metadata.bytes = big; }), HasSubstr("its metadata lie"));
  EXPECT_THAT(error_of_forged([&](Forgery& f) { f.header.metadata.bytes = -1; }), HasSubstr("its metadata lie"));
  EXPECT_THAT(error_of_forged([&](Forgery& f) { f.header.item_ids.offset += 64; }), HasSubstr("its item ids lie"));
  for (const Position count : {big, Position{-1}, INT64_MAX}) {
    EXPECT_THAT(error_of_forged([&](Forgery& f) {
                  PageEntry entry = f.entry(0);
                  entry.ratings = count;
                  f.put(0, entry);
                }),
                HasSubstr("a page has counts that cannot be"));
  }
}

TEST(HostilePages, RefusesPagesThatDoNotFit) {
  const auto with_entry = [](const std::function<void(PageEntry&)>& change) {
    return error_of_forged([&](Forgery& f) {
      PageEntry entry = f.entry(0);
      change(entry);
      f.put(0, entry);
    });
  };
  EXPECT_THAT(with_entry([](PageEntry& e) { e.offset += 64; }), HasSubstr("not where the one before it ends"));
  EXPECT_THAT(with_entry([](PageEntry& e) { e.ratings += 1; }), HasSubstr("another number of ratings"));
  EXPECT_THAT(with_entry([](PageEntry& e) { e.segments = 0; }), HasSubstr("page 0 has other counts than ratings"));
}

/// The offset of page 0's array that starts `of` bytes behind its begin.
std::string error_of_page(const std::function<void(char* page, const PageShape& shape)>& change) {
  return error_of_forged([&](Forgery& f) {
    const PageEntry entry = f.entry(0);
    change(f.at(entry.offset), PageShape(entry.ratings, entry.segments, 1));
  });
}

TEST(HostilePages, RefusesRowsAndValuesBeyondTheTables) {
  const std::uint32_t beyond = 30, all = UINT32_MAX;
  EXPECT_THAT(error_of_page([&](char* page, const PageShape&) { std::memcpy(page, &beyond, 4); }),
              HasSubstr("page 0 has a user beyond the ids"));
  EXPECT_THAT(error_of_page([&](char* page, const PageShape& shape) { std::memcpy(page + shape.items, &all, 4); }),
              HasSubstr("page 0 has an item beyond the ids"));
  EXPECT_THAT(error_of_page([&](char* page, const PageShape& shape) { std::memcpy(page + shape.counts, &all, 4); }),
              HasSubstr("page 0 has other counts than ratings"));
  EXPECT_THAT(error_of_page([](char* page, const PageShape& shape) { page[shape.values] = 3; }),
              HasSubstr("page 0 has a value beyond the table"));
}

TEST(HostilePages, RefusesValuesThatAreNotFinite) {
  const float none = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(error_of_forged([&](Forgery& f) { std::memcpy(f.at(f.header.values.offset), &none, 4); }),
              HasSubstr("its table holds a value that is not finite"));
}

TEST(HostilePages, RefusesIdsThatOccurTwice) {
  EXPECT_THAT(error_of_forged([](Forgery& f) {
                std::memcpy(f.at(f.header.user_ids.offset), f.at(f.header.user_ids.offset + 8), 8);
              }),
              HasSubstr("its user ids: id 999996 occurs twice"));
  EXPECT_THAT(error_of_forged([](Forgery& f) {
                const Position far = 1 << 20;
                std::memcpy(f.at(f.header.item_ids.offset + 8), &far, 8);
              }),
              HasSubstr("its item ids: their offsets do not ascend"));
}

TEST(HostilePages, RefusesMetadataBeyondTheLimit) {
  EXPECT_EQ(error_of_forged([](Forgery& f) { f.fill_metadata(kLargestMetadata); }), "no error");
  EXPECT_THAT(error_of_forged([](Forgery& f) { f.fill_metadata(kLargestMetadata + kPageAlignment); }),
              HasSubstr("its metadata lie"));
}

TEST(HostilePages, RefusesMetadataThatIsNone) {
  EXPECT_THAT(error_of_forged([](Forgery& f) { *f.at(f.header.metadata.offset) = 'x'; }),
              HasSubstr("its metadata is none"));
  EXPECT_THAT(error_of_forged([](Forgery& f) { f.say("\"ratings\":", "1.79601e24"); }),
              HasSubstr("its metadata is none"));
  EXPECT_THAT(error_of_forged([](Forgery& f) { f.say("\"n_users\":", "9223372036854775808"); }),
              HasSubstr("its metadata is none"));
  EXPECT_THAT(error_of("/dev/null"), HasSubstr("is no regular file"));
  EXPECT_THAT(error_of("/absent.wfr"), HasSubstr("cannot be opened"));
}

}  // namespace
}  // namespace wf::test
