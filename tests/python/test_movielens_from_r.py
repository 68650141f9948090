"""scripts/movielens_from_r.py against lazy-load databases that this file writes itself, whole and damaged."""
import bz2
import csv
import gzip
import lzma
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "movielens_from_r.py"
sys.path.insert(0, str(SCRIPT.parent))
import movielens_from_r as reader  # noqa: E402

NULL = struct.pack(">i", 254)
NA_REAL = struct.pack(">II", 0x7FF00000, 1954)


def word(value):
    return struct.pack(">i", value)


def header(version):
    return b"X\n" + word(version) + word(0x40100) + word(0x20300) + (word(5) + b"UTF-8" if version == 3 else b"")


def chars(text, levels=1 << 6):
    if text is None:
        return word(9) + word(-1)
    data = text.encode("latin-1" if levels == 1 << 2 else "utf-8")
    return word(9 | levels << 12) + word(len(data)) + data


class Writer:
    """R's serialization of what data frames consist of; symbols are written once and then referred to."""

    def __init__(self):
        self.symbols = []

    def symbol(self, name):
        if name in self.symbols:
            return word((self.symbols.index(name) + 1) << 8 | 255)
        self.symbols.append(name)
        return word(1) + chars(name)

    def attributes(self, **values):
        text = b"".join(word(2 | 1 << 10) + self.symbol(name.replace("_", ".")) + write() for name, write in values.items())
        return text + NULL

    def strings(self, values):
        return word(16) + word(len(values)) + b"".join(chars(v) for v in values)

    def integers(self, values, flags=0):
        return word(13 | flags) + word(len(values)) + b"".join(word(-(2**31) if v is None else v) for v in values)

    def reals(self, values):
        return word(14) + word(len(values)) + b"".join(NA_REAL if v is None else struct.pack(">d", v) for v in values)

    def factor(self, codes, levels):
        return self.integers(codes, 1 << 9 | 1 << 8) + self.attributes(
            levels=lambda: self.strings(levels), **{"class": lambda: self.strings(["factor"])})

    def named_list(self, names, values):
        return word(19 | 1 << 9) + word(len(values)) + b"".join(values) + self.attributes(names=lambda: self.strings(names))

    def sequence(self, count, start, step):
        """1:n as R 3.5 and later write it."""
        info = word(2) + self.symbol("compact_intseq") + word(2) + self.symbol("base") + word(2) + self.integers([13]) + NULL
        return word(238) + info + self.reals([count, start, step]) + NULL

    def wrapped(self, values):
        info = word(2) + self.symbol("wrap_integer") + word(2) + self.symbol("base") + word(2) + self.integers([13]) + NULL
        return word(238) + info + word(2) + self.integers(values) + self.integers([0, 0]) + NULL


def movielens(version=3, rating=(4.0, 2.5, 5.0), codes=(2, 1, 2), title=('Dumbo', 'Heat, "The"', 'Dumbo')):
    w = Writer()
    columns = [("movieId", w.wrapped([31, 7, 31])), ("title", w.strings(title)), ("year", w.reals([1941.0, None, 1941.0])),
               ("genres", w.factor(codes, ["Crime|Drama", "Animation"])), ("userId", w.sequence(3, 1, 1)),
               ("rating", w.reals(rating)), ("timestamp", w.integers([1260759144, 1260759145, 1260759146]))]
    return header(version) + w.named_list([name for name, _ in columns], [value for _, value in columns])


def index(offset, length, name="movielens"):
    w = Writer()
    variables = w.named_list([name], [w.integers([offset, length])])
    return gzip.compress(header(3) + w.named_list(["variables", "compressed"], [variables, w.integers([1])]))


def raw_lzma(data):
    return lzma.compress(data, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "preset": 6}])


COMPRESSIONS = {
    "zlib": zlib.compress,
    "letter 1": lambda data: b"1" + zlib.compress(data),
    "bzip2": lambda data: b"2" + bz2.compress(data),
    "xz": lambda data: b"Z" + raw_lzma(data),
    "none": lambda data: b"0" + data,
}


