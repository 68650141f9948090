#!/usr/bin/env python3
"""TensorBoard itself reads what `warpfactor train --tensorboard` writes: tags, steps and values of metrics.jsonl.

    tensorboard_reads_events.py PROGRAM      exit 0: equal; 1: not; 77: skipped, with the reason
"""
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

SKIPPED = 77
TAGS = {"train_loss", "train_rmse", "valid_loss", "valid_rmse", "valid_mae", "lr", "ratings_per_s"}
EPOCHS = 5

try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
except ImportError as missing:
    print(f"skipped: {missing} (PyPI: tensorboard)")
    sys.exit(SKIPPED)


def as_float(value):
    return struct.unpack("f", struct.pack("f", value))[0]


def main(program):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        lines = [f"{u},{i},{1 + (u * i + u + i) % 9 / 2}" for u in range(60) for i in range(40) if (u * 7 + i * 5) % 4]
        (folder / "ratings.csv").write_text("user,item,rating\n" + "\n".join(lines) + "\n")
        subprocess.run([program, "train", "ratings.csv", "-k", "6", "--epochs", str(EPOCHS), "--no-early-stopping",
                        "--engine", "cpu", "--tensorboard", "runs"], cwd=folder, check=True, capture_output=True,
                       timeout=120)
        metrics = [json.loads(line) for line in (folder / "ratings.metrics.jsonl").read_text().splitlines()]
        events = EventAccumulator(str(folder / "runs"))
        events.Reload()
        assert set(events.Tags()["scalars"]) == TAGS, events.Tags()
        assert events.file_version == 2, events.file_version
        for tag in TAGS:
            scalars = events.Scalars(tag)
            assert [scalar.step for scalar in scalars] == list(range(1, EPOCHS + 1)), scalars
            assert [scalar.value for scalar in scalars] == [as_float(epoch[tag]) for epoch in metrics], tag
    print(f"TensorBoard reads {len(TAGS)} scalars of {EPOCHS} epochs")
    return 0


sys.exit(main(pathlib.Path(sys.argv[1]).resolve()))
