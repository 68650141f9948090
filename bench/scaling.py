#!/usr/bin/env python3
"""What DSGD by several processes should take: bytes, seconds and memory of a process, on networks and sizes that are not at hand.

    bench/scaling.py [--measured FILE.json]

docs/scaling.md derives it. --measured: what bench/hosts.py has written, beside the model with that file's time of one process.
"""
import argparse
import json
import pathlib
from dataclasses import dataclass

RECORD = 8  # floats in front of a row: bias, Adagrad's sums
RATING = 12  # bytes
MOST_RANGES = 1024  # kMaxGrid


@dataclass
class Machine:
    """What a process has."""
    name: str
    ratings: float    # steps a second at rank 64
    bandwidth: float  # bytes a second to another process
    delay: float      # seconds of a message
    per_node: int


@dataclass
class Shape:
    name: str
    users: float
    items: float
    ratings: float


def row_bytes(rank):
    return 4 * (-(-rank // 8) * 8 + RECORD)


def sent(items, rank, grid):
    """Bytes that a process sends in an epoch: every item, but one of G ranges in every second epoch."""
    return items * row_bytes(rank) * (grid - 0.5) / grid


def epoch(shape, machine, processes, rank, ranges=4):
    """(seconds of steps, seconds on the network) of an epoch; `ranges` of items a process."""
    grid = min(ranges * processes, MOST_RANGES)
    steps = shape.ratings / processes / machine.ratings
    return steps, sent(shape.items, rank, grid) / machine.bandwidth + grid * machine.delay


def memory(shape, processes, rank):
    """Bytes of a process: its ratings, its users for good, its items and a range on its way, twice for the best epoch; of all rows 48."""
    rows = (shape.users + shape.items) / processes
    return shape.ratings / processes * RATING + 2 * rows * row_bytes(rank) + 48 * (shape.users + shape.items)


# rates of a core and a device: docs/scaling.md and docs/gpu-model.md; 64 cores of a process are taken to reach half of 64 times one
MACHINES = [Machine("64 cores, 100 Gbit/s a node", 32 * 62e6, 12.5e9, 5e-6, 1),
            Machine("a GPU whose rows stay there, 400 Gbit/s each", 6e9, 50e9, 5e-6, 8)]
SHAPES = [Shape("10^11 ratings, 10^9 × 10^6", 1e9, 1e6, 1e11), Shape("10^11 ratings, 10^9 × 10^7", 1e9, 1e7, 1e11),
          Shape("10^11 ratings, 10^9 × 10^8", 1e9, 1e8, 1e11)]


def extrapolate(rank):
    print("| data | process | nodes | processes | steps | network | apart | together | memory |\n|---|---|---|---|---|---|---|---|---|")
    for shape in SHAPES:
        for machine in MACHINES:
            for nodes in (8, 64):
                processes = nodes * machine.per_node
                steps, network = epoch(shape, machine, processes, rank) if processes > 1 else (shape.ratings / machine.ratings, 0)
                print(f"| {shape.name} | {machine.name} | {nodes} | {processes} | {steps:.3g} s | {network:.3g} s | {steps + network:.3g} s | "
                      f"{max(steps, network):.3g} s | {memory(shape, processes, rank) / 1e9:.3g} GB |")


def compare(path):
    content = json.loads(path.read_text())
    options, rows = content["options"], content["rows"]
    alone = {row.get("rate", ""): row["seconds"] for row in rows if row["processes"] == 1}
    print("| link | processes | sent by the model | steps | network | apart | together | measured |\n|---|---|---|---|---|---|---|---|")
    for row in rows:
        processes, rate = row["processes"], row.get("rate", "")
        if processes == 1:
            continue
        grown = processes if options["weak"] else 1
        steps = alone[rate] * grown / min(processes, options["cores"])
        network = row.get("link_seconds", 0)
        print(f"| {rate or 'memory'} | {processes} | {sent(options['items'], options['rank'], options['grid']) / 1e6:.2f} MB | {steps:.4f} s | {network:.4f} s | "
              f"{steps + network:.4f} s | {max(steps, network):.4f} s | {row['seconds']:.4f} s |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rank", type=int, default=64)
    parser.add_argument("--measured", type=pathlib.Path)
    options = parser.parse_args()
    compare(options.measured) if options.measured else extrapolate(options.rank)


if __name__ == "__main__":
    main()
