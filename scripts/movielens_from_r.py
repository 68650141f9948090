#!/usr/bin/env python3
"""Takes the MovieLens ratings out of R's package dslabs, without R: standard library only.

    scripts/movielens_from_r.py DATA_FOLDER OUT_FOLDER

DATA_FOLDER holds the package's lazy-load database, Rdata.rdx (index) and Rdata.rdb (compressed values), as in
usr/lib/R/site-library/dslabs/data of Debian's r-cran-dslabs. Its data frame `movielens` becomes OUT_FOLDER/ratings.csv
(userId,movieId,rating,timestamp) and OUT_FOLDER/movies.csv (movieId,title,genres).

Formats: "R Internals", section 1.8 "Serialization formats", and R's sources serialize.c and altclasses.c. Read are the XDR
form, versions 2 and 3, of the vectors, lists and attributes that data frames consist of; anything else is an RDataError.
"""
import bz2
import csv
import io
import lzma
import math
import os
import pathlib
import struct
import sys
import zlib

NA_INTEGER = -(2**31)
NA_REAL_WORD = 1954  # lower word of the NaN that means NA
DEEPEST = 200  # nested values; data frames need five
LONGEST_SEQUENCE = 10**7  # its three numbers could ask for any amount of memory

SYMBOL, PAIRS, CHARS, LOGICAL, INTEGER, REAL, STRINGS, LIST, EXPRESSION = 1, 2, 9, 10, 13, 14, 16, 19, 20
ALTERNATIVE, ATTRIBUTED_PAIRS, REFERENCE, NULL = 238, 239, 255, 254
EMPTY_VALUES = {NULL, 253, 252, 251, 242, 241}  # NULL, global, unbound, missing, empty and base environment
HAS_ATTRIBUTES, HAS_TAG = 1 << 9, 1 << 10
LATIN1, BYTES = 1 << 2, 1 << 1  # of a string's level bits


class RDataError(ValueError):
    """The file is not what R writes, or holds what a data frame does not need."""


class Vector(list):
    """An R vector: its values (NA is None) and its attributes."""

    def __init__(self, values=(), attributes=None):
        super().__init__(values)
        self.attributes = attributes or {}


class Pairs(list):
    """An R pairlist: (tag or None, value) in order."""


