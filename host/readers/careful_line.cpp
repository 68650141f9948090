#include "host/readers/careful_line.hpp"

#include "host/base/shown.hpp"
#include "host/readers/number.hpp"
#include "host/readers/timestamp.hpp"

#include <fmt/format.h>

#include <vector>

namespace wf {
namespace {

constexpr const char* kSkip = "--skip-bad ignores such lines";

/// No option: the line has no fields to choose from.
std::string ratings_cure(const char* option) {
  return option == nullptr ? kSkip : std::string(kSkip) + ", " + option + " picks another field";
}

float rating_of(const Field& field) {
  float value = 0;
  const auto bad = [&](const char* why) -> BadLine {
    return {field.column, "rating " + shown(field.text) + why, ratings_cure("--col-rating")};
  };
  switch (parse_rating(field.text, value)) {
    case NumberFault::not_a_number:
      throw field.text.empty() ? BadLine{field.column, "the rating is missing", ratings_cure("--col-rating")}
                               : bad(" is not a number");
    case NumberFault::not_finite:
      throw bad(" is not finite");
    case NumberFault::out_of_range:
      throw bad(" does not fit a 32-bit float");
    case NumberFault::none:
      break;
  }
  return value;
}

std::string_view id_of(const Field& field, const IdRules& rules, const char* side, const char* option) {
  const std::string why = rules.why_not(field.text);
  if (why.empty()) return field.text;
  std::string cure = ratings_cure(option);
  if (why.find("row number") != std::string::npos)
    cure = "--n-users and --n-items declare more; without --ids rows ids may be any text; " + cure;
  if (rules.first_row == 1) cure = "the size line or the entry is wrong; " + std::string(kSkip);
  if (why.find("integer") != std::string::npos) cure = "--ids strings keeps ids as text, " + std::string(kSkip);
  throw BadLine{field.column, std::string(side) + " " + why, cure};
}

std::int64_t timestamp_of(const Field& field) {
  if (const auto timestamp = parse_timestamp(field.text)) return *timestamp;
  throw BadLine{field.column,
                "timestamp " + shown(field.text) + " is neither a number nor a date as 2015-03-01T10:20:30Z",
                "--col-timestamp none leaves timestamps out, --col-timestamp picks another field"};
}

}  // namespace

const std::vector<Field>& CarefulLine::parse_list(std::string_view line) {
  const std::vector<Field>& fields = splitter_.split(line);
  if (!fields.empty()) id_of(fields.front(), users_, "user", nullptr);
  for (std::size_t n = 1; n < fields.size(); ++n) id_of(fields[n], items_, "item", nullptr);
  return fields;
}

RatingLine CarefulLine::parse(std::string_view line) {
  const std::vector<Field>& fields = splitter_.split(line);
  if (static_cast<int>(fields.size()) != layout_.columns) {
    throw BadLine{fields.empty() ? 0 : fields.back().column,
                  fmt::format("expected {} fields, found {}: {}", layout_.columns, fields.size(), shown(line)),
                  layout_.separator == " " ? std::string("--lists reads a user and its items, ") + kSkip : kSkip};
  }
  const auto field = [&](int column) -> const Field& { return fields[static_cast<std::size_t>(column)]; };
  RatingLine result;
  if (with_rating_) result.value = rating_of(field(layout_.rating));
  if (layout_.timestamp >= 0) result.timestamp = timestamp_of(field(layout_.timestamp));
  result.item = id_of(field(layout_.item), items_, "item", "--col-item");
  result.user = id_of(field(layout_.user), users_, "user", "--col-user");
  return result;
}

}  // namespace wf
