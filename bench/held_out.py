"""The two files that every program trains and validates on: "user item rating", rows numbered from 0 where they were not."""
import json
import random
import re
from dataclasses import asdict, dataclass

SHARE = 0.1


@dataclass
class Facts:
    """What a program must have read."""
    n_train: int = 0
    n_valid: int = 0
    n_users: int = 0  # the largest row of the training part and 1
    n_items: int = 0
    mean: float = 0  # of the training ratings


def triples_of(path):
    """(user, item, rating) as text, of lines separated by blanks, commas, semicolons or ::. A header is passed over."""
    split = re.compile(r"::|[\s,;]+").split
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file):
            fields = split(line.strip())
            if number > 0 or re.fullmatch(r"[-+.\deE]+", fields[2]):
                yield fields[0], fields[1], fields[2]


def split(triples, folder, seed):
    """Writes train.txt and valid.txt: a rating is held out with probability SHARE. 10 M lines: 15 s."""
    facts, total = Facts(), 0.0
    draw = random.Random(seed).random
    users, items = {}, {}
    with open(folder / "train.txt", "w", encoding="ascii") as train, open(folder / "valid.txt", "w", encoding="ascii") as valid:
        write_train, write_valid = train.write, valid.write
        for user, item, rating in triples:
            held_out = draw() < SHARE
            if held_out and user in users and item in items:  # programs differ in what they answer for unknown ones
                facts.n_valid += 1
                write_valid(f"{users[user]} {items[item]} {rating}\n")
            elif not held_out:
                facts.n_train += 1
                total += float(rating)
                write_train(f"{users.setdefault(user, len(users))} {items.setdefault(item, len(items))} {rating}\n")
    facts.n_users, facts.n_items = len(users), len(items)
    facts.mean = total / max(facts.n_train, 1)
    return facts


def prepare(path, folder, seed):
    """Facts of train.txt and valid.txt in `folder`, which are made once for a file and a seed."""
    key = {"file": str(path.resolve()), "bytes": path.stat().st_size, "changed": path.stat().st_mtime_ns, "seed": seed}
    record = folder / "facts.json"
    if record.exists():
        known = json.loads(record.read_text())
        if known["key"] == key:
            return Facts(**known["facts"])
    folder.mkdir(parents=True, exist_ok=True)
    facts = split(triples_of(path), folder, seed)
    record.write_text(json.dumps({"key": key, "facts": asdict(facts)}) + "\n")  # last: an interrupted run leaves none
    return facts