class Reader:
    """One serialized value, front to back."""

    def __init__(self, data):
        self.data = data
        self.at = 0
        self.references = []

    def take(self, count):
        if count < 0 or count > len(self.data) - self.at:
            raise RDataError(f"cut off or damaged: {count} bytes wanted at {self.at} of {len(self.data)}")
        self.at += count
        return self.data[self.at - count : self.at]

    def integer(self):
        return struct.unpack(">i", self.take(4))[0]

    def length(self):
        n = self.integer()
        if n == -1:  # a long vector: two words
            high, low = struct.unpack(">II", self.take(8))
            n = (high << 32) + low
        if n < 0:
            raise RDataError(f"length {n} at {self.at}")
        return n

    def header(self):
        if self.take(2) != b"X\n":
            raise RDataError("does not begin with X: not R's XDR serialization")
        version, _, _ = self.integer(), self.integer(), self.integer()
        if version == 3:
            self.take(self.length())  # name of the native encoding
        elif version != 2:
            raise RDataError(f"serialization version {version}; 2 and 3 are known")

    def item(self, depth=0):
        if depth > DEEPEST:
            raise RDataError(f"values nested deeper than {DEEPEST}")
        flags = self.integer() & 0xFFFFFFFF
        kind = flags & 0xFF
        if kind in EMPTY_VALUES:
            return None
        if kind == REFERENCE:
            return self.reference(flags >> 8 or self.integer())
        if kind == SYMBOL:
            name = self.item(depth + 1)
            if not isinstance(name, str):
                raise RDataError(f"a symbol without a name at {self.at}")
            self.references.append(name)
            return name
        if kind in (PAIRS, ATTRIBUTED_PAIRS):
            return self.pairs(flags, depth)
        if kind == CHARS:
            return self.text(flags >> 12)
        if kind == ALTERNATIVE:
            return self.alternative(depth)
        vector = Vector(self.values(kind, depth))
        if flags & HAS_ATTRIBUTES:
            vector.attributes = as_dict(self.item(depth + 1))
        return vector

    def reference(self, index):
        if not 1 <= index <= len(self.references):
            raise RDataError(f"reference {index} of {len(self.references)} at {self.at}")
        return self.references[index - 1]

    def pairs(self, flags, depth):
        pairs = Pairs()
        while True:
            if flags & HAS_ATTRIBUTES:
                self.item(depth + 1)
            tag = self.item(depth + 1) if flags & HAS_TAG else None
            pairs.append((tag, self.item(depth + 1)))
            here = self.at
            flags = self.integer() & 0xFFFFFFFF
            if flags & 0xFF in EMPTY_VALUES:
                return pairs
            if flags & 0xFF not in (PAIRS, ATTRIBUTED_PAIRS):  # a dotted pair: its end is a value
                self.at = here
                pairs.append((None, self.item(depth + 1)))
                return pairs

    def text(self, levels):
        n = self.integer()
        if n == -1:
            return None
        encoding = "latin-1" if levels & (LATIN1 | BYTES) else "utf-8"
        try:
            return self.take(n).decode(encoding)
        except UnicodeDecodeError as error:
            raise RDataError(f"a string that ends at {self.at} is not {encoding}") from error

    def values(self, kind, depth):
        if kind in (LOGICAL, INTEGER):
            n = self.length()
            return [None if v == NA_INTEGER else v for v in struct.unpack(f">{n}i", self.take(4 * n))]
        if kind == REAL:
            n = self.length()
            return reals(self.take(8 * n))
        if kind in (STRINGS, LIST, EXPRESSION):
            n = self.length()
            if n > len(self.data) - self.at:  # each takes 4 bytes or more: no memory for what cannot be there
                raise RDataError(f"cut off or damaged: {n} values wanted at {self.at} of {len(self.data)}")
            return [self.item(depth + 1) for _ in range(n)]
        raise RDataError(f"a value of type {kind} at {self.at}: not part of a data frame")

    def alternative(self, depth):
        """R's compact forms (ALTREP): a sequence, a wrapper, numbers not yet turned into strings."""
        info, state, attributes = self.item(depth + 1), self.item(depth + 1), self.item(depth + 1)
        if not isinstance(info, Pairs) or state is None:
            raise RDataError(f"a compact vector without class at {self.at}")
        name = info[0][1]
        if name in ("compact_intseq", "compact_realseq"):
            values = sequence(state)
        elif str(name).startswith("wrap_"):
            values = first(state)
        elif name == "deferred_string":
            values = [None if v is None else f"{v:.15g}" for v in first(state)]
        else:
            raise RDataError(f"a compact vector of class {name}: not known")
        merged = dict(getattr(values, "attributes", {}))
        merged.update(as_dict(attributes))
        return Vector(values, merged)


def first(state):
    """The wrapped vector: first of a pairlist or of a list."""
    value = state[0][1] if isinstance(state, Pairs) else state[0] if state else None
    if not isinstance(value, Vector):
        raise RDataError("a wrapper around no vector")
    return value


def sequence(state):
    if not isinstance(state, Vector) or len(state) != 3 or any(v is None or not math.isfinite(v) for v in state):
        raise RDataError("a compact sequence without length, start and step")
    n, start, step = (int(v) for v in state)
    if not 0 <= n <= LONGEST_SEQUENCE:
        raise RDataError(f"a compact sequence of length {n}")
    return [start + step * i for i in range(n)]


def reals(data):
    values = struct.unpack(f">{len(data) // 8}d", data)
    if not any(v != v for v in values):
        return list(values)
    low = struct.unpack(f">{len(data) // 4}I", data)[1::2]
    return [None if v != v and word == NA_REAL_WORD else v for v, word in zip(values, low)]


def as_dict(pairs):
    if pairs is None:
        return {}
    if not isinstance(pairs, Pairs) or not all(tag is None or isinstance(tag, str) for tag, _ in pairs):
        raise RDataError("attributes that are no pairlist with names")
    return {tag: value for tag, value in pairs}


def deserialize(data):
    reader = Reader(data)
    reader.header()
    return reader.item()


def named(vector):
    """A list with names, as a dictionary."""
    if not isinstance(vector, Vector):
        raise RDataError("a named list was expected")
    names = vector.attributes.get("names")
    if not isinstance(names, Vector) or len(names) != len(vector):
        raise RDataError("a list without a name for each value")
    if not all(isinstance(name, str) for name in names):
        raise RDataError("a name that is no string")
    return dict(zip(names, vector))


