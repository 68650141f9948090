#!/usr/bin/env python3
"""Runs the commands of the README's quick start, as they stand there, on small data.

    readme_examples.py PROGRAM

Building is left out (it has been done); build/release/warpfactor is PROGRAM. Also checks that the two commands of the README
and the files it links to exist.
"""
import pathlib
import random
import re
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


def main(program):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    failures = []
    ran = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_data(folder)
        (folder / "build/release").mkdir(parents=True)
        (folder / "build/release/warpfactor").symlink_to(pathlib.Path(program).resolve())
        for block in re.findall(r"```console\n(.*?)```", readme, re.S):
            for line in re.findall(r"^\$ (.*)$", block, re.M):
                command = line.split("#")[0].strip()
                if command.startswith("scripts/"):
                    if not (ROOT / command.split()[0]).is_file():
                        failures.append(f"{command} does not exist")
                    continue
                if command.startswith("cmake "):
                    continue
                run = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True)
                ran += 1
                if run.returncode != 0:
                    failures.append(f"$ {command}\n{run.stdout}{run.stderr}")
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", readme):
        if not (ROOT / link).exists():
            failures.append(f"README links to {link}, which does not exist")
    if ran < 4:
        failures.append(f"only {ran} commands of the quick start were found")
    print("\n".join(failures) or f"{ran} commands ran")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
