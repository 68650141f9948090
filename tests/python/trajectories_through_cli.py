#!/usr/bin/env python3
"""The recorded PyTorch trajectories, repeated by the command line: every case of a folder, on every engine.

    trajectories_through_cli.py PROGRAM FOLDER [ENGINE...]   FOLDER holds .npz files of scripts/golden.py, of any seed;
                                                             cuda_repeatable is cuda --deterministic

Standard library only. Tolerances as in tests/kernels/trajectories_test.cpp.
"""
import csv
import io
import json
import math
import pathlib
import struct
import subprocess
import sys
import tempfile
import zipfile

TENSOR_TOLERANCE = 2e-5  # of the largest magnitude of the tensor
LOSS_TOLERANCE = 1e-5    # of each batch's loss
TABLES = ("user_factors.weight", "item_factors.weight", "user_biases.weight", "item_biases.weight")


def read_npz(path):
    arrays = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            data = archive.read(name)
            length = struct.unpack("<H", data[8:10])[0]
            header = eval(data[10:10 + length], {"__builtins__": {}})  # a literal, in files of this project
            body, kind, count = data[10 + length:], header["descr"], math.prod(header["shape"])
            key = name.removesuffix(".npy")
            if kind.startswith("<U"):
                arrays[key] = body.decode("utf-32-le").rstrip("\0")
            else:
                code = {"<i8": "q", "<f4": "f", "<f8": "d"}[kind]
                arrays[key] = (header["shape"], list(struct.unpack(f"<{count}{code}", body)))
    return arrays


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, (shape, values) in tensors.items():
        raw = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def read_safetensors(path):
    raw = path.read_bytes()
    length = struct.unpack("<Q", raw[:8])[0]
    header, data = json.loads(raw[8:8 + length]), raw[8 + length:]
    tensors = {}
    for name, info in header.items():
        if name != "__metadata__" and info["dtype"] == "F32":
            begin, end = info["data_offsets"]
            tensors[name] = list(struct.unpack(f"<{(end - begin) // 4}f", data[begin:end]))
    return tensors


def command_of(program, folder, c, device):
    words = [program, "train", folder / "data.csv", "--ids", "rows", "--n-users", c["n_users"], "--n-items", c["n_items"],
             "--no-header", "-k", c["n_factors"], "--init-from", folder / "start.safetensors",
             "--batch-size", c["batch_size"], "--shuffle", "none", "--epochs", c["epochs"], "--loss", c["loss"],
             "--reduction", c["reduction"], "--optimizer", c["optimizer"], "--lr", repr(c["lr"]),
             "--momentum", c["momentum"], "--weight-decay", c["weight_decay"], "--beta1", c["betas"][0],
             "--beta2", c["betas"][1], "--eps", repr(c["eps"]), "--gradients", "sparse" if c["sparse"] else "dense",
             "--biases" if c["biases"] else "--no-biases", "--global-mean", c["global_mean"], "--no-valid",
             *device_words(device), "--batch-losses", folder / "losses.csv", "-o", folder / "out.safetensors", "--quiet"]
    for key, option in (("user_padding_idx", "--user-padding-idx"), ("item_padding_idx", "--item-padding-idx"),
                        ("max_norm", "--max-norm")):
        if c[key] is not None:
            words += [option, c[key]]
    words += ["--norm-type", c["norm_type"]]
    if c["scale_grad_by_freq"]:
        words.append("--scale-grad-by-freq")
    return [str(word) for word in words]


def worst_difference(actual, expected):
    if len(actual) != len(expected):
        return math.inf
    differences = [abs(a - e) for a, e in zip(actual, expected)]
    return math.inf if any(math.isnan(d) for d in differences) else max(differences, default=0.0)


def device_words(engine):
    return ("--device", "cuda", "--deterministic") if engine == "cuda_repeatable" else ("--device", engine)


def check_case(program, path, device):
    """What differs too much, as a list of sentences."""
    record = read_npz(path)
    c = json.loads(record["config"])
    complaints = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        triples = list(zip(record["users"][1], record["items"][1], record["ratings"][1]))
        text = io.StringIO()
        csv.writer(text).writerows(triples)
        (folder / "data.csv").write_text(text.getvalue())
        write_safetensors(folder / "start.safetensors",
                          {table: record["init." + table] for table in TABLES if "init." + table in record})
        subprocess.run(command_of(program, folder, c, device), check=True)

        with open(folder / "losses.csv", newline="") as file:
            losses = [float(row["loss"]) for row in csv.DictReader(file)]
        expected = record["losses"][1]
        if len(losses) != len(expected):
            complaints.append(f"{len(losses)} batch losses, expected {len(expected)}")
        for n, (a, e) in enumerate(zip(losses, expected)):
            allowed = LOSS_TOLERANCE * abs(e)
            if c["batch_size"] == 1:  # a float score is known to 2^-22, see trajectories_test.cpp
                allowed += 2 * math.sqrt(abs(e)) * 2.0 ** -22
            if not abs(a - e) <= allowed:
                complaints.append(f"loss of batch {n}: {a!r}, expected {e!r}")
        tensors = read_safetensors(folder / "out.safetensors")
        for table in TABLES:
            if "final." + table not in record:
                continue
            values = record["final." + table][1]
            worst, allowed = worst_difference(tensors[table], values), TENSOR_TOLERANCE * max(map(abs, values))
            if not worst <= allowed:
                complaints.append(f"{table} differs by {worst:.2e}, allowed {allowed:.2e}")

        run = subprocess.run([program, "predict", str(folder / "out.safetensors"), str(folder / "data.csv"), *device_words(device)[:2],
                              "--quiet", "--no-header"], check=True, capture_output=True, text=True)
        rows = list(csv.DictReader(io.StringIO(run.stdout)))
        values = record["predictions"][1]
        if [(int(r["user"]), int(r["item"])) for r in rows] != [(u, i) for u, i, _ in triples]:
            complaints.append("predict does not keep the order of its input")
        worst = worst_difference([float(r["prediction"]) for r in rows], values)
        if not worst <= TENSOR_TOLERANCE * max(map(abs, values)):
            complaints.append(f"predictions differ by {worst:.2e}")
    return complaints


def main(program, folder, *engines):
    failed = 0
    cases = sorted(pathlib.Path(folder).glob("*.npz"))
    for path in cases:
        for device in engines or ("reference", "cpu"):
            complaints = check_case(program, path, device)
            failed += bool(complaints)
            for complaint in complaints[:5]:
                print(f"{path.stem} on {device}: {complaint}")
    print(f"{len(engines or (1, 2)) * len(cases) - failed} passed, {failed} failed")
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
