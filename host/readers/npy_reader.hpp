// The values of one array in NumPy's archive: numpy.lib.format, versions 1 to 3.
#pragma once
#include "host/base/view.hpp"
#include "host/readers/zip_archive.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace wf {

class NpyReader {
 public:
  /// Opens `name`.npy. Throws InputError where it is not there, is no array, or its shape does not fill its bytes.
  NpyReader(const ZipArchive& archive, const std::string& name);

  const std::vector<Position>& shape() const { return shape_; }
  Position size() const { return size_; }  ///< values: the product of the shape
  Position left() const { return left_; }  ///< of them, not yet read

  /// The next values, whole numbers or truths; one above int64 becomes negative. Throws InputError for an array of
  /// others.
  void read(Span<std::int64_t, Host> into);
  /// The next values, rounded to floats. Throws InputError for what is not finite, or beyond a float.
  void read(Span<float, Host> into);
  /// The text that is the array's one value, of ASCII letters; others become ?.
  std::string read_text();

  [[noreturn]] void fail(const std::string& what, const std::string& cure) const;

 private:
  void read_header();
  void parse(std::string_view header);
  void parse_shape(std::string_view text);
  const char* next_bytes(Position count);

  const ZipArchive& archive_;
  std::string name_;
  ZipEntryReader bytes_;
  char kind_ = 0;  // f, i, u, b, S or U
  int width_ = 0;  // bytes of a value
  std::vector<Position> shape_;
  Position size_ = 0, left_ = 0;
  std::vector<char> raw_;
};

}  // namespace wf
