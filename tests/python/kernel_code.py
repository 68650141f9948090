#!/usr/bin/env python3
"""What nvcc makes of the hot kernels: no spills, vector loads, vector atomics, no contraction.

    kernel_code.py NVCC SOURCE_FOLDER INCLUDE_FOLDER...      compiles to PTX, then for sm_90 with ptxas -v
"""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

FLAGS = ["-std=c++20", "-O3", "--diag-suppress=554"]
ARITHMETIC = ["--fmad=false"]  # as cmake/cuda.cmake has it
FAST = ["--prec-div=false", "--prec-sqrt=false"]
OTHER_ARITHMETIC = {"sgd_chunks": FAST, "sgd_tiles": FAST}
# file: (patterns its PTX for sm_90 must hold, patterns that it must not)
HOT = {
    "cuda/kernels/predict.cu": ([r"ld\.global\.nc\.v4\.[fb]32"], [r"fma\.rn\.f32"]),
    "cuda/kernels/loss_slopes.cu": ([r"ld\.global\.nc\.v4\.[fb]32"], []),
    "cuda/kernels/rating_errors.cu": ([r"ld\.global\.nc\.v4\.[fb]32"], []),
    "cuda/kernels/row_gradients.cu": ([r"ld\.global\.nc\.v4\.[fb]32", r"(red|atom)\.global\.(add\.)?v4\.f32",
                                       r"st\.(global\.)?v4\.[fb]32"], [r"fma\.rn\.f32"]),
    "cuda/kernels/optimizer_step.cu": ([], [r"fma\.rn\.f32"]),
    "cuda/kernels/sgd_blocks.cu": ([r"ld\.shared\.[fb]32"], []),
    "cuda/kernels/sgd_chunks.cu": ([r"ld\.global\.cg\.v4\.[fb]32", r"st\.global\.cg\.v4\.[fbu]32"], []),
    "cuda/kernels/sgd_tiles.cu": ([r"ld\.global\.cg\.v4\.[fb]32", r"ld\.shared\.v4\.[fbu]32", r"st\.shared\.v4\.[fbu]32"], []),
    "cuda/kernels/rank_update.cu": ([r"ld\.global\.cg\.[fb]32", r"st\.global\.cg\.[fb]32"], [r"\.local\."]),
    "cuda/kernels/group_rows.cu": ([r"atom\.global\.cas\.b32"], []),
}
# Before sm_90 there are no vector atomics: the scalar ones must be what is there.
OLDER = {"cuda/kernels/row_gradients.cu": ([r"(red|atom)\.global\.add\.f32"], [r"(red|atom)\.global\.(add\.)?v4"])}


def compile_to_ptx(nvcc, source, includes, architecture, out):
    arithmetic = OTHER_ARITHMETIC.get(pathlib.Path(source).stem, ARITHMETIC)
    command = [nvcc, *FLAGS, *arithmetic, "-ptx", f"-arch=compute_{architecture}", *[f"-I{path}" for path in includes], "-o", out, source]
    subprocess.run(command, check=True)
    return pathlib.Path(out).read_text()


def spills(nvcc, ptx):
    """(kernel, bytes) of each function that spills."""
    command = [pathlib.Path(nvcc).parent / "ptxas", "-v", "-arch=sm_90", ptx, "-o", os.devnull]
    log = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    kernel, found, seen = "?", [], 0
    for line in log.splitlines():
        entry = re.search(r"(?:Compiling entry function|Function properties for) '?([\w$]+)", line)
        if entry:
            kernel = entry.group(1)
        properties = re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", line)
        if properties:
            seen += 1
            if int(properties.group(2)) or int(properties.group(3)):
                found.append((kernel, line.strip()))
    return found, seen


def check(nvcc, root, includes, folder, file, architecture, expected):
    source = str(pathlib.Path(root) / file)
    out = str(pathlib.Path(folder) / f"{pathlib.Path(file).stem}_{architecture}.ptx")
    ptx = compile_to_ptx(nvcc, source, includes, architecture, out)
    complaints = []
    for entry in re.split(r"\.entry ", ptx)[1:]:  # each kernel that is instantiated for rows of vectors
        name = entry.split("(")[0].strip()
        if "Lb1E" in name and not re.search(r"ld\.global\.nc\.v4\.[fbu]32", entry):
            complaints.append(f"{file}: no vector load in {name} for sm_{architecture}")
    for pattern in expected[0]:
        if not re.search(pattern, ptx):
            complaints.append(f"{file}: no {pattern} for sm_{architecture}")
    for pattern in expected[1]:
        if re.search(pattern, ptx):
            complaints.append(f"{file}: {pattern} for sm_{architecture}")
    functions = 0
    if architecture == 90:
        found, functions = spills(nvcc, out)
        complaints += [f"{file}: {kernel} spills: {line}" for kernel, line in found]
        if functions == 0:
            complaints.append(f"{file}: ptxas -v reports no function")
    return complaints, functions


def main(nvcc, root, *includes):
    jobs = [(file, 90, expected) for file, expected in HOT.items()]
    jobs += [(file, 80, expected) for file, expected in OLDER.items()]
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda job: check(nvcc, root, (root, *includes), folder, *job), jobs))
    complaints = [complaint for result in results for complaint in result[0]]
    for complaint in complaints:
        print(complaint)
    print(f"{sum(result[1] for result in results)} functions of {len(HOT)} files, {len(complaints)} complaints")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
