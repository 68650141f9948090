#!/usr/bin/env python3
"""What scripts/soak takes for growth, on series whose answer is known."""
import importlib.machinery
import importlib.util
import pathlib
import unittest

PATH = str(pathlib.Path(__file__).resolve().parents[2] / "scripts/soak")
soak = importlib.util.module_from_spec(importlib.util.spec_from_loader("soak", importlib.machinery.SourceFileLoader("soak", PATH)))
soak.__loader__ = soak.__spec__.loader
soak.__spec__.loader.exec_module(soak)


class Growth(unittest.TestCase):
    def test_what_warms_up_and_stays_is_flat(self):
        self.assertEqual(soak.growth([10, 50, 90] + [100] * 9), 0)

    def test_what_goes_up_and_down_is_flat(self):
        self.assertEqual(soak.growth([100 + 7 * (n % 5) for n in range(40)]), 0)

    def test_one_outlier_at_the_end_is_no_growth(self):
        self.assertEqual(soak.growth([100] * 39 + [1000]), 0)

    def test_a_leak_of_one_a_cycle_grows(self):
        self.assertEqual(soak.growth(list(range(40))), 34.5 - 19)

    def test_a_leak_shows_through_noise(self):
        self.assertGreater(soak.growth([100 + 5 * n + 20 * (n % 3) for n in range(40)]), 0)

    def test_what_falls_does_not_grow(self):
        self.assertEqual(soak.growth(list(range(40, 0, -1))), 0)


if __name__ == "__main__":
    unittest.main()
