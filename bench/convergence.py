#!/usr/bin/env python3
"""What a schedule costs in quality: valid RMSE after each epoch, in random order one rating after the other, in the cpu
engine's order, and in the cuda engine's with so many ratings in flight at once, factors kept in 32 bits or fewer.

    bench/convergence.py --cpu build/release/warpfactor --in-flight build/release/bench/warpfactor-in-flight \\
        --work build/convergence --json FILE.json --picture FILE.svg RATINGS.csv [RATINGS.csv ...]

A tenth of the ratings is held out, by seed. Seeds differ in that, in the factors that training begins with and in every order.
"""
import argparse
import json
import os
import pathlib
import random
import statistics
import subprocess

import held_out

RANDOM, CPU = "random order", "cpu engine"


def write_parts(path, folder, seed):
    triples = list(held_out.triples_of(path))
    random.Random(seed).shuffle(triples)
    folder.mkdir(parents=True, exist_ok=True)
    held_out.split(triples, folder, seed)


def curve(arguments, schedule, folder, seed):
    """Valid RMSE after each epoch."""
    metrics = folder / "metrics.jsonl"
    metrics.unlink(missing_ok=True)
    depth, _, storage = schedule.partition(" in flight, ")
    program, extra = arguments.cpu, ["--engine", "cpu"]
    if schedule == RANDOM:
        extra += ["--shuffle", "none"]
    elif schedule != CPU:
        program, extra = arguments.in_flight, ["--engine", "cuda"]
    command = [program, "train", folder / "train.txt", "--valid", folder / "valid.txt", "-k", str(arguments.rank), "--seed",
               str(seed), "--epochs", str(arguments.epochs), "--patience", str(arguments.epochs), "--metrics", metrics, "-o",
               folder / "model.safetensors", "--quiet", *extra, *arguments.options.split()]
    subprocess.run(command, check=True, env={**os.environ, "WF_IN_FLIGHT": depth, "WF_STORAGE": storage})
    return [json.loads(line)["valid_rmse"] for line in metrics.read_text().splitlines()]


def measure(arguments, path):
    """{schedule: [curve of each seed]}"""
    depths = arguments.depth.split(",")
    schedules = [RANDOM, CPU, *[f"{depth} in flight, fp32" for depth in depths],
                 *[f"{depths[0]} in flight, {storage}" for storage in arguments.storage.split(",") if storage]]
    curves = {schedule: [] for schedule in schedules}
    for seed in range(1, arguments.seeds + 1):
        folder = arguments.work / f"{path.parent.name}-{seed}"
        write_parts(path, folder, seed)
        for schedule in schedules:
            curves[schedule].append(curve(arguments, schedule, folder, seed))
            print(f"{path.parent.name}, seed {seed}, {schedule}: {min(curves[schedule][-1]):.4f}", flush=True)
    return curves


def best(curves):
    return [min(of_seed) for of_seed in curves]


def report(name, curves):
    """Best valid RMSE, and by how much it differs from random order's, seed by seed."""
    print(f"\n{name}\n  {'schedule':<28} {'best':>7} {'epoch':>6}   against random order")
    for schedule, of_seeds in curves.items():
        differences = [a - b for a, b in zip(best(of_seeds), best(curves[RANDOM]))]
        epoch = statistics.median(of_seed.index(min(of_seed)) + 1 for of_seed in of_seeds)
        print(f"  {schedule:<28} {statistics.mean(best(of_seeds)):7.4f} {epoch:6.0f}   {statistics.mean(differences):+.4f} "
              f"({min(differences):+.4f} to {max(differences):+.4f})")


def picture(all_curves):
    """Mean curves of schedules as SVG, a panel for each file; those of other storages would lie on each other."""
    colours = ["#000000", "#0072b2", "#009e73", "#e69f00", "#d55e00", "#cc79a7", "#56b4e9", "#999999"]
    width, height, left, top = 360, 260, 60, 40
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{len(all_curves) * (width + left + 20)}" height="{top + height + 160}" '
             'font-family="sans-serif" font-size="12">', '<rect width="100%" height="100%" fill="white"/>']
    for panel, (name, curves) in enumerate(all_curves.items()):
        means = {schedule: [statistics.mean(values) for values in zip(*of_seeds)] for schedule, of_seeds in curves.items()
                 if schedule in (RANDOM, CPU) or schedule.endswith("fp32")}
        epochs = len(means[RANDOM])
        low = min(min(values) for values in means.values())
        high = max(max(values[2:]) for values in means.values())  # the first epochs would hide the rest
        x0 = panel * (width + left + 20) + left
        parts.append(f'<text x="{x0}" y="20" font-weight="bold">{name}: valid RMSE after each epoch</text>')
        parts.append(f'<rect x="{x0}" y="{top}" width="{width}" height="{height}" fill="none" stroke="#888"/>')
        for tick in range(5):
            value = low + (high - low) * tick / 4
            y = top + height - height * tick / 4
            parts.append(f'<text x="{x0 - 6}" y="{y + 4:.0f}" text-anchor="end">{value:.3f}</text>')
        for n, (schedule, values) in enumerate(means.items()):
            points = [(x0 + width * (epoch + 1) / len(values), top + height - height * (value - low) / (high - low))
                      for epoch, value in enumerate(values) if value <= high]
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            colour = colours[n % len(colours)]
            parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
            y = top + height + 40 + 18 * n
            parts.append(f'<text x="{x0}" y="{y}" fill="{colour}">{schedule}: {min(values):.4f}</text>')
        parts.append(f'<text x="{x0 + width}" y="{top + height + 18}" text-anchor="end">epoch {epochs}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ratings", nargs="+", type=pathlib.Path)
    parser.add_argument("--cpu", required=True, help="the program")
    parser.add_argument("--in-flight", required=True, help="the program with the simulated device")
    parser.add_argument("--work", required=True, type=pathlib.Path, help="a folder for ratings and models")
    parser.add_argument("--depth", default="1,64,1024,4096", help="groups of lanes, each with a rating")
    parser.add_argument("--storage", default="", help="of factors, at the first depth: fp16, bf16, fp16-nearest, bf16-nearest")
    parser.add_argument("--rank", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--options", default="", help="of train, for every schedule")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--picture", type=pathlib.Path)
    arguments = parser.parse_args()
    all_curves = {path.parent.name: measure(arguments, path) for path in arguments.ratings}
    for name, curves in all_curves.items():
        report(name, curves)
    if arguments.json:
        settings = {name: getattr(arguments, name) for name in ("depth", "storage", "rank", "epochs", "seeds", "options")}
        arguments.json.write_text(json.dumps({"benchmark": "convergence", "settings": settings, "curves": all_curves}) + "\n")
    if arguments.picture:
        arguments.picture.write_text(picture(all_curves))


if __name__ == "__main__":
    main()
