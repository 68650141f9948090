#!/usr/bin/env python3
"""Factors of 16 bits: rounded at random they learn what floats learn; rounded to nearest they stop learning.

    rounding.py PROGRAM IN_FLIGHT

By the simulated device (bench/in_flight.cpp), on made-up ratings: plain SGD without biases and a learning rate that falls,
as systems have had it that lost 0.015 to 0.02 of RMSE. Late steps are below half a unit of a factor's last place. Nearest loses
them all; nobody should "simplify" the rounding back.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

PROGRAM, IN_FLIGHT = sys.argv[1:3]
OPTIONS = ("--no-biases --optimizer sgd --lr 0.01 --lr-schedule inverse --lr-decay 0.1 --lambda 0.03 --rank 64 --grid 2 --epochs 60 "
           "--no-early-stopping --valid-frac 0.1 --engine cuda --quiet")


def best_rmse(folder, storage, seed):
    metrics = folder / "metrics.jsonl"
    subprocess.run([IN_FLIGHT, "train", folder / "ratings.txt", "--seed", str(seed), "--metrics", metrics, "-o",
                    folder / "model.safetensors", *OPTIONS.split()], check=True,
                   env={**os.environ, "WF_IN_FLIGHT": "16", "WF_STORAGE": storage})
    return min(json.loads(line)["valid_rmse"] for line in metrics.read_text().splitlines())


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        subprocess.run([PROGRAM, "synth", "--shape", "ml-100k", "-o", folder / "ratings.txt", "--quiet"], check=True)
        failures = 0
        for seed in (1, 2):
            rmse = {storage: best_rmse(folder, storage, seed) for storage in ("fp32", "fp16", "bf16", "bf16-nearest")}
            print(f"seed {seed}: " + ", ".join(f"{storage} {value:.4f}" for storage, value in rmse.items()))
            lost = {storage: value - rmse["fp32"] for storage, value in rmse.items()}
            failures += abs(lost["fp16"]) > 0.001 or abs(lost["bf16"]) > 0.001
            failures += not 0.01 < lost["bf16-nearest"] < 0.05
        print(f"{failures} failures")
        return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
