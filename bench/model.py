#!/usr/bin/env python3
"""What per-rating SGD by chunks (cuda/kernels/sgd_chunks.cu) should reach on a card: bytes, instructions and ratings a second.

    bench/model.py [--card h100] [--l2-bandwidth TB/s] [--hbm-bandwidth TB/s]

docs/gpu-model.md derives it. Bandwidths are assumptions until bench/card has measured them.
"""
import argparse
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


CARDS = {"h100": Card(132, 1.755, 5.5, 3.0, 25e6), "h200": Card(132, 1.755, 5.5, 4.2, 25e6)}


@dataclass
class Shape:
    name: str
    users: int
    items: int
    ratings: float
    grid: int = 8


SHAPES = [Shape("Netflix", 480_189, 17_770, 99.07e6), Shape("ML-25M", 162_541, 59_047, 25.0e6),
          Shape("Hugewiki", 50_082_603, 39_780, 3.07e9)]

# Instructions of a warp for one step of its 32 / lanes ratings, and those more where another user's row comes, counted in what
# nvcc 13.0 makes for sm_90 of squared loss and row_adagrad: {(bytes of a factor, lanes of a rating): (of a step, more)}
INSTRUCTIONS = {(4, 4): (204, 79), (4, 8): (207, 80), (4, 16): (209, 80), (4, 32): (211, 80),
                (2, 4): (278, 174), (2, 8): (278, 178), (2, 16): (281, 177), (2, 32): (282, 178)}


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


def predict(card, shape, rank, factor_bytes):
    row = rank * factor_bytes + RECORD
    per_visit = shape.ratings / shape.users / shape.grid  # ratings of a user in a block
    user_rows = 1 / CHUNK + 1 / max(per_visit, 1)         # fetched a rating: a chunk begins, or another user does
    item_share = min(1.0, card.l2_bytes / (shape.items * row))  # of the item rows in the cache, were they equally popular
    l2 = 12 + 2 * row + 2 * row * user_rows
    # a stratum comes to all users: once each from memory, every time where they do not fit beside the items
    users_fit = (shape.users + shape.items) * row < card.l2_bytes
    hbm = 12 + 2 * row * (1 - item_share) + 2 * row * (1 / max(per_visit, 1) if users_fit else user_rows)
    bounds = {"L2": card.l2_bandwidth * 1e3 / l2, "HBM": card.hbm_bandwidth * 1e3 / hbm}
    step, more = INSTRUCTIONS[factor_bytes, lanes(rank, factor_bytes)]
    together = 32 // lanes(rank, factor_bytes)  # a warp makes the detour where one of its ratings has another user
    instructions = step + more * (1 - (1 - min(user_rows, 1)) ** together)
    bounds["issue"] = card.multiprocessors * 4 * card.clock / instructions * together
    return Prediction(l2, hbm, bounds)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--card", choices=CARDS, default="h100")
    parser.add_argument("--l2-bandwidth", type=float)
    parser.add_argument("--hbm-bandwidth", type=float)
    arguments = parser.parse_args()
    card = CARDS[arguments.card]
    card.l2_bandwidth = arguments.l2_bandwidth or card.l2_bandwidth
    card.hbm_bandwidth = arguments.hbm_bandwidth or card.hbm_bandwidth
    print(f"{arguments.card}: {card.l2_bandwidth} TB/s of L2, {card.hbm_bandwidth} TB/s of HBM; bounds in G ratings/s")
    print("| shape | rank | storage | L2 bytes | HBM bytes | L2 | HBM | issue | least |\n|---|---|---|---|---|---|---|---|---|")
    for shape in SHAPES:
        for rank in (32, 64, 128):
            for storage, factor_bytes in (("fp32", 4), ("fp16", 2)):
                of = predict(card, shape, rank, factor_bytes)
                print(f"| {shape.name} | {rank} | {storage} | {of.l2_bytes:.0f} | {of.hbm_bytes:.0f} | {of.bounds['L2']:.1f} | "
                      f"{of.bounds['HBM']:.1f} | {of.bounds['issue']:.1f} | {of.bounds[of.limit]:.1f}, {of.limit} |")


if __name__ == "__main__":
    main()
