#!/usr/bin/env python3
"""Seconds per sweep of implicit ALS: warpfactor beside implicit and irspack, in turn, on the same ratings and cores.

    als.py --warpfactor PROGRAM DATA [--rank 64] [--runs 5] [--sweeps 3] [--threads 2] [--peers NAME ...] [--json FILE]

DATA: lines `user item value`; values are taken for 1, pairs once. Needs numpy and scipy; a peer that is not installed is left out,
and said so. All minimise
    sum over rated (1 - s)^2 c + sum over all others w s^2 + lambda (sum |p|^2 + sum |q|^2)   c = 2, w = 1   against implicit
    sum over rated (1 - s)^2 + sum over all w s^2 + lambda sum (n + w m)^nu |row|^2           w = 0.1, nu = 1 against irspack
and the objective that each reaches stands beside its seconds, computed here from its factors.
"""
import argparse
import json
import os
import pathlib
import statistics
import struct
import subprocess
import sys
import tempfile
import time

PEERS = {  # name: (convention, solver, lambda, unobserved weight, alpha)
    "implicit-cg": ("implicit", "cg", 0.01, 1.0, 2.0),
    "implicit-cholesky": ("implicit", "cholesky", 0.01, 1.0, 2.0),
    "irspack-cg": ("ials", "cg", 0.003, 0.1, None),
    "irspack-cholesky": ("ials", "cholesky", 0.003, 0.1, None),
}


def read_pairs(path):
    import numpy
    from scipy import sparse
    pairs = numpy.loadtxt(path, usecols=(0, 1), dtype=numpy.int64)
    matrix = sparse.csr_matrix((numpy.ones(len(pairs), dtype=numpy.float32), (pairs[:, 0], pairs[:, 1])))
    matrix.data[:] = 1  # pairs once
    return matrix


def objective(matrix, users, items, convention, penalty, unobserved, alpha):
    """Of factors [rows x rank], in double."""
    import numpy
    users, items = users.astype(numpy.float64), items.astype(numpy.float64)
    coordinates = matrix.tocoo()
    total = unobserved * numpy.sum((users.T @ users) * (items.T @ items))
    for begin in range(0, matrix.nnz, 1 << 20):
        rated = slice(begin, begin + (1 << 20))
        scores = numpy.einsum("nk,nk->n", users[coordinates.row[rated]], items[coordinates.col[rated]])
        if convention == "implicit":
            total += numpy.sum(alpha * (1 - scores) ** 2 - unobserved * scores**2)
        else:
            total += numpy.sum((1 - scores) ** 2)
    for factors, counts, others in ((users, numpy.diff(matrix.indptr), matrix.shape[1]),
                                    (items, numpy.diff(matrix.tocsc().indptr), matrix.shape[0])):
        scale = 1 if convention == "implicit" else counts + unobserved * others
        total += penalty * numpy.sum(scale * numpy.sum(factors**2, axis=1) * (counts > 0))
    return float(total)


def tensors(path):
    """The tensors of a .safetensors file of floats and integers, by name."""
    import numpy
    data = pathlib.Path(path).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    types = {"F32": "<f4", "I64": "<i8"}
    found = {}
    for name, about in json.loads(data[8:8 + length]).items():
        if name != "__metadata__" and about["dtype"] in types:
            begin, end = about["data_offsets"]
            found[name] = numpy.frombuffer(data[8 + length + begin:8 + length + end], types[about["dtype"]]).reshape(about["shape"])
    return found


class Ours:
    def __init__(self, options, matrix, folder):
        self.options, self.folder = options, folder
        text = folder / "pairs.txt"
        coordinates = matrix.tocoo()
        with open(text, "w") as file:
            file.writelines(f"{user} {item} 1\n" for user, item in zip(coordinates.row, coordinates.col))
        self.data = folder / "pairs.wfr"
        subprocess.run([options.warpfactor, "convert", text, "-o", self.data, "--quiet", "--ids", "rows"], check=True)
        text.unlink()

    def run(self, convention, solver, penalty, unobserved, alpha):
        model, metrics = self.folder / "model.safetensors", self.folder / "metrics.jsonl"
        words = [self.options.warpfactor, "train", self.data, "--algorithm", "ials", "-k", self.options.rank, "--epochs", self.options.sweeps,
                 "--convention", convention, "--solver", solver, "--lambda", penalty, "--unobserved-weight", unobserved,
                 "-j", self.options.threads, "--engine", "cpu", "-o", model, "--metrics", metrics, "--quiet"]
        if alpha is not None:
            words += ["--alpha", alpha]
        subprocess.run(list(map(str, words)), check=True)
        seconds = [json.loads(line)["seconds"] for line in metrics.read_text().splitlines()]
        found = tensors(model)
        return statistics.median(seconds), found["user_factors.weight"], found["item_factors.weight"]


