#!/usr/bin/env python3
"""Reads the sources and says where they break the project's rules. Run by ctest and first by scripts/test.

    tests/style.py [ROOT]      exit 0: clean; 1: findings, one a line as file:line: rule
"""
import pathlib
import re
import sys

# A folder includes itself and what stands on lines above it; folders of one line do not include each other.
LAYERS = [
    {"base"}, {"config"}, {"ratings"}, {"readers"}, {"schedule"}, {"model"}, {"kernels"},
    {"reference", "cpu", "evaluate"}, {"train"}, {"api"}, {"cli"},
]
LAYER_OF = {folder: level for level, folders in enumerate(LAYERS) for folder in folders}

# (rule, pattern, where it applies, where it does not)
LIBRARY = r"^host/(?!cli/)"
WORDS = [
    ("the library never prints", r"std::(cout|cerr|clog)|(?<![\w:])(?:std::)?(?:f?printf|f?puts|putchar|perror)\s*\(", LIBRARY, None),
    ("the library never ends the program", r"(?<![\w:.>])(?:std::)?(?:_?exit|abort|terminate|quick_exit)\s*\(", LIBRARY, None),
    ("random numbers come from host/base/philox.hpp", r"\b(?:s?rand|drand48)\s*\(|random_device|mt19937", r"^(host|cuda)/", None),
    # progress and rates are the only uses of a clock
    ("no clock in results", r"std::chrono|\btime\s*\(|gettimeofday|clock_gettime", r"^(host|cuda)/",
     r"^host/(train/training_loop\.hpp|readers/read_ratings\.cpp|cli/)"),
    ("clang 14 cannot compile this header", r"#include <(ranges|format|expected|source_location)>", r"^(host|cuda|tests|bench)/", None),
    ("host/ knows no CUDA", r'#include\s*[<"](cuda|cublas|thrust|cub/)', r"^host/", None),
    ("kernels start through the wrapper", r"<<<", r"^cuda/", None),
    ("shared memory through the macros", r"(?<![\w_])__shared__", r"^cuda/", None),
    ("unfinished by its own words", r"\b(TODO|FIXME|XXX)\b", r"^(host|cuda|tests|bench|cmake|scripts)/", r"^tests/(style\.py|python/)"),
    ("no path of one machine", r"(?<![\w.])/(?:root|work|home)/", r"", r"^tests/(style\.py|python/)"),
]
LONGEST_FILE = 600
SOURCES = {".hpp", ".cpp", ".cu", ".cuh", ".py", ".sh", ".cmake", ".md", ".txt", ".json"}


def without_comment(line):
    return re.sub(r"//.*", "", line)


def check_include(path, line):
    """The rule that an #include breaks, or None."""
    included = re.match(r'\s*#include "host/(\w+)/', line)
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
    lines = text.split("\n")
    is_code = path.endswith((".hpp", ".cpp", ".cu", ".cuh"))
    for number, line in enumerate(lines, 1):
        rule = check_include(path, line)
        if rule:
            findings.append((number, rule))
        for rule, pattern, applies, excepted in WORDS:
            if not re.search(applies, path) or (excepted and re.search(excepted, path)):
                continue
            if re.search(pattern, without_comment(line) if is_code and "unfinished" not in rule else line):
                findings.append((number, rule))
    if path.endswith((".hpp", ".cuh")):
        if "#pragma once" not in text:
            findings.append((1, "a header begins with #pragma once"))
        if not lines[0].startswith("// "):
            findings.append((1, "a header begins with a comment that says what it is"))
    if is_code and len(lines) > LONGEST_FILE:
        findings.append((len(lines), f"over {LONGEST_FILE} lines: would two names say it better?"))
    return findings


def main(root):
    count = 0
    for folder in ("host", "cuda", "tests", "bench", "cmake", "scripts", "docs", "."):
        files = (root / folder).glob("*") if folder == "." else (root / folder).rglob("*")
        for file in sorted(files):
            if not file.is_file() or "fixtures" in file.parts or "__pycache__" in file.parts:
                continue
            if file.suffix not in SOURCES and file.parent.name != "scripts":
                continue
            path = file.relative_to(root).as_posix()
            for number, rule in check_file(path, file.read_text(encoding="utf-8")):
                print(f"{path}:{number}: {rule}")
                count += 1
    print(f"style: {count} findings", file=sys.stderr)
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)))
