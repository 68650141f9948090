#include "host/cli/config_file.hpp"

#include "host/base/error.hpp"
#include "host/base/shown.hpp"
#include "host/config/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace wf::cli {
namespace {
/// An assertion of toml++ does not hold.
struct TomlAssertion {};
[[noreturn]] void fail_toml_assertion() {
  throw TomlAssertion{};
}
}  // namespace
}  // namespace wf::cli

// toml++ 3.3 asserts what a file can break, as "[=" and "[8,}" do, and a release would take it for granted.
#pragma push_macro("NDEBUG")
#undef NDEBUG
#define TOML_ASSERT(condition) ((condition) ? void() : ::wf::cli::fail_toml_assertion())
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")

namespace wf::cli {
namespace {

Position line_of(const toml::node& node) {
  return node.source().begin.line;
}

std::string place_of(const std::string& path, const toml::node& node) {
  return to_string(Place{path, line_of(node)});
}

[[noreturn]] void refuse_value(const std::string& path, const std::string& key, const toml::node& node) {
  throw Error(ErrorKind::usage, fmt::format("{}: no setting takes such a value", shown(key)),
              "give a number, true or false, \"a text\" or a list of those", place_of(path, node));
}

/// As it would be typed.
std::string word_of(const std::string& path, const std::string& key, const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* whole = node.as_integer()) return std::to_string(whole->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  const auto* real = node.as_floating_point();
  if (real == nullptr || !std::isfinite(real->get())) refuse_value(path, key, node);
  return fmt::format("{}", real->get());
}

ConfigEntry entry_of(const std::string& path, const std::string& table, const std::string& key,
                     const toml::node& node) {
  ConfigEntry entry{
      table, {key, {}, table.empty() ? Source::file : Source::verb_table, place_of(path, node)}, line_of(node)};
  entry.value.boolean = node.is_boolean();
  if (const toml::array* list = node.as_array()) {
    for (const toml::node& element : *list) entry.value.words.push_back(word_of(path, key, element));
  } else {
    entry.value.words.push_back(word_of(path, key, node));
  }
  return entry;
}

constexpr const char* kRangeCure = "for example: rank = { from = 8, to = 128, scale = \"log\" }, or rank = [8, 32]";

[[noreturn]] void refuse_range(const std::string& path, const std::string& key, const toml::node& node,
                               const std::string& what) {
  throw Error(ErrorKind::usage, fmt::format("{}: {}", shown(key), what), kRangeCure, place_of(path, node));
}

double end_of(const std::string& path, const std::string& key, const toml::table& table, const char* end) {
  const toml::node* node = table.get(end);
  const auto value = node == nullptr ? std::nullopt : node->value<double>();
  if (!value || !std::isfinite(*value)) refuse_range(path, key, table, fmt::format("\"{}\" is no number", end));
  return *value;
}

SearchRange range_of(const std::string& path, const std::string& key, const toml::node& node) {
  SearchRange range;
  range.key = key;
  range.place = place_of(path, node);
  if (const toml::array* list = node.as_array()) {
    for (const toml::node& element : *list) range.choices.push_back(word_of(path, key, element));
    if (range.choices.empty()) refuse_range(path, key, node, "an empty list");
    return range;
  }
  const toml::table* table = node.as_table();
  if (table == nullptr) {
    refuse_range(path, key, node,
                 "a value that is not searched; what is fixed stands on the command line or in --config");
  }
  for (const auto& [name, value] : *table) {
    if (name != "from" && name != "to" && name != "scale") {
      refuse_range(path, key, value,
                   fmt::format("a range has from, to and scale, and no {}", shown(std::string(name.str()))));
    }
  }
  range.from = end_of(path, key, *table, "from");
  range.to = end_of(path, key, *table, "to");
  if (const toml::node* scale = table->get("scale")) {
    const auto word = from_name<Scale>(scale->value_or(std::string()));
    if (!word) refuse_range(path, key, *scale, "the scale is linear or log");
    range.scale = *word;
  }
  if (!(range.from <= range.to)) refuse_range(path, key, node, fmt::format("from {} to {}", range.from, range.to));
  if (range.scale == Scale::log && !(range.from > 0))
    refuse_range(path, key, node, "a logarithmic range begins above 0");
  return range;
}

/// toml++ repeats what it found, line ends and all.
std::string on_one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }, ' ');
  return text;
}

std::string read_text(const std::string& path) {
  constexpr std::size_t kLongest = std::size_t{1} << 20;  // far beyond any table of settings; --config /dev/zero ends
  std::ifstream file(path, std::ios::binary);
  std::string text(kLongest + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad()) {
    throw InputError({path}, "the file cannot be read", "--config and --space name TOML files");
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kLongest) throw InputError({path}, "a configuration file has 1 MiB at most", "is it another file?");
  return text;
}

