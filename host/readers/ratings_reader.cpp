#include "host/readers/ratings_reader.hpp"

#include "host/base/stopwatch.hpp"
#include "host/ranks/shared_error.hpp"
#include "host/ratings/shared_ids.hpp"
#include "host/ratings/value_facts.hpp"
#include "host/readers/chunk_reader.hpp"
#include "host/readers/ordered_stages.hpp"
#include "host/readers/prepare_ids.hpp"
#include "host/readers/text_part.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <numeric>
#include <utility>
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

/// Row numbers count from 0, a matrix from 1.
void count_from_zero(IdColumn& column, const IdMap& ids) {
  if (ids.kind() != IdKind::rows) return;
  for (std::int64_t& number : column.numbers) --number;
}

/// The number of id n, which is one whether or not it is kept as text.
std::int64_t number_of(const IdColumn& column, Position n) {
  return column.as_text ? canonical_integer(column.texts[static_cast<std::size_t>(n)]).value() : column.numbers[n];
}

void push_id(IdColumn& column, std::int64_t number, ParsedLines& into) {
  if (!column.as_text) return column.numbers.push_back(number);
  column.texts.push_back(into.unquoted.emplace_back(std::to_string(number)));
}

}  // namespace

RatingsReader::RatingsReader(const std::string& path, const ReadOptions& options, Dataset& into, Position chunk_bytes,
                             Ranks& ranks)
    : lines_(path), options_(options), into_(into), chunk_bytes_(chunk_bytes), ranks_(ranks) {
  plan_.layout = detect_layout(lines_, options);
  plan_.need_rating = options.need_rating;
  plan_.skip_bad = options.skip_bad;
  apply_id_kind(options, into.users);
  apply_id_kind(options, into.items);
  plan_.user_rules = into.users.rules();
  plan_.item_rules = into.items.rules();
  plan_.users_as_text = into.users.kind() == IdKind::strings;
  plan_.items_as_text = into.items.kind() == IdKind::strings;
  if (const auto& matrix = plan_.layout.matrix) {
    declare_rows(into.users, matrix->users, "user", lines_.name());
    declare_rows(into.items, matrix->items, "item", lines_.name());
    plan_.user_rules = {.rows = true, .first_row = 1, .row_limit = matrix->users + 1};
    plan_.item_rules = {.rows = true, .first_row = 1, .row_limit = matrix->items + 1};
  }
  known_users_ = into.users.size();
  known_items_ = into.items.size();
  old_ratings_ = into.ratings.size();
  report_.path = path;
  report_.comments = plan_.layout.comments;
  report_.blank = plan_.layout.blank;
  if (!ranks_.is_alone()) check_parts();
}

/// Throws UsageError where a file cannot be read in parts.
void RatingsReader::check_parts() const {
  const std::string& compression = lines_.source().compression();
  std::string why;
  if (!compression.empty()) why = fmt::format("is {}, which has no parts that can be read alone", compression);
  if (why.empty() && !lines_.source().has_parts()) why = "is no regular file, and has no parts";
  if (plan_.layout.matrix) why = "is a Matrix Market file, whose entries are checked together";
  if (!why.empty()) refuse_for_ranks(lines_.name(), why);
}

ReadReport RatingsReader::run(const std::function<void(Position bytes)>& progress) {
  std::string_view header;
  if (plan_.layout.header) lines_.next(header);
  report_.lines = lines_.line_number();
  ThreadPool pool(threads());
  if (ranks_.is_alone()) {
    read_lines(pool, progress);
  } else {
    check_same_file(lines_, ranks_);
    std::optional<Error> error;
    try {
      take_part();
      read_lines(pool, progress);
    } catch (const Error& met) {
      error = met;
    }
    join_ranks(std::move(error));
  }
  finish(pool);
  return std::move(report_);
}

/// Of the file's head, the first rank alone counts the lines.
void RatingsReader::take_part() {
  const ByteSource& source = lines_.source();
  if (source.raw_bytes() == source.file_size()) hash_ = source.hash();
  Position head = lines_.place();
  const TextPart part = part_of(source, head, ranks_);
  lines_.read_part(part.first, part.end);
  if (ranks_.rank() > 0) {
    report_.lines = report_.comments = report_.blank = 0;
    return;
  }
  HostBuffer<char> passed(kChunkBytes);
  for (Position count = 1; head > 0 && count > 0; head -= count) {
    count = lines_.read(passed.data(), std::min(head, passed.size()));
  }
}

void RatingsReader::read_lines(ThreadPool& pool, const std::function<void(Position bytes)>& progress) {
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
}

/// What each rank has found of its part becomes what is found of the file. `error`: why this one has not come to the
/// end of its part; that of the first rank is the file's.
void RatingsReader::join_ranks(std::optional<Error> error) {
  const Position lines = report_.lines;
  const HostBuffer<Position> lines_of = ranks_.gather(Span<const Position, Host>{&lines, 1});
  lines_before_ = std::accumulate(lines_of.begin(), lines_of.begin() + ranks_.rank(), Position{0});
  if (fatal_) error = line_error(lines_.name(), lines_before_ + fatal_->line, fatal_->bad);
  throw_first(ranks_, error);

  Position* const counts[] = {&report_.lines, &report_.comments, &report_.blank, &report_.bad_lines, &report_.ratings};
  for (Position* const count : counts) *count = ranks_.sum(*count);
  double range[] = {-static_cast<double>(tally_.min), static_cast<double>(tally_.max)};
  ranks_.most({range, std::size(range)});
  tally_ = {static_cast<float>(-range[0]), static_cast<float>(range[1])};
  share_side(into_.users, known_users_, into_.ratings.user, "user");
  share_side(into_.items, known_items_, into_.ratings.item, "item");
  if (ranks_.any(hash_.empty())) hash_ = hash_of_all(lines_.source(), ranks_);
}

