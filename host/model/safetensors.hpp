// The safetensors container: u64 length of a JSON header, the header, raw little-endian tensors without holes.
// https://github.com/huggingface/safetensors, "Format".
#pragma once
#include "host/base/disk_file.hpp"
#include "host/base/host_buffer.hpp"
#include "host/model/safetensors_header.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace wf {

inline constexpr Position kLargestHeader = 100'000'000;  ///< bytes: the format's own limit

class SafetensorsReader {
 public:
  /// Reads and checks the header: everything about sizes holds before a tensor is allocated. Throws InputError.
  explicit SafetensorsReader(const std::string& path) : SafetensorsReader(std::make_shared<DiskFile>(path)) {}
  explicit SafetensorsReader(std::shared_ptr<const DiskFile> file);

  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  const std::string& path() const { return file_->path(); }
  const std::map<std::string, TensorInfo>& tensors() const { return tensors_; }
  bool has(const std::string& name) const { return tensors_.contains(name); }
  /// Throws InputError when the tensor is absent or has another dtype.
  const TensorInfo& tensor(const std::string& name, const std::string& dtype) const;
  template <class T>
  HostBuffer<T> read(const std::string& name, const std::string& dtype) const {
    const TensorInfo& info = tensor(name, dtype);
    HostBuffer<T> values(info.elements());
    read_bytes(info, values.data());
    return values;
  }

  /// Elements `first`, first + 1, ... of a tensor, which the caller knows to have them.
  template <class T>
  void read_part(const std::string& name, const std::string& dtype, Position first, Span<T, Host> into) const {
    const TensorInfo& info = tensor(name, dtype);
    const Position begin = info.begin + first * Position{sizeof(T)};
    read_bytes({info.dtype, {into.size}, begin, begin + into.size * Position{sizeof(T)}}, into.data);
  }

  /// Throws InputError where the file has been written to since it was opened: call it when all is read.
  void check_unchanged() const { file_->check_unchanged(); }
  /// `what` about this file, as an InputError.
  [[noreturn]] void fail(const std::string& what, const std::string& cure) const;

 private:
  void read_bytes(const TensorInfo& info, void* into) const;
  std::string tensor_names() const;
  void parse_header(const std::string& header, Position data_bytes);

  std::shared_ptr<const DiskFile> file_;
  Position data_start_ = 0;
  std::map<std::string, std::string> metadata_;
  std::map<std::string, TensorInfo> tensors_;
};

/// Collects tensors (by view: they must outlive write) and writes them in the order they were added.
class SafetensorsWriter {
 public:
  /// Returns where the tensor begins behind the header. Without `data`, for who takes the header alone.
  Position add(const std::string& name, const std::string& dtype, std::vector<Position> shape, const void* data,
               Position bytes);
  Position bytes() const { return bytes_; }  ///< of all tensors
  /// The first bytes of the file, with their length.
  std::string header(const std::map<std::string, std::string>& metadata) const;
  /// Atomic, see AtomicFile.
  void write(const std::string& path, const std::map<std::string, std::string>& metadata) const;

 private:
  struct Entry {
    std::string name;
    TensorInfo info;
    const void* data;
  };
  std::vector<Entry> entries_;
  Position bytes_ = 0;
};

}  // namespace wf
