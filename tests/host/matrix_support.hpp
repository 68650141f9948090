// Archives like those of scipy.sparse.save_npz, right or wrong in one place, for the tests of the readers.
#pragma once
#include <zlib.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace wf::test {

template <class T>
std::string raw(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}
template <class T>
std::string raw_value(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof(T)};
}

/// An array of `type` and `shape`, as "(2,)", with `data` for bytes.
inline std::string npy(const std::string& type, const std::string& shape, const std::string& data) {
  const std::string header = "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }\n";
  return std::string("\x93NUMPY\x01\x00", 8) + raw_value(static_cast<std::uint16_t>(header.size())) + header + data;
}

/// A file of an archive. What its directory says of it may be overridden.
struct ZipMember {
  std::string name, bytes;
  bool deflated = false;
  std::uint16_t flags = 0;
  std::int64_t said_size = -1, said_place = -1;  ///< -1: the truth
};

inline std::string deflated(const std::string& bytes) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY);
  std::string packed(bytes.size() + 1024, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

inline std::string zip(const std::vector<ZipMember>& members) {
  std::string archive, directory;
  for (const ZipMember& member : members) {
    const std::string packed = member.deflated ? deflated(member.bytes) : member.bytes;
    const auto size = member.said_size < 0 ? member.bytes.size() : static_cast<std::size_t>(member.said_size);
    const auto place = member.said_place < 0 ? archive.size() : static_cast<std::size_t>(member.said_place);
    const std::string common =
        raw_value(member.flags) + raw_value(static_cast<std::uint16_t>(member.deflated ? 8 : 0)) +
        std::string(4, '\0') +
        raw_value(static_cast<std::uint32_t>(
            crc32(0, reinterpret_cast<const Bytef*>(member.bytes.data()), static_cast<uInt>(member.bytes.size())))) +
        raw_value(static_cast<std::uint32_t>(packed.size())) + raw_value(static_cast<std::uint32_t>(size)) +
        raw_value(static_cast<std::uint16_t>(member.name.size())) + raw_value(std::uint16_t{0});
    directory += std::string("PK\x01\x02\x14\0\x14\0", 8) + common + std::string(10, '\0') +
                 raw_value(static_cast<std::uint32_t>(place)) + member.name;
    archive += std::string("PK\x03\x04\x14\0", 6) + common + member.name + packed;
  }
  const auto count = raw_value(static_cast<std::uint16_t>(members.size()));
  return archive + directory + std::string("PK\x05\x06\0\0\0\0", 8) + count + count +
         raw_value(static_cast<std::uint32_t>(directory.size())) +
         raw_value(static_cast<std::uint32_t>(archive.size())) + std::string(2, '\0');
}

/// [[0, 2.5, 0], [4, 0, 1]] by row.
inline std::vector<ZipMember> csr_members() {
  return {{"indices.npy", npy("<i4", "(3,)", raw<std::int32_t>({1, 0, 2}))},
          {"indptr.npy", npy("<i4", "(3,)", raw<std::int32_t>({0, 1, 3}))},
          {"format.npy", npy("|S3", "()", "csr")},
          {"shape.npy", npy("<i8", "(2,)", raw<std::int64_t>({2, 3}))},
          {"data.npy", npy("<f8", "(3,)", raw<double>({2.5, 4, 1}))}};
}

/// The same with one array replaced.
inline std::vector<ZipMember> csr_with(const std::string& name, const std::string& bytes) {
  std::vector<ZipMember> members = csr_members();
  for (ZipMember& member : members) {
    if (member.name == name + ".npy") member.bytes = bytes;
  }
  return members;
}

}  // namespace wf::test
