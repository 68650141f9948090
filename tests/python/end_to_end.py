#!/usr/bin/env python3
"""Installs the program and works with it as a person would: on files, on a pipe and on a terminal, with made-up ratings and real ones.

    end_to_end.py PROGRAM CMAKE BUILD_FOLDER

Real ratings are those of $WARPFACTOR_TEST_DATA, else of shared/data beside the checkout, where there are any.
"""
import json
import os
import pathlib
import pty
import re
import subprocess
import sys
import tempfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = pathlib.Path(os.environ.get("WARPFACTOR_TEST_DATA", ROOT.parent / "shared/data"))
SKIPPED = 77
# file, a user in it, whether all values are ratings that biases alone predict worse; what its guess must say
FILES = [("ml-latest-small/ratings.csv", "42", "comma, header userId,movieId,rating,timestamp"),
         ("movietweetings/ratings.dat", "2", "::"),
         ("goodbooks-10k-sample/ratings.csv", "58", "header user_id,book_id,rating"),
         ("insteval/ratings.csv", "1", "header student,lecturer,rating")]
QUICK = ["-k", "8", "--epochs", "6"]


class Installed:
    def __init__(self, prefix, folder):
        self.program, self.folder = prefix / "bin/warpfactor", folder
        self.environment = {"PATH": f"{prefix}/bin:/usr/bin:/bin", "TERM": "xterm", "HOME": str(folder)}

    def run(self, *words, stdin=None, expect=0):
        result = subprocess.run([self.program, *words], cwd=self.folder, env=self.environment, input=stdin, capture_output=True)
        out, err = result.stdout.decode(), result.stderr.decode()
        assert result.returncode == expect, f"{' '.join(words)}: exit {result.returncode}\n{out}{err}"
        return out, err

    def on_terminal(self, *words):
        """Everything that a terminal of 80 columns is sent."""
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(self.folder)
            os.execve(self.program, ["warpfactor", *words], self.environment)
        sent = b""
        while True:
            try:
                part = os.read(terminal, 65536)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            sent += part
        _, status = os.waitpid(child, 0)
        os.close(terminal)
        assert os.waitstatus_to_exitcode(status) == 0, sent.decode()
        return sent.decode()


def whole_job(installed, data, user, guess):
    """From a file to lists and a page, without an option that it would not work without."""
    out, err = installed.run("train", str(data), *QUICK, "-o", "m.safetensors")
    assert out == "" and guess in err, err
    for tag in ("read", "data", "split", "engine", "model", "train", "done", "saved", "next"):
        assert re.search(rf"^{tag} ", err, re.M), (tag, err)
    assert "\x1b" not in err and "\r" not in err, "a pipe gets plain lines"
    best, biases = (float(re.search(pattern, err).group(1)) for pattern in (r"best valid RMSE ([\d.]+)", r"biases only ([\d.]+)"))
    assert best < 1.02 * biases, err
    out, _ = installed.run("recommend", "m.safetensors", "--user", user, "-n", "5")
    assert len(out.splitlines()) == 6, out
    seen = {line.split(sep)[1] for sep in (",", "::") for line in data.read_text(errors="replace").splitlines()
            if line.split(sep)[0] == user and sep in line}
    column = out.splitlines()[0].split(",").index("item")
    listed = {line.split(",")[column] for line in out.splitlines()[1:]}
    assert seen and not seen & listed, "what a user has rated is in no list"
    facts = json.loads(installed.run("evaluate", "m.safetensors", str(data), "--json")[0])
    assert facts["n_unknown"] == 0 and facts["rmse"] < facts["baseline_mean_rmse"], facts
    installed.run("report", "m.safetensors", "-o", "m.html")
    assert "<svg" in (installed.folder / "m.html").read_text()


