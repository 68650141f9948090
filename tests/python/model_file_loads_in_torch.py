#!/usr/bin/env python3
"""A trained model, loaded into PyTorch's own embeddings, predicts what `warpfactor predict` prints.

    model_file_loads_in_torch.py PROGRAM      exit 0: equal; 1: not; 77: skipped, with the reason

Needs PyTorch. The package safetensors reads the file where it is installed, else this script does.
"""
import csv
import io
import json
import pathlib
import random
import struct
import subprocess
import sys
import tempfile

SKIPPED = 77
USERS, ITEMS, RANK = 30, 20, 8
TOLERANCE = 1e-5  # of the largest prediction: printed decimals, and another order of the sum

try:
    import torch
except ImportError as missing:
    print(f"skipped: {missing} (Debian: python3-torch)")
    sys.exit(SKIPPED)


def parse(path):
    """What safetensors.torch.load_file returns, and the metadata, by json and torch alone."""
    raw = path.read_bytes()
    length, = struct.unpack("<Q", raw[:8])
    header, data = json.loads(raw[8:8 + length]), raw[8 + length:]
    metadata = header.pop("__metadata__", {})
    kinds = {"F32": torch.float32, "I64": torch.int64, "U8": torch.uint8}
    tensors = {}
    for name, info in header.items():
        begin, end = info["data_offsets"]
        values = torch.frombuffer(bytearray(data[begin:end]), dtype=kinds[info["dtype"]])
        tensors[name] = values.reshape(info["shape"])
    return tensors, metadata


def load(path):
    tensors, metadata = parse(path)
    try:
        from safetensors import safe_open
        from safetensors.torch import load_file
    except ImportError:
        return tensors, metadata, "json"
    loaded = load_file(str(path))
    assert loaded.keys() == tensors.keys(), (loaded.keys(), tensors.keys())
    for name, tensor in loaded.items():
        assert torch.equal(tensor, tensors[name]), name
    with safe_open(str(path), framework="pt") as file:
        assert file.metadata() == metadata, file.metadata()
    return loaded, metadata, "safetensors"


class MatrixFactorization(torch.nn.Module):
    def __init__(self, n_users, n_items, rank, biases):
        super().__init__()
        self.user_factors = torch.nn.Embedding(n_users, rank)
        self.item_factors = torch.nn.Embedding(n_items, rank)
        if biases:
            self.user_biases = torch.nn.Embedding(n_users, 1)
            self.item_biases = torch.nn.Embedding(n_items, 1)
        self.global_mean = 0.0

    def forward(self, user, item):
        score = (self.user_factors(user) * self.item_factors(item)).sum(1)
        if hasattr(self, "user_biases"):
            score = score + self.user_biases(user).squeeze(1) + self.item_biases(item).squeeze(1) + self.global_mean
        return score


def names_of(tensors, side):
    """The outside ids of one side, in row order."""
    if side + "_ids" in tensors:
        return [str(number) for number in tensors[side + "_ids"].tolist()]
    raw = bytes(tensors[side + "_ids.bytes"].tolist())
    offsets = tensors[side + "_ids.offsets"].tolist()
    return [raw[begin:end].decode() for begin, end in zip(offsets, offsets[1:])]


def run(program, folder, *words):
    result = subprocess.run([program, *words], cwd=folder, capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"{' '.join(words)}: exit {result.returncode}\n{result.stderr}")
    return result.stdout


def check(program, folder, options, user_name, item_name):
    draw = random.Random(1)
    pairs = [(user_name(u), item_name(i)) for u in range(USERS) for i in range(ITEMS) if draw.random() < 0.5]
    draw.shuffle(pairs)
    lines = [f"{user},{item},{draw.randint(1, 10) / 2}" for user, item in pairs]
    (folder / "ratings.csv").write_text("user,item,rating\n" + "\n".join(lines) + "\n")
    run(program, folder, "train", "ratings.csv", "-o", "m.safetensors", "--quiet", "-k", str(RANK), "--epochs", "3",
        *options)
    tensors, metadata, reader = load(folder / "m.safetensors")

    users, items = names_of(tensors, "user"), names_of(tensors, "item")
    biases = "user_biases.weight" in tensors
    model = MatrixFactorization(len(users), len(items), RANK, biases)
    keys = model.load_state_dict(tensors, strict=False)
    assert not keys.missing_keys, keys.missing_keys
    assert all("_ids" in key for key in keys.unexpected_keys), keys.unexpected_keys
    model.global_mean = float(metadata["global_mean"])

    printed = list(csv.DictReader(io.StringIO(run(program, folder, "predict", "m.safetensors", "ratings.csv"))))
    assert len(printed) == len(pairs), (len(printed), len(pairs))
    assert [(row["user"], row["item"]) for row in printed] == pairs
    user_rows = torch.tensor([users.index(user) for user, _ in pairs])
    item_rows = torch.tensor([items.index(item) for _, item in pairs])
    with torch.no_grad():
        expected = model(user_rows, item_rows).double()
    got = torch.tensor([float(row["prediction"]) for row in printed], dtype=torch.float64)
    worst = ((got - expected).abs().max() / expected.abs().max()).item()
    if not worst <= TOLERANCE:
        sys.exit(f"{options}: predictions differ by {worst:.2e} of the largest")
    print(f"{len(pairs)} predictions equal within {worst:.1e} (read by {reader}; {' '.join(options) or 'no options'})")


def main():
    program = str(pathlib.Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        check(program, folder, [], lambda u: str(1000 + u), lambda i: str(7 * i))
        check(program, folder, ["--no-biases"], lambda u: f"user-{u}", lambda i: f"film é {i}")
        check(program, folder, ["--batch-size", "64", "--optimizer", "adam", "--gradients", "dense"],
              lambda u: str(u), lambda i: f"{i:03}")


if __name__ == "__main__":
    main()
