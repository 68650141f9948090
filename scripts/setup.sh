# Sourced by the other scripts: installs what is missing on Debian, or says what to install elsewhere; configures and builds.

core_packages=(g++ cmake ninja-build pkg-config python3 libcli11-dev libfmt-dev libtomlplusplus-dev nlohmann-json3-dev
  zlib1g-dev libzstd-dev libxxhash-dev robin-map-dev librandom123-dev)
test_packages=(libgtest-dev libgmock-dev librapidcheck-dev libbenchmark-dev libopenblas-dev clang-format clang-tidy gcovr zstd
  chromium mandoc zsh fish libopenmpi-dev openmpi-bin)

say() { printf '\n== %s\n' "$*"; }

# is_there PACKAGE: by Debian's records; elsewhere by the program or the header that the package is wanted for.
is_there() {
  if [ -f /etc/debian_version ] && command -v dpkg-query >/dev/null; then
    dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'
    return
  fi
  local header
  case $1 in
    ninja-build) command -v ninja >/dev/null; return ;;
    libcli11-dev) header=CLI/CLI.hpp ;;
    libfmt-dev) header=fmt/format.h ;;
    libtomlplusplus-dev) header=toml++/toml.h ;;
    nlohmann-json3-dev) header=nlohmann/json.hpp ;;
    zlib1g-dev) header=zlib.h ;;
    libzstd-dev) header=zstd.h ;;
    libxxhash-dev) header=xxhash.h ;;
    robin-map-dev) header=tsl/robin_map.h ;;
    librandom123-dev) header=Random123/philox.h ;;
    libgtest-dev) header=gtest/gtest.h ;;
    libgmock-dev) header=gmock/gmock.h ;;
    librapidcheck-dev) header=rapidcheck.h ;;
    libbenchmark-dev) header=benchmark/benchmark.h ;;
    libopenblas-dev) header=cblas.h ;;
    libopenmpi-dev) header=mpi.h ;;
    openmpi-bin) command -v mpirun >/dev/null; return ;;
    *) command -v "$1" >/dev/null; return ;;
  esac
  echo "#include <$header>" | g++ -std=c++20 -E -x c++ - >/dev/null 2>&1
}

# require_packages PACKAGE...: installs those that are not there; does nothing, at once, when all are.
require_packages() {
  local missing=() root=() package
  for package in "$@"; do
    is_there "$package" || missing+=("$package")
  done
  [ "${#missing[@]}" -eq 0 ] && return 0
  if [ ! -f /etc/debian_version ] || ! command -v apt-get >/dev/null; then
    echo "This is not Debian, so nothing is installed here. Missing, by Debian's names: ${missing[*]}" >&2
    echo "Install them with your system's package manager and run this again." >&2
    return 1
  fi
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "Missing; as root: apt-get install ${missing[*]}" >&2; return 1; }
    root=(sudo)
  fi
  say "Installing Debian packages: ${missing[*]}"
  "${root[@]}" apt-get update -q
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}" </dev/null
}

# configure_and_build PRESET [TARGET...]: the configure log stays in build/PRESET.configure.log; its summary is shown.
# Further options for CMake: the array configure_options. What the build and the tests run under: the array runner.
configure_options=()
runner=()
configure_and_build() {
  local preset=$1 log=build/$1.configure.log launcher=()
  shift
  command -v ccache >/dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  mkdir -p build
  cmake --preset "$preset" "${launcher[@]}" "${configure_options[@]}" >"$log" 2>&1 || { cat "$log" >&2; return 1; }
  sed -n '/^-- warpfactor/,/^-- Configuring/{/^-- Configuring/!s/^-- //p}' "$log"
  "${runner[@]}" cmake --build --preset "$preset" -j "${JOBS:-$(nproc)}" ${1:+--target "$@"}
}
