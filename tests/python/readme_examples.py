#!/usr/bin/env python3
"""Runs the commands of the README and of docs/, as they stand there, on small data.

    readme_examples.py PROGRAM

Building is left out (it has been done); build/release/warpfactor and warpfactor are PROGRAM. Benchmarks run on a few ratings and with a stand-in
for LIBMF; one that lacks a module or a program is named with what it lacks. Also checks that scripts and the files that the README links to exist.
"""
import importlib.util
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


# What a benchmark needs beside PROGRAM, and the words that make it small.
BENCHMARKS = {
    "bench/model.py": ((), ""),
    "bench/compare": ((), ""),
    "bench/peers": ((), "--shape tiny --rank 4 --runs 1 --epochs 3 --short-epochs 1 --threads 1"),
    "bench/hosts.py": ((), "--users 300 --items 100 --ratings 5000 -k 4 --epochs 3 --runs 1"),
    "bench/scaling.py": ((), ""),
    "bench/ranking.py": (("numpy",), ""),
    "bench/als.py": (("numpy", "scipy", "implicit", "irspack"), "--rank 4 --runs 1 --sweeps 1"),
    "bench/factorize.py": (("numpy", "scipy", "sklearn"), "--rank 4 --runs 1"),
    "bench/convergence.py": ((), "--rank 4 --epochs 3 --seeds 1 --depth 1,4"),
    "build/release/bench/top_lists_bench": ((), ""),
    "build/release/bench/warpfactor-in-flight": ((), ""),
}
NOT_RUN = {  # what else a page may show, and why it is not run here
    "cmake ": "the program under test was built so",
    "scripts/test": "it runs this test",
    "scripts/demo": "scripts/test runs it",
    "scripts/gpu-check": "gpu_check.py tests it",
    "scripts/profile": "gpu_check.py tests it, and plays nsys",
    "ncu ": "it needs a device",
}
PROCESSES = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_rmaps_base_oversubscribe": "1"}
SMALLER = (("top_lists_bench ml-20m 64 10 5", "top_lists_bench ml-100k 8 10 1"), ("RATINGS.csv ...", "RATINGS.csv"))


def write_data(folder):
    numbers = random.Random(1)
    lines = [f"{u},{i},{numbers.randint(1, 10) / 2}" for u in range(60) for i in numbers.sample(range(40), 15)]
    lines += [f"42,{i},4.5" for i in range(100, 103)]
    (folder / "ratings.csv").write_text("user,item,rating\n" + "\n".join(lines) + "\n")
    (folder / "test.csv").write_text("user,item,rating\n1,2,3\n42,7,4\n")
    (folder / "pairs.csv").write_text("user,item\n1,2\n42,7\n")
    shutil.copy(folder / "ratings.csv", folder / "train.csv")
    shutil.copy(folder / "ratings.csv", folder / "RATINGS.csv")
    (folder / "ratings.txt").write_text("\n".join(line.replace(",", " ") for line in lines) + "\n")


def lay_out_programs(folder, program):
    """The tree as a build leaves it, and warpfactor on the path."""
    for name in ("build/release", "bin", "docs", "libmf", "bench/results"):
        (folder / name).mkdir(parents=True)
    (folder / "build/release/warpfactor").symlink_to(program)
    (folder / "build/release/bench").symlink_to(program.parent / "bench")
    (folder / "bin/warpfactor").symlink_to(program)
    for file in (ROOT / "bench").iterdir():
        if file.is_file():
            (folder / "bench" / file.name).symlink_to(file)
    (folder / "bench/results/before.json").symlink_to(folder / "build/peers.json")  # what bench/peers is about to write
    stand_in = re.search(r"STAND_IN = r\'\'\'(.*?)\'\'\'", (ROOT / "tests/python/bench_scripts.py").read_text(), re.S).group(1)
    (folder / "libmf/mf-train").write_text(stand_in.replace("SHIFT", "0"))
    (folder / "libmf/mf-train").chmod(0o755)


def commands_of(page):
    """The lines of its console blocks that begin with $, without their comments."""
    text = page.read_text(encoding="utf-8")
    blocks = [block.replace("\\\n", "") for block in re.findall(r"```console\n(.*?)```", text, re.S)]
    return [line.split("#")[0].strip() for block in blocks for line in re.findall(r"^\$ (.*)$", block, re.M)]


def toml_commands(folder):
    """A command for each TOML block of docs/cli.md: a configuration has tables or `=` alone, a space has ranges."""
    commands = []
    for number, block in enumerate(re.findall(r"```toml\n(.*?)```", (ROOT / "docs/cli.md").read_text(encoding="utf-8"), re.S)):
        name = f"block{number}.toml"
        (folder / name).write_text(block)
        commands.append(f"warpfactor tune ratings.csv --trials 3 --epochs 3 --space {name}" if "from =" in block
                        else f"warpfactor train ratings.csv --config {name}")
    return commands


def benchmark(command, folder):
    """The same on a small scale, and why it cannot run here; None, None for what is no benchmark."""
    words = [word for word in command.split() if "=" not in word or word.startswith("-")]
    if words[0] not in BENCHMARKS:
        return None, None
    modules, more = BENCHMARKS[words[0]]
    lacks = [module for module in modules if importlib.util.find_spec(module) is None]
    lacks += [word for word in words if word.startswith("build/release/bench/") and not (folder / word).exists()]
    for large, small in SMALLER:
        command = command.replace(large, small)
    return f"{command} {more}", ", ".join(lacks)


def main(program):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    failures = []
    ran = 0
    not_run = dict(NOT_RUN)
    if shutil.which("mpirun") is None or not (pathlib.Path(program).resolve().parent / "libwarpfactor_mpi.so").exists():
        not_run["mpirun "] = not_run["bench/hosts.py "] = "there is no mpirun, or this build has no MPI module"
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_data(folder)
        lay_out_programs(folder, pathlib.Path(program).resolve())
        path = f"{folder}/bin:{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "PYTHONDONTWRITEBYTECODE": "1", **PROCESSES}
        pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
        for command in [command for page in pages for command in commands_of(page)] + toml_commands(folder):
            small, lacks = benchmark(command, folder)
            if lacks:
                print(f"not run: {command}: there is no {lacks}")
                continue
            if command.startswith(("scripts/", "bench/")) and not (ROOT / command.split()[0]).is_file():
                failures.append(f"{command} does not exist")
            reason = next((reason for begin, reason in not_run.items() if command.startswith(begin)), None)
            if reason:
                print(f"not run: {command}: {reason}")
                continue
            command = small or command
            run = subprocess.run(command, shell=True, cwd=folder, env=environment, capture_output=True, text=True)
            ran += 1
            if run.returncode != 0:
                failures.append(f"$ {command}\n{run.stdout}{run.stderr}")
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", re.sub(r"```.*?```", "", readme, flags=re.S)):
        if not (ROOT / link).exists():
            failures.append(f"README links to {link}, which does not exist")
    if ran < 9:
        failures.append(f"only {ran} commands were found")
    print("\n".join(failures) or f"{ran} commands ran")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
