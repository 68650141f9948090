#!/usr/bin/env python3
"""The arithmetic of bench/factorize.py on tables that can be checked by hand. Left out where numpy or scipy is missing."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
try:
    import numpy
    from scipy import sparse
except ImportError:
    numpy = None

if numpy is not None:
    import factorize


@unittest.skipIf(numpy is None, "numpy or scipy is missing")
class Arithmetic(unittest.TestCase):
    def test_the_error_is_that_of_all_cells(self):
        dense = numpy.array([[4.0, 0.0, 1.0], [0.0, 2.0, 0.0]])
        users, items = numpy.array([[1.0, 0.5], [0.0, 2.0]]), numpy.array([[3.0, 0.0], [0.5, 1.0], [1.0, -1.0]])
        expected = numpy.sum((dense - users @ items.T) ** 2) / numpy.sum(dense**2)
        self.assertAlmostEqual(factorize.relative_error(sparse.csr_matrix(dense), users, items), expected, places=12)

    def test_factors_that_make_the_matrix_leave_nothing_and_zeros_leave_all(self):
        users, items = numpy.array([[1.0], [2.0]]), numpy.array([[3.0], [0.0], [5.0]])
        matrix = sparse.csr_matrix(users @ items.T)
        self.assertAlmostEqual(factorize.relative_error(matrix, users, items), 0, places=12)
        self.assertAlmostEqual(factorize.relative_error(matrix, 0 * users, items), 1, places=12)

    def test_ids_become_rows_and_cells_that_are_named_twice_add_up(self):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("10 7 1.5\n3 7 2\n10 9 4\n10 7 1\n")
            file.flush()
            matrix = factorize.read_matrix(file.name)
        self.assertEqual(matrix.toarray().tolist(), [[2.0, 0.0], [2.5, 4.0]])


if __name__ == "__main__":
    unittest.main()
