#!/usr/bin/env python3
"""What WARPFACTOR_HARDEN asks for is in the binaries: no address is known beforehand, the linker's tables are read-only, no stack
runs, and stacks and library calls are checked.

    hardened.py PROGRAM LIBRARY       77: no readelf
"""
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import unittest


def readelf(option, path):
    return subprocess.run(["readelf", "-W", option, path], capture_output=True, text=True, check=True).stdout


class Hardened(unittest.TestCase):
    def setUp(self):
        self.binaries = sys.argv[1:3]

    def each(self, check):
        for path in self.binaries:
            with self.subTest(path):
                check(path)

    def test_no_address_is_fixed(self):
        self.each(lambda path: self.assertRegex(readelf("-h", path), r"Type:\s+DYN"))
        self.assertRegex(readelf("-d", sys.argv[1]), r"FLAGS_1.*PIE")

    def test_the_linkers_tables_are_read_only_from_the_start(self):
        self.each(lambda path: self.assertIn("GNU_RELRO", readelf("-l", path)))
        self.each(lambda path: self.assertRegex(readelf("-d", path), r"FLAGS_1.*NOW|BIND_NOW"))

    def test_no_page_is_both_written_and_run(self):
        def check(path):
            segments = readelf("-l", path)
            self.assertRegex(segments, r"GNU_STACK(\s+0x[0-9a-f]+)+\s+RW\s")
            self.assertIsNone(re.search(r"LOAD(\s+0x[0-9a-f]+)+\s+RWE", segments), segments)
        self.each(check)

    def test_stacks_and_library_calls_are_checked(self):
        def check(path):
            symbols = readelf("--dyn-syms", path)
            self.assertRegex(symbols, r"UND __stack_chk_fail(@|\s|$)")
            self.assertRegex(symbols, r"UND __(mem(cpy|move|set)|read|pread64?|readlink|v?snprintf|fread)_chk(@|\s|$)")
        self.each(check)

    def test_containers_are_checked(self):
        self.each(lambda path: self.assertRegex(readelf("--dyn-syms", path), r"UND \S*__glibcxx_assert_fail"))

    def test_jumps_land_where_they_should(self):
        if platform.machine() != "x86_64":
            self.skipTest("marks of x86-64")
        self.each(lambda path: self.assertGreater(pathlib.Path(path).read_bytes().count(b"\xf3\x0f\x1e\xfa"), 500))


if __name__ == "__main__":
    if shutil.which("readelf") is None:
        print("skipped: no readelf")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
