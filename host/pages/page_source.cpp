#include "host/pages/page_source.hpp"

#include "host/base/json_numbers.hpp"

#include <stdexcept>
#include <utility>

namespace wf {
namespace {

using Json = nlohmann::json;

/// Names of an IdKind as `--ids` has them.
constexpr std::pair<IdKind, const char*> kKinds[] = {
    {IdKind::rows, "rows"}, {IdKind::integers, "integers"}, {IdKind::strings, "strings"}};

Json kind_json(std::optional<IdKind> kind) {
  for (const auto& [known, name] : kKinds) {
    if (kind == known) return name;
  }
  return nullptr;
}

std::optional<IdKind> kind_of(const Json& json) {
  if (json.is_null()) return std::nullopt;
  for (const auto& [known, name] : kKinds) {
    if (json == name) return known;
  }
  throw std::invalid_argument("its kind of ids is none");
}

Json report_json(const ReadReport& report) {
  return {{"path", report.path},
          {"kind", report.kind},
          {"compression", report.compression},
          {"separator", report.separator},
          {"header", report.header ? Json(*report.header) : Json()},
          {"user_column", report.user_column},
          {"item_column", report.item_column},
          {"rating_column", report.rating_column},
          {"lines", report.lines},
          {"comments", report.comments},
          {"blank", report.blank},
          {"ratings", report.ratings},
          {"bad_lines", report.bad_lines},
          {"first_bad", report.first_bad},
          {"bytes", report.bytes},
          {"hash", report.hash},
          {"min_value", report.min_value},
          {"max_value", report.max_value},
          {"mean_value", report.mean_value}};
}

ReadReport report_of(const Json& json) {
  ReadReport report;
  json.at("path").get_to(report.path);
  report.kind = json.value("kind", "");  // absent where the first version wrote it
  json.at("compression").get_to(report.compression);
  json.at("separator").get_to(report.separator);
  if (!json.at("header").is_null()) report.header = json.at("header").get<std::string>();
  json.at("user_column").get_to(report.user_column);
  json.at("item_column").get_to(report.item_column);
  json.at("rating_column").get_to(report.rating_column);
  report.lines = whole_number_at<Position>(json, "lines");
  report.comments = whole_number_at<Position>(json, "comments");
  report.blank = whole_number_at<Position>(json, "blank");
  report.ratings = whole_number_at<Position>(json, "ratings");
  report.bad_lines = whole_number_at<Position>(json, "bad_lines");
  json.at("first_bad").get_to(report.first_bad);
  report.bytes = whole_number_at<Position>(json, "bytes");
  json.at("hash").get_to(report.hash);
  json.at("min_value").get_to(report.min_value);
  json.at("max_value").get_to(report.max_value);
  json.at("mean_value").get_to(report.mean_value);
  return report;
}

Json options_json(const PageSource& source) {
  const ReadOptions& options = source.options;
  return {{"separator", options.separator},
          {"header", options.header ? Json(*options.header) : Json()},
          {"user_column", options.user_column},
          {"item_column", options.item_column},
          {"rating_column", options.rating_column},
          {"ids", kind_json(options.ids)},
          {"lists", options.lists},
          {"skip_bad", options.skip_bad},
          {"n_users", source.declared_users},
          {"n_items", source.declared_items}};
}

void read_options(const Json& json, PageSource& into) {
  ReadOptions& options = into.options;
  json.at("separator").get_to(options.separator);
  if (!json.at("header").is_null()) options.header = json.at("header").get<bool>();
  json.at("user_column").get_to(options.user_column);
  json.at("item_column").get_to(options.item_column);
  json.at("rating_column").get_to(options.rating_column);
  options.ids = kind_of(json.at("ids"));
  options.lists = json.value("lists", false);
  json.at("skip_bad").get_to(options.skip_bad);
  into.declared_users = whole_number_at<Position>(json, "n_users");
  into.declared_items = whole_number_at<Position>(json, "n_items");
}

}  // namespace

bool same_options(const PageSource& a, const PageSource& b) {
  return options_json(a) == options_json(b);
}

std::string to_json(const PageSource& source) {
  Json json = {{"source", report_json(source.report)}, {"options", options_json(source)}};
  json["source"]["modified_ns"] = source.stamp ? Json(source.stamp->modified_ns) : Json();
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

PageSource page_source_from_json(const std::string& text) {
  try {
    const Json json = Json::parse(text);
    PageSource source;
    source.report = report_of(json.at("source"));
    if (!json.at("source").at("modified_ns").is_null()) {
      source.stamp = FileStamp{source.report.bytes, whole_number_at<Position>(json.at("source"), "modified_ns")};
    }
    read_options(json.at("options"), source);
    const auto is_declared = [](Position rows) { return rows >= 0 && rows <= kMaxRows; };
    if (!is_declared(source.declared_users) || !is_declared(source.declared_items)) {
      throw std::invalid_argument("its metadata declares rows that no table has");
    }
    return source;
  } catch (const nlohmann::json::exception& error) {
    throw std::invalid_argument(std::string("its metadata is none: ") + error.what());
  }
}

}  // namespace wf
