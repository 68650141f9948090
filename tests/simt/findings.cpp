// Options, the list of findings, and names for code addresses.
#include "tests/simt/internal.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string_view>

#if __has_include(<backtrace.h>) && !defined(SIMT_NO_BACKTRACE)
#include <backtrace.h>
#include <cxxabi.h>
#define SIMT_BACKTRACE 1
#else
#define SIMT_BACKTRACE 0
#endif

extern "C" void __tsan_init() __attribute__((weak));  // in checker.cpp, if that is linked

namespace simt {

Stats counters{};
const void* current_kernel = nullptr;

namespace {

std::uint64_t env(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr && *text != '\0' ? std::strtoull(text, nullptr, 0) : otherwise;
}

std::string base_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

#if SIMT_BACKTRACE
void ignore_error(void*, const char*, int) {}

backtrace_state* symbols() {
  static backtrace_state* const state = backtrace_create_state(nullptr, 0, ignore_error, nullptr);
  return state;
}

int take_place(void* out, std::uintptr_t, const char* file, int line, const char*) {
  const std::string path = file != nullptr ? file : "";
  // Inlined functions of the interpreter and of the toolkit: go on to their caller.
  if (path.empty() || path.find("/simt/device") != path.npos || path.find("/include/cuda_") != path.npos) return 0;
  *static_cast<std::string*>(out) = base_name(path) + ":" + std::to_string(line);
  return 1;
}

void take_symbol(void* out, std::uintptr_t, const char* name, std::uintptr_t, std::uintptr_t) {
  if (name == nullptr) return;
  int status = 0;
  char* plain = abi::__cxa_demangle(name, nullptr, nullptr, &status);
  *static_cast<std::string*>(out) = status == 0 && plain != nullptr ? plain : name;
  std::free(plain);
}
#endif

std::string kernel_name() {
  std::string name;
#if SIMT_BACKTRACE
  if (current_kernel != nullptr) {
    backtrace_syminfo(symbols(), std::uintptr_t(current_kernel), take_symbol, ignore_error, &name);
  }
#endif
  for (const std::string_view noise : {"void ", "(anonymous namespace)::"}) {
    for (auto at = name.find(noise); at != name.npos; at = name.find(noise)) name.erase(at, noise.size());
  }
  return name.substr(0, name.find('('));
}

void print(const Finding& finding) {
  const std::string in = finding.kernel.empty() ? "" : " in " + finding.kernel;
  std::fprintf(stderr, "simt: %s%s: %s\n", to_string(finding.kind), in.c_str(), finding.text.c_str());
}

struct Findings {
  std::vector<Finding> list;
  std::set<std::tuple<Kind, const void*, const void*>> reported;

  ~Findings() {
    for (const Finding& finding : list) print(finding);
    if (!list.empty()) std::fprintf(stderr, "simt: nobody took these %zu findings\n", list.size());
  }
};

Findings& findings() {
  static Findings findings;
  return findings;
}

}  // namespace

std::recursive_mutex& api_lock() {
  static auto& mutex = *new std::recursive_mutex;  // lives on: host threads may outlast static destructors
  return mutex;
}

Options Options::from_env() {
  Options o;
  o.seed = env("SIMT_SEED", o.seed);
  o.resident_blocks = int(env("SIMT_RESIDENT", 0));
  o.preempt = unsigned(env("SIMT_PREEMPT", o.preempt));
  o.check = env("SIMT_CHECK", __tsan_init != nullptr ? 1 : 0) != 0;
  o.deferred = env("SIMT_DEFERRED", 0) != 0;
  o.no_device = env("SIMT_NO_DEVICE", 0) != 0;
  o.fail_fast = env("SIMT_FAIL_FAST", 0) != 0;
  o.sm_count = int(env("SIMT_SMS", std::uint64_t(o.sm_count)));
  o.compute_capability = int(env("SIMT_CC", std::uint64_t(o.compute_capability)));
  o.device_bytes = env("SIMT_DEVICE_MIB", o.device_bytes >> 20) << 20;
  o.stack_bytes = env("SIMT_STACK_KIB", SIMT_ASAN ? 256 : 64) << 10;
  return o;
}

Options& options() {
  static Options options = Options::from_env();
  return options;
}

Stats& stats() {
  return counters;
}

const char* to_string(Kind kind) {
  // clang-format off
  static const char* const names[] = {
      "race", "ldg_race", "divergent_barrier", "exited_barrier", "divergent_warp", "warp_mask", "inactive_shuffle",
      "deadlock", "livelock", "out_of_bounds", "uninitialised", "host_deref", "misaligned", "wrong_space", "bad_copy",
      "shared_size", "leak"};
  // clang-format on
  static_assert(std::size(names) == std::size_t(Kind::leak) + 1);
  return names[std::size_t(kind)];
}

std::string where(const Site& site) {
  return base_name(site.file) + ":" + std::to_string(site.line);
}

std::string where(const void* pc) {
  std::string place;
#if SIMT_BACKTRACE
  const std::uintptr_t in_call = std::uintptr_t(pc) - 1;  // and not what follows it
  backtrace_pcinfo(symbols(), in_call, take_place, ignore_error, &place);
#endif
  if (!place.empty()) return place;
  char text[32];
  std::snprintf(text, sizeof text, "pc %p", pc);
  return text;
}

void add_finding(Kind kind, const std::string& text) {
  constexpr std::size_t kEnough = 1000;
  const Lock lock(api_lock());
  auto& list = findings().list;
  const auto known = [&](const Finding& finding) { return finding.kind == kind && finding.text == text; };
  const auto same = std::find_if(list.begin(), list.end(), known);
  if (same != list.end()) {
    ++same->count;
    return;
  }
  if (list.size() < kEnough) list.push_back({kind, kernel_name(), text, 1});
  if (options().fail_fast) {
    print(list.back());
    std::abort();
  }
}

bool first_report(Kind kind, const void* pc, const void* other_pc) {
  const Lock lock(api_lock());
  return findings().reported.insert({kind, pc, other_pc}).second;
}

std::vector<Finding> take_findings() {
  const Lock lock(api_lock());
  findings().reported.clear();
  return std::exchange(findings().list, {});
}

std::size_t count_findings(Kind kind) {
  const Lock lock(api_lock());
  const auto& list = findings().list;
  return std::size_t(std::count_if(list.begin(), list.end(), [kind](const Finding& f) { return f.kind == kind; }));
}

}  // namespace simt
