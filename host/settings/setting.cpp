#include "host/settings/setting.hpp"

#include "host/settings/words.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace wf {
namespace {

constexpr const char* kDefaultMark = " (default";

bool is_long(const std::string& name) {
  return name.size() > 2 && name[0] == '-' && name[1] == '-';
}

bool is_number(const std::string& text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  return result.ec == std::errc{} && result.ptr == end;
}

}  // namespace

const char* name_of(Group group) {
  constexpr std::array<const char*, 6> kNames{"Data", "Model", "Training", "Evaluation", "Engine", "Output"};
  return kNames.at(static_cast<std::size_t>(group));
}

std::string key_of(const std::string& name) {
  std::string key = name.substr(std::min(name.find_first_not_of('-'), name.size()));
  for (char& c : key) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return key;
}

std::string variable_of(const std::string& key) {
  std::string variable = "WARPFACTOR_";
  for (const char c : key) {
    variable += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return variable;
}

const std::string& Setting::name() const {
  const auto found = std::find_if(names.begin(), names.end(), is_long);
  return found == names.end() ? names.front() : *found;
}

std::string Setting::key() const {
  return key_of(name());
}

std::vector<std::string> Setting::keys() const {
  if (kind == SettingKind::word) return {key()};
  std::vector<std::string> result;
  for (const std::string& name : all_names()) {
    if (is_long(name)) result.push_back(key_of(name));
  }
  return result;
}

bool Setting::has_key(const std::string& key) const {
  const std::vector<std::string> known = keys();
  return std::find(known.begin(), known.end(), key) != known.end();
}

std::vector<std::string> Setting::all_names() const {
  std::vector<std::string> all = names;
  all.insert(all.end(), off_names.begin(), off_names.end());
  return all;
}

std::string Setting::meaning() const {
  return text.substr(0, text.rfind(kDefaultMark));
}

std::vector<std::string> Setting::choices() const {
  std::vector<std::string> result = split(metavar, '|');
  const auto in_capitals = [](const std::string& word) {  // a stand-in for what is typed: N, FILE
    return word.empty() || (std::isupper(static_cast<unsigned char>(word[0])) != 0);
  };
  if (result.size() < 2 && in_capitals(metavar)) return {};
  result.erase(std::remove_if(result.begin(), result.end(), in_capitals), result.end());
  return result;
}

void read_default(Setting& setting) {
  const std::string& text = setting.text;
  const std::string mark = kDefaultMark;
  const std::size_t begin = text.rfind(mark);
  if (begin == std::string::npos || text.back() != ')') return;
  const std::string inside = text.substr(begin + mark.size(), text.size() - begin - mark.size() - 1);
  const std::string phrase = inside.substr(std::min(inside.find_first_not_of(": "), inside.size()));
  const std::size_t semicolon = phrase.find("; ");
  const std::string word = phrase.substr(0, semicolon);
  const std::vector<std::string> choices = setting.choices();
  const bool typed = is_number(word) || std::find(choices.begin(), choices.end(), word) != choices.end();
  (typed && inside[0] != ':' ? setting.initial : setting.otherwise) = typed ? word : phrase;
  if (typed && semicolon != std::string::npos) setting.range = phrase.substr(semicolon + 2);
}

}  // namespace wf
