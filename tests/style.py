#!/usr/bin/env python3
"""Reads the sources and says where they break the project's rules. Run by ctest and first by scripts/test.

    tests/style.py [ROOT]      exit 0: clean; 1: findings, one a line as file:line: rule
"""
import os
import pathlib
import re
import sys

# A folder includes itself and what stands on lines above it; folders of one line do not include each other.
LAYERS = [
    {"base"}, {"config"}, {"ranks"}, {"ratings"}, {"readers"}, {"schedule"}, {"pages"}, {"model"}, {"kernels"},
    {"reference", "cpu", "evaluate"}, {"train", "report", "settings"}, {"api"}, {"cli", "library"},
]
LAYER_OF = {folder: level for level, folders in enumerate(LAYERS) for folder in folders}

# The same for cuda/, with the last folder of host/ that each may include.
CUDA_LAYERS = {"runtime": "kernels", "device": "kernels", "kernels": "kernels", "engine": "api"}

# Files that may read a clock, and why; results never depend on it.
CLOCKS = {
    "host/base/stopwatch.hpp": "seconds that have passed, for reports",
    "host/train/training_loop.hpp": "rates and seconds of an epoch, for the progress report",
    "host/readers/": "rate and time left of a long read",
    "host/cli/": "redraws, elapsed time and the date in a record",
}
CODE = r"^(host|cuda|tests|bench)/.*\.(hpp|cpp|cuh|cu)$"
LIBRARY = r"^host/(?!cli/)"
DEVICE = r"^(host|cuda)/"
PLANTED = r"^tests/(style\.py|python/test_style\.py)$"  # these name what they forbid
NO_MEMBER = r"(?<![\w:.>])(?:std::|::)?"  # a function of C or std, not x.exit() or other::exit()

# (rule, pattern, files it applies to, files excepted)
WORDS = [
    ("the library never prints", r"std::w?(cout|cerr|clog)\b|(fmt|std)::print(ln)?\s*\(|"
     + NO_MEMBER + r"(v?f?w?printf|f?put[cs]|putchar|fwrite|perror)\s*\(",
     LIBRARY, None),
    ("the library never ends the program", NO_MEMBER + r"(_?_?exit|_Exit|abort|terminate|quick_exit)\s*\(|std::(terminate|abort)\b",
     LIBRARY, None),
    ("random numbers come from host/base/philox.hpp", NO_MEMBER + r"(s?rand|[dl]rand48)\s*\(|random_device|mt19937|#include <random>",
     DEVICE, None),
    ("no clock in results", r"std::chrono|" + NO_MEMBER + r"(time|clock|gettimeofday|clock_gettime)\s*\(", DEVICE,
     "^(" + "|".join(map(re.escape, CLOCKS)) + ")"),
    ("clang 14 cannot compile this header", r"#\s*include <(ranges|format|expected|source_location)>", CODE, None),
    ("host/ knows no CUDA", r'#\s*include\s*[<"](cuda|cublas|cusparse|cusolver|thrust|cub/|nccl)', r"^host/", None),
    ("included by its path from the root", r'#\s*include "(?!host/|cuda)', r"^host/", None),
    ("kernels start through the wrapper", r"<<<", r"^cuda/", None),
    ("shared memory through the macros", r"(?<!\w)__shared__", r"^cuda/", r"^cuda/runtime/kernel_code\.hpp$"),
    ("the architecture by WF_ARCH", r"(?<!\w)__CUDA_ARCH__", r"^cuda/", r"^cuda/runtime/kernel_code\.hpp$"),
    ("copies are in cuda/runtime/transfer.cpp", r"cudaMemcpy(?!Async\()\w*\(", r"^cuda/", None),
    ("every call has a stream: no default stream", r"cuda(Malloc|Free|Memset|MemcpyAsync)\([^;]*\bnullptr\)|\bcuda(Malloc|Memset|Free)\(", r"^cuda/", None),
    ("no inline PTX: the interpreter cannot run it", r"\basm\s*(volatile)?\s*\(", r"^cuda/", None),
    ("product code stands without its tests", r'#\s*include "tests/', r"^(host|cuda)/",
     r"^cuda/runtime/(kernel_code\.hpp|sort\.cu)$"),
    ("unfinished by its own words", r"\b(TODO|FIXME|XXX)\b", r"", PLANTED),
    ("no path of one machine", r"(?<![\w.~])/(?:root|work|home)(?![\w-])", r"", PLANTED),
]
SKIPPED = {".git", ".cache", "build", "fixtures", "__pycache__"}
LONGEST_FILE = 600


