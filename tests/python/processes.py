#!/usr/bin/env python3
"""train under mpirun: the model of one process, from a page file or a text; what several cannot do; a process that is
killed.

usage: processes.py PROGRAM
"""
import gzip
import json
import os
import pathlib
import re
import shutil
import signal
import socket
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
AT_ONCE = 20  # seconds in which a job ends whose process is dead, on a machine that is busy


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


def check_bits(program, folder, data, options=("--grid", "14"), runs=((2, 1), (3, 2), (4, 1), (7, 1))):
    """`data`: the file and how it is read. `runs`: processes, and threads of each."""
    words = ["train", *data, "-k", "24", "--epochs", "4", "--deterministic", *options]
    alone = subprocess.run([program, *words, "-o", "one.safetensors"], cwd=folder, check=True, capture_output=True,
                           text=True, timeout=LIMIT)
    assert read_lines(alone.stderr), alone.stderr
    expected, record = tensors(folder / "one.safetensors")
    for processes, threads in runs:
        name = f"of{processes}.safetensors"
        result = mpirun(program, processes, [*words, "-j", str(threads), "-o", name], folder)
        assert result.returncode == 0, result.stderr
        assert f"{processes} processes" in result.stderr, result.stderr
        assert result.stderr.count("\ndone") == 1, result.stderr  # one of them speaks
        assert read_lines(result.stderr) == read_lines(alone.stderr), (result.stderr, alone.stderr)
        found, its_record = tensors(folder / name)
        assert found == expected, f"{processes} processes: other bits"
        assert same_config(its_record.pop("config")) == same_config(record["config"])
        assert its_record == {key: text for key, text in record.items() if key != "config"}
    listed = subprocess.run([program, "recommend", "of3.safetensors", "--all-users", "-n", "3"], cwd=folder,
                            capture_output=True, text=True, timeout=LIMIT)
    wanted = subprocess.run([program, "recommend", "one.safetensors", "--all-users", "-n", "3"], cwd=folder,
                            capture_output=True, text=True, timeout=LIMIT)
    assert listed.returncode == 0 and listed.stdout == wanted.stdout, listed.stderr


def read_lines(text):
    """What was read, without the seconds."""
    return [re.sub(r" in [0-9.]+ s", "", line) for line in text.splitlines() if line.startswith(("read ", "data ")) or "bad line" in line]


def write_texts(folder):
    """Of ratings.txt: names in the last lines alone, a header and bad lines; a part that validates, with ids of its own."""
    lines = (folder / "ratings.txt").read_text().splitlines()
    rows = [",".join(line.split()[:3]) for line in lines if line[0].isdigit()]
    named = ["# of synth", "user,item,rating", *rows[:20000], "1,2,x", *rows[20000:], "", "9,8", "ann,the first,3.5", "007,12,4"]
    (folder / "named.csv").write_text("\r\n".join(named))
    (folder / "valid.csv").write_text("\n".join(["user,item,rating", *rows[::50], "nobody,1,3", "1,nothing,2.5"]) + "\n")


def check_bad_line(program, folder):
    """Each process meets a bad line: the first one of the file is said, once."""
    lines = (folder / "ratings.txt").read_text().splitlines()
    for n in (5000, 17000, 29000, 39000):
        lines[n] = "1 2 x"
    (folder / "bad.txt").write_text("\n".join(lines))
    result = mpirun(program, 3, ["train", "bad.txt", "-o", "none.safetensors"], folder)
    assert result.returncode == 3 and result.stderr.count("bad.txt:") == 1, result.stderr
    assert "bad.txt:5001:5: process 0" in result.stderr and "is not a number" in result.stderr, result.stderr


