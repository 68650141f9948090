#!/usr/bin/env python3
"""train under mpirun: the model of one process, what several cannot do, a process that is killed.

usage: processes.py PROGRAM
"""
import json
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

ENVIRONMENT = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
                   OMPI_MCA_rmaps_base_oversubscribe="1", OMPI_MCA_btl_base_warn_component_unused="0",
                   OMPI_MCA_btl_vader_eager_limit="512",  # ranges of items are on their way, not copied at once
                   OMPI_MCA_btl_vader_single_copy_mechanism="none")  # containers may forbid it
SKIPPED = 77
LIMIT = 120  # seconds of a run: a deadlock ends


def mpirun(program, processes, words, folder):
    return subprocess.run(["mpirun", "-n", str(processes), program, *words], cwd=folder, env=ENVIRONMENT,
                          capture_output=True, text=True, timeout=LIMIT)


def tensors(path):
    content = path.read_bytes()
    size = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8:8 + size])
    metadata = header.pop("__metadata__")
    begin = 8 + size
    values = {name: content[begin + what["data_offsets"][0]:begin + what["data_offsets"][1]]
              for name, what in header.items() if not name.startswith("seen.")}
    return values, {key: text for key, text in metadata.items() if key != "settings"}


def same_config(text):
    return {key: value for key, value in json.loads(text).items() if key != "threads"}


def check_bits(program, folder, options, runs):
    words = ["train", "ratings.wfr", "-k", "24", "--epochs", "4", "--deterministic", *options]
    subprocess.run([program, *words, "-o", "one.safetensors", "--quiet"], cwd=folder, check=True, timeout=LIMIT)
    expected, record = tensors(folder / "one.safetensors")
    for processes, threads in runs:
        name = f"of{processes}.safetensors"
        result = mpirun(program, processes, [*words, "-j", str(threads), "-o", name], folder)
        assert result.returncode == 0, result.stderr
        assert f"{processes} processes" in result.stderr, result.stderr
        assert result.stderr.count("\ndone") == 1, result.stderr  # one of them speaks
        found, its_record = tensors(folder / name)
        assert found == expected, f"{processes} processes: other bits"
        assert same_config(its_record.pop("config")) == same_config(record["config"])
        assert its_record == {key: text for key, text in record.items() if key != "config"}
    listed = subprocess.run([program, "recommend", "of3.safetensors", "--all-users", "-n", "3"], cwd=folder,
                            capture_output=True, text=True, timeout=LIMIT)
    alone = subprocess.run([program, "recommend", "one.safetensors", "--all-users", "-n", "3"], cwd=folder,
                           capture_output=True, text=True, timeout=LIMIT)
    assert listed.returncode == 0 and listed.stdout == alone.stdout, listed.stderr


def check_refusals(program, folder):
    for words, code, what in (
            (["train", "ratings.txt"], 2, "convert ratings.txt writes one"),
            (["train", "ghost.wfr"], 3, "No such file"),
            (["train", "ratings.wfr", "--folds", "3"], 2, "--folds"),
            (["train", "ratings.wfr", "--algorithm", "ccd"], 2, "--algorithm sgd"),
            (["train", "ratings.wfr", "--algorithm", "als", "--checkpoint-every", "1"], 2, "--checkpoint-every"),
            (["train", "ratings.wfr", "--algorithm", "als", "--engine", "reference"], 2, "engine reference trains in one process"),
            (["train", "ratings.wfr", "--loss", "bpr"], 2, "another --loss"),
            (["train", "ratings.wfr", "--checkpoint-every", "1"], 2, "--checkpoint-every"),
            (["train", "ratings.wfr", "--grid", "1"], 2, "--grid 4 or more"),
            (["train", "-"], 2, "stdin"),
            (["train", "ratings.wfr", "--nonsense"], 2, "unknown option")):
        result = mpirun(program, 2, [*words, "-o", "none.safetensors"], folder)
        assert result.returncode == code, (words, result.returncode, result.stderr)
        assert what in result.stderr, (words, result.stderr)
        assert result.stderr.count("warpfactor " + words[0] + ": process") + result.stderr.count("ghost.wfr: process") == 1, result.stderr
        assert not (folder / "none.safetensors").exists()