def split_and_rank(installed, data):
    installed.run("split", str(data), "--test-frac", "0.2", "-o", "parts")
    train, test = (f"parts/{data.stem}.{part}.csv" for part in ("train", "test"))
    installed.run("train", train, *QUICK, "-o", "part.safetensors")
    result = json.loads(installed.run("evaluate", "part.safetensors", test, "--json")[0])
    installed.run("train", train, "--implicit", *QUICK, "-o", "order.safetensors")
    order = json.loads(installed.run("evaluate", "order.safetensors", test, "--at", "10", "--json")[0])
    assert 0 < order["ndcg@10"] < 1 and 0.7 < order["auc"] < 1, order  # what is rated is not drawn at random
    folds = json.loads(installed.run("train", str(data), "--folds", "3", *QUICK, "--json")[0])
    assert abs(folds["rmse"]["mean"] - result["rmse"]) < 0.1 * result["rmse"], (folds, result)
    installed.run("tune", str(data), "--trials", "3", "--epochs", "6", "-o", "best.toml")
    installed.run("train", str(data), "--config", "best.toml", "--epochs", "6", "-o", "best.safetensors")


def pipe(installed, text):
    out, err = installed.run("train", "-", *QUICK, "--json", "-o", "piped.safetensors", stdin=text)
    assert json.loads(out)["model"] == "piped.safetensors", out
    assert "\x1b" not in err, err
    out, _ = installed.run("predict", "piped.safetensors", "-", stdin=b"1 1\n2 2\n")
    assert len(out.splitlines()) == 3, out
    installed.run("describe", "-", "--quiet", stdin=text)


def terminal(installed, data):
    sent = installed.on_terminal("train", data, *QUICK, "-o", "t.safetensors")
    assert "\x1b[1m" in sent and "\r" in sent, "a terminal is redrawn and has bold tags"
    assert "done" in sent and "next" in sent, sent
    installed.environment["NO_COLOR"] = "1"
    assert "\x1b[1m" not in installed.on_terminal("train", data, *QUICK, "-o", "t.safetensors")
    del installed.environment["NO_COLOR"]
    assert installed.on_terminal("train", data, *QUICK, "-o", "t.safetensors", "--quiet") == ""


def wrong_words(installed):
    for words, code, cure in ((["trian", "x.csv"], 2, "train"), (["train", "nowhere.csv"], 3, "nowhere.csv"),
                              (["train", "x.csv", "--rnak", "8"], 2, "--rank"), ([], 2, "train")):
        assert cure in installed.run(*words, expect=code)[1], words


def wide_matrix(installed, archive):
    """Jester's sheet of users by items is no list of ratings."""
    with zipfile.ZipFile(archive) as sheet:
        sheet.extractall(installed.folder)
        name = sheet.namelist()[0]
    assert "without names" in installed.run("train", name, *QUICK, expect=3)[1]


def main():
    _, cmake, build = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        prefix = folder / "installed"
        subprocess.run([cmake, "--install", build, "--prefix", prefix], check=True, capture_output=True)
        work = folder / "work"
        work.mkdir()
        installed = Installed(prefix, work)
        installed.run("synth", "--shape", "ml-100k", "-o", "made.txt")
        pipe(installed, (work / "made.txt").read_bytes())
        terminal(installed, "made.txt")
        split_and_rank(installed, work / "made.txt")
        wrong_words(installed)
        found = [(DATA / file, user, guess) for file, user, guess in FILES if (DATA / file).is_file()]
        for data, user, guess in found:
            whole_job(installed, data, user, guess)
        if (DATA / "ml-latest-small/ratings.csv").is_file():
            split_and_rank(installed, DATA / "ml-latest-small/ratings.csv")
            pipe(installed, (DATA / "ml-latest-small/ratings.csv").read_bytes())
        if (DATA / "jester-1/jester-data-1.zip").is_file():
            wide_matrix(installed, DATA / "jester-1/jester-data-1.zip")
    if not found:
        print(f"made-up ratings went through; no real ones in {DATA} ($WARPFACTOR_TEST_DATA names a folder)")
        sys.exit(SKIPPED)
    print(f"made-up ratings and {len(found)} real files went through")


main()