def check_checkpoints(program, folder, data, options, all_sizes):
    """Checkpoints of one number of processes are gone on from by another, with the bits of a training that never stopped."""
    words = ["train", data, "-k", "24", "--deterministic", *options, "-j", "1"]
    subprocess.run([program, *words, "--epochs", "6", "-o", "straight.safetensors", "--quiet"], cwd=folder, check=True, timeout=LIMIT)
    expected, record = tensors(folder / "straight.safetensors")
    log = (folder / "straight.metrics.jsonl").read_text()
    for number, sizes in enumerate(all_sizes):
        name = f"again-{options[-1]}-{number}.safetensors"
        for processes, epochs in zip(sizes, (2, 4, 6)):
            result = mpirun(program, processes, [*words, "--epochs", str(epochs), "--checkpoint-every", "1", "--resume", "-o", name], folder)
            assert result.returncode == 0, result.stderr
            assert epochs == 2 or f"goes on behind epoch {epochs - 2}" in result.stderr, result.stderr
        found, its_record = tensors(folder / name)
        assert found == expected, f"{sizes} processes: other bits"
        assert same_config(its_record["config"]) == same_config(record["config"])
        without_times = [[{key: value for key, value in json.loads(line).items() if key not in ("seconds", "ts", "ratings_per_s")}
                          for line in text.splitlines()] for text in (log, (folder / name.replace(".safetensors", ".metrics.jsonl")).read_text())]
        assert without_times[0] == without_times[1], without_times
    result = mpirun(program, 2, [*words, "--epochs", "6", "--resume", "--seed", "9", "-o", name], folder)
    assert result.returncode == 2 and "--seed was 42, is 9" in result.stderr, result.stderr
    assert not [path.name for path in folder.iterdir() if ".part-" in path.name]


