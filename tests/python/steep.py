#!/usr/bin/env python3
"""One item in 5 % of all ratings: what a device loses of its steps costs at most 0.002 of RMSE, and nothing diverges.

    steep.py PROGRAM IN_FLIGHT

Made-up ratings of a steep law, (rank + shift)^-1.1, trained at the default settings: in random order, one step after another,
and by the simulated device (bench/in_flight.cpp) with the ratings in flight that a card would have (one for 2,000) and eight times
as many. docs/schedule.md has the same for 4 million ratings.
"""
import bisect
import itertools
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

PROGRAM, IN_FLIGHT = sys.argv[1:3]
USERS, ITEMS, RATINGS, RANK = 3000, 1000, 400_000, 8
SHARE, EXPONENT, NOISE = 0.05, 1.1, 0.6
OPTIONS = "--rank 16 --epochs 30 --no-early-stopping --valid-frac 0.1 --quiet"


def weights_with(share):
    """(rank + shift)^-1.1 for the shift by which the first item has this share, by bisection: it falls with the shift."""
    low, high = 0.01, 100.0
    for _ in range(60):
        shift = (low + high) / 2
        weights = [(rank + shift) ** -EXPONENT for rank in range(ITEMS)]
        low, high = (shift, high) if weights[0] / sum(weights) > share else (low, shift)
    return weights


def write_ratings(path, seed):
    draw = random.Random(seed)
    factors = {side: [[draw.gauss(0, 1) / RANK ** 0.5 for _ in range(RANK)] for _ in range(count)]
               for side, count in (("user", USERS), ("item", ITEMS))}
    bounds = list(itertools.accumulate(weights_with(SHARE)))
    first = 0
    with open(path, "w") as file:
        for _ in range(RATINGS):
            user, item = draw.randrange(USERS), bisect.bisect(bounds, draw.random() * bounds[-1])
            first += item == 0
            score = sum(p * q for p, q in zip(factors["user"][user], factors["item"][item]))
            file.write(f"{user} {item} {3.5 + 0.8 * score + NOISE * draw.gauss(0, 1):.4f}\n")
    return first / RATINGS


def curve(folder, program, words, depth=1):
    metrics = folder / "metrics.jsonl"
    metrics.unlink(missing_ok=True)
    subprocess.run([program, "train", folder / "ratings.txt", "--metrics", metrics, "-o", folder / "model.safetensors",
                    *OPTIONS.split(), *words], check=True, env={**os.environ, "WF_IN_FLIGHT": str(depth)})
    return [json.loads(line)["valid_rmse"] for line in metrics.read_text().splitlines()]


def main():
    failures = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        share = write_ratings(folder / "ratings.txt", 1)
        failures += abs(share - SHARE) > 0.002
        in_turn = curve(folder, PROGRAM, ["--engine", "cpu", "--shuffle", "none"])  # in the file's order, which is random
        depth = RATINGS // 2000
        at_once = curve(folder, IN_FLIGHT, ["--engine", "cuda"], depth)
        many = curve(folder, IN_FLIGHT, ["--engine", "cuda"], 8 * depth)
        print(f"the first item has {100 * share:.1f} % of the ratings; best valid RMSE: one after another {min(in_turn):.4f}, "
              f"{depth} in flight {min(at_once):.4f}, {8 * depth} in flight {min(many):.4f} (ends at {many[-1]:.4f})")
        failures += not min(at_once) - min(in_turn) <= 0.002
        failures += not many[-1] < many[0]  # NaN counts as diverged
    print(f"{failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
