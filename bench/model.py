#!/usr/bin/env python3
"""What per-rating SGD should reach on a card: bytes, instructions and ratings a second, for both plans of the cuda engine.

    bench/model.py [--card h100] [--l2-bandwidth TB/s] [--hbm-bandwidth TB/s] [--plan chunks|tiles]
    bench/model.py --measured FILE.json      of card_bench or gpu-check: its epochs beside the model at its bandwidths

docs/gpu-model.md derives it. Bandwidths are assumptions until card_bench has measured them.
"""
import argparse
import json
import math
import pathlib
from dataclasses import dataclass

RECORD = 32  # bytes in front of a row
CHUNK = 32   # ratings


@dataclass
class Card:
    multiprocessors: int
    clock: float          # GHz
    l2_bandwidth: float   # TB/s
    hbm_bandwidth: float  # TB/s
    l2_bytes: float       # of hot data: half of the cache, as the other half holds copies
    tile_bytes: int = 225 << 10

    @property
    def shared_bandwidth(self):  # TB/s: 128 bytes a cycle
        return self.multiprocessors * 128 * self.clock / 1e3


CARDS = {"h100": Card(132, 1.755, 5.5, 3.0, 25e6), "h200": Card(132, 1.755, 5.5, 4.2, 25e6)}


@dataclass
class Shape:
    name: str
    users: int
    items: int
    ratings: float


SHAPES = [Shape("Netflix", 480_189, 17_770, 99.07e6), Shape("ML-25M", 162_541, 59_047, 25.0e6),
          Shape("Hugewiki", 50_082_603, 39_780, 3.07e9)]

# Instructions of a warp for one step of its 32 / lanes ratings, and those more where another user's row comes, counted in what
# nvcc 13.0 makes for sm_90 of squared loss and row_adagrad: {(bytes of a factor, lanes of a rating): (of a step, more)}. Tiles
# are taken to have the same: their loads and stores are of another kind, not more.
INSTRUCTIONS = {(4, 4): (204, 79), (4, 8): (207, 80), (4, 16): (209, 80), (4, 32): (211, 80),
                (2, 4): (262, 119), (2, 8): (265, 120), (2, 16): (267, 120), (2, 32): (268, 120)}


