#!/usr/bin/env python3
"""bench/peers, bench/time_to_best, bench/compare, bench/hosts.py and bench/model.py, on a tiny shape and with a stand-in for LIBMF's mf-train.

    bench_scripts.py PROGRAM

Times mean nothing here. What is looked at: the rows that come out, and that nothing is compared that differs.
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

BENCH = pathlib.Path(__file__).resolve().parents[2] / "bench"
PROGRAM = pathlib.Path(sys.argv[1]).resolve()

STAND_IN = r'''#!/usr/bin/env python3
import sys, time
words = sys.argv[1:]
option = {name: words[words.index(name) + 1] for name in ("-k", "-t", "-s", "-l2", "-r", "-p") if name in words}
triples = [line.split() for line in open(words[-2])]
print("iter      tr_rmse      va_rmse          obj")
for epoch in range(int(option["-t"])):
    time.sleep(0.01)
    valid = f"       {0.9 - 0.01 * epoch:.4f}" if "-p" in option else ""
    if "--quiet" not in words:
        print(f"{epoch:4d}       1.0329{valid}   1.4179e+06", flush=True)
mean = sum(float(rating) for _, _, rating in triples) / len(triples) + SHIFT
with open(words[-1], "w") as model:
    model.write(f"f 0\nm {max(int(u) for u, _, _ in triples) + 1}\nn {max(int(i) for _, i, _ in triples) + 1}\n")
    model.write(f"k {option['-k']}\nb {mean:.6g}\n")
'''


def run(name, *words):
    return subprocess.run([sys.executable, "-B", BENCH / name, *map(str, words)], capture_output=True, text=True)


class InAFolder(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.temporary.name)
        self.addCleanup(self.temporary.cleanup)

    def file(self, name, report):
        path = self.folder / name
        path.write_text(report if isinstance(report, str) else json.dumps(report))
        return path


class Peers(InAFolder):
    def peers(self, *words, shift="0"):
        stand_in = self.file("mf-train", STAND_IN.replace("SHIFT", shift))
        stand_in.chmod(0o755)
        return run("peers", "--warpfactor", PROGRAM, "--libmf", stand_in, "--work", self.folder / "work", "--rank", 4, "--runs", 2,
                   "--epochs", 4, "--short-epochs", 2, "--threads", 1, "--json", self.folder / "out.json", *words)

    def rows(self):
        return {row["name"]: row["values"] for row in json.loads((self.folder / "out.json").read_text())["rows"]}

    def test_measures_both_programs_on_the_same_parts(self):
        result = self.peers("--shape", "tiny")
        self.assertEqual(result.returncode, 0, result.stderr)
        rows = self.rows()
        for program in ("warpfactor", "libmf"):
            self.assertEqual(len(rows[f"rank 4, {program}: whole run"]), 2)
            self.assertGreater(min(rows[f"rank 4, {program}: peak memory"]), 1)
            self.assertIn(f"rank 4, {program}: valid RMSE, epoch 4", rows)
        self.assertEqual(rows["rank 4, libmf: valid RMSE, epoch 3"], [0.88])
        self.assertGreater(min(rows["rank 4, libmf: whole run"]), 0.04)  # it sleeps 0.01 s an epoch
        self.assertGreater(min(rows["rank 4, libmf: epoch as it says"]), 0)  # how much: a busy machine reads its lines late
        self.assertIn("whole run", result.stdout)
        again = self.peers("--shape", "tiny")
        self.assertEqual(again.stdout.splitlines()[0], result.stdout.splitlines()[0])

    def test_takes_files_with_a_header_and_outside_ids(self):
        lines = ["user,item,rating"] + [f"{1000 + n % 30},{7 * (n % 17)},{1 + n % 5}" for n in range(500)]
        result = self.peers("--data", self.file("r.csv", "\n".join(lines) + "\n"))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("30 users, 17 items", result.stdout)

    def test_gives_no_ratio_where_other_ratings_were_read(self):
        result = self.peers("--shape", "tiny", shift="0.01")
        self.assertEqual(result.returncode, 1)
        self.assertIn("libmf has read other ratings: the mean", result.stderr)
        self.assertNotIn("whole run", result.stdout)
        self.assertFalse((self.folder / "out.json").exists())

    def test_says_what_a_program_said_that_failed(self):
        result = self.peers("--shape", "tiny", "--options=--no-such-option")
        self.assertEqual(result.returncode, 1)
        self.assertIn("--no-such-option", result.stderr)
        missing = run("peers", "--warpfactor", self.folder / "nothing", "--work", self.folder / "work", "--shape", "tiny")
        self.assertEqual(missing.returncode, 1)
        self.assertIn("No such file", missing.stderr)


class TimeToBest(InAFolder):
    def test_tunes_libmf_and_runs_both_to_their_best(self):
        stand_in = self.file("mf-train", STAND_IN.replace("SHIFT", "0").replace(
            "0.9 - 0.01 * epoch", "abs(epoch - 2) + abs(float(option['-l2']) - 0.1) + float(option['-r'])"))
        stand_in.chmod(0o755)
        lines = ["user,item,rating"] + [f"{n % 30},{7 * (n % 17)},{1 + n % 5}" for n in range(500)]
        result = run("time_to_best", "--warpfactor", PROGRAM, "--libmf", stand_in, "--work", self.folder / "work", "--runs", 2,
                     "--epochs", 4, "--json", self.folder / "out.json", self.file("r.csv", "\n".join(lines) + "\n"))
        self.assertEqual(result.returncode, 0, result.stderr)
        report = json.loads((self.folder / "out.json").read_text())
        name = f"{self.folder.name}/r.csv"
        self.assertEqual(report["settings"]["libmf"][name]["options"], "-l2 0.1 -r 0.02")
        self.assertEqual(report["settings"]["libmf"][name]["epochs"], 3)
        rows = {row["name"]: row["values"] for row in report["rows"]}
        self.assertEqual(rows[f"{name}, libmf: RMSE"], [0.02])
        self.assertGreater(min(rows[f"{name}, libmf: to its best"]), 0.03)  # three epochs
        self.assertEqual(len(rows[f"{name}, warpfactor: to its best"]), 2)
        self.assertIn("libmf / warpfactor: ", result.stdout)


class Hosts(InAFolder):
    def test_measures_processes_beside_what_they_should_take(self):
        if shutil.which("mpirun") is None or not PROGRAM.with_name("libwarpfactor_mpi.so").exists():
            self.skipTest("mpirun or the MPI module is missing")
        out = self.folder / "hosts.json"
        result = run("hosts.py", PROGRAM, "--users", 300, "--items", 100, "--ratings", 5000, "-k", 8, "--grid", 4, "--epochs", 3,
                     "--runs", 2, "-o", out)
        self.assertEqual(result.returncode, 0, result.stderr)
        one, two = json.loads(out.read_text())["rows"]
        self.assertEqual((one["processes"], two["processes"]), (1, 2))
        self.assertEqual(one["train_rmse"], two["train_rmse"])
        self.assertEqual((one["sent_bytes"], two["sent_bytes"]), (0, 100 * 4 * 16 * 3.5 / 4))
        table = run("scaling.py", "--measured", out)
        self.assertEqual(table.returncode, 0, table.stderr)
        self.assertIn("| memory | 2 | 0.01 MB |", table.stdout)


class Compare(InAFolder):
    def compare(self, before, after):
        return run("compare", self.file("a.json", before), self.file("b.json", after))

    def assert_row(self, result, name, ratio, mark):
        self.assertEqual(result.returncode, 0, result.stderr)
        line = next(line for line in result.stdout.splitlines() if line.startswith(name))
        self.assertIn(ratio, line)
        self.assertEqual(line.endswith("*"), mark, line)

    def test_marks_what_changed_by_more_than_it_varies(self):
        report = {"benchmark": "peers", "rows": [{"name": "apart", "values": [1, 2, 3]}, {"name": "near", "values": [1, 2, 3]},
                                                 {"name": "gone", "values": [1]}]}
        after = {"benchmark": "peers", "rows": [{"name": "apart", "values": [4, 4.5]}, {"name": "near", "values": [3, 3, 4]}]}
        result = self.compare(report, after)
        self.assert_row(result, "apart", "2.125", True)
        self.assert_row(result, "near", "1.500", False)
        self.assertIn("2 rows shared, 1 only in A, 0 only in B; * 1 changed", result.stdout)

    def test_reads_google_benchmark(self):
        def report(*times):
            runs = [{"name": "train/2", "run_type": "iteration", "real_time": time, "time_unit": "ms"} for time in times]
            return {"context": {}, "benchmarks": [*runs, {"name": "train/2_mean", "run_type": "aggregate", "real_time": 1,
                                                          "time_unit": "ms"}]}
        self.assert_row(self.compare(report(1, 2), report(4, 5)), "train/2", "3.000", True)

    def test_reads_the_kernels_and_the_other_scripts(self):
        case = {"op": "predict", "rank": 16, "batch": 300, "skew": "zipf", "order": "racing", "microseconds_least": 1,
                "microseconds": 2, "microseconds_most": 3}
        kernels = {"cases": [case, {**case, "rank": 32, "microseconds": "not a device"}], "n_wrong": 0}
        self.assert_row(self.compare(kernels, kernels), "predict, 16, 300, zipf, racing", "1.000", False)
        torch = {"benchmark": "minibatch_vs_torch", "shape": "s", "rank": 20, "batch": 8, "seconds": {"warpfactor": [1, 2]}}
        self.assert_row(self.compare(torch, torch), "s, rank 20, batch 8: warpfactor", "1.000", False)
        quality = {"benchmark": "quality", "results": {"f.csv": [{"seed": 1, "rmse": 0.5}]}}
        self.assert_row(self.compare(quality, quality), "f.csv, seed 1: rmse", "1.000", False)

    def test_refuses_files_that_it_does_not_know(self):
        known = {"benchmark": "peers", "rows": [{"name": "a", "values": [1]}]}
        for unknown in ("[]", "no json", "{}", '{"benchmark": "peers"}'):
            result = self.compare(known, unknown)
            self.assertEqual(result.returncode, 2, unknown)
            self.assertIn("not a result file", result.stderr)
        self.assertEqual(run("compare", self.file("a.json", known), self.folder / "none.json").returncode, 2)
        self.assertEqual(self.compare(known, {"benchmark": "peers", "rows": []}).returncode, 2)


class Model(InAFolder):
    def test_a_page_of_the_docs_is_what_it_prints(self):
        page = (BENCH.parent / "docs/gpu-model.md").read_text()
        for words in ([], ["--plan", "tiles"]):
            done = run("model.py", "--card", "h100", *words)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(done.stdout, page)

    def report(self, kind="card"):
        table = {"visit": "read and write", "row_bytes": 512, "rows": "uniform"}
        epoch = {"shape": "netflix", "skew": "zipf", "users": 480_189, "items": 17_770, "ratings": 99_070_000, "rank": 128,
                 "storage": "fp32", "plan": "chunks", "grid": 8, "ratings_per_s": 2.15e9}
        return {"card": {"device": {"kind": kind, "name": "a card", "multiprocessors": 132, "l2_bytes": 50_000_000, "clock_ghz": 1.755},
                         "bus": {"gb_per_s": 50}, "epochs": [epoch],
                         "rows": [table | {"table_mb": 16, "gb_per_s": 5500}, table | {"table_mb": 512, "gb_per_s": 3000}]}}

    def test_measurements_stand_beside_predictions_at_measured_bandwidths(self):
        done = run("model.py", "--measured", self.file("card.json", self.report()))
        self.assertIn("| netflix | zipf | 128 | fp32 | chunks | 4.28, issue | 2.15 | 0.50 | 46 | 6 |", done.stdout, done.stderr)
        slow = self.report()
        slow["card"]["rows"][0]["gb_per_s"] = 1000  # of cache: then it is the bound, and used up
        done = run("model.py", "--measured", self.file("slow.json", slow))
        self.assertIn("| 0.85, L2 | 2.15 | 2.53 | 253 |", done.stdout)

    def test_the_interpreter_has_no_speed(self):
        done = run("model.py", "--measured", self.file("card.json", self.report("interpreter, not a card")))
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("no speed", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
