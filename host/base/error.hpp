// Errors say what happened and where, why, and what to do next; their kind is the program's exit code.
#pragma once
#include "host/base/types.hpp"

#include <stdexcept>
#include <string>

namespace wf {

/// Who can mend it. The values are the exit codes of the command line.
enum class ErrorKind { failed = 1, usage = 2, input = 3, device = 4 };

/// Base of every error a user can meet. `what()` is the whole sentence: "WHERE: WHAT (CURE)".
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, std::string what, std::string cure, std::string where = {});

  ErrorKind kind() const { return kind_; }
  const std::string& problem() const { return problem_; }  ///< what and why
  const std::string& where() const { return where_; }      ///< file:line:column, or empty
  const std::string& cure() const { return cure_; }        ///< what to type next, or empty

 private:
  ErrorKind kind_;
  std::string problem_, where_, cure_;
};

/// A place in a text file; line and column count from 1, the column in bytes. 0 means unknown.
struct Place {
  std::string file;
  Position line = 0;
  Position column = 0;
};
std::string to_string(const Place& place);  ///< "file:line:column", without the parts that are 0

/// The command's words are off (exit 2).
struct UsageError : Error {
  explicit UsageError(std::string what, std::string cure = {})
      : Error(ErrorKind::usage, std::move(what), std::move(cure)) {}
};

/// A file is not what it should be (exit 3).
struct InputError : Error {
  InputError(const Place& place, std::string what, std::string cure = {})
      : Error(ErrorKind::input, std::move(what), std::move(cure), to_string(place)) {}
};

/// An engine or its memory is not to be had (exit 4).
struct DeviceError : Error {
  explicit DeviceError(std::string what, std::string cure = {})
      : Error(ErrorKind::device, std::move(what), std::move(cure)) {}
};

/// Anything else that ended the work: a disk that is full, a run that diverged (exit 1).
struct FailedError : Error {
  explicit FailedError(std::string what, std::string cure = {})
      : Error(ErrorKind::failed, std::move(what), std::move(cure)) {}
};

/// a * b, where overflow is an error and never a wrap.
Position checked_product(Position a, Position b);

}  // namespace wf
