#!/usr/bin/env python3
"""How well models rank: recall@20, ndcg@10, ndcg@100 and precision@10 over all items that a user has not rated in training.

    bench/ranking.py --train TRAIN --test TEST [--positive-from X] [--json] MODEL.safetensors ...
    bench/ranking.py --split RATINGS --train TRAIN --test TEST [--share 0.2] [--seed 1]

The second form writes the two files: of each user's ratings a random share is held out. Relevant are a user's test ratings above 0,
or of X and more; users without any, and without a row in the model, are left out of the means and counted. Popularity, the number of
training ratings of an item, is ranked beside the models. Needs numpy.
"""
import argparse
import csv
import json
import pathlib
import random
import re
import struct
import sys

import numpy as np

MEASURES = ("recall@20", "ndcg@10", "ndcg@100", "precision@10")


def triples_of(path):
    """(user, item, rating) of lines separated by commas, semicolons, tabs, blanks or ::, ids as text. A header is passed over."""
    with open(path, encoding="utf-8", newline="") as file:
        for number, line in enumerate(file):
            text = line.strip()
            fields = next(csv.reader([text])) if "," in text else re.split(r"::|[\s;]+", text)
            rating = fields[2] if len(fields) > 2 else "1"
            if number > 0 or re.fullmatch(r"[-+.\deE]+", rating):
                yield fields[0], fields[1], float(rating)


def split(path, train, test, share, seed):
    """Of each user's ratings round(share * n) go to `test`, at random."""
    by_user = {}
    for user, item, rating in triples_of(path):
        by_user.setdefault(user, []).append((item, rating))
    draw = random.Random(seed)
    with open(train, "w", encoding="utf-8") as kept, open(test, "w", encoding="utf-8") as held_out:
        kept.write("user,item,rating\n")
        held_out.write("user,item,rating\n")
        for user, ratings in by_user.items():
            draw.shuffle(ratings)
            held = round(share * len(ratings))
            for n, (item, rating) in enumerate(ratings):
                (held_out if n < held else kept).write(f"{user},{item},{rating:g}\n")


def read_safetensors(path):
    """{name: array} and the metadata: eight bytes of length, JSON, then the tensors' bytes."""
    raw = pathlib.Path(path).read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8:8 + length])
    types = {"F32": "<f4", "I64": "<i8", "U8": "u1"}
    tensors = {}
    for name, tensor in header.items():
        if name == "__metadata__":
            continue
        begin, end = tensor["data_offsets"]
        values = np.frombuffer(raw[8 + length + begin:8 + length + end], dtype=types[tensor["dtype"]])
        tensors[name] = values.reshape(tensor["shape"])
    return tensors, header.get("__metadata__", {})


def ids_of(tensors, side, rows):
    """The id of each row, as text."""
    if f"{side}_ids" in tensors:
        return [str(number) for number in tensors[f"{side}_ids"]]
    if f"{side}_ids.bytes" in tensors:
        text, offsets = tensors[f"{side}_ids.bytes"].tobytes(), tensors[f"{side}_ids.offsets"]
        return [text[offsets[r]:offsets[r + 1]].decode("utf-8") for r in range(rows)]
    return [str(row) for row in range(rows)]


class Model:
    """Scores of all items for some users: <p_u, q_i> + b_i. What is the same for all items of a user orders nothing."""

    def __init__(self, path):
        tensors, _ = read_safetensors(path)
        self.user, self.item = tensors["user_factors.weight"], tensors["item_factors.weight"]
        biases = tensors.get("item_biases.weight")
        self.bias = np.zeros(len(self.item), np.float32) if biases is None else biases.reshape(-1)
        self.users, self.items = ids_of(tensors, "user", len(self.user)), ids_of(tensors, "item", len(self.item))

    def scores(self, rows):
        return self.user[rows] @ self.item.T + self.bias


class Popularity:
    """An item's score is its number of training ratings."""

    def __init__(self, train):
        self.users, self.items = list({user: None for user in train}), list({i: None for items in train.values() for i in items})
        place = {item: n for n, item in enumerate(self.items)}
        counts = np.zeros(len(self.items))
        for items in train.values():
            for item in items:
                counts[place[item]] += 1
        self.counts = counts

    def scores(self, rows):
        return np.tile(self.counts, (len(rows), 1))


def measures_of(ranked, relevant):
    """Of one user: `ranked` says of each of the first 100 items whether it is relevant, `relevant` how many there are in all."""
    gains = 1 / np.log2(np.arange(2, 102))
    hits = np.zeros(100)
    hits[:len(ranked)] = ranked[:100]

    def ndcg(k):
        return float((hits[:k] * gains[:k]).sum() / gains[:min(k, relevant)].sum())

    return {"recall@20": float(hits[:20].sum() / relevant), "ndcg@10": ndcg(10), "ndcg@100": ndcg(100),
            "precision@10": float(hits[:10].sum() / 10)}


def evaluate(model, train, test, together=512):
    """The means over users, and how many users they are of. An item that the model does not know is found by nobody."""
    row_of = {user: row for row, user in enumerate(model.users)}
    place_of = {item: place for place, item in enumerate(model.items)}
    users = [user for user in test if user in row_of]
    sums = dict.fromkeys(MEASURES, 0.0)
    for first in range(0, len(users), together):
        part = users[first:first + together]
        scores = model.scores([row_of[user] for user in part]).astype(np.float64)
        for line, user in zip(scores, part):
            line[[place_of[item] for item in train.get(user, ()) if item in place_of]] = -np.inf
            count = min(100, int(np.isfinite(line).sum()))
            top = np.argsort(-line, kind="stable")[:count] if len(line) <= 200 else \
                (best := np.argpartition(-line, count)[:count])[np.argsort(-line[best], kind="stable")]
            wanted = {place_of[item] for item in test[user] if item in place_of}
            of_user = measures_of([place in wanted for place in top], len(test[user]))
            for name in MEASURES:
                sums[name] += of_user[name]
    return {name: sums[name] / max(len(users), 1) for name in MEASURES} | {"users": len(users), "left_out": len(test) - len(users)}


def items_by_user(path, least):
    """{user: items} of the ratings that count."""
    by_user = {}
    for user, item, rating in triples_of(path):
        if rating > 0 if least is None else rating >= least:
            by_user.setdefault(user, set()).add(item)
    return by_user


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL")
    parser.add_argument("--train", required=True)
    parser.add_argument("--test", required=True)
    parser.add_argument("--positive-from", type=float)
    parser.add_argument("--split", metavar="RATINGS")
    parser.add_argument("--share", type=float, default=0.2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.split:
        return split(arguments.split, arguments.train, arguments.test, arguments.share, arguments.seed)
    seen = items_by_user(arguments.train, -np.inf)  # whatever was rated is not recommended
    liked, test = items_by_user(arguments.train, arguments.positive_from), items_by_user(arguments.test, arguments.positive_from)
    results = {"popularity": evaluate(Popularity(liked), seen, test)}
    for path in arguments.models:
        results[path] = evaluate(Model(path), seen, test)
    if arguments.json:
        return print(json.dumps(results))
    print(f"{'':<32}" + "".join(f"{name:>14}" for name in MEASURES) + f"{'users':>8}")
    for name, of in results.items():
        print(f"{name[-31:]:<32}" + "".join(f"{of[measure]:>14.4f}" for measure in MEASURES) + f"{of['users']:>8}")
    return None


if __name__ == "__main__":
    sys.exit(main())
