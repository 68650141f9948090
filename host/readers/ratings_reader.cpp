#include "host/readers/ratings_reader.hpp"

#include "host/readers/chunk_reader.hpp"
#include "host/readers/ordered_stages.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace wf {
namespace {

/// `count` more elements, uninitialised; grown by half, so that all growth moves an element twice on average.
template <class T>
Span<T, Host> grown(HostBuffer<T>& buffer, Position count) {
  const Position old = buffer.size();
  if (old + count > buffer.capacity()) buffer.reserve(std::max(old + count, buffer.capacity() + buffer.capacity() / 2));
  buffer.resize(old + count);
  return buffer.span().part(old, count);
}

void append_ids(const IdColumn& column, IdMap& ids, HostBuffer<RowId>& rows, Position count) {
  const Span<RowId, Host> into = grown(rows, count);
  if (!column.as_text) return ids.insert_integers(column.numbers.span(), into);
  for (Position n = 0; n < count; ++n) into[n] = ids.insert(column.texts[static_cast<std::size_t>(n)]);
}

}  // namespace

RatingsReader::RatingsReader(const std::string& path, const ReadOptions& options, Dataset& into, Position chunk_bytes)
    : lines_(path), options_(options), into_(into), chunk_bytes_(chunk_bytes) {
  plan_.layout = detect_layout(lines_, options);
  plan_.need_rating = options.need_rating;
  plan_.skip_bad = options.skip_bad;
  apply_id_kind(into.users);
  apply_id_kind(into.items);
  plan_.user_rules = into.users.rules();
  plan_.item_rules = into.items.rules();
  plan_.users_as_text = into.users.kind() == IdKind::strings;
  plan_.items_as_text = into.items.kind() == IdKind::strings;
  report_.path = path;
  report_.comments = plan_.layout.comments;
  report_.blank = plan_.layout.blank;
}

ReadReport RatingsReader::run(const std::function<void(Position bytes)>& progress) {
  std::string_view header;
  if (plan_.layout.header) lines_.next(header);
  report_.lines = lines_.line_number();

  ThreadPool pool(threads());
  ChunkReader chunks(lines_, chunk_bytes_);
  std::vector<ChunkParser> parsers(static_cast<std::size_t>(pool.size()), ChunkParser(plan_));
  const auto take = [&chunks](TextChunk& chunk) { return chunks.next(chunk); };
  const auto parse = [&parsers](Position worker, TextChunk& chunk) {
    parsers[static_cast<std::size_t>(worker)].parse(chunk);
  };
  const auto commit_and_tell = [this, &progress](TextChunk& chunk) {
    commit(chunk);
    if (progress) tell(chunk.file_bytes, progress);
  };
  OrderedStages<TextChunk, decltype(take), decltype(parse), decltype(commit_and_tell)>(pool, take, parse,
                                                                                       commit_and_tell)
      .run();
  finish();
  return std::move(report_);
}

void RatingsReader::apply_id_kind(IdMap& ids) const {
  if (options_.ids == IdKind::rows && ids.kind() != IdKind::rows && ids.size() > 0) {
    throw std::logic_error("row numbers cannot be added to a dictionary of ids");
  }
  if (options_.ids == IdKind::rows && ids.kind() != IdKind::rows && ids.size() == 0) ids = IdMap::rows(0);
  if (options_.ids == IdKind::strings && ids.kind() != IdKind::rows) ids.fix_strings();
  if (options_.ids == IdKind::integers && ids.kind() == IdKind::integers) ids.fix_integers();
}

/// A file that lies in one buffer already is parsed sooner than threads start. Reading and committing, which are not
/// done side by side, take about a fourth of the work (docs/decisions/0009-reading.md): more than some threads would
/// only wait.
int RatingsReader::threads() const {
  constexpr int kMost = 16;
  if (lines_.at_end() && chunk_bytes_ >= kChunkBytes) return 1;
  return std::min(options_.threads > 0 ? options_.threads : available_cpus(), kMost);
}