def lanes(rank, factor_bytes):
    vectors = -(-rank * factor_bytes // 16)
    power = 4
    while power < min(vectors, 32):
        power *= 2
    return power


@dataclass
class Prediction:
    l2_bytes: float   # a rating
    hbm_bytes: float
    bounds: dict      # {what: G ratings/s}

    @property
    def limit(self):
        return min(self.bounds, key=self.bounds.get)

    @property
    def rate(self):
        return self.bounds[self.limit]


def ranges(card, shape, row, plan):
    """The grid that the engine asks for (Cuda::grid_wish, default_grid_size)."""
    cache, least = (card.l2_bytes, 8) if plan == "chunks" else (card.tile_bytes * 7 / 8, card.multiprocessors)
    most = min(shape.ratings / 10_000, shape.users, shape.items, 1024)
    return max(1, min(max(least, math.ceil(shape.items * row / cache)), int(most)))


def predict(card, shape, rank, factor_bytes, plan, grid=None):
    row = rank * factor_bytes + RECORD
    grid = grid or ranges(card, shape, rank * 4 + RECORD, plan)
    per_visit = 1 + shape.ratings / shape.users / grid  # ratings of a user in a block, where it has some: counts of an
    # exponential law, whose mean is the part behind the 1
    user_rows = min(1, 1 / CHUNK + 1 / per_visit)           # fetched a rating: a chunk begins, or another user does
    bounds = {}
    if plan == "chunks":
        item_share = min(1.0, card.l2_bytes / (shape.items * row))  # in the cache, were they equally popular
        item_rows, item_misses = 1, 1 - item_share
    else:
        item_rows = item_misses = shape.items * grid / shape.ratings  # a tile comes and goes once a block
        bounds["shared"] = card.shared_bandwidth * 1e3 / (2 * row)
    l2 = 12 + 2 * row * (item_rows + user_rows)
    # a stratum comes to all users: once each from memory, every time where they do not fit beside the items
    users_fit = (shape.users + shape.items) * row < card.l2_bytes
    hbm = 12 + 2 * row * item_misses + 2 * row * (1 / per_visit if users_fit else user_rows)
    bounds |= {"L2": card.l2_bandwidth * 1e3 / l2, "HBM": card.hbm_bandwidth * 1e3 / hbm}
    step, more = INSTRUCTIONS[factor_bytes, lanes(rank, factor_bytes)]
    together = 32 // lanes(rank, factor_bytes)  # a warp makes the detour where one of its ratings has another user
    instructions = step + more * (1 - (1 - user_rows) ** together)
    bounds["issue"] = card.multiprocessors * 4 * card.clock / instructions * together
    return Prediction(l2, hbm, bounds)


def print_predictions(name, card, plan):
    print(f"{name}, {plan}: {card.l2_bandwidth} TB/s of L2, {card.hbm_bandwidth} TB/s of HBM; bounds in G ratings/s")
    print("| shape | rank | storage | L2 bytes | HBM bytes | L2 | HBM | issue | least |\n|---|---|---|---|---|---|---|---|---|")
    for shape in SHAPES:
        for rank in (32, 64, 128):
            for storage, factor_bytes in (("fp32", 4), ("fp16", 2)):
                of = predict(card, shape, rank, factor_bytes, plan)
                print(f"| {shape.name} | {rank} | {storage} | {of.l2_bytes:.0f} | {of.hbm_bytes:.0f} | {of.bounds['L2']:.1f} | "
                      f"{of.bounds['HBM']:.1f} | {of.bounds['issue']:.1f} | {of.rate:.1f}, {of.limit} |")


def bandwidth(rows, fits):
    """TB/s of rows of 512 bytes at random, read and written, in the largest of the tables that `fits` accepts."""
    of = [row for row in rows if row["visit"] == "read and write" and row["row_bytes"] == 512 and row["rows"] == "uniform"
          and fits(row["table_mb"])]
    return max(of, key=lambda row: row["table_mb"])["gb_per_s"] / 1e3


def print_measured(report, card):
    report = report.get("card") or report
    if report["device"]["kind"] != "card":
        raise SystemExit("bench/model.py: these are results of the interpreter, which has no speed")
    card.multiprocessors = report["device"]["multiprocessors"]
    card.l2_bandwidth = bandwidth(report["rows"], lambda megabytes: megabytes <= 16)
    card.hbm_bandwidth = bandwidth(report["rows"], lambda megabytes: megabytes >= 256)
    card.l2_bytes = report["device"]["l2_bytes"] / 2
    card.clock = report["device"]["clock_ghz"]
    print(f"{report['device']['name']}: {card.l2_bandwidth:.2f} TB/s of L2 and {card.hbm_bandwidth:.2f} TB/s of memory measured, "
          f"rows of 512 bytes read and written; bus {report['bus']['gb_per_s']} GB/s")
    print("| shape | skew | rank | storage | plan | predicted G/s | measured G/s | measured / predicted | % of L2 | % of HBM |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for epoch in report["epochs"]:
        shape = Shape(epoch["shape"], epoch["users"], epoch["items"], epoch["ratings"])
        of = predict(card, shape, epoch["rank"], 4 if epoch["storage"] == "fp32" else 2, epoch["plan"], epoch["grid"])
        rate = epoch["ratings_per_s"] / 1e9
        print(f"| {epoch['shape']} | {epoch['skew']} | {epoch['rank']} | {epoch['storage']} | {epoch['plan']} | {of.rate:.2f}, {of.limit} "
              f"| {rate:.2f} | {rate / of.rate:.2f} | {rate * of.l2_bytes / card.l2_bandwidth / 10:.0f} "
              f"| {rate * of.hbm_bytes / card.hbm_bandwidth / 10:.0f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--card", choices=CARDS, default="h100")
    parser.add_argument("--l2-bandwidth", type=float)
    parser.add_argument("--hbm-bandwidth", type=float)
    parser.add_argument("--plan", choices=("chunks", "tiles"), default="chunks")
    parser.add_argument("--measured", type=pathlib.Path)
    arguments = parser.parse_args()
    card = CARDS[arguments.card]
    if arguments.measured:
        return print_measured(json.loads(arguments.measured.read_text()), card)
    card.l2_bandwidth = arguments.l2_bandwidth or card.l2_bandwidth
    card.hbm_bandwidth = arguments.hbm_bandwidth or card.hbm_bandwidth
    print_predictions(arguments.card, card, arguments.plan)


if __name__ == "__main__":
    main()
