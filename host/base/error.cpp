#include "host/base/error.hpp"

#include <utility>

namespace wf {
namespace {

std::string sentence(const std::string& where, const std::string& problem, const std::string& cure) {
  std::string text = where.empty() ? problem : where + ": " + problem;
  if (!cure.empty()) text += " (" + cure + ")";
  return text;
}

}  // namespace

Error::Error(ErrorKind kind, std::string what, std::string cure, std::string where)
    : std::runtime_error(sentence(where, what, cure)),
      kind_(kind),
      problem_(std::move(what)),
      where_(std::move(where)),
      cure_(std::move(cure)) {}

std::string to_string(const Place& place) {
  std::string text = place.file;
  if (place.line > 0) text += ':' + std::to_string(place.line);
  if (place.line > 0 && place.column > 0) text += ':' + std::to_string(place.column);
  return text;
}

Position checked_product(Position a, Position b) {
  Position result = 0;
  if (__builtin_mul_overflow(a, b, &result)) {
    throw Error(ErrorKind::device, std::to_string(a) + " x " + std::to_string(b) + " elements exceed 64-bit sizes",
                "use a smaller rank or less data");
  }
  return result;
}

}  // namespace wf