/// Room for the ratings of a plain file as long as its first chunk lets expect. What stays unused has no pages behind
/// it; a wrong guess costs what growth costs.
void RatingsReader::reserve(const TextChunk& first) {
  reserved_ = true;
  const ByteSource& source = lines_.source();
  if (!source.compression().empty() || first.size == 0) return;
  const double per_byte = static_cast<double>(first.parsed.values.size()) / static_cast<double>(first.size);
  const auto more = static_cast<Position>(1.05 * per_byte * static_cast<double>(source.file_size()));
  into_.ratings.user.reserve(into_.ratings.user.size() + more);
  into_.ratings.item.reserve(into_.ratings.item.size() + more);
  into_.ratings.value.reserve(into_.ratings.value.size() + more);
}

void RatingsReader::commit(TextChunk& chunk) {
  const ParsedLines& parsed = chunk.parsed;
  if (!reserved_) reserve(chunk);
  append(parsed);
  const auto error = [&](const LineFault& fault) {
    return line_error(lines_.name(), report_.lines + fault.line, fault.bad);
  };
  if (parsed.first_bad && report_.first_bad.empty()) report_.first_bad = error(*parsed.first_bad).what();
  if (parsed.fatal) throw error(*parsed.fatal);
  if (chunk.cut_short) std::rethrow_exception(chunk.cut_short);
  count(parsed);
}

void RatingsReader::append(const ParsedLines& parsed) {
  const Position count = parsed.values.size();
  const char* side = "user";
  try {
    append_ids(parsed.users, into_.users, into_.ratings.user, count);
    side = "item";
    append_ids(parsed.items, into_.items, into_.ratings.item, count);
  } catch (const std::invalid_argument& full) {  // the one reason that a parser cannot know
    throw InputError(Place{lines_.name()}, std::string(side) + " " + full.what(),
                     std::string("--col-") + side + " picks another field");
  }
  std::copy(parsed.values.begin(), parsed.values.end(), grown(into_.ratings.value, count).begin());
  if (plan_.layout.timestamp < 0) return;
  std::copy(parsed.timestamps.begin(), parsed.timestamps.end(), grown(into_.timestamps, count).begin());
}

void RatingsReader::count(const ParsedLines& parsed) {
  report_.lines += parsed.lines;
  report_.comments += parsed.comments;
  report_.blank += parsed.blank;
  report_.bad_lines += parsed.bad_lines;
  report_.ratings += parsed.values.size();
  tally_.add(parsed.tally);
}

void RatingsReader::tell(Position file_bytes, const std::function<void(Position bytes)>& progress) {
  const auto now = Clock::now();
  if (now - last_told_ < std::chrono::milliseconds(100)) return;
  last_told_ = now;
  progress(file_bytes);
}

void RatingsReader::finish() {
  if (report_.ratings == 0) {
    throw InputError(Place{lines_.name()},
                     report_.bad_lines > 0 ? fmt::format("holds no ratings: all of its {} lines are bad, the first: {}",
                                                         report_.bad_lines, report_.first_bad)
                                           : "holds no ratings",
                     "one line each: user, item, rating");
  }
  const Layout& layout = plan_.layout;
  report_.compression = lines_.source().compression();
  report_.separator = layout.separator;
  report_.header = layout.header;
  report_.user_column = layout.name_of(layout.user);
  report_.item_column = layout.name_of(layout.item);
  report_.rating_column = layout.name_of(layout.rating);
  report_.timestamp_column = layout.name_of(layout.timestamp);
  report_.bytes = lines_.source().raw_bytes();
  report_.hash = lines_.source().hash();
  report_.min_value = tally_.min;
  report_.max_value = tally_.max;
  report_.mean_value = tally_.sum / static_cast<double>(report_.ratings);
  report_.seconds = std::chrono::duration<double>(Clock::now() - start_).count();
}

}  // namespace wf