def check_refusals(program, folder):
    for words, code, what in (
            (["train", "packed.gz"], 2, "convert packed.gz writes a page file"),
            (["train", "ratings.txt", "--shuffle", "none"], 2, "--shuffle none"),
            (["train", "ratings.txt", "--valid", "ratings.wfr"], 2, "--valid with a page file"),
            (["train", "ghost.wfr"], 3, "No such file"),
            (["train", "ratings.wfr", "--folds", "3"], 2, "--folds"),
            (["train", "ratings.wfr", "--algorithm", "ccd"], 2, "--algorithm sgd"),
            (["train", "ratings.wfr", "--algorithm", "als", "--engine", "reference"], 2, "engine reference trains by als and ials in one process"),
            (["train", "ratings.wfr", "--loss", "bpr"], 2, "another --loss"),
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
    rest = ["--epochs", "3", "-o", "none.safetensors"]
    for first, second, code, what in (
            (["ratings.wfr", "-k", "8"], ["ratings.wfr", "-k", "16"], 2, "--rank: 16 here, and 8 in process 0"),
            (["ratings.wfr"], ["ratings.wfr", "--seed", "5"], 2, "--seed: 5 here"),
            (["ratings.wfr"], ["other.wfr"], 2, "the ratings: "),
            (["ratings.wfr"], ["ratings.txt"], 2, "the file: a text here, and a page file in process 0"),
            (["ratings.txt"], ["ratings.txt", "--skip-bad"], 2, "--skip-bad: true here, and none in process 0"),
            (["ratings.txt"], ["other.txt"], 3, "another in process 1")):
        result = subprocess.run(["mpirun", "-n", "1", program, "train", *first, *rest, ":", "-n", "1", program,
                                 "train", *second, *rest], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=LIMIT)
        assert result.returncode == code and what in result.stderr, (first, second, result.returncode, result.stderr)
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


def check_death(program, folder, rank):
    """A process that is killed ends the others at once; mpirun names it, and another one the last checkpoint."""
    words = ["train", "ratings.wfr", "-k", "64", "--epochs", "100000", "--no-early-stopping", "-j", "1", "-o", "dead.safetensors",
             "--checkpoint-every", "1"]
    with (folder / "dead.txt").open("w") as log:
        job = subprocess.Popen(["mpirun", "-n", "3", program, *words], cwd=folder, env=ENVIRONMENT, stderr=log, stdout=log)
        try:
            deadline = time.monotonic() + LIMIT
            while not (folder / "dead.safetensors.checkpoint.previous").exists():
                assert job.poll() is None and time.monotonic() < deadline, (folder / "dead.txt").read_text()
                time.sleep(0.05)
            children = [int(p) for p in subprocess.run(["pgrep", "-P", str(job.pid)], capture_output=True,
                                                       text=True, check=True).stdout.split()]
            ours = [p for p in children if pathlib.Path(f"/proc/{p}/cmdline").read_bytes().startswith(program.encode())]
            assert len(ours) == 3, children
            os.kill(ours[rank], signal.SIGKILL)
            killed = time.monotonic()
            job.wait(timeout=LIMIT)
            assert time.monotonic() - killed < AT_ONCE, "the others went on"
        finally:
            if job.poll() is None:
                job.kill()
    assert job.returncode != 0
    text = (folder / "dead.txt").read_text()
    assert f"rank {rank} " in text and "signal 9" in text and socket.gethostname() in text, text
    assert text.count("the last checkpoint is dead.safetensors.checkpoint, of epoch ") == 1, text
    assert not (folder / "dead.safetensors").exists()
    for process in ours:
        while is_running(process):  # mpirun does not wait for those that it has ended
            assert time.monotonic() < deadline, "a process is left"
            time.sleep(0.05)
    epoch = int(re.search(r"dead.safetensors.checkpoint, of epoch (\d+)", text).group(1))
    words[words.index("100000")] = str(epoch + 2)
    result = mpirun(program, 2, [*words, "--resume"], folder)
    assert result.returncode == 0 and (folder / "dead.safetensors").exists(), result.stderr
    begun = int(re.search(r"goes on behind epoch (\d+)", result.stderr).group(1))
    assert begun in (epoch, epoch + 1), (begun, text)  # the next one may have been renamed, and not yet been told of
    for left in folder.glob("dead.*"):
        left.unlink()


def check_without_module(program, folder):
    environment = dict(ENVIRONMENT, OMPI_COMM_WORLD_SIZE="2", WARPFACTOR_MPI_MODULE=str(folder / "ratings.txt"))
    result = subprocess.run([program, "train", "ratings.wfr"], cwd=folder, env=environment, capture_output=True,
                            text=True, timeout=LIMIT)
    assert result.returncode == 4 and "MPI cannot be loaded" in result.stderr, result.stderr


def check_other_mpi(program, folder):
    """Started by the mpirun of another MPI: its variables are there, and each process finds itself alone."""
    result = subprocess.run([program, "train", "ratings.wfr"], cwd=folder, env=dict(ENVIRONMENT, PMI_SIZE="2"), capture_output=True,
                            text=True, timeout=LIMIT)
    assert result.returncode == 4 and "each sees itself alone" in result.stderr, result.stderr


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
        (folder / "packed.gz").write_bytes(gzip.compress((folder / "ratings.txt").read_bytes()))
        write_texts(folder)
        check_bits(program, folder, ["ratings.wfr"])
        check_bits(program, folder, ["ratings.txt"])
        check_bits(program, folder, ["named.csv", "--skip-bad", "--valid", "valid.csv"])
        check_bits(program, folder, ["ratings.txt", "--ids", "rows", "--n-users", "1000"])
        check_bad_line(program, folder)
        check_checkpoints(program, folder, "ratings.wfr", ["--grid", "14"], ((4, 2, 3), (1, 3, 1), (2, 1, 4)))
        check_checkpoints(program, folder, "named.csv", ["--skip-bad", "--valid", "valid.csv", "--algorithm", "als"], ((3, 1, 2),))
        check_checkpoints(program, folder, "ratings.wfr", ["--algorithm", "ials"], ((1, 4, 1),))
        check_bits(program, folder, ["named.csv", "--skip-bad", "--valid", "valid.csv"], ["--algorithm", "als"], ((3, 1),))
        for algorithm, data in (("als", "ratings.wfr"), ("ials", "ratings.txt")):
            check_bits(program, folder, [data], ["--algorithm", algorithm], ((2, 1), (3, 2), (4, 1)))
        check_refusals(program, folder)
        check_differences(program, folder)
        check_other_verbs(program, folder)
        for rank in (0, 1, 2):
            check_death(program, folder, rank)
        check_without_module(program, folder)
        check_other_mpi(program, folder)
    print("2, 3, 4 and 7 processes have the bits of one; what they cannot do is refused once; one that dies ends all")
    return 0


if __name__ == "__main__":
    sys.exit(main())
