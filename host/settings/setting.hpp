// A row of the table of settings, which the command line, the configuration file, the environment, the manual and the
// shells' completions are made of.
#pragma once
#include <array>
#include <string>
#include <vector>

namespace wf {

/// The groups of the help page, in its order.
enum class Group { data, model, training, evaluation, engine, output };
inline constexpr std::array kGroups{Group::data,       Group::model,  Group::training,
                                    Group::evaluation, Group::engine, Group::output};
const char* name_of(Group group);

/// word: an argument without dashes; flag: there or not; either: a flag with an opposite.
enum class SettingKind { word, value, list, flag, either };

/// Where a value is from. A later one wins; the table of a verb is a part of the file.
enum class Source { standard, file, verb_table, environment, option };

struct Setting {
  SettingKind kind = SettingKind::value;
  Group group = Group::data;
  std::vector<std::string> names;      ///< "-k", "--rank", "--factors"; of a word, "DATA"
  std::vector<std::string> off_names;  ///< of `either`: "--no-biases"
  std::string metavar;                 ///< "N", "FILE", "auto|always|never"; empty for flags
  std::string text;                    ///< one line of help, with its default
  std::string initial;                 ///< the default as it is typed; empty: there is none, or `otherwise`
  std::string otherwise;               ///< how the default is found, where it is no value
  std::string range;                   ///< "1 to 1024"; empty: any, or `metavar` says it
  bool rare = false;
  bool typed_only = false;  ///< of the command alone, not of a file

  Source source = Source::standard;
  std::string place;               ///< "run.toml:3", "WARPFACTOR_RANK"; empty for options and defaults
  std::vector<std::string> words;  ///< as given; of flags "true" or "false"; empty: the default

  bool given() const { return source != Source::standard; }
  bool is_flag() const { return kind == SettingKind::flag || kind == SettingKind::either; }
  const std::string& name() const;  ///< the first long one, as messages have it: "--rank"; of a word "DATA"
  std::string key() const;          ///< "rank", "data"
  /// Does a file or the environment call it so? By any long name; of `either` by the opposite's, too.
  bool has_key(const std::string& key) const;
  std::vector<std::string> keys() const;
  std::vector<std::string> all_names() const;  ///< with dashes; of `either` the opposite's, too
  std::string meaning() const;                 ///< `text` without its default
  std::vector<std::string> choices() const;    ///< the words of "auto|always|never"; empty: it is no choice
};

/// "--batch-size" or "DATA" -> "batch-size", "data": the word of a file.
std::string key_of(const std::string& name);
/// "batch-size" -> "WARPFACTOR_BATCH_SIZE".
std::string variable_of(const std::string& key);

/// Fills initial, otherwise and range from the end of `text`: "(default 128; 1 to 1024)", "(default: detected)".
void read_default(Setting& setting);

}  // namespace wf
