#!/usr/bin/env python3
"""SciPy reads the matrices that `warpfactor convert` writes, and what SciPy writes is read.

    matrices_in_scipy.py PROGRAM      exit 0: equal; 1: not; 77: skipped, with the reason
"""
import pathlib
import random
import subprocess
import sys
import tempfile

SKIPPED = 77
USERS, ITEMS = 40, 30

try:
    import numpy
    import scipy.io
    import scipy.sparse
except ImportError as missing:
    print(f"skipped: {missing} (Debian: python3-scipy)")
    sys.exit(SKIPPED)


def convert(program, folder, *words):
    result = subprocess.run([program, "convert", *words], cwd=folder, capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"convert {' '.join(words)}: exit {result.returncode}\n{result.stderr}")


def read_csv(path):
    lines = path.read_text().splitlines()
    return {(int(u), int(i)): float(value) for u, i, value in (line.split(",") for line in lines[1:])}


def expect(what, got, expected):
    if got != expected:
        sys.exit(f"{what}: {len(got)} ratings, not the {len(expected)} that were written")
    print(f"{what}: {len(got)} ratings are equal")


def entries(matrix):
    coo = matrix.tocoo()
    return {(int(u), int(i)): float(value) for u, i, value in zip(coo.row, coo.col, coo.data)}


def main():
    program = str(pathlib.Path(sys.argv[1]).resolve())
    draw = random.Random(1)
    ratings = {(u, i): draw.randint(1, 10) / 2 for u in range(USERS) for i in range(ITEMS) if draw.random() < 0.3}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        lines = [f"{u},{i},{value}" for (u, i), value in ratings.items()]
        draw.shuffle(lines)
        (folder / "ratings.csv").write_text("user,item,rating\n" + "\n".join(lines) + "\n")
        sizes = ("--ids", "rows", "--n-users", str(USERS), "--n-items", str(ITEMS))
        for form, read in (("npz", scipy.sparse.load_npz), ("mtx", scipy.io.mmread)):
            convert(program, folder, "ratings.csv", *sizes, "-o", f"ours.{form}")
            matrix = scipy.sparse.csr_matrix(read(folder / f"ours.{form}"))
            assert matrix.shape == (USERS, ITEMS), matrix.shape
            matrix.check_format(full_check=True)
            expect(f"SciPy reads {form}", entries(matrix), ratings)

        rows, columns = zip(*ratings)
        matrix = scipy.sparse.coo_matrix((list(ratings.values()), (rows, columns)), shape=(USERS, ITEMS))
        scipy.io.mmwrite(folder / "theirs.mtx", matrix)
        for form in ("csr", "csc", "coo"):
            for kind in (numpy.float32, numpy.float64):
                for packed in (True, False):
                    path = folder / f"{form}-{numpy.dtype(kind)}-{'packed' if packed else 'stored'}.npz"
                    scipy.sparse.save_npz(path, matrix.asformat(form).astype(kind), compressed=packed)
        for path in sorted(folder.glob("*-*.npz")) + [folder / "theirs.mtx"]:
            convert(program, folder, path.name, "--ids", "rows", "-o", "read.csv")
            expect(f"{path.name} is read", read_csv(folder / "read.csv"), ratings)


if __name__ == "__main__":
    main()
