// The NCCL calls of the project, between processes that have an interpreter each, by files: a message is one, which its
// receiver takes away. SIMT_NCCL names a file where each rank adds a line with the bytes that it has sent, "RANK
// BYTES"; where it is not set there is no NCCL. SIMT_NCCL_VERSION is the one that it says. SIMT_NCCL_FAILS is the
// number of a send that fails; who has failed waits in ncclCommDestroy for ever, as for a rank that never answers.
#include "cuda/runtime/nccl_api.hpp"
#include "tests/simt/internal.hpp"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

namespace fs = std::filesystem;

struct ncclComm {
  fs::path folder;
  int rank = 0;
  std::map<std::string, int> messages;  // so far, by "FROM-TO"
  std::size_t sent = 0;                 // bytes
  int sends = 0;
  bool failed = false;

  fs::path next(int from, int to) {
    const std::string way = std::to_string(from) + '-' + std::to_string(to);
    return folder / (way + '-' + std::to_string(messages[way]++));
  }
};

namespace {

constexpr std::chrono::seconds kLongest{60};  // that a message is waited for

struct Operation {
  cudaStream_t stream;
  std::function<void()> run;
};
bool in_group = false;
std::vector<Operation> group;  // sends first

const char* file_of_counts() {
  return std::getenv("SIMT_NCCL");
}

bool in_device_memory(const void* p, std::size_t bytes) {
  const simt::Lock lock(simt::api_lock());
  if (simt::covered(p, bytes)) return true;
  simt::add_finding(simt::Kind::out_of_bounds, "rows of an NCCL call do not lie in one device allocation");
  return false;
}

void send_file(const fs::path& name, const void* data, std::size_t bytes) {
  const fs::path part = name.string() + ".part";
  std::ofstream out(part, std::ios::binary);
  if (!out.write(static_cast<const char*>(data), static_cast<std::streamsize>(bytes)).flush()) {
    return simt::add_finding(simt::Kind::bad_copy, "an NCCL message cannot be written: " + part.string());
  }
  fs::rename(part, name);
}

void receive_file(const fs::path& name, void* data, std::size_t bytes) {
  const auto start = std::chrono::steady_clock::now();
  while (!fs::exists(name)) {
    if (std::chrono::steady_clock::now() - start > kLongest) {
      return simt::add_finding(simt::Kind::deadlock, "an NCCL message never came: " + name.filename().string());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  std::ifstream in(name, std::ios::binary);
  in.read(static_cast<char*>(data), static_cast<std::streamsize>(bytes));
  if (static_cast<std::size_t>(in.gcount()) != bytes || in.peek() != EOF) {
    simt::add_finding(simt::Kind::bad_copy, "an NCCL message of another size than is waited for");
  }
  simt::mark_written(data, bytes);
  fs::remove(name);
}

}  // namespace

extern "C" {

ncclResult_t ncclGetVersion(int* version) {
  const char* const pretended = std::getenv("SIMT_NCCL_VERSION");
  *version = pretended == nullptr ? 22809 : std::atoi(pretended);
  return file_of_counts() == nullptr ? ncclSystemError : ncclSuccess;
}
const char* ncclGetErrorString(ncclResult_t) {
  return "the interpreter's NCCL has failed";
}
ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  const std::string name = (fs::temp_directory_path() / ("simt-nccl-" + std::to_string(getpid()))).string();
  if (name.size() >= sizeof id->internal) return ncclSystemError;
  std::strcpy(id->internal, name.c_str());
  fs::remove_all(name);  // of a process that had this number and died
  return fs::create_directory(name) ? ncclSuccess : ncclSystemError;
}
ncclResult_t ncclCommInitRank(ncclComm_t* comm, int, ncclUniqueId id, int rank) {
  *comm = new ncclComm{id.internal, rank, {}, 0, 0, false};
  return ncclSuccess;
}
ncclResult_t ncclCommAbort(ncclComm_t comm) {
  fs::remove_all(comm->folder);
  delete comm;
  return ncclSuccess;
}
ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  while (comm->failed) pause();
  std::ofstream(file_of_counts(), std::ios::app)
      << std::to_string(comm->rank) + ' ' + std::to_string(comm->sent) + '\n';
  std::error_code others_have_messages;
  fs::remove(comm->folder, others_have_messages);
  delete comm;
  return ncclSuccess;
}
ncclResult_t ncclGroupStart() {
  in_group = true;
  return ncclSuccess;
}
ncclResult_t ncclGroupEnd() {
  for (const Operation& operation : group) simt::enqueue(operation.stream, operation.run);
  group.clear();
  in_group = false;
  return ncclSuccess;
}
ncclResult_t ncclSend(const void* from, std::size_t count, ncclDataType_t, int to, ncclComm_t comm,
                      cudaStream_t stream) {
  const std::size_t bytes = count * sizeof(float);
  if (!in_group || !in_device_memory(from, bytes)) return ncclSystemError;
  const char* const failing = std::getenv("SIMT_NCCL_FAILS");
  if (failing != nullptr && comm->sends == std::atoi(failing)) {
    comm->failed = true;
    return ncclSystemError;
  }
  ++comm->sends;
  comm->sent += bytes;
  group.insert(group.begin(), {stream, [=, name = comm->next(comm->rank, to)] { send_file(name, from, bytes); }});
  return ncclSuccess;
}
ncclResult_t ncclRecv(void* to, std::size_t count, ncclDataType_t, int from, ncclComm_t comm, cudaStream_t stream) {
  const std::size_t bytes = count * sizeof(float);
  if (!in_group || !in_device_memory(to, bytes)) return ncclSystemError;
  group.push_back({stream, [=, name = comm->next(from, comm->rank)] { receive_file(name, to, bytes); }});
  return ncclSuccess;
}
}
