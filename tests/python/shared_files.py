#!/usr/bin/env python3
"""Disks that are full, and files that several processes write: what was there stays whole, and nothing else stays behind.

    shared_files.py PROGRAM
"""
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import unittest

PROGRAM = str(pathlib.Path(sys.argv[1]).resolve())
TRAIN = ("-k", "8", "-j", "1", "--epochs", "50", "--no-early-stopping", "--deterministic", "--quiet")


class Shared(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.place.cleanup)
        cls.home = pathlib.Path(cls.place.name)
        subprocess.run([PROGRAM, "synth", "--users", "400", "--items", "300", "--ratings", "20000", "--seed", "3", "-o",
                        cls.home / "r.csv", "--quiet"], check=True)
        subprocess.run([PROGRAM, "train", cls.home / "r.csv", "-o", cls.home / "m.safetensors", *TRAIN], check=True)

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=self.home))
        self.addCleanup(shutil.rmtree, self.folder)

    def names(self):
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())

    WRITERS = {
        "convert": ("convert", "../r.csv", "-o", "out.wfr"),
        "convert to text": ("convert", "../r.csv", "--format", "csv", "-o", "out"),
        "convert to an archive": ("convert", "../r.csv", "--format", "npz", "-o", "out"),
        "recommend": ("recommend", "../m.safetensors", "--all-users", "-o", "out"),
        "predict": ("predict", "../m.safetensors", "../r.csv", "-o", "out"),
        "export": ("export", "../m.safetensors", "--format", "libmf", "-o", "out"),
        "export an archive": ("export", "../m.safetensors", "--format", "npz", "-o", "out"),
        "export an index": ("export", "../m.safetensors", "--format", "faiss", "-o", "out"),
        "synth": ("synth", "--users", "100", "--items", "90", "--ratings", "5000", "-o", "out"),
        "train": ("train", "../r.csv", "-o", "out", "--metrics", "none", *TRAIN),
        "report": ("report", "../m.safetensors", "-o", "out"),
    }

    def full(self, words, limit_of, place):
        """Runs where no file may be longer than 4 KB, or in a folder that holds no more."""
        return subprocess.run([PROGRAM, *words, *(() if "--quiet" in words else ("--quiet",))], cwd=place, capture_output=True, text=True,
                              timeout=60, preexec_fn=limit_of)

    def check_full(self, words, reason, limit_of=None, old=b"what was there"):
        name = words[words.index("-o") + 1]
        out = self.folder / name
        out.write_bytes(old)
        result = self.full(words, limit_of, self.folder)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn(name, result.stderr)
        self.assertIn(reason, result.stderr)
        self.assertEqual(out.read_bytes(), old)
        self.assertEqual(self.names(), [name])
        out.unlink()

    def test_a_file_that_may_not_grow(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        for name, words in self.WRITERS.items():
            with self.subTest(name):
                self.check_full(words, "File too large", limit)

    def check_log(self, *log, options=(), what="epochs"):
        """A training whose log cannot be written on says so once, and ends as it would have."""
        words = ("train", "../r.csv", "-o", "out", *TRAIN, *options)
        expected = self.alone(*words, "--metrics", "none")
        result = subprocess.run([PROGRAM, *words, *log], cwd=self.folder, capture_output=True, text=True, timeout=60)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stderr.count(f"no more {what} are logged: "), 1, result.stderr)
        self.assertIn("No space left on device", result.stderr)
        self.assertEqual((self.folder / "out").read_bytes()[-4096:], expected[-4096:])

    def test_metrics_whose_disk_is_full(self):
        self.check_log("--metrics", "/dev/full")

    def test_losses_of_batches_whose_disk_is_full(self):
        self.check_log("--metrics", "none", "--batch-losses", "/dev/full", options=("--batch-size", "20"), what="losses of batches")

    def test_events_whose_disk_is_full(self):
        events = self.home / "events"
        events.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "small", events], capture_output=True).returncode != 0:
            self.skipTest("a small file system cannot be mounted here")
        try:
            self.check_log("--metrics", "none", "--tensorboard", "../events")
        finally:
            subprocess.run(["umount", events], check=True)

    def test_a_disk_that_is_full(self):
        small = self.folder
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "small", small], capture_output=True).returncode != 0:
            self.skipTest("a small file system cannot be mounted here; a file that may not grow is refused alike")
        try:
            for name, words in self.WRITERS.items():
                with self.subTest(name):
                    self.check_full(words, "No space left on device")
        finally:
            subprocess.run(["umount", small], check=True)

    def test_a_pipe_that_is_full(self):
        for verb in (("recommend", "../m.safetensors", "--all-users"), ("predict", "../m.safetensors", "../r.csv"), ("--help",), ("--version",),
                     ("info", "../m.safetensors"), ("describe", "../r.csv", "--json")):
            with self.subTest(verb), open("/dev/full", "w") as full:
                result = subprocess.run([PROGRAM, *verb], cwd=self.folder, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
                self.assertEqual(result.returncode, 1, result.stderr)

    def at_once(self, *commands):
        children = [subprocess.Popen([PROGRAM, *command], cwd=self.folder, stderr=subprocess.PIPE, text=True) for command in commands]
        said = [child.communicate(timeout=120)[1] for child in children]
        for child, text in zip(children, said):
            self.assertEqual(child.returncode, 0, text)
        return said

    def alone(self, *words):
        """What the command leaves under the name out, run by itself."""
        subprocess.run([PROGRAM, *words], cwd=self.folder, check=True)
        data = (self.folder / "out").read_bytes()
        for path in self.folder.iterdir():
            path.unlink()
        return data

    def test_trainings_with_one_name(self):
        commands = [("train", "../r.csv", "-o", "out", "--seed", str(seed), *TRAIN) for seed in (1, 2, 3)]
        outcomes = [self.alone(*command) for command in commands]
        self.assertEqual(len(set(outcomes)), 3)
        for _ in range(5):
            self.at_once(*commands)
            self.assertIn((self.folder / "out").read_bytes(), outcomes)
            self.assertEqual(self.names(), ["out", "out.metrics.jsonl"])
            for line in (self.folder / "out.metrics.jsonl").read_text().splitlines():
                self.assertIn("epoch", json.loads(line))

    def test_checkpoints_with_one_name(self):
        commands = [("train", "../r.csv", "-o", "out", "--seed", str(seed), "--checkpoint-every", "1", *TRAIN) for seed in (1, 2)]
        outcomes = [self.alone(*command) for command in commands]
        for _ in range(5):
            self.at_once(*commands)
            self.assertIn((self.folder / "out").read_bytes(), outcomes)
            self.assertFalse([name for name in self.names() if ".part-" in name])
            # whosever the last checkpoint is, it is whole: that training goes on from it, and the other is told that it is another's
            resumed = [subprocess.run([PROGRAM, *command, "--resume"], cwd=self.folder, capture_output=True, text=True) for command in commands]
            self.assertEqual(sorted(result.returncode for result in resumed), [0, 2], [result.stderr for result in resumed])
            self.assertIn((self.folder / "out").read_bytes(), outcomes)
            for path in self.folder.iterdir():
                path.unlink()

    def test_one_cache(self):
        shutil.copy(self.home / "r.csv", self.folder / "r.csv")
        commands = [("train", "r.csv", "--cache", "-o", f"out{n}", *TRAIN) for n in range(3)]
        for words in (("train", "r.csv", "-o", "expected", *TRAIN),):
            subprocess.run([PROGRAM, *words], cwd=self.folder, check=True)
        expected = (self.folder / "expected").read_bytes()
        for _ in range(5):
            (self.folder / "r.csv.wfr").unlink(missing_ok=True)
            self.at_once(*commands)  # the first to end writes it, while others read or write it
            subprocess.run([PROGRAM, *commands[0]], cwd=self.folder, check=True)
            tables = {(self.folder / f"out{n}").read_bytes()[-4096:] for n in range(3)}
            self.assertEqual(tables, {expected[-4096:]})
            described = subprocess.run([PROGRAM, "describe", "r.csv.wfr", "--json"], cwd=self.folder, capture_output=True, text=True)
            self.assertEqual(described.returncode, 0, described.stderr)
            self.assertFalse([name for name in self.names() if ".part-" in name])

    def test_a_cache_that_is_damaged_is_written_anew(self):
        shutil.copy(self.home / "r.csv", self.folder / "r.csv")
        command = [PROGRAM, "train", "r.csv", "--cache", "-o", "out", *TRAIN]
        subprocess.run(command, cwd=self.folder, check=True)
        cache, model = self.folder / "r.csv.wfr", (self.folder / "out").read_bytes()
        whole = cache.read_bytes()
        for damage in (whole[:-1], whole[:200], whole[:-1] + bytes([whole[-1] ^ 1]), b""):
            cache.write_bytes(damage)
            subprocess.run(command, cwd=self.folder, check=True)
            self.assertEqual((self.folder / "out").read_bytes()[-4096:], model[-4096:])
            self.assertEqual(len(cache.read_bytes()), len(whole))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
