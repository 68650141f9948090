#!/usr/bin/env python3
"""Truncated SVD and nonnegative factorization of the whole matrix: warpfactor beside scikit-learn, in turn, on the same ratings and cores.

    factorize.py --warpfactor PROGRAM DATA [--rank 64] [--runs 5] [--iterations 20] [--power-iterations 5] [--threads 2]
                 [--our-iterations 22] [--only svd nmf] [--json FILE]

DATA: lines `user item value`; a cell without a rating is 0. Needs numpy, scipy and scikit-learn.
    svd   TruncatedSVD(rank, algorithm="randomized", n_iter=5): seconds of the whole decomposition
    nmf   NMF(rank, solver="mu", beta_loss="frobenius", tol=0): seconds of all iterations; the random starts differ, so that ours are
          as many as reach the error of the peer's
Beside the seconds stands |A - its factors|^2 / |A|^2, computed here, in double, from what each found.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from als import tensors  # noqa: E402


def read_matrix(path):
    import numpy
    from scipy import sparse
    columns = numpy.loadtxt(path, dtype=numpy.float64)
    users, items = columns[:, 0].astype(numpy.int64), columns[:, 1].astype(numpy.int64)
    _, users = numpy.unique(users, return_inverse=True)
    _, items = numpy.unique(items, return_inverse=True)
    return sparse.csr_matrix((columns[:, 2].astype(numpy.float32), (users, items)))


def relative_error(matrix, users, items):
    """|A - U V'|^2 / |A|^2 = 1 - (2 <A V, U> - <U' U, V' V>) / |A|^2: no cell but the rated ones is looked at."""
    import numpy
    users, items = users.astype(numpy.float64), items.astype(numpy.float64)
    squares = float(numpy.sum(matrix.data.astype(numpy.float64) ** 2))
    inner = float(numpy.sum(matrix.astype(numpy.float64) @ items * users))
    return 1 - (2 * inner - float(numpy.sum((users.T @ users) * (items.T @ items)))) / squares


class Ours:
    def __init__(self, options, matrix, folder):
        self.options, self.folder = options, folder
        text = folder / "cells.txt"
        cells = matrix.tocoo()
        with open(text, "w") as file:
            file.writelines(f"{user} {item} {value:.9g}\n" for user, item, value in zip(cells.row, cells.col, cells.data))
        self.data = folder / "cells.wfr"
        subprocess.run([options.warpfactor, "convert", text, "-o", self.data, "--quiet", "--ids", "rows"], check=True)
        text.unlink()

    def run(self, *words):
        """Seconds of each epoch, and the factors."""
        model, metrics = self.folder / "model.safetensors", self.folder / "metrics.jsonl"
        command = [self.options.warpfactor, "train", self.data, "-k", self.options.rank, "-j", self.options.threads, "--engine", "cpu",
                   "-o", model, "--metrics", metrics, "--quiet", *words]
        subprocess.run(list(map(str, command)), check=True)
        found = tensors(model)
        seconds = [json.loads(line)["seconds"] for line in metrics.read_text().splitlines()]
        return seconds, found["user_factors.weight"], found["item_factors.weight"]

    def svd(self):
        seconds, users, items = self.run("--algorithm", "svd", "--power-iterations", self.options.power_iterations)
        return sum(seconds), users, items

    def nmf(self):
        seconds, users, items = self.run("--algorithm", "nmf", "--missing", "zero", "--epochs", self.options.our_iterations)
        return sum(seconds), users, items


class Theirs:
    def __init__(self, options, matrix):
        self.options, self.matrix = options, matrix

    def svd(self):
        from sklearn.decomposition import TruncatedSVD
        model = TruncatedSVD(self.options.rank, algorithm="randomized", n_iter=5, random_state=1)
        start = time.perf_counter()
        users = model.fit_transform(self.matrix)
        return time.perf_counter() - start, users, model.components_.T

    def nmf(self):
        import warnings
        from sklearn.decomposition import NMF
        model = NMF(self.options.rank, solver="mu", init="random", tol=0, max_iter=self.options.iterations, random_state=1)
        start = time.perf_counter()
        with warnings.catch_warnings():  # that it has not converged
            warnings.simplefilter("ignore")
            users = model.fit_transform(self.matrix)
        return time.perf_counter() - start, users, model.components_.T


def compare(options, matrix, ours, theirs, what):
    mine, others = [], []
    for _ in range(options.runs):  # in turn: the machine may change its mind
        for side, found in ((ours, mine), (theirs, others)):
            seconds, users, items = getattr(side, what)()
            found.append((seconds, relative_error(matrix, users, items)))
    return {"what": what, "seconds": statistics.median(s for s, _ in mine), "peer_seconds": statistics.median(s for s, _ in others),
            "ratio": statistics.median(t / m for (t, _), (m, _) in zip(others, mine)), "error": mine[-1][1], "peer_error": others[-1][1]}


def parse(words):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--warpfactor", required=True)
    parser.add_argument("data")
    parser.add_argument("--rank", type=int, default=64)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--iterations", type=int, default=20)
    parser.add_argument("--our-iterations", type=int, default=22)
    parser.add_argument("--power-iterations", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", nargs="*", choices=("svd", "nmf"), default=("svd", "nmf"))
    parser.add_argument("--json")
    return parser.parse_args(words)


def main(words):
    options = parse(words)
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(options.threads)  # before numpy is loaded
    matrix = read_matrix(options.data)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = Ours(options, matrix, pathlib.Path(folder)), Theirs(options, matrix)
        print(f"{'':5} {'ours s':>8} {'theirs s':>8} {'ratio':>6} {'our error':>10} {'theirs':>10}")
        for what in options.only:
            row = compare(options, matrix, ours, theirs, what)
            rows.append(row)
            print(f"{what:5} {row['seconds']:8.3f} {row['peer_seconds']:8.3f} {row['ratio']:6.2f} {row['error']:10.6f} "
                  f"{row['peer_error']:10.6f}", flush=True)
    if options.json:
        about = {"data": os.path.basename(options.data), "ratings": int(matrix.nnz), "users": matrix.shape[0], "items": matrix.shape[1],
                 "rank": options.rank, "threads": options.threads, "runs": options.runs, "iterations": options.iterations,
                 "our_iterations": options.our_iterations,
                 "power_iterations": options.power_iterations}
        pathlib.Path(options.json).write_text(json.dumps({**about, "rows": rows}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
