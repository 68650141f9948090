// Whatever is written in any supported form is read back equal; whatever bytes are thrown at the reader, it answers.
#include "tests/host/readers_support.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <charconv>
#include <cmath>

namespace wf {
namespace {

using test::ReadTriple;
using test::Triples;

std::string text_of(float value) {
  std::array<char, 32> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  RC_ASSERT(error == std::errc{});
  return {text.data(), end};
}

rc::Gen<float> any_rating() {
  return rc::gen::oneOf(
      rc::gen::map(rc::gen::inRange(-10, 21), [](int half) { return static_cast<float>(half) / 2; }),
      rc::gen::map(rc::gen::arbitrary<int>(), [](int bits) { return static_cast<float>(bits) * 1.7e-3F; }),
      rc::gen::elementOf(std::vector<float>{3.4028235e38F, -3.4028235e38F, 1.17549435e-38F, 1e-45F, 0.1F}));
}

/// Ids as a file may hold them unquoted: no blanks, separators, quotes or comment signs.
rc::Gen<std::string> plain_id(bool integers) {
  if (integers) {
    return rc::gen::oneOf(
        rc::gen::map(rc::gen::arbitrary<std::int64_t>(), [](std::int64_t id) { return std::to_string(id); }),
        rc::gen::map(rc::gen::inRange(0, 9), [](int id) { return std::to_string(id); }));
  }
  return rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::elementOf(std::string("0012ab-+._/'x\xC3\xA9"))));
}

/// Any text but line ends and NUL.
rc::Gen<std::string> quotable_id() {
  return rc::gen::nonEmpty(
      rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab\"\",;|: \t#%\x01\xFFz"))));
}

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) result += c == '"' ? "\"\"" : std::string(1, c);
  return result + '"';
}

rc::Gen<Triples> triples_with(const rc::Gen<std::string>& ids) {
  return rc::gen::nonEmpty(rc::gen::container<Triples>(rc::gen::tuple(ids, ids, any_rating())));
}

RC_GTEST_PROP(ReaderProperty, ReadsBackWhatWasWrittenInAnyFormat, ()) {
  const bool integers = *rc::gen::arbitrary<bool>();
  const auto triples = *triples_with(plain_id(integers));
  const auto separator = *rc::gen::elementOf(std::vector<std::string>{",", "\t", "::", ";", "|", " "});
  const auto line_end = *rc::gen::elementOf(std::vector<std::string>{"\n", "\r\n"});
  const bool header = *rc::gen::arbitrary<bool>();
  const bool timestamp = *rc::gen::arbitrary<bool>();

  std::string text = *rc::gen::arbitrary<bool>() ? "\xEF\xBB\xBF" : "";
  if (*rc::gen::arbitrary<bool>()) text += "# a comment" + line_end + line_end;
  if (header)
    text += "user" + separator + "item" + separator + "rating" + (timestamp ? separator + "time" : "") + line_end;
  for (const auto& [user, item, value] : triples) {
    text += user + separator + item + separator + text_of(value) + (timestamp ? separator + "99" : "") + line_end;
  }
  if (*rc::gen::arbitrary<bool>()) text.resize(text.size() - line_end.size());

  const auto read = test::read_text_as_file(text);
  RC_ASSERT(read.triples == triples);
  RC_ASSERT(read.report.separator == separator);
  RC_ASSERT(read.report.header.has_value() == header);
  if (integers) RC_ASSERT(read.data.users.kind() == IdKind::integers);
}

RC_GTEST_PROP(ReaderProperty, ReadsBackAnyQuotedId, ()) {
  const auto triples = *triples_with(quotable_id());
  const auto separator = *rc::gen::elementOf(std::vector<std::string>{",", "\t", "::", ";", "|", " "});
  std::string text;
  for (const auto& [user, item, value] : triples) {
    text += quoted(user) + separator + quoted(item) + separator + text_of(value) + "\n";
  }
  RC_ASSERT(test::read_text_as_file(text, {.separator = separator, .header = false}).triples == triples);
}

RC_GTEST_PROP(ReaderProperty, AccountsForEveryLineOfAnyBytes, ()) {
  const auto bytes = *rc::gen::container<std::string>(
      rc::gen::oneOf(rc::gen::elementOf(std::string("0123456789")),
                     rc::gen::elementOf(std::string(",,,\n\n\n.:;|\t\" #%-eanif\r")), rc::gen::arbitrary<char>()));
  try {
    const auto read = test::read_text_as_file(bytes, {.skip_bad = true});
    const ReadReport& report = read.report;
    RC_ASSERT(report.ratings > 0);
    RC_ASSERT(report.ratings == read.data.ratings.size());
    RC_ASSERT(report.lines ==
              report.ratings + report.bad_lines + report.comments + report.blank + (report.header ? 1 : 0));
    for (const float value : read.data.ratings.value) RC_ASSERT(std::isfinite(value));
  } catch (const InputError& error) {
    RC_ASSERT(!error.problem().empty());
    RC_ASSERT(!error.cure().empty());
  }
}

}  // namespace
}  // namespace wf
