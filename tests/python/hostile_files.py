#!/usr/bin/env python3
"""Large files that are made to be wrong: each is refused in words, in less memory than 8 times the file and 64 MB beyond what the
bare program takes, and so is one that changes while it is read.

    hostile_files.py PROGRAM

tests/fuzz/ counts the same on files of 8 KB, where the 64 MB are what it comes to.
"""
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import zlib

PROGRAM = str(pathlib.Path(sys.argv[1]).resolve())
MEGABYTE = 1 << 20
SIZE = 12 * MEGABYTE


# The peak of a process counts what its parent had when it was started: one that has little starts it.
MEASURE = """import os, subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(child.pid, 0)
child.returncode = os.waitstatus_to_exitcode(status)
print(child.returncode, usage.ru_maxrss * 1024)"""


def run(*words):
    """Exit code, what it said, and its peak memory in bytes."""
    result = subprocess.run([sys.executable, "-c", MEASURE, PROGRAM, *map(str, words)], capture_output=True, text=True, check=True)
    code, peak = map(int, result.stdout.split())
    return code, result.stderr, peak


def safetensors(header, data=b""):
    return struct.pack("<Q", len(header)) + header + data


def repeated(part, separator=b",", size=SIZE):
    return separator.join([part] * (size // (len(part) + len(separator))))


def numbered(form, separator=b",", size=SIZE):
    """`form` with 0, 1, ... in place of its %d."""
    count = size // (len(form) + 6)
    return separator.join(form % n for n in range(count))


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.place.cleanup)
        cls.home = pathlib.Path(cls.place.name)
        cls.bare = run("--version")[2]

    def refused(self, data, *words, file="file", code=3, comes_to=0):
        """`comes_to`: the bytes that count, where they are more than the file's."""
        path = self.home / file
        path.write_bytes(data)
        status, said, peak = run(*words, path)
        self.assertEqual(status, code, said)
        self.assertIn(str(path) + ":", said)
        self.assertNotIn("internal error", said)
        self.assertLess(len(said), 2000)
        allowed = self.bare + 8 * max(len(data), comes_to) + 64 * MEGABYTE
        self.assertLess(peak, allowed, f"{peak / MEGABYTE:.0f} MB where {allowed / MEGABYTE:.0f} are allowed")
        path.unlink()

    def test_models(self):
        shape = b'{"a":{"dtype":"U8","shape":[%s],"data_offsets":[0,0]}}'
        headers = {
            "a long shape": shape % repeated(b"0"),
            "lists in a shape": shape % repeated(b"[]"),
            "objects in a shape": shape % repeated(b"{}"),
            "lists for a tensor": b'{"a":[%s]}' % repeated(b"[]"),
            "fields of a tensor": b'{"a":{%s}}' % numbered(b'"%d":[]'),
            "metadata": b'{"__metadata__":{%s}}' % numbered(b'"%d":""'),
            "many tensors": b"{%s}" % numbered(b'"%d":{"dtype":"U8","shape":[],"data_offsets":[0,0]}'),
            "many empty tensors": b"{%s}" % numbered(b'"%d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}'),
            "deep": b'{"a":' + b"[" * (SIZE // 2),
            "one name": b'{"%s":{}}' % (b"a" * SIZE),
            "2^60 rows": b'{"user_factors.weight":{"dtype":"F32","shape":[1152921504606846976,4],"data_offsets":[0,16]}}' + b" " * SIZE,
        }
        for name, header in headers.items():
            with self.subTest(name):
                self.refused(safetensors(header), "info")

    def test_texts(self):
        texts = {
            "no line end": b"1,2,3," * (SIZE // 6),
            "lines without a rating": b"1,2,3\n" + repeated(b"x", b"\n"),
            "quotes that do not close": b'1,2,3\n"' + b"a" * SIZE,
            "zeros": b"1,2,3\n" + bytes(SIZE),
            "a matrix of 2^60 entries": b"%%MatrixMarket matrix coordinate real general\n9 9 1152921504606846976\n" + b"1 1 1\n" * 1000,
            "a matrix of 2^60 rows": b"%%MatrixMarket matrix coordinate real general\n1152921504606846976 9 9\n" + b"1 1 1\n" * 1000,
            "a matrix of 2^31 rows": b"%%MatrixMarket matrix coordinate real general\n2147483647 2147483647 9\n" + b"1 1 1\n" * 1000,
        }
        for name, text in texts.items():
            with self.subTest(name):
                self.refused(text, "describe")

    def test_texts_that_unpack_a_thousandfold(self):
        for name, part in (("ratings", b"1,2,3\n"), ("blank lines", b"\n"), ("comments", b"#\n")):
            packer = zlib.compressobj(9, zlib.DEFLATED, 31)
            packed = b"".join(packer.compress(part * (MEGABYTE // len(part))) for _ in range(1000)) + packer.flush()
            with self.subTest(name, megabytes=len(packed) / MEGABYTE):
                self.refused(packed, "describe", file="bomb.gz", comes_to=100 * len(packed))

    def test_checkpoints_and_pages(self):
        nested = json.dumps({"format": "warpfactor checkpoint"}).encode()
        self.refused(b"\x89WFR\r\n\x1a\n" + bytes(SIZE), "describe")
        self.refused(safetensors(b'{"__metadata__":%s}' % nested + b" " * SIZE), "info")

    def test_settings(self):
        (self.home / "r.csv").write_text("1,2,3\n2,1,4\n")
        for name, text in (("lists", b"a = [" + repeated(b"[]") + b"]\n"), ("keys", numbered(b"a%d = 1", b"\n"))):
            with self.subTest(name):
                self.refused(text, "train", self.home / "r.csv", "-o", self.home / "m", "--config")

    def test_a_text_that_changes_while_it_is_read(self):
        path = self.home / "changes.csv"
        for name, change in (("shorter", lambda file: file.truncate(SIZE // 2)), ("longer", lambda file: file.write(b"\n7,8,9"))):
            with self.subTest(name):
                path.write_bytes(repeated(b"1234567,7654321,3", b"\n", SIZE))
                done = threading.Event()

                def keep_changing():
                    with path.open("r+b") as file:
                        file.seek(0, os.SEEK_END)
                        while not done.is_set():
                            change(file)
                            file.flush()
                            os.utime(path)
                            time.sleep(0.001)
                changing = threading.Thread(target=keep_changing)
                changing.start()
                try:
                    status, said, _ = run("describe", path)
                finally:
                    done.set()
                    changing.join()
                self.assertEqual(status, 3, said)
                self.assertIn("changed while it was read", said)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
