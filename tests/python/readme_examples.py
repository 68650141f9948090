#!/usr/bin/env python3
"""Runs the commands of the README and of docs/, as they stand there, on small data.

    readme_examples.py PROGRAM

Building is left out (it has been done); build/release/warpfactor and warpfactor are PROGRAM. Benchmarks, which need other programs, have
tests of their own (bench_scripts.py). Also checks that scripts and the files that the README links to exist.
"""
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def write_data(folder):
    numbers = random.Random(1)
    lines = [f"{u},{i},{numbers.randint(1, 10) / 2}" for u in range(60) for i in numbers.sample(range(40), 15)]
    lines += [f"42,{i},4.5" for i in range(100, 103)]
    (folder / "ratings.csv").write_text("user,item,rating\n" + "\n".join(lines) + "\n")
    (folder / "test.csv").write_text("user,item,rating\n1,2,3\n42,7,4\n")
    (folder / "pairs.csv").write_text("user,item\n1,2\n42,7\n")


def commands_of(page):
    """The lines of its console blocks that begin with $, without their comments."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"```console\n(.*?)```", text, re.S)
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


def main(program):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    failures = []
    ran = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_data(folder)
        (folder / "build/release").mkdir(parents=True)
        (folder / "build/release/warpfactor").symlink_to(pathlib.Path(program).resolve())
        (folder / "bin").mkdir()
        (folder / "bin/warpfactor").symlink_to(pathlib.Path(program).resolve())
        shutil.copy(folder / "ratings.csv", folder / "train.csv")
        environment = {**os.environ, "PATH": f"{folder}/bin:{os.environ['PATH']}"}
        pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
        for command in [command for page in pages for command in commands_of(page)] + toml_commands(folder):
            if command.startswith(("scripts/", "bench/")):
                if not (ROOT / command.split()[0]).is_file():
                    failures.append(f"{command} does not exist")
                continue
            if not command.startswith(("warpfactor ", "build/release/warpfactor ")):  # cmake, and what it built for benchmarks
                continue
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
