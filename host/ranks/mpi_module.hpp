// Several processes, started by mpirun, train one model. MPI is a module that is loaded where that is so: the program
// starts without any.
#pragma once
#include "host/ranks/ranks.hpp"

#include <memory>
#include <string>

namespace wf {

/// What the module exports, through its one symbol kMpiModuleSymbol.
struct MpiModule {
  int version;                        ///< kMpiModuleVersion of the sources it was built from
  std::unique_ptr<Ranks> (*start)();  ///< once; with its end MPI's is over
  std::string (*host)();              ///< that this process runs on, as MPI names it
  int (*local_rank)();                ///< the number of this process among those of its host
  void (*end_all)(int code);          ///< all processes of the job
};

inline constexpr int kMpiModuleVersion = 2;  // raise it with MpiModule or Ranks
inline constexpr const char* kMpiModuleSymbol = "warpfactor_mpi_module";
inline constexpr const char* kMpiModuleFile = "libwarpfactor_mpi.so";
inline constexpr const char* kMpiModuleVariable = "WARPFACTOR_MPI_MODULE";

/// Why no job of several processes can begin here; empty: the module is there. Loads nothing.
std::string mpi_absence();

/// How many processes the starter of this one says that it has started: mpirun of Open MPI, MPICH or Intel, srun. 1:
/// none of them has.
int started_processes();

/// The processes of this job; Ranks::alone() where there is one. Loads and starts MPI at the first call. Throws
/// DeviceError where MPI is not compiled in or is another than the starter's.
Ranks& job();

/// Where several processes run: "process 3 of 4 (on HOST)"; else empty.
std::string process_name();

/// The number of this process among those of its machine; 0 where it is alone.
int local_rank();

/// Ends the other processes of a job that has begun, and this one, with that exit code; returns where this is the only
/// one.
void end_job(int code);

}  // namespace wf