class WithFolder(unittest.TestCase):
    """A fresh folder for the database and for what becomes of it."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, value, compress=zlib.compress, padding=b"other"):
        chunk = struct.pack(">I", len(value)) + compress(value)
        (self.folder / "Rdata.rdb").write_bytes(padding + chunk)
        (self.folder / "Rdata.rdx").write_bytes(index(len(padding), len(chunk)))

    def run_script(self):
        return subprocess.run([sys.executable, str(SCRIPT), str(self.folder), str(self.folder / "out")],
                              capture_output=True, text=True, check=False)

    def rows(self, name):
        with open(self.folder / "out" / name, encoding="utf-8", newline="") as file:
            return list(csv.reader(file))


class Database(WithFolder):
    def test_becomes_two_csv_files(self):
        for version in (2, 3):
            with self.subTest(version=version):
                self.write(movielens(version))
                result = self.run_script()
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertIn("3 ratings of 2 movies", result.stdout)
                self.assertEqual(self.rows("ratings.csv"), [
                    ["userId", "movieId", "rating", "timestamp"], ["1", "31", "4", "1260759144"],
                    ["2", "7", "2.5", "1260759145"], ["3", "31", "5", "1260759146"]])
                self.assertEqual(self.rows("movies.csv"), [
                    ["movieId", "title", "genres"], ["31", "Dumbo (1941)", "Animation"], ["7", 'Heat, "The"', "Crime|Drama"]])

    def test_reads_every_compression_that_r_has(self):
        for name, compress in COMPRESSIONS.items():
            with self.subTest(compression=name):
                self.write(movielens(), compress)
                self.assertEqual(list(reader.named(reader.read_variable(self.folder, "movielens"))["userId"]), [1, 2, 3])

    def test_missing_labels_get_a_placeholder(self):
        self.write(movielens(codes=(None, 1, None), title=(None, "Heat", None)))
        self.assertEqual(self.run_script().returncode, 0)
        self.assertEqual(self.rows("movies.csv")[1], ["31", "(no title) (1941)", "(no genres listed)"])

    def test_a_missing_rating_is_an_error_with_its_row(self):
        self.write(movielens(rating=(4.0, None, 5.0)))
        result = self.run_script()
        self.assertEqual(result.returncode, 1)
        self.assertIn("row 2: a number is missing", result.stderr)
        self.assertFalse((self.folder / "out" / "ratings.csv").exists())

    def test_a_missing_folder_is_an_error(self):
        result = self.run_script()
        self.assertEqual(result.returncode, 1)
        self.assertIn("Rdata.rdx", result.stderr)

    def test_another_package_is_told_from_this_one(self):
        (self.folder / "Rdata.rdx").write_bytes(index(0, 10, name="heights"))
        (self.folder / "Rdata.rdb").write_bytes(b"")
        result = self.run_script()
        self.assertEqual(result.returncode, 1)
        self.assertIn("has no `movielens`; it has heights", result.stderr)

    def test_wrong_usage_ends_with_2(self):
        result = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 2)
        self.assertIn("DATA_FOLDER", result.stderr)


class Damage(unittest.TestCase):
    """Whatever is wrong with the bytes, it is an RDataError: no other exception, no endless loop, no memory for nothing."""

    def test_every_truncation_is_an_error(self):
        whole = movielens()
        for cut in range(len(whole)):
            with self.subTest(cut=cut), self.assertRaises(reader.RDataError):
                reader.deserialize(whole[:cut])

    def test_every_changed_byte_is_read_or_refused(self):
        whole = movielens()
        for at in range(len(whole)):
            for value in (0, 0x7F, 0xFF, whole[at] ^ 1):
                damaged = whole[:at] + bytes([value]) + whole[at + 1 :]
                try:
                    reader.tables(reader.named(reader.deserialize(damaged)))
                except reader.RDataError:
                    pass

    def test_damaged_compression_is_an_error(self):
        for name, compress in COMPRESSIONS.items():
            value = movielens()
            chunk = struct.pack(">I", len(value)) + compress(value)
            with self.subTest(compression=name), self.assertRaises(reader.RDataError):
                reader.inflate(chunk[: len(chunk) // 2])
        for chunk in (b"", b"\0\0\0\1", b"\0\0\0\1x", b"\0\0\0\1?abc", struct.pack(">I", 3) + b"0abcd"):
            with self.subTest(chunk=chunk), self.assertRaises(reader.RDataError):
                reader.inflate(chunk)

    def test_a_damaged_index_is_an_error(self):
        for rdx in (b"", b"nothing compressed", index(0, 1)[:40], gzip.compress(b"X\n"), gzip.compress(header(3) + NULL)):
            with self.subTest(rdx=rdx), self.assertRaises(reader.RDataError):
                reader.read_index(rdx)

    def test_a_length_beyond_the_data_takes_no_memory(self):
        for kind in (13, 14, 16, 19):
            with self.subTest(kind=kind), self.assertRaises(reader.RDataError):
                reader.deserialize(header(3) + word(kind) + word(2**31 - 1))

    def test_a_promise_of_a_long_sequence_takes_no_memory(self):
        with self.assertRaises(reader.RDataError):
            reader.deserialize(header(3) + Writer().sequence(2.0**31 - 1, 1, 1))

    def test_deep_nesting_is_an_error(self):
        with self.assertRaises(reader.RDataError):
            reader.deserialize(header(3) + (word(19) + word(1)) * 100_000)

    def test_what_no_data_frame_holds_is_an_error(self):
        for kind in (4, 6, 21, 25):  # environment, call, byte code, S4
            with self.subTest(kind=kind), self.assertRaisesRegex(reader.RDataError, f"type {kind}"):
                reader.deserialize(header(3) + word(kind) + word(0))

    def test_other_serializations_are_named(self):
        with self.assertRaisesRegex(reader.RDataError, "version 4"):
            reader.deserialize(b"X\n" + word(4) + word(0) + word(0))
        with self.assertRaisesRegex(reader.RDataError, "not R's XDR"):
            reader.deserialize(b"A\n3\n")


class Strings(unittest.TestCase):
    def test_latin_1_and_utf_8(self):
        for levels in (1 << 2, 1 << 3):
            data = header(3) + word(16) + word(1) + chars("Amélie", levels)
            self.assertEqual(reader.deserialize(data), ["Amélie"])

    def test_text_that_is_no_utf_8_is_an_error(self):
        with self.assertRaises(reader.RDataError):
            reader.deserialize(header(3) + word(9 | 1 << 3 << 12) + word(2) + b"\xc3\x28")


if __name__ == "__main__":
    unittest.main()