def check_differences(program, folder):
    """Settings of one process alone, as a variable that mpirun has not passed on; ratings of another file."""
    subprocess.run([program, "convert", "other.txt", "-o", "other.wfr", "--quiet"], cwd=folder, check=True, timeout=LIMIT)
    words = ["train", "ratings.wfr", "-k", "8", "--epochs", "3", "-o", "none.safetensors"]
    for other, what in ((["-k", "16"], "--rank: 16 here, and 8 in process 0"), (["--seed", "5"], "--seed: 5 here"),
                        (["other.wfr"], "the ratings: ")):
        theirs = [other[0] if other[0].endswith(".wfr") and word == "ratings.wfr" else word for word in words]
        theirs += [] if other[0].endswith(".wfr") else other
        theirs = [word for n, word in enumerate(theirs) if not (other[0] == "-k" and n in (2, 3))]
        result = subprocess.run(["mpirun", "-n", "1", program, *words, ":", "-n", "1", program, *theirs], cwd=folder,
                                env=ENVIRONMENT, capture_output=True, text=True, timeout=LIMIT)
        assert result.returncode == 2 and what in result.stderr, (other, result.returncode, result.stderr)
        assert "interrupted" not in result.stderr, result.stderr
        assert not (folder / "none.safetensors").exists()


def check_other_verbs(program, folder):
    """Each process by itself, as where a script under mpirun calls the program."""
    result = mpirun(program, 2, ["info", "one.safetensors"], folder)
    assert result.returncode == 0 and result.stdout.count("rank ") == 2, (result.stdout, result.stderr)


def is_running(process):
    try:
        return pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def check_death(program, folder):
    """A process that is killed ends the others at once, and mpirun names it; nothing is left."""
    words = ["train", "ratings.wfr", "-k", "64", "--epochs", "100000", "--no-early-stopping", "-j", "1", "-o", "dead.safetensors"]
    with (folder / "dead.txt").open("w") as log:
        job = subprocess.Popen(["mpirun", "-n", "3", program, *words], cwd=folder, env=ENVIRONMENT, stderr=log, stdout=log)
        try:
            deadline = time.monotonic() + LIMIT
            while "epoch" not in (folder / "dead.txt").read_text():
                assert job.poll() is None and time.monotonic() < deadline, (folder / "dead.txt").read_text()
                time.sleep(0.05)
            children = [int(p) for p in subprocess.run(["pgrep", "-P", str(job.pid)], capture_output=True,
                                                       text=True, check=True).stdout.split()]
            ours = [p for p in children if pathlib.Path(f"/proc/{p}/cmdline").read_bytes().startswith(program.encode())]
            assert len(ours) == 3, children
            os.kill(ours[1], signal.SIGKILL)
            job.wait(timeout=LIMIT)
        finally:
            if job.poll() is None:
                job.kill()
    assert job.returncode != 0
    text = (folder / "dead.txt").read_text()
    assert "signal 9" in text and "rank" in text, text
    assert not (folder / "dead.safetensors").exists()
    for process in ours:
        while is_running(process):  # mpirun does not wait for those that it has ended
            assert time.monotonic() < deadline, "a process is left"
            time.sleep(0.05)


def check_without_module(program, folder):
    environment = dict(ENVIRONMENT, OMPI_COMM_WORLD_SIZE="2", WARPFACTOR_MPI_MODULE=str(folder / "ratings.txt"))
    result = subprocess.run([program, "train", "ratings.wfr"], cwd=folder, env=environment, capture_output=True,
                            text=True, timeout=LIMIT)
    assert result.returncode == 4 and "MPI cannot be loaded" in result.stderr, result.stderr


def main():
    program = os.path.abspath(sys.argv[1])
    if not (pathlib.Path(program).parent / "libwarpfactor_mpi.so").exists():
        print("skipped: this build has no MPI module")
        return SKIPPED
    if shutil.which("mpirun") is None:
        print("skipped: mpirun is not installed")
        return SKIPPED
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for words in (["synth", "--users", "700", "--items", "300", "--ratings", "40000", "-o", "ratings.txt"],
                      ["synth", "--users", "700", "--items", "300", "--ratings", "40000", "--seed", "3", "-o", "other.txt"],
                      ["convert", "ratings.txt", "-o", "ratings.wfr"]):
            subprocess.run([program, *words, "--quiet"], cwd=folder, check=True, timeout=LIMIT)
        check_bits(program, folder, ["--algorithm", "als"], ((2, 1), (3, 2), (4, 1)))
        check_bits(program, folder, ["--algorithm", "ials"], ((2, 1), (3, 2), (4, 1)))
        check_bits(program, folder, ["--grid", "14"], ((2, 1), (3, 2), (4, 1), (7, 1)))
        check_refusals(program, folder)
        check_differences(program, folder)
        check_other_verbs(program, folder)
        check_death(program, folder)
        check_without_module(program, folder)
    print("2, 3, 4 and 7 processes have the bits of one; what they cannot do is refused once; one that dies ends all")
    return 0


if __name__ == "__main__":
    sys.exit(main())
