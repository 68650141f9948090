#!/usr/bin/env python3
"""Peak memory of `train`: under 40 bytes per rating plus three times the model, beyond what the bare program takes.

    memory_limit.py PROGRAM

Two runs of one shape differ in their number of ratings, so that the program's own memory cancels out.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

BYTES_PER_RATING = 40


def peak_bytes(command):
    """Of one child alone: os.wait4 gives the usage of the process it reaps."""
    child = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"exit {child.returncode}: {command}")
    return usage.ru_maxrss * 1024


def main(program):
    failures = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        data, model, n = folder / "ratings.txt", folder / "model.safetensors", 500_000
        subprocess.run([program, "synth", "--users", "5000", "--items", "3000", "--ratings", str(n), "-o", str(data), "--quiet"],
                       check=True)
        bare = peak_bytes([program, "--version"])
        for extra in ([], ["--batch-size", "1024", "--optimizer", "adagrad"]):
            peak = peak_bytes([program, "train", data, "-o", model, "-k", "64", "--epochs", "2", "--quiet", *extra])
            allowed = bare + BYTES_PER_RATING * n + 3 * model.stat().st_size
            print(f"{' '.join(extra) or 'no options'}: peak {peak / 1e6:.1f} MB, allowed {allowed / 1e6:.1f} MB")
            if peak > allowed:
                failures.append(extra)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
