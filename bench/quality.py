#!/usr/bin/env python3
"""Test RMSE of `warpfactor train FILE` without options against the bias baseline, over random 10 % hold-outs.

    bench/quality.py build/release/warpfactor RATINGS.csv [RATINGS.csv ...] [--seeds 5] [--margin 0.010] [--out FILE.json]

The baseline is mean + user bias + item bias, regularised, fitted on the same 90 %. Exit 1 when a seed is not better than it by
the margin. Files are comma-separated with a header.
"""
import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile


def measure(program, lines, seed, folder):
    header, rows = lines[0], lines[1:]
    order = list(range(len(rows)))
    random.Random(seed).shuffle(order)
    held_out = set(order[: len(rows) // 10])
    for name, inside in (("train", False), ("test", True)):
        part = [row for n, row in enumerate(rows) if (n in held_out) == inside]
        (folder / f"{name}.csv").write_text("\n".join([header, *part]) + "\n")
    model = folder / "model.safetensors"
    subprocess.run([program, "train", folder / "train.csv", "-o", model, "--quiet"], check=True)
    run = subprocess.run([program, "evaluate", model, folder / "test.csv", "--train", folder / "train.csv", "--json", "--quiet"],
                         check=True, capture_output=True, text=True)
    result = json.loads(run.stdout)
    return {"seed": seed, "rmse": result["rmse"], "bias_rmse": result["baseline_bias_rmse"],
            "mean_rmse": result["baseline_mean_rmse"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("ratings", nargs="+", type=pathlib.Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--margin", type=float, default=0.010)
    parser.add_argument("--out", type=pathlib.Path)
    args = parser.parse_args()
    results, worst = {}, float("inf")
    with tempfile.TemporaryDirectory() as name:
        for path in args.ratings:
            lines = path.read_text().splitlines()
            rows = [measure(args.program, lines, seed, pathlib.Path(name)) for seed in range(1, args.seeds + 1)]
            results[f"{path.parent.name}/{path.name}"] = rows
            for row in rows:
                margin = row["bias_rmse"] - row["rmse"]
                worst = min(worst, margin)
                print(f"{path.parent.name:22s} seed {row['seed']}  test RMSE {row['rmse']:.4f}  biases {row['bias_rmse']:.4f}  "
                      f"mean {row['mean_rmse']:.4f}  better by {margin:.4f}")
    if args.out:
        args.out.write_text(json.dumps({"benchmark": "quality", "results": results}, indent=1) + "\n")
    return 0 if worst >= args.margin else 1


if __name__ == "__main__":
    sys.exit(main())