def run_implicit(options, matrix, solver, penalty, alpha):
    from implicit.cpu.als import AlternatingLeastSquares
    model = AlternatingLeastSquares(factors=options.rank, regularization=penalty, alpha=alpha, use_cg=solver == "cg", num_threads=options.threads,
                                    iterations=options.sweeps, random_state=1)
    seconds = []
    model.fit(matrix, show_progress=False, callback=lambda iteration, elapsed, *loss: seconds.append(elapsed))
    return statistics.median(seconds), model.user_factors, model.item_factors


def run_irspack(options, matrix, solver, penalty, unobserved):
    from irspack.recommenders.ials import IALSRecommender

    def learn(sweeps):
        model = IALSRecommender(matrix, n_components=options.rank, alpha0=unobserved, reg=penalty, nu=1.0, init_std=0.1, train_epochs=sweeps,
                                solver_type=solver.upper(), max_cg_steps=3, n_threads=options.threads)
        start = time.perf_counter()
        model.learn()
        return time.perf_counter() - start, model
    one, _ = learn(1)
    all_of_them, model = learn(1 + options.sweeps)  # what is not a sweep is in both
    _, model = learn(options.sweeps)
    return (all_of_them - one) / options.sweeps, model.get_user_embedding(), model.get_item_embedding()


def run_peer(options, matrix, name):
    _, solver, penalty, unobserved, alpha = PEERS[name]
    if name.startswith("implicit"):
        return run_implicit(options, matrix, solver, penalty, alpha)
    return run_irspack(options, matrix, solver, penalty, unobserved)


def parse(words):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--warpfactor", required=True)
    parser.add_argument("data")
    parser.add_argument("--rank", type=int, default=64)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--sweeps", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peers", nargs="*", choices=sorted(PEERS), default=sorted(PEERS))
    parser.add_argument("--json")
    return parser.parse_args(words)


def main(words):
    options = parse(words)
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as implicit asks for; before numpy is loaded
    matrix = read_pairs(options.data)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        ours = Ours(options, matrix, pathlib.Path(folder))
        for name in options.peers:
            settings = PEERS[name]
            try:
                run_peer(argparse.Namespace(**{**vars(options), "sweeps": 1}), matrix[:100], name)
            except ImportError as error:
                print(f"{name}: left out, {error}", file=sys.stderr)
                continue
            theirs, mine = [], []
            for _ in range(options.runs):  # in turn: the machine may change its mind
                seconds, users, items = ours.run(*settings)
                mine.append((seconds, objective(matrix, users, items, *settings[:1], *settings[2:])))
                seconds, users, items = run_peer(options, matrix, name)
                theirs.append((seconds, objective(matrix, users, items, *settings[:1], *settings[2:])))
            row = {"peer": name, "solver": settings[1], "seconds": statistics.median(s for s, _ in mine),
                   "peer_seconds": statistics.median(s for s, _ in theirs), "ratio": statistics.median(t / m for (t, _), (m, _) in zip(theirs, mine)),
                   "objective": mine[-1][1], "peer_objective": theirs[-1][1]}
            rows.append(row)
            print(f"{name:18} ours {row['seconds']:.3f} s  peer {row['peer_seconds']:.3f} s  {row['ratio']:.2f} times as fast  "
                  f"objective {row['objective']:.6g}, peer {row['peer_objective']:.6g}", flush=True)
    if options.json:
        about = {"data": os.path.basename(options.data), "ratings": int(matrix.nnz), "users": matrix.shape[0], "items": matrix.shape[1],
                 "rank": options.rank, "threads": options.threads, "sweeps": options.sweeps, "runs": options.runs}
        pathlib.Path(options.json).write_text(json.dumps({**about, "rows": rows}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