/// How many characters of `text` end a text that `quotes`, one or three, began. Up to two more belong to it.
std::size_t end_of_text(std::string_view text, std::string_view quotes) {
  if (!text.starts_with(quotes)) return quotes.size() == 1 && text.front() == '\n' ? 1 : 0;
  std::size_t length = quotes.size();
  while (length > 1 && length < 5 && length < text.size() && text[length] == quotes[0]) ++length;
  return length;
}

/// f(character, line) for what stands neither between quotes nor in a comment.
template <class F>
void for_bare(std::string_view text, const F& f) {
  Position line = 1;
  std::string_view quotes;  // of the text that is open
  bool comment = false;
  while (!text.empty()) {
    const char c = text.front();
    std::size_t length = 1;
    if (comment) {
      comment = c != '\n';
    } else if (!quotes.empty()) {
      if (c == '\\' && quotes[0] == '"') {
        length = std::min<std::size_t>(2, text.size());
      } else if (const std::size_t end = end_of_text(text, quotes); end > 0) {
        length = end;
        quotes = {};
      }
    } else if (c == '"' || c == '\'') {
      length = text.size() > 2 && text[1] == c && text[2] == c ? 3 : 1;
      quotes = text.substr(0, length);
    } else {
      comment = c == '#';
      f(c, line);
    }
    line += std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(length), '\n');
    text.remove_prefix(length);
  }
}

/// Throws InputError for letters in a key for which toml++ 3.3 has no defined behaviour, as U+02E0.
void refuse_strange_letters(const std::string& path, std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  for_bare(text, [&](char c, Position line) {  // a char beyond ASCII is below 0
    const bool strange = (c < ' ' && c != '\t' && c != '\r' && c != '\n') || c == '\x7f';
    if (!strange) return;
    throw InputError({path, line}, "this is no TOML: a letter or control character outside of a text",
                     "keys are letters, digits, - and _; a text is between quotes");
  });
}

bool fails_assertion(std::string_view text) {
  try {
    (void)toml::parse(text);
  } catch (const toml::parse_error&) {
  } catch (const TomlAssertion&) {
    return true;
  }
  return false;
}

/// Of a text that fails an assertion, which does not say where: the first line with which it does.
Position asserted_line(std::string_view text) {
  std::vector<std::size_t> ends;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', end + 1)) ends.push_back(end);
  const auto holds = [&](std::size_t end) { return !fails_assertion(text.substr(0, end + 1)); };
  return std::partition_point(ends.begin(), ends.end(), holds) - ends.begin() + 1;
}

toml::table parse(const std::string& path) {
  const std::string text = read_text(path);
  try {
    refuse_strange_letters(path, text);
    return toml::parse(text, path);
  } catch (const toml::parse_error& error) {
    const toml::source_position at = error.source().begin;
    throw InputError({path, static_cast<Position>(at.line), static_cast<Position>(at.column)},
                     "this is no TOML: " + on_one_line(std::string(error.description())), "for example: rank = 32");
  } catch (const TomlAssertion&) {
    throw InputError({path, asserted_line(text)},
                     "this is no TOML: a table without a name, or a list or table that does not end",
                     "for example: rank = 32");
  }
}

}  // namespace

std::vector<ConfigEntry> read_config_file(const std::string& path) {
  const toml::table root = parse(path);
  std::vector<ConfigEntry> entries;
  for (const auto& [key, node] : root) {
    const std::string name(key.str());
    const toml::table* table = node.as_table();
    if (table == nullptr) {
      entries.push_back(entry_of(path, "", name, node));
      continue;
    }
    for (const auto& [inner, value] : *table) entries.push_back(entry_of(path, name, std::string(inner.str()), value));
    if (table->empty()) entries.push_back({name, {"", {}, Source::verb_table, place_of(path, node)}, line_of(node)});
  }
  std::stable_sort(entries.begin(), entries.end(),  // toml++ has them by name
                   [](const ConfigEntry& a, const ConfigEntry& b) { return a.line < b.line; });
  return entries;
}

std::vector<SearchRange> read_space_file(const std::string& path) {
  const toml::table root = parse(path);
  std::vector<std::pair<Position, SearchRange>> ranges;
  for (const auto& [key, node] : root) ranges.emplace_back(line_of(node), range_of(path, std::string(key.str()), node));
  if (ranges.empty()) throw InputError({path}, "a space without a setting", kRangeCure);
  std::stable_sort(ranges.begin(), ranges.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<SearchRange> space;
  space.reserve(ranges.size());
  for (auto& [line, range] : ranges) space.push_back(std::move(range));
  return space;
}

}  // namespace wf::cli
