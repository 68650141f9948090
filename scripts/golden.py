#!/usr/bin/env python3
"""Trajectories of the PyTorch module that warpfactor repeats: the fixtures of tests/fixtures/torch.

Runs two `nn.Embedding` tables, whose row-wise dot product is the prediction, on random triples and records everything
that another implementation needs to repeat the run step by step.

    scripts/golden.py --out tests/fixtures/torch --seed 1      # all cases, as they are kept
    scripts/golden.py --list

Needs PyTorch and NumPy (Debian: python3-torch, python3-numpy).

One case is one `.npz`:
    users, items     int64[n]        triples in the order they are consumed
    ratings          float32[n]
    init.<name>      float32[...]    parameters before the first step
    final.<name>     float32[...]    parameters after the last step
    losses           float64[steps]  loss of each mini-batch before its update
    predictions      float32[n]      prediction of every triple under the final model
    config           a JSON string   the case's options, as below
<name> is the module's own state_dict key: user_factors.weight, item_factors.weight,
user_biases.weight, item_biases.weight.

Ids in `users`/`items` are row numbers. Batches are consecutive slices of length
batch_size (the last may be short), in order, the same in every epoch.
Loss reductions are PyTorch's: 'mean' divides by the batch's length.
"""
import argparse
import json
import pathlib

try:
    import numpy as np
    import torch
except ImportError as error:
    raise SystemExit(f"golden.py needs {error.name} (Debian: apt-get install python3-torch python3-numpy)") from None

DEFAULTS = dict(
    n_users=37, n_items=23, n_factors=20, n_ratings=400, batch_size=32, epochs=2,
    loss="mse", reduction="mean", optimizer="sgd", lr=0.05, momentum=0.0, weight_decay=0.0,
    betas=(0.9, 0.999), eps=1e-8, sparse=True, biases=False, global_mean=0.0,
    user_padding_idx=None, item_padding_idx=None, max_norm=None, norm_type=2.0,
    scale_grad_by_freq=False, init="normal", zipf=False, targets="rating",
)


class MatrixFactorization(torch.nn.Module):
    def __init__(self, c):
        super().__init__()
        options = dict(max_norm=c["max_norm"], norm_type=c["norm_type"],
                       scale_grad_by_freq=c["scale_grad_by_freq"], sparse=c["sparse"])
        self.user_factors = torch.nn.Embedding(c["n_users"], c["n_factors"],
                                               padding_idx=c["user_padding_idx"], **options)
        self.item_factors = torch.nn.Embedding(c["n_items"], c["n_factors"],
                                               padding_idx=c["item_padding_idx"], **options)
        self.has_biases = c["biases"]
        self.global_mean = c["global_mean"]
        if self.has_biases:
            self.user_biases = torch.nn.Embedding(c["n_users"], 1, sparse=c["sparse"])
            self.item_biases = torch.nn.Embedding(c["n_items"], 1, sparse=c["sparse"])
            torch.nn.init.zeros_(self.user_biases.weight)
            torch.nn.init.zeros_(self.item_biases.weight)

    def forward(self, user, item):
        score = (self.user_factors(user) * self.item_factors(item)).sum(1)
        if self.has_biases:
            score = (score + self.user_biases(user).squeeze(1)
                     + self.item_biases(item).squeeze(1) + self.global_mean)
        return score


def initialise(model, c):
    tables = [model.user_factors, model.item_factors]
    with torch.no_grad():
        for table in tables:
            if c["init"] == "kaiming_uniform":
                torch.nn.init.kaiming_uniform_(table.weight, nonlinearity="linear")
            elif c["init"] == "kaiming_normal":
                torch.nn.init.kaiming_normal_(table.weight, nonlinearity="relu")
            elif c["init"] == "scaled":
                table.weight.normal_(0.0, 1.0 / c["n_factors"] ** 0.5)
            # "normal" is nn.Embedding's own N(0, 1)
            if table.padding_idx is not None:
                table.weight[table.padding_idx].zero_()


def make_optimizer(model, c):
    p = model.parameters()
    name = c["optimizer"]
    if name == "sgd":
        return torch.optim.SGD(p, lr=c["lr"], momentum=c["momentum"], weight_decay=c["weight_decay"])
    if name == "adagrad":
        return torch.optim.Adagrad(p, lr=c["lr"], eps=c["eps"])
    if name == "sparse_adam":
        return torch.optim.SparseAdam(list(p), lr=c["lr"], betas=c["betas"], eps=c["eps"])
    if name == "adam":
        return torch.optim.Adam(p, lr=c["lr"], betas=c["betas"], eps=c["eps"])
    raise ValueError(name)


LOSSES = {
    "mse": torch.nn.MSELoss, "l1": torch.nn.L1Loss, "huber": torch.nn.HuberLoss,
    "bce_with_logits": torch.nn.BCEWithLogitsLoss,
}


