#!/usr/bin/env python3
"""Rating rate of an epoch of mini-batch SGD: warpfactor against the PyTorch module, same data, same run, alternating.

    bench/minibatch_vs_torch.py build/release/warpfactor [--rank 20] [--batch 1024] [--shape ml-1m] [--out FILE.json]

PyTorch runs nn.Embedding(sparse=True), MSELoss and torch.optim.SGD on the same batches, with 1 .. all threads, and its best
thread count is what counts. Both keep freed memory (M_TRIM_THRESHOLD, M_MMAP_THRESHOLD): else PyTorch spends its time in page
faults, as gradients of a large batch are returned to the system each time. Before any timing both train one epoch from the same tables, and their losses are compared.
Needs PyTorch and NumPy (Debian: python3-torch); where they are missing it says so and exits with 77.
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

KEPT = {"MALLOC_TRIM_THRESHOLD_": str(1 << 40), "MALLOC_MMAP_THRESHOLD_": str(1 << 40), "MALLOC_TOP_PAD_": str(64 << 20)}
if __name__ == "__main__" and not KEPT.items() <= os.environ.items():  # read once, when a process begins
    os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | KEPT)

try:
    import numpy as np
    import torch
except ImportError as error:
    print(f"skipped: {error.name} is not installed (Debian: apt-get install python3-torch)", file=sys.stderr)
    sys.exit(77)


def write_safetensors(path, tensors):
    header, offset = {}, 0
    for name, array in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for array in tensors.values():
            file.write(array.astype("<f4").tobytes())


class MatrixFactorization(torch.nn.Module):
    def __init__(self, user_factors, item_factors):
        super().__init__()
        self.user_factors = torch.nn.Embedding.from_pretrained(user_factors.clone(), freeze=False, sparse=True)
        self.item_factors = torch.nn.Embedding.from_pretrained(item_factors.clone(), freeze=False, sparse=True)

    def forward(self, user, item):
        return (self.user_factors(user) * self.item_factors(item)).sum(1)


def torch_training(tables, data, epochs, args, threads):
    """Seconds of an epoch, and the losses of all batches."""
    torch.set_num_threads(threads)
    model = MatrixFactorization(*tables)
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr)
    loss_of = torch.nn.MSELoss()
    user, item, value = data
    losses = []
    start = time.perf_counter()
    for first in list(range(0, len(value), args.batch)) * epochs:
        batch = slice(first, first + args.batch)
        optimizer.zero_grad()
        loss = loss_of(model(user[batch], item[batch]), value[batch])
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    seconds = (time.perf_counter() - start) / epochs
    return seconds, [loss.item() for loss in losses]


def warpfactor_training(program, folder, epochs, want_losses, args):
    """Seconds of an epoch as the program itself measures them, and the batch losses where they are asked for."""
    command = [program, "train", folder / "ratings.txt", "--ids", "rows", "--no-header", "-k", args.rank, "--init-from",
               folder / "start.safetensors", "--no-biases", "--batch-size", args.batch, "--shuffle", "none",
               "--epochs", epochs, "--optimizer", "sgd", "--lr", args.lr, "--no-valid", "--device", "cpu",
               "--metrics", folder / "metrics.jsonl", "-o", folder / "model.safetensors", "--quiet", "--n-users", args.n_users,
               "--n-items", args.n_items]
    if want_losses:
        command += ["--batch-losses", folder / "losses.csv"]
    subprocess.run([str(word) for word in command], check=True)
    seconds = [json.loads(line)["seconds"] for line in (folder / "metrics.jsonl").read_text().splitlines()]
    losses = []
    if want_losses:
        losses = [float(line.split(",")[-1]) for line in (folder / "losses.csv").read_text().splitlines()[1:]]
    return statistics.mean(seconds), losses


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("--rank", type=int, default=20)
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--shape", default="ml-1m")
    parser.add_argument("--lr", type=float, default=1.0)
    parser.add_argument("--runs", type=int, default=9)  # an odd number above 5: some machines run at one of two speeds
    parser.add_argument("--epochs", type=int, default=5, help="of a run; its value is their mean")
    parser.add_argument("--require", type=float, help="exit 1 below this ratio")
    parser.add_argument("--out", type=pathlib.Path)
    args = parser.parse_args()
    program = args.program.resolve()

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        subprocess.run([program, "synth", "--shape", args.shape, "--seed", "1", "-o", folder / "ratings.txt", "--quiet"],
                       check=True)
        triples = np.loadtxt(folder / "ratings.txt", dtype=np.float64)
        user, item = (torch.from_numpy(triples[:, c].astype(np.int64)) for c in (0, 1))
        value = torch.from_numpy(triples[:, 2].astype(np.float32))
        args.n_users, args.n_items = int(user.max()) + 1, int(item.max()) + 1
        torch.manual_seed(1)
        scale = args.rank ** -0.5
        tables = [torch.randn(n, args.rank) * scale for n in (args.n_users, args.n_items)]
        write_safetensors(folder / "start.safetensors",
                          {"user_factors.weight": tables[0].numpy(), "item_factors.weight": tables[1].numpy()})
        data = (user, item, value)

        _, expected = torch_training(tables, data, 1, args, 1)
        _, actual = warpfactor_training(program, folder, 1, True, args)
        worst = max(abs(a - e) / abs(e) for a, e in zip(actual, expected, strict=True))
        print(f"correctness: {len(expected)} batch losses, largest relative difference {worst:.1e}")
        if not worst < 1e-3:
            sys.exit("the two programs do not train the same model")

        cores = len(os.sched_getaffinity(0))
        thread_counts = sorted({1, cores} | {2 ** n for n in range(1, cores.bit_length()) if 2 ** n < cores})
        seconds = {f"torch, {t} threads": [] for t in thread_counts} | {"warpfactor": []}
        for _ in range(args.runs):
            for threads in thread_counts:
                seconds[f"torch, {threads} threads"].append(torch_training(tables, data, args.epochs, args, threads)[0])
            seconds["warpfactor"].append(warpfactor_training(program, folder, args.epochs, False, args)[0])

    n = len(value)
    rates = {name: n / statistics.median(runs) for name, runs in seconds.items()}
    for name, rate in rates.items():
        print(f"{name:20s} {rate / 1e6:8.2f} M ratings/s   (median of {args.runs}; "
              f"{n / max(seconds[name]) / 1e6:.2f} to {n / min(seconds[name]) / 1e6:.2f})")
    best = max(rate for name, rate in rates.items() if name != "warpfactor")
    print(f"ratio to torch at its best: {rates['warpfactor'] / best:.1f}")
    if args.out:
        args.out.write_text(json.dumps({"benchmark": "minibatch_vs_torch", "shape": args.shape, "ratings": n,
                                        "rank": args.rank, "batch": args.batch, "epochs": args.epochs, "torch": torch.__version__,
                                        "seconds": seconds, "ratio": rates["warpfactor"] / best}, indent=1) + "\n")
    if args.require and rates["warpfactor"] < args.require * best:
        sys.exit(f"the ratio is below {args.require}")


if __name__ == "__main__":
    main()