def without_comment(line):
    return re.sub(r"(?<!:)//.*", "", line)  # not the // of an address


def check_cuda_include(path, line):
    own = path.split("/")[1]
    order = list(CUDA_LAYERS)
    if own not in order:
        return f"cuda/{own} has no place in the order of includes"
    cuda = re.match(r'\s*#\s*include\s*"cuda/(\w+)/', line)
    if cuda and (cuda.group(1) not in order or order.index(cuda.group(1)) > order.index(own)):
        return f"cuda/{own} must not include cuda/{cuda.group(1)}"
    host = re.match(r'\s*#\s*include\s*"host/(\w+)/', line)
    if host and LAYER_OF.get(host.group(1), len(LAYERS)) > LAYER_OF[CUDA_LAYERS[own]]:
        return f"cuda/{own} must not include host/{host.group(1)}"
    return None


def check_include(path, line):
    """The rule that an #include breaks, or None."""
    if path.startswith("cuda/"):
        return check_cuda_include(path, line)
    included = re.match(r'\s*#\s*include\s*[<"]host/(\w+)/', line)
    parts = path.split("/")
    if not included or parts[0] != "host":
        return None
    own, other = parts[1], included.group(1)
    if other not in LAYER_OF:
        return f"host/{other} has no place in the order of includes"
    if other != own and LAYER_OF[other] >= LAYER_OF[own]:
        return f"host/{own} must not include host/{other}"
    if own == "train" and other in {"reference", "cpu"}:
        return "host/train knows the contract, not a kernel set"
    return None


def check_file(path, text):
    findings = []
    lines = text.splitlines() or [""]
    is_code = path.endswith((".hpp", ".cpp", ".cu", ".cuh"))
    for number, line in enumerate(lines, 1):
        rule = check_include(path, line)
        if rule:
            findings.append((number, rule))
        for rule, pattern, applies, excepted in WORDS:
            if not re.search(applies, path) or (excepted and re.search(excepted, path)):
                continue
            if re.search(pattern, without_comment(line) if is_code and applies else line):  # of code rules, not in prose
                findings.append((number, rule))
    if path.endswith((".hpp", ".cuh")):
        if "#pragma once" not in text:
            findings.append((1, "a header begins with #pragma once"))
        if not lines[0].startswith("// "):
            findings.append((1, "a header begins with a comment that says what it is"))
    if is_code and len(lines) > LONGEST_FILE:
        findings.append((len(lines), f"over {LONGEST_FILE} lines: would two names say it better?"))
    return findings


def files_of(root):
    """What could be committed, in order; folders that git ignores are left out."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in SKIPPED)
        for name in sorted(names):
            if name not in SKIPPED and not name.endswith(".pyc"):  # .git is a file in a work tree
                yield pathlib.Path(folder) / name


def main(root):
    count = 0
    for file in files_of(root):
        try:
            text = file.read_text(encoding="utf-8")
        except (UnicodeDecodeError, OSError):
            continue  # no text, or an editor's file that is gone again
        path = file.relative_to(root).as_posix()
        for number, rule in check_file(path, text):
            print(f"{path}:{number}: {rule}")
            count += 1
    print(f"style: {count} findings", file=sys.stderr)
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)))
