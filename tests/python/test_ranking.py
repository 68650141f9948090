#!/usr/bin/env python3
"""bench/ranking.py: its measures on a case that was worked out by hand, and the files it reads."""
import importlib.util
import json
import math
import pathlib
import struct
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).parent.parent.parent
try:
    import numpy as np
except ImportError:
    print("numpy is not installed: skipped")
    sys.exit(0)
SPEC = importlib.util.spec_from_file_location("ranking", ROOT / "bench" / "ranking.py")
ranking = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(ranking)


def write_safetensors(path, tensors):
    """tensors: {name: array}."""
    types = {"float32": "F32", "int64": "I64", "uint8": "U8"}
    header, body = {}, b""
    for name, values in tensors.items():
        header[name] = {"dtype": types[str(values.dtype)], "shape": list(values.shape),
                        "data_offsets": [len(body), len(body) + values.nbytes]}
        body += values.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


class Measures(unittest.TestCase):
    def test_of_one_user_by_hand(self):
        # relevant at places 1 and 3 of 30, three relevant in all: one is beyond the list
        ranked = [True, False, True] + [False] * 27
        of = ranking.measures_of(ranked, 3)
        gain = 1 + 1 / math.log2(4)
        ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
        self.assertAlmostEqual(of["recall@20"], 2 / 3)
        self.assertAlmostEqual(of["ndcg@10"], gain / ideal)
        self.assertAlmostEqual(of["ndcg@100"], gain / ideal)
        self.assertAlmostEqual(of["precision@10"], 0.2)

    def test_what_comes_late_counts_where_it_is_looked_for(self):
        of = ranking.measures_of([False] * 14 + [True], 1)
        self.assertEqual((of["ndcg@10"], of["precision@10"], of["recall@20"]), (0, 0, 1))
        self.assertAlmostEqual(of["ndcg@100"], 1 / math.log2(16))


class Files(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)

    def tearDown(self):
        self.folder.cleanup()

    def test_ranks_what_was_not_trained_on(self):
        # scores of user u7: item 1: 3, item 2: 2 + 2 by its bias, item 3: 1; the first in the ranking was trained on
        write_safetensors(self.path / "m.safetensors", {
            "user_factors.weight": np.array([[0.0], [1.0]], np.float32),
            "item_factors.weight": np.array([[3.0], [2.0], [1.0]], np.float32),
            "item_biases.weight": np.array([[0.0], [2.0], [0.0]], np.float32),
            "item_ids": np.array([1, 2, 3], np.int64),
            "user_ids.bytes": np.frombuffer(b"u0u7", np.uint8), "user_ids.offsets": np.array([0, 2, 4], np.int64)})
        (self.path / "train.csv").write_text("user,item,rating\nu7,2,5\nu0,1,4\n")
        (self.path / "test.csv").write_text("u7,3,5\nu7,9,5\nstranger,1,5\nu7,1,0\n")
        model = ranking.Model(self.path / "m.safetensors")
        self.assertEqual((model.users, model.items), (["u0", "u7"], ["1", "2", "3"]))
        train = ranking.items_by_user(self.path / "train.csv", -math.inf)
        test = ranking.items_by_user(self.path / "test.csv", None)
        self.assertEqual(test, {"u7": {"3", "9"}, "stranger": {"1"}}, "0 is no positive")
        of = ranking.evaluate(model, train, test)
        self.assertEqual((of["users"], of["left_out"]), (1, 1))
        self.assertAlmostEqual(of["recall@20"], 0.5, msg="item 9 is known to nobody")
        self.assertAlmostEqual(of["ndcg@10"], (1 / math.log2(3)) / (1 + 1 / math.log2(3)))  # 1, then 3

    def test_popularity_counts_training_ratings(self):
        popular = ranking.Popularity({"a": {"x", "y"}, "b": {"x"}, "c": {"x", "z"}})
        scores = dict(zip(popular.items, popular.scores([0])[0]))
        self.assertEqual(scores, {"x": 3, "y": 1, "z": 1})

    def test_splits_each_user_by_share(self):
        lines = [f"{user},{item},3" for user in ("a", "b") for item in range(10)]
        (self.path / "all.csv").write_text("\n".join(lines) + "\n")
        ranking.split(self.path / "all.csv", self.path / "train.csv", self.path / "test.csv", 0.2, 1)
        kept, held = (list(ranking.triples_of(self.path / name)) for name in ("train.csv", "test.csv"))
        self.assertEqual([sum(user == "a" for user, _, _ in part) for part in (kept, held)], [8, 2])
        self.assertEqual(sorted(kept + held), sorted((u, i, float(r)) for u, i, r in (line.split(",") for line in lines)))


if __name__ == "__main__":
    unittest.main()
