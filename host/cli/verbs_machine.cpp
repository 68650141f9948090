// synth: ratings out of nothing. doctor: what this machine and this build offer.
#include "host/api/engines.hpp"
#include "host/base/json_text.hpp"
#include "host/base/shown.hpp"
#include "host/base/thread_pool.hpp"
#include "host/cli/output_file.hpp"
#include "host/cli/verbs.hpp"
#include "host/ranks/mpi_module.hpp"
#include "host/ratings/synthetic.hpp"
#include "host/settings/words.hpp"

#include <fmt/format.h>

#include <sys/utsname.h>
#include <unistd.h>

namespace wf::cli {
namespace {

SyntheticShape known_shape(const std::string& name) {
  std::vector<std::string> names;
  for (const SyntheticShape& shape : synthetic_shapes()) {
    if (shape.name == name) return shape;
    names.push_back(shape.name);
  }
  refuse_word("--shape", name, names);
}

SyntheticShape shape_of(const SynthRequest& request) {
  SyntheticShape shape;
  if (!request.shape.empty()) {
    shape = known_shape(request.shape);
  } else if (!request.users || !request.items || !request.ratings) {
    throw UsageError("how many ratings of what shape?",
                     "give --shape NAME, for example ml-100k, or --users, --items and --ratings");
  }
  shape.n_users = request.users.value_or(shape.n_users);
  shape.n_items = request.items.value_or(shape.n_items);
  shape.n_ratings = request.ratings.value_or(shape.n_ratings);
  shape.rank = request.rank.value_or(shape.rank);
  shape.noise = request.noise.value_or(shape.noise);
  return shape;
}

struct Fact {
  std::string name;
  std::string value;
};

std::string simd_level() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f")) return "AVX-512";
  if (__builtin_cpu_supports("avx2")) return __builtin_cpu_supports("fma") ? "AVX2 + FMA" : "AVX2";
  if (__builtin_cpu_supports("avx")) return "AVX";
  return "SSE2";
#elif defined(__aarch64__)
  return "NEON";
#else
  return "unknown";
#endif
}

Position memory_bytes(int what) {
  return static_cast<Position>(sysconf(what)) * sysconf(_SC_PAGESIZE);
}

std::vector<Fact> machine_facts() {
#if defined(NDEBUG)
  const char* build = "optimised";
#else
  const char* build = "with assertions";
#endif
  utsname system{};
  static_cast<void>(uname(&system));
  return {{"version", WARPFACTOR_VERSION},
          {"compiler", "g++ " __VERSION__},
          {"build", build},
          {"system", fmt::format("{} {} {}", system.sysname, system.release, system.machine)},
          {"cpus", fmt::format("{} usable of {}", available_cpus(), sysconf(_SC_NPROCESSORS_ONLN))},
          {"simd", simd_level()},
          {"memory", fmt::format("{} available of {}", short_bytes(memory_bytes(_SC_AVPHYS_PAGES)),
                                 short_bytes(memory_bytes(_SC_PHYS_PAGES)))},
          {"cuda", cuda_versions()}};
}

/// Parts that a build can have and this one has not.
const std::vector<std::string>& absent_parts() {
  static const std::vector<std::string> parts{"BLAS", "HDF5", "NUMA"};
  return parts;
}

/// What training by several processes stands on.
std::string processes() {
  const std::string absence = mpi_absence();
  return absence.empty() ? "several, under mpirun" : "one: " + absence;
}

void write_ratings(const SyntheticShape& shape, std::uint64_t seed, bool json, OutputFile& out) {
  if (!json) return synthesize_text(shape, seed, [&out](std::string_view text) { out.write(text); });
  synthesize(shape, seed, [&out](const SyntheticRating* ratings, Position count) {
    for (Position n = 0; n < count; ++n) {
      const SyntheticRating& rating = ratings[n];
      out.write(
          JsonObject().count("user", rating.user).count("item", rating.item).number("rating", rating.value).str() +
          '\n');
    }
  });
}

std::string synth_json(const SynthRequest& request, const SyntheticShape& shape) {
  return JsonObject()
      .text("file", request.out)
      .count("n_users", shape.n_users)
      .count("n_items", shape.n_items)
      .count("n_ratings", shape.n_ratings)
      .count("rank", shape.rank)
      .number("noise", shape.noise)
      .raw("seed", std::to_string(request.seed))
      .str();
}

}  // namespace

int run_verb(const SynthRequest& request, Console& console) {
  const SyntheticShape shape = shape_of(request);
  OutputFile out(request.out);
  write_ratings(shape, request.seed, console.json() && out.is_stdout(), out);
  out.commit();
  console.line("synth", fmt::format("{}: {} users × {} items · {} · seed {}",
                                    request.shape.empty() ? "own shape" : request.shape, grouped(shape.n_users),
                                    grouped(shape.n_items), plural(shape.n_ratings, "rating"), request.seed));
  if (!console.json() || out.is_stdout()) return 0;
  OutputFile about("");
  about.write(synth_json(request, shape) + '\n');
  about.commit();
  return 0;
}

int run_verb(const DoctorRequest& /*request*/, Console& console) {
  const std::vector<Fact> facts = machine_facts();
  OutputFile out("");
  if (console.json()) {
    JsonObject object;
    for (const Fact& fact : facts) object.text(fact.name, fact.value);
    std::string engines;
    for (const EngineInfo& engine : list_engines()) {
      JsonObject entry;
      entry.text("name", engine.name).boolean("available", engine.available).text("detail", engine.detail);
      engines += (engines.empty() ? "" : ", ") + entry.str();
    }
    object.raw("engines", '[' + engines + ']');
    std::string absent;
    for (const std::string& part : absent_parts()) absent += (absent.empty() ? "" : ", ") + json_string(part);
    object.text("processes", processes());
    object.raw("not_compiled_in", '[' + absent + ']');
    out.write(object.str() + '\n');
    out.commit();
    return 0;
  }
  for (const Fact& fact : facts) out.write(fmt::format("{:<12}{}\n", fact.name, fact.value));
  for (const EngineInfo& engine : list_engines()) {
    out.write(
        fmt::format("{:<12}{}: {}{}\n", "engine", engine.name, engine.available ? "" : "absent, ", engine.detail));
  }
  out.write(fmt::format("{:<12}{}\n", "processes", processes()));
  out.write(fmt::format("{:<12}{}\n", "not in it", join(absent_parts(), ", ") + " (not compiled in)"));
  out.commit();
  return 0;
}

}  // namespace wf::cli