void RatingsReader::share_side(IdMap& ids, Position known, HostBuffer<RowId>& rows, const char* side) {
  try {
    share_ids(ranks_, ids, known, rows.span().part(old_ratings_, rows.size() - old_ratings_));
  } catch (const std::invalid_argument& full) {
    throw_full(full, side);
  }
}

/// The one reason to refuse an id that a parser cannot know.
void RatingsReader::throw_full(const std::invalid_argument& full, const std::string& side) const {
  throw InputError(Place{lines_.name()}, side + " " + full.what(), "--col-" + side + " picks another field");
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
  const auto more = static_cast<Position>(1.05 * per_byte * static_cast<double>(source.file_size())) / ranks_.size();
  into_.ratings.user.reserve(into_.ratings.user.size() + more);
  into_.ratings.item.reserve(into_.ratings.item.size() + more);
  into_.ratings.value.reserve(into_.ratings.value.size() + more);
}

void RatingsReader::commit(TextChunk& chunk) {
  ParsedLines& parsed = chunk.parsed;
  if (plan_.layout.matrix) {
    entries_ += parsed.values.size() + parsed.bad_lines;
    if (plan_.layout.matrix->symmetric) mirror(parsed);
    count_from_zero(parsed.users, into_.users);
    count_from_zero(parsed.items, into_.items);
  }
  if (!reserved_) reserve(chunk);
  append(parsed);
  const auto in_part = [&](const LineFault& fault) { return LineFault{report_.lines + fault.line, fault.bad}; };
  if (parsed.first_bad && !first_bad_) first_bad_ = in_part(*parsed.first_bad);
  if (parsed.fatal) {
    fatal_ = in_part(*parsed.fatal);
    throw line_error(lines_.name(), fatal_->line, fatal_->bad);
  }
  if (chunk.cut_short) std::rethrow_exception(chunk.cut_short);
  count(parsed);
}

/// Adds the image of every entry beside the diagonal.
void RatingsReader::mirror(ParsedLines& parsed) {
  const Position count = parsed.values.size();
  for (Position n = 0; n < count; ++n) {
    const std::int64_t user = number_of(parsed.users, n), item = number_of(parsed.items, n);
    above_ = above_ || user < item;
    below_ = below_ || user > item;
    if (user == item) continue;
    push_id(parsed.users, item, parsed);
    push_id(parsed.items, user, parsed);
    const float value = parsed.values[n];
    parsed.values.push_back(value);
    parsed.tally.add(value);
  }
}

void RatingsReader::append(const ParsedLines& parsed) {
  const Position count = parsed.values.size();
  const char* side = "user";
  try {
    append_ids(parsed.users, into_.users, into_.ratings.user, count);
    side = "item";
    append_ids(parsed.items, into_.items, into_.ratings.item, count);
  } catch (const std::invalid_argument& full) {
    throw_full(full, side);
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

void RatingsReader::check_matrix() const {
  const Position declared = plan_.layout.matrix->entries;
  if (entries_ != declared) {
    throw InputError(Place{lines_.name(), report_.lines},
                     fmt::format("ends with {} entries, and its size line has {}", entries_, declared),
                     "copy the file again, or correct its size line");
  }
  if (above_ && below_) {
    throw InputError(Place{lines_.name()}, "is a symmetric matrix with entries on both sides of its diagonal",
                     "write general in its banner, or one side alone");
  }
}

/// The message of the first bad line of all ranks.
std::string RatingsReader::first_bad() {
  const std::string mine =
      first_bad_ ? line_error(lines_.name(), lines_before_ + first_bad_->line, first_bad_->bad).what() : "";
  const int has = first_bad_ ? 1 : 0;
  const HostBuffer<int> have = ranks_.gather(Span<const int, Host>{&has, 1});
  const int* const first = std::find(have.begin(), have.end(), 1);
  return first == have.end() ? "" : ranks_.broadcast(static_cast<int>(first - have.begin()), mine);
}

void RatingsReader::finish(ThreadPool& pool) {
  if (plan_.layout.matrix) check_matrix();
  report_.first_bad = first_bad();
  if (report_.ratings == 0) {
    throw InputError(Place{lines_.name()},
                     report_.bad_lines > 0 ? fmt::format("holds no ratings: all of its {} lines are bad, the first: {}",
                                                         report_.bad_lines, report_.first_bad)
                                           : "holds no ratings",
                     "one line each: user, item, rating");
  }
  const Layout& layout = plan_.layout;
  if (layout.matrix) report_.kind = layout.matrix->symmetric ? "Matrix Market, symmetric" : "Matrix Market";
  if (layout.lists) report_.kind = "lists";
  report_.compression = lines_.source().compression();
  report_.separator = layout.separator;
  report_.header = layout.header;
  report_.user_column = layout.name_of(layout.user);
  report_.item_column = layout.name_of(layout.item);
  report_.rating_column = layout.name_of(layout.rating);
  report_.timestamp_column = layout.name_of(layout.timestamp);
  report_.bytes = ranks_.is_alone() ? lines_.source().raw_bytes() : lines_.source().file_size();
  report_.hash = ranks_.is_alone() ? lines_.source().hash() : hash_;
  report_.min_value = tally_.min;
  report_.max_value = tally_.max;
  const Span<const float, Host> values = std::as_const(into_.ratings.value).span();
  report_.mean_value = mean_of(values.part(old_ratings_, values.size - old_ratings_), pool, ranks_);
  report_.seconds = seconds_since(start_);
}

}  // namespace wf