def inflate(chunk):
    """A value of the .rdb: its size in 4 bytes; then zlib, or a letter for the compression and the data."""
    if len(chunk) < 5:
        raise RDataError(f"a compressed value of {len(chunk)} bytes")
    size, letter = struct.unpack(">I", chunk[:4])[0], chunk[4:5]
    try:
        if letter == b"2":
            data = bz2.decompress(chunk[5:])
        elif letter == b"Z":
            chain = [{"id": lzma.FILTER_LZMA2, "preset": 6}]
            data = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=chain).decompress(chunk[5:])
        elif letter == b"0":
            data = chunk[5:]
        else:
            data = zlib.decompress(chunk[5:] if letter == b"1" else chunk[4:])
    except (zlib.error, lzma.LZMAError, OSError, ValueError, EOFError) as error:
        raise RDataError(f"a compressed value is damaged: {error}") from error
    if len(data) != size:
        raise RDataError(f"a compressed value holds {len(data)} bytes where {size} were promised")
    return data


def read_index(rdx):
    """Name -> (offset, length) in the .rdb."""
    try:
        index = named(deserialize(zlib.decompress(rdx, wbits=47)))  # 47: gzip or zlib, whichever it is
    except zlib.error as error:
        raise RDataError(f"the index is damaged: {error}") from error
    return named(index.get("variables"))


def read_variable(folder, name):
    """The value of that name in FOLDER/Rdata.rdx and .rdb."""
    index = read_index((folder / "Rdata.rdx").read_bytes())
    if name not in index:
        raise RDataError(f"{folder} has no `{name}`; it has {', '.join(sorted(map(str, index)))}")
    place = index[name]
    if not isinstance(place, Vector) or len(place) != 2 or any(not isinstance(v, int) or v < 0 for v in place):
        raise RDataError(f"the index gives no place for `{name}`")
    offset, length = place
    with open(folder / "Rdata.rdb", "rb") as file:
        file.seek(offset)
        return deserialize(inflate(file.read(length)))


def column(frame, name):
    """A column of a data frame; a factor as its labels."""
    values = frame.get(name)
    if not isinstance(values, Vector):
        raise RDataError(f"the data frame has no column {name}; it has {', '.join(map(str, frame))}")
    if "levels" not in values.attributes:
        return values
    levels = values.attributes["levels"]
    if not isinstance(levels, Vector) or any(v is not None and not 1 <= v <= len(levels) for v in values):
        raise RDataError(f"factor {name} points past its levels")
    return [None if v is None else levels[v - 1] for v in values]


def shortest(number):
    """4.0 -> 4, 3.5 -> 3.5"""
    return str(int(number)) if float(number).is_integer() else repr(float(number))


def tables(frame):
    """(ratings, movies) of the data frame, rows as they are written: ratings in its order, movies by first rating."""
    names = ("userId", "movieId", "rating", "timestamp", "title", "year", "genres")
    columns = [column(frame, name) for name in names]
    if len({len(c) for c in columns}) != 1:
        raise RDataError("columns of different lengths")
    ratings, movies = [], {}
    for row, (user, movie, rating, when, title, year, genres) in enumerate(zip(*columns), 1):
        numbers = (user, movie, rating, when)
        if any(not isinstance(v, (int, float)) or not math.isfinite(v) for v in numbers):
            raise RDataError(f"row {row}: a number is missing in {numbers}")
        ratings.append([shortest(v) for v in numbers])
        full_title = (title or "(no title)") + (f" ({shortest(year)})" if year is not None else "")  # as MovieLens has it
        movies.setdefault(movie, [shortest(movie), full_title, genres or "(no genres listed)"])
    return ratings, list(movies.values())


def write_csv(path, header, rows):
    """Written beside and renamed: there is never half a file."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    beside = path.with_name(path.name + ".part")
    beside.write_text(text.getvalue(), encoding="utf-8")
    os.replace(beside, path)


def main(arguments):
    if len(arguments) != 2:
        print(__doc__.split("\n\n")[1].strip(), file=sys.stderr)
        return 2
    folder, out = map(pathlib.Path, arguments)
    try:
        ratings, movies = tables(named(read_variable(folder, "movielens")))
        out.mkdir(parents=True, exist_ok=True)
        write_csv(out / "movies.csv", ["movieId", "title", "genres"], movies)
        write_csv(out / "ratings.csv", ["userId", "movieId", "rating", "timestamp"], ratings)
    except (OSError, RDataError) as error:
        print(f"movielens_from_r.py: {error}", file=sys.stderr)
        return 1
    print(f"{len(ratings)} ratings of {len(movies)} movies written to {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
