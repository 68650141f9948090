#include "host/ranks/shared_file.hpp"

#include "host/ranks/shared_error.hpp"

namespace wf {

SharedFile::SharedFile(Ranks& ranks, const std::string& path) : ranks_(ranks) {
  together([&] {
    if (ranks.rank() == 0) file_ = std::make_unique<AtomicFile>(path);
  });
  if (ranks.is_alone()) return;
  const std::string temporary = ranks.broadcast(0, file_ ? file_->temporary() : "");
  together([&] {
    if (ranks.rank() == 0) return;
    try {
      file_ = std::make_unique<AtomicFile>(path, temporary);
    } catch (const FailedError& error) {
      throw FailedError(error.problem(), "all processes write this file: give a folder that their machines share");
    }
  });
}

void SharedFile::together(const std::function<void()>& f) {
  try {
    on_all(ranks_, f);
  } catch (const Error& error) {
    throw FailedError((error.where().empty() ? "" : error.where() + ": ") + error.problem(), error.cure());
  }
}

void SharedFile::sync() {
  together([this] { file_->sync(); });
}

void SharedFile::commit_keeping(const std::string& old_name) {
  std::string problem, cure;
  together([&] {
    if (ranks_.rank() > 0) return;
    try {
      file_->commit_keeping(old_name);
    } catch (const FolderNotSynced& error) {
      problem = error.problem();
      cure = error.cure();
    }
  });
  problem = ranks_.broadcast(0, problem);
  if (!problem.empty()) throw FolderNotSynced(problem, ranks_.broadcast(0, cure));
}

}  // namespace wf
