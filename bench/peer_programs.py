"""How each program is asked to train, and what its answers say. All of them have the methods of Warpfactor."""
import json
import re
import shlex

import processes


def agree(name, what, expected, actual, tolerance=0):
    if abs(expected - actual) > tolerance:
        raise processes.Failure(f"{name} has read other ratings: {what} is {actual}, the file's {expected}")


class Warpfactor:
    name = "warpfactor"

    def __init__(self, path, options, folder, threads):
        self.path, self.options, self.folder, self.threads = path, shlex.split(options), folder, threads

    def command(self, rank, epochs):
        return [self.path, "train", self.folder / "train.txt", "-k", rank, "--epochs", epochs, "-j", self.threads, "--json",
                "--quiet", "-o", self.folder / "warpfactor.safetensors", "--metrics", self.folder / "warpfactor.jsonl"]

    def train(self, rank, epochs, facts):
        """A Run from the text file to the saved model, without validation, after checking what was read."""
        run = processes.run([*self.command(rank, epochs), "--no-valid", *self.options])
        result = json.loads(run.output)
        agree(self.name, "the number of ratings", facts.n_train, result["n_ratings"])
        agree(self.name, "the number of users", facts.n_users, result["n_users"])
        agree(self.name, "the number of items", facts.n_items, result["n_items"])
        agree(self.name, "the number of epochs", epochs, result["epochs"])
        return run

    def validation(self, rank, epochs):
        """The RMSE on valid.txt after each epoch."""
        processes.run([*self.command(rank, epochs), "--valid", self.folder / "valid.txt", "--no-early-stopping", *self.options])
        return [json.loads(line)["valid_rmse"] for line in (self.folder / "warpfactor.jsonl").read_text().splitlines()]

    def own_epoch_seconds(self, _rank):
        """Mean seconds of an epoch as the program itself reports them, of the latest run but for its first epoch."""
        lines = (self.folder / "warpfactor.jsonl").read_text().splitlines()[1:]
        return sum(json.loads(line)["seconds"] for line in lines) / len(lines)


class Libmf:
    """mf-train of LIBMF (Chin et al.: LIBMF: a library for parallel matrix factorization in shared-memory systems, JMLR 2016)."""
    name = "libmf"
    TIMED_EPOCHS = 11

    def __init__(self, path, options, folder, threads):
        self.path, self.options, self.folder, self.threads = path, shlex.split(options), folder, threads
        self.model = folder / "libmf.txt"

    def command(self, rank, epochs):
        return [self.path, "-k", rank, "-t", epochs, "-s", self.threads, *self.options]

    def train(self, rank, epochs, facts):
        run = processes.run([*self.command(rank, epochs), "--quiet", self.folder / "train.txt", self.model])
        with open(self.model, encoding="ascii") as file:  # it counts no ratings, but says their mean, with six digits
            said = dict(file.readline().split() for _ in range(5))
        agree(self.name, "the number of users", facts.n_users, int(said["m"]))
        agree(self.name, "the number of items", facts.n_items, int(said["n"]))
        agree(self.name, "the mean of the ratings", facts.mean, float(said["b"]), 1e-4 * abs(facts.mean))
        return run

    def validation(self, rank, epochs):
        run = processes.run([*self.command(rank, epochs), "-p", self.folder / "valid.txt", self.folder / "train.txt", self.model])
        rows = re.findall(r"^\s*\d+\s+(\S+)\s+(\S+)\s+\S+\s*$", run.output, re.M)  # iter tr_rmse va_rmse obj
        if len(rows) != epochs:
            raise processes.Failure(f"{self.name} printed {len(rows)} lines for {epochs} epochs")
        return [float(valid) for _, valid in rows]

    def own_epoch_seconds(self, rank):
        """It reports none, but writes a line after each: what lies between the lines of a run of its own, whose time for the
        objective is in them, too. The first epoch steps few factors and is left out, as it is by a difference of runs."""
        command = ["stdbuf", "-oL", *self.command(rank, self.TIMED_EPOCHS), self.folder / "train.txt", self.model]
        times = [at for at, line in processes.lines_in_time(command) if re.match(r"\s*\d+\s+\S+\s+\S+\s*$", line)]
        if len(times) != self.TIMED_EPOCHS:
            raise processes.Failure(f"{self.name} printed {len(times)} lines for {self.TIMED_EPOCHS} epochs")
        return (times[-1] - times[0]) / (len(times) - 1)