def run(overrides, seed):
    c = dict(DEFAULTS, **overrides)
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    n = c["n_ratings"]
    if c["zipf"]:  # hot rows: many duplicates of one user and one item inside a batch
        users = np.minimum(rng.zipf(1.3, n) - 1, c["n_users"] - 1)
        items = np.minimum(rng.zipf(1.3, n) - 1, c["n_items"] - 1)
    else:
        users = rng.integers(0, c["n_users"], n)
        items = rng.integers(0, c["n_items"], n)
    ratings = (rng.integers(0, 2, n) if c["targets"] == "binary" else rng.integers(1, 11, n) / 2)
    users, items = torch.from_numpy(users.astype(np.int64)), torch.from_numpy(items.astype(np.int64))
    ratings = torch.from_numpy(ratings.astype(np.float32))

    model = MatrixFactorization(c)
    initialise(model, c)
    record = {"init." + k: v.clone().numpy() for k, v in model.state_dict().items()}
    optimizer = make_optimizer(model, c)
    loss_of = LOSSES[c["loss"]](reduction=c["reduction"])
    losses = []
    for _ in range(c["epochs"]):
        for start in range(0, n, c["batch_size"]):
            batch = slice(start, start + c["batch_size"])
            optimizer.zero_grad()
            loss = loss_of(model(users[batch], items[batch]), ratings[batch])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    record.update({"final." + k: v.clone().numpy() for k, v in model.state_dict().items()})
    with torch.no_grad():
        predictions = model(users, items)
    record.update(users=users.numpy(), items=items.numpy(), ratings=ratings.numpy(),
                  losses=np.array(losses), predictions=predictions.numpy(),
                  config=np.array(json.dumps(dict(c, seed=seed))))
    return record


CASES = {
    "seed_module": dict(init="scaled", lr=0.5),
    "seed_module_n01_init": dict(lr=0.01),
    "batch_of_one": dict(init="scaled", batch_size=1, n_ratings=120),
    "one_big_batch": dict(init="scaled", batch_size=4096, lr=1.0, epochs=5),
    "hot_rows": dict(init="scaled", zipf=True, lr=0.2),
    "sum_reduction": dict(init="scaled", reduction="sum", lr=0.005),
    "k1": dict(init="scaled", n_factors=1, lr=0.1),
    "k7": dict(init="scaled", n_factors=7, lr=0.2),
    "k33": dict(init="scaled", n_factors=33, lr=0.5),
    "k64": dict(init="scaled", n_factors=64, lr=0.5),
    "k128": dict(init="scaled", n_factors=128, lr=0.5),
    "k200": dict(init="scaled", n_factors=200, lr=0.5),
    "kaiming_uniform": dict(init="kaiming_uniform", lr=0.5),
    "kaiming_normal": dict(init="kaiming_normal", lr=0.5),
    "biases": dict(init="scaled", biases=True, global_mean=2.75, lr=0.2),
    "biases_hot_rows_adagrad": dict(init="scaled", biases=True, global_mean=2.75, zipf=True,
                                    optimizer="adagrad", lr=0.1, eps=1e-10),
    "l1": dict(init="scaled", loss="l1", lr=0.5),
    "huber": dict(init="scaled", loss="huber", lr=0.5),
    "logistic": dict(init="scaled", loss="bce_with_logits", targets="binary", lr=1.0),
    "adagrad": dict(init="scaled", optimizer="adagrad", lr=0.1, eps=1e-10),
    "sparse_adam": dict(init="scaled", optimizer="sparse_adam", lr=0.02),
    "sparse_adam_hot_rows": dict(init="scaled", optimizer="sparse_adam", lr=0.02, zipf=True),
    "adam_dense": dict(init="scaled", optimizer="adam", sparse=False, lr=0.02),
    "momentum_dense": dict(init="scaled", momentum=0.9, sparse=False, lr=0.05),
    "weight_decay_dense": dict(init="scaled", weight_decay=0.01, sparse=False, lr=0.2),
    "padding": dict(init="scaled", user_padding_idx=0, item_padding_idx=3, lr=0.5),
    "max_norm": dict(max_norm=1.5, lr=0.5),
    "max_norm_l1": dict(max_norm=2.0, norm_type=1.0, lr=0.5),
    "scale_grad_by_freq": dict(init="scaled", scale_grad_by_freq=True, sparse=False, zipf=True, lr=0.5),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, metavar="DIR")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("cases", nargs="*", metavar="CASE", help="default: all")
    args = parser.parse_args()
    if args.list:
        print("\n".join(CASES))
        return
    if args.out is None:
        parser.error("--out DIR says where the files go")
    for name in args.cases:
        if name not in CASES:
            parser.error(f"no case {name!r} (--list names them)")
    args.out.mkdir(parents=True, exist_ok=True)
    for name in args.cases or CASES:
        record = run(CASES[name], args.seed)
        if not all(np.isfinite(v).all() for k, v in record.items() if k != "config"):
            raise SystemExit(f"{name}: a value is not finite; a trajectory that diverges pins nothing down")
        np.savez(args.out / f"{name}.npz", **record)
        print(f"{name:26s} {len(record['losses']):4d} steps  loss {record['losses'][0]:.4f} -> {record['losses'][-1]:.4f}")


if __name__ == "__main__":
    main()
