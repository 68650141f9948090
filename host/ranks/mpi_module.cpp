#include "host/ranks/mpi_module.hpp"

#include "host/base/error.hpp"
#include "host/base/module_path.hpp"

#include <dlfcn.h>
#include <algorithm>
#include <cstdlib>

namespace wf {
namespace {

struct Job {
  const MpiModule* module = nullptr;
  std::unique_ptr<Ranks> ranks;
};

/// With the end of the program, MPI's.
Job& the_job() {
  static Job one;
  return one;
}

const MpiModule& load_mpi(int processes) {
  const std::string started = std::to_string(processes) + " processes were started, and ";
  const std::string cure = "build with -DWARPFACTOR_MPI=ON, or start one process";
  const std::filesystem::path path = module_path(kMpiModuleVariable, kMpiModuleFile);
  if (path.empty()) throw DeviceError(started + "MPI is not compiled in", cure);
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL);  // Open MPI's own modules look for its symbols
  if (library == nullptr) {
    throw DeviceError(started + "MPI cannot be loaded: " + std::string(dlerror()),
                      "install the MPI that warpfactor was built with, or start one process");
  }
  const auto entry = reinterpret_cast<const MpiModule* (*)()>(dlsym(library, kMpiModuleSymbol));
  if (entry == nullptr || entry()->version != kMpiModuleVersion) {
    throw DeviceError(path.string() + " belongs to another version of warpfactor", cure);
  }
  return *entry();
}

}  // namespace

std::string mpi_absence() {
  return module_path(kMpiModuleVariable, kMpiModuleFile).empty() ? "MPI is not compiled in" : "";
}

int started_processes() {
  int most = 1;
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS"}) {
    if (const char* value = std::getenv(name)) most = std::max(most, std::atoi(value));
  }
  const char* of_step =
      std::getenv("SLURM_STEP_NUM_TASKS");  // srun starts the step's tasks; in a batch script there is one
  if (of_step != nullptr && std::getenv("PMIX_RANK") != nullptr) most = std::max(most, std::atoi(of_step));
  return most;
}

Ranks& job() {
  Job& one = the_job();
  if (one.ranks) return *one.ranks;
  const int processes = started_processes();
  if (processes == 1) return Ranks::alone();
  one.module = &load_mpi(processes);
  one.ranks = one.module->start();
  if (one.ranks->is_alone()) {
    throw DeviceError(std::to_string(processes) +
                          " processes were started, and each sees itself alone: mpirun is of another " +
                          "MPI than the one that warpfactor was built with",
                      "start them with the mpirun of that MPI");
  }
  return *one.ranks;
}

std::string process_name() {
  const Job& one = the_job();
  if (!one.ranks || one.ranks->is_alone()) return {};
  return "process " + std::to_string(one.ranks->rank()) + " of " + std::to_string(one.ranks->size()) + " (on " +
         one.module->host() + ")";
}

int local_rank() {
  const Job& one = the_job();
  return one.ranks && !one.ranks->is_alone() ? one.module->local_rank() : 0;
}

void end_job(int code) {
  const Job& one = the_job();
  if (one.ranks && !one.ranks->is_alone()) one.module->end_all(code);
}

}  // namespace wf
