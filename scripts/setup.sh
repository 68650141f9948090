# Sourced by the other scripts: installs what is missing on Debian, or says what to install elsewhere.

core_packages=(g++ cmake ninja-build pkg-config python3 libcli11-dev libfmt-dev nlohmann-json3-dev zlib1g-dev libzstd-dev
  libxxhash-dev robin-map-dev librandom123-dev)
test_packages=(libgtest-dev libgmock-dev librapidcheck-dev libbenchmark-dev clang-format clang-tidy gcovr)

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }

# require_packages PACKAGE...: installs those that are not there; does nothing, at once, when all are.
require_packages() {
  if ! command -v dpkg-query >/dev/null; then
    echo "This is not Debian: make sure that these, or what your system calls them, are installed: $*"
    return 0
  fi
  local missing=()
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ "${#missing[@]}" -eq 0 ] && return 0
  say "Installing packages: ${missing[*]}"
  local root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "Run as root: apt-get install ${missing[*]}" >&2; return 1; }
    root=(sudo)
  fi
  "${root[@]}" apt-get update -q
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
}

# configure_and_build PRESET [TARGET...]
configure_and_build() {
  local preset=$1
  shift
  local launcher=()
  command -v ccache >/dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  cmake --preset "$preset" "${launcher[@]}" >"build/$preset.configure.log" 2>&1 ||
    { cat "build/$preset.configure.log"; return 1; }
  cmake --build --preset "$preset" -j "$(nproc)" ${1:+--target "$@"}
}
