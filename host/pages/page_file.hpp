// page file -> ratings, without parsing: checked like a file from a stranger.
#pragma once
#include "host/base/disk_file.hpp"
#include "host/base/host_buffer.hpp"
#include "host/pages/page_format.hpp"
#include "host/pages/page_source.hpp"
#include "host/ratings/rating_source.hpp"

#include <optional>
#include <string>

namespace wf {

/// Whether a regular file begins as a page file does, whatever it is called. False for what cannot be opened.
bool is_page_file(const std::string& path);

class PageFile final : public RatingSource {
 public:
  /// Reads what stands before the pages and checks it: sizes and places against the file's length, before memory is
  /// asked for, and checksums. Throws InputError with the file, what is wrong and the cure.
  explicit PageFile(const std::string& path);

  const PageSource& source() const { return source_; }
  Position size() const override { return n_ratings_; }  ///< ratings
  Ranks& ranks() const override { return *ranks_; }
  /// From now on, of several ranks each has its share of the pages: those that begin in its share of the ratings.
  void share_among(Ranks& ranks);
  Position bytes() const { return header_.file_bytes; }
  IdKind user_kind() const { return static_cast<IdKind>(header_.user_kind); }
  IdKind item_kind() const { return static_cast<IdKind>(header_.item_kind); }

  /// Appends the ratings to `into`, pages side by side on `threads` (0: all). Ids become those of the file where `into`
  /// has none; else they are translated, and new ones get new rows. Throws InputError as the constructor does; `into`
  /// then holds a part. Peak memory: 12 bytes a rating, the ids, and a page a thread.
  void read_into(Dataset& into, int threads = 0) const;

  /// The ids alone, for ratings that stay in the file.
  Dataset ids() const;

  /// A part is a page. Peak memory: 24 bytes a rating of a page for each share.
  using RatingSource::for_parts;
  void for_parts(ThreadPool& pool, int shares, const Visit& visit) const override;

  /// `what` about this file, as an InputError.
  [[noreturn]] void fail(const std::string& what) const;

 private:
  friend class PageDecoder;

  void check_header() const;
  void check_sections() const;
  void check_directory() const;
  HostBuffer<char> read_section(const PageSection& section, const char* name) const;
  IdMap read_ids(IdKind kind, Position count, const PageSection& section, const char* name) const;

  DiskFile file_;
  PageHeader header_;
  PageSource source_;
  bool source_known_ = false;
  HostBuffer<float> table_;          // of values; empty: pages hold floats
  HostBuffer<PageEntry> directory_;  // [G x G]
  HostBuffer<Position> begins_;      // [G x G] ratings before a page
  Ranks* ranks_ = &Ranks::alone();
  Position first_page_ = 0, end_page_ = 0, n_ratings_ = 0;  // this rank's
};

}  // namespace wf
