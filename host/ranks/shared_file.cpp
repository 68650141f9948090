#include "host/ranks/shared_file.hpp"

#include <string_view>

namespace wf {
namespace {

/// As the ranks tell each other of it: kind, problem and cure, each with a zero at its end; empty: all went well.
std::string message_of(Ranks& ranks, const std::function<void()>& f) {
  const auto words = [](char kind, const Error& error, const std::string& who) {
    const std::string where = error.where().empty() ? "" : error.where() + ": ";
    return kind + (who + where + error.problem()) + '\0' + error.cure() + '\0';
  };
  try {
    f();
  } catch (const FolderNotSynced& error) {
    return words('f', error, "");
  } catch (const Error& error) {
    return words('e', error, ranks.is_alone() ? "" : "process " + std::to_string(ranks.rank()) + ": ");
  }
  return "";
}

}  // namespace

void all_or_none(Ranks& ranks, const std::function<void()>& f) {
  const std::string mine = message_of(ranks, f);
  if (!ranks.any(!mine.empty())) return;
  const HostBuffer<char> all = ranks.gather(Span<const char, Host>{mine.data(), static_cast<Position>(mine.size())});
  const char kind = all[0];
  const std::string problem = all.data() + 1, cure = all.data() + 1 + problem.size() + 1;
  if (kind == 'f') throw FolderNotSynced(problem, cure);
  throw FailedError(problem, cure);
}

SharedFile::SharedFile(Ranks& ranks, const std::string& path) : ranks_(ranks) {
  all_or_none(ranks, [&] {
    if (ranks.rank() == 0) file_ = std::make_unique<AtomicFile>(path);
  });
  if (ranks.is_alone()) return;
  const std::string temporary = ranks.broadcast(0, file_ ? file_->temporary() : "");
  all_or_none(ranks, [&] {
    if (ranks.rank() > 0) file_ = std::make_unique<AtomicFile>(path, temporary);
  });
}

void SharedFile::sync() {
  all_or_none(ranks_, [this] { file_->sync(); });
}

void SharedFile::commit_keeping(const std::string& old_name) {
  all_or_none(ranks_, [&] {
    if (ranks_.rank() == 0) file_->commit_keeping(old_name);
  });
}

}  // namespace wf
