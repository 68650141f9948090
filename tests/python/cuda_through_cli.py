#!/usr/bin/env python3
"""The CUDA engine through the command line: with the interpreter as the device, and the real program without a driver.

    cuda_through_cli.py PROGRAM INTERPRETER_PROGRAM      warpfactor and warpfactor-simt of one build
"""
import gzip
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM, SIMT = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:3])
MPIRUN = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_rmaps_base_oversubscribe": "1",
          "OMPI_MCA_btl_base_warn_component_unused": "0", "OMPI_MCA_btl_vader_single_copy_mechanism": "none"}


class Device(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.run_ok(SIMT, "synth", "--users", "60", "--items", "40", "--ratings", "1500", "--seed", "3", "-o", "r.txt")

    def run_program(self, program, *arguments, **environment):
        return subprocess.run([program, *arguments], cwd=self.folder.name, env={**os.environ, **environment},
                              capture_output=True, text=True, timeout=300)

    def run_ok(self, program, *arguments, **environment):
        result = self.run_program(program, *arguments, **environment)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertNotIn("simt:", result.stderr)  # the interpreter's findings
        return result

    def train(self, engine, model, *options):
        return self.run_ok(SIMT, "train", "r.txt", "--device", engine, "--epochs", "3", "-k", "16", "-o", model, *options)

    def test_every_verb_works_on_the_device(self):
        self.train("cuda", "m.safetensors", "--batch-size", "100", "--lr", "0.5")
        errors = json.loads(self.run_ok(SIMT, "evaluate", "m.safetensors", "r.txt", "--device", "cuda", "--json").stdout)
        on_cpu = json.loads(self.run_ok(SIMT, "evaluate", "m.safetensors", "r.txt", "--device", "cpu", "--json").stdout)
        self.assertAlmostEqual(errors["rmse"], on_cpu["rmse"], places=6)
        predict = [self.run_ok(SIMT, "predict", "m.safetensors", "r.txt", "--device", engine).stdout.splitlines()
                   for engine in ("cuda", "cpu")]
        self.assertEqual(predict[0], predict[1])
        top = [self.run_ok(SIMT, "recommend", "m.safetensors", "--user", "3", "--device", engine).stdout.splitlines()
               for engine in ("cuda", "cpu")]
        self.assertEqual([line.split(",")[:3] for line in top[0]], [line.split(",")[:3] for line in top[1]])

    def test_the_default_training_runs_on_the_device_and_says_so(self):
        result = self.train("auto", "m.safetensors")
        self.assertIn("engine cuda, SIMT interpreter", result.stderr)
        self.assertIn("memory needs", result.stderr)
        self.assertIn("factors", result.stderr)

    def test_deterministic_training_has_the_bits_of_the_cpu(self):
        options = ("--batch-size", "100", "--lr", "0.5", "--deterministic")
        self.train("cuda", "a.safetensors", *options)
        self.train("cpu", "b.safetensors", *options)
        tensors = []
        for name in ("a", "b"):
            raw = (pathlib.Path(self.folder.name) / f"{name}.safetensors").read_bytes()
            length = int.from_bytes(raw[:8], "little")
            tensors.append(raw[8 + length:])
        self.assertEqual(tensors[0], tensors[1])

    def tensors(self, name):
        raw = pathlib.Path(self.folder.name, name).read_bytes()
        return raw[8 + int.from_bytes(raw[:8], "little"):]

    def test_a_training_is_the_same_bits_by_any_kind_of_file_and_threads_and_where_it_was_stopped(self):
        text = pathlib.Path(self.folder.name, "r.txt")
        pathlib.Path(self.folder.name, "r.txt.gz").write_bytes(gzip.compress(text.read_bytes()))
        self.run_ok(SIMT, "convert", "r.txt", "-o", "r.wfr")
        batches = ["--batch-size", "100", "--lr", "0.05"]
        for options in ([], ["--optimizer", "sgd"], ["--loss", "bpr"], ["--valid-frac", "0.2", "--lr", "0.3"], batches,
                        [*batches, "--momentum", "0.9"], [*batches, "--optimizer", "sparse_adam"],
                        [*batches, "--optimizer", "adam", "--gradients", "dense"], [*batches, "--optimizer", "adagrad"],
                        ["--algorithm", "als"], ["--implicit"], ["--algorithm", "nmf", "--missing", "zero"],
                        ["--algorithm", "gd"], ["--algorithm", "ccd"]):
            with self.subTest(options=options):
                for path in pathlib.Path(self.folder.name).glob("m.*"):
                    path.unlink()
                command = ["--device", "cuda", "-k", "16", "--deterministic", *options]
                self.run_ok(SIMT, "train", "r.txt.gz", *command, "-j", "1", "-o", "straight.safetensors", "--epochs", "3")
                for epochs, data, threads in (("1", "r.txt", "2"), ("2", "r.wfr", "3"), ("3", "r.txt", "8")):
                    again = self.run_ok(SIMT, "train", data, *command, "-j", threads, "-o", "m.safetensors", "--epochs", epochs,
                                        "--resume")
                self.assertIn("goes on behind ", again.stderr)
                self.assertEqual(self.tensors("m.safetensors"), self.tensors("straight.safetensors"))

    def test_a_decomposition_goes_on_from_a_pass_to_the_same_bits(self):
        for algorithm in ("svd", "pca"):
            command = ["train", "r.txt", "--device", "cuda", "-k", "8", "--algorithm", algorithm, "--deterministic", "-o", "m.safetensors"]
            self.run_ok(SIMT, *command, "--checkpoint-every", "3")
            straight = self.tensors("m.safetensors")
            checkpoint = pathlib.Path(self.folder.name, "m.safetensors.checkpoint")
            checkpoint.with_name(checkpoint.name + ".previous").replace(checkpoint)
            self.assertIn("goes on behind pass 3", self.run_ok(SIMT, *command, "--resume").stderr)
            self.assertEqual(self.tensors("m.safetensors"), straight)

    def test_rows_that_visit_the_device_go_on_to_the_same_bits(self):
        self.run_ok(SIMT, "synth", "--users", "5000", "--items", "2000", "--ratings", "9000", "-o", "large.txt")
        command = ["train", "large.txt", "--device", "cuda", "-k", "128", "--grid", "16", "--deterministic"]
        result = self.run_ok(SIMT, *command, "--epochs", "2", "-o", "straight.safetensors", SIMT_DEVICE_MIB="4")
        self.assertIn("ratings and rows stream", result.stderr)
        for epochs in ("1", "2"):
            self.run_ok(SIMT, *command, "--epochs", epochs, "-o", "m.safetensors", "--resume", SIMT_DEVICE_MIB="4")
        self.assertEqual(self.tensors("m.safetensors"), self.tensors("straight.safetensors"))

    def test_factors_of_16_bits_go_on(self):
        command = ["train", "r.txt", "--device", "cuda", "-k", "16", "--storage", "fp16", "-o", "m.safetensors", "--json"]
        self.run_ok(SIMT, *command, "--epochs", "2", "--checkpoint-every", "1")
        result = json.loads(self.run_ok(SIMT, *command, "--epochs", "4", "--resume").stdout)
        self.assertEqual((result["resumed_from"], result["epochs"]), (2, 4))

    def mpirun(self, *words, **environment):
        return self.run_program("mpirun", *words, **MPIRUN, **environment)

    def pages_for_processes(self):
        if shutil.which("mpirun") is None or not pathlib.Path(SIMT).with_name("libwarpfactor_mpi.so").exists():
            self.skipTest("mpirun or the MPI module is missing")
        self.run_ok(SIMT, "convert", "r.txt", "-o", "r.wfr")
        return ["train", "r.wfr", "--device", "cuda", "-k", "12", "--grid", "6", "--no-save-seen", "--deterministic", "--epochs", "3"]

    def assert_bits_of_one(self, result, what):
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertNotIn("simt:", result.stderr)
        self.assertIn("engine cuda, SIMT interpreter", result.stderr)
        self.assertEqual(self.tensors("several.safetensors"), self.tensors("one.safetensors"), what)

    def each_training_by_processes(self, processes, **environment):
        """The number of processes of trainings that have the bits of one, with streams that are eager and deferred in turn."""
        words = self.pages_for_processes()
        for number, options in enumerate(([], ["--optimizer", "sgd", "--no-biases"], ["--nonnegative", "--valid-frac", "0.3"])):
            self.run_ok(SIMT, *words, *options, "-o", "one.safetensors")
            for count in processes:
                result = self.mpirun("-n", str(count), SIMT, *words, *options, "-o", "several.safetensors",
                                     SIMT_DEFERRED=str((number + count) % 2), **environment)
                self.assert_bits_of_one(result, (count, options))
                yield count

    def test_processes_with_a_device_each_have_the_bits_of_one(self):
        for _ in self.each_training_by_processes((2, 3)):
            pass

    def test_items_go_from_device_to_device_where_there_is_nccl(self):
        counts = pathlib.Path(self.folder.name) / "counts"
        for processes in self.each_training_by_processes((2, 3, 6), SIMT_NCCL=str(counts)):
            sent = dict(map(int, line.split()) for line in counts.read_text().splitlines())
            counts.unlink()
            self.assertEqual(sorted(sent), list(range(processes)))
            # docs/scaling.md: of G = 6 ranges G - d an epoch; ranges have items more or less, but all ranks send each
            most = 3 * 4 * 40 * (16 + 8) * processes
            self.assertLessEqual(sum(sent.values()), most)
            self.assertGreater(sum(sent.values()), most * 5 / 6 * 0.98)

    def test_items_go_through_the_host_where_one_process_cannot_send(self):
        words = self.pages_for_processes()
        self.run_ok(SIMT, *words, "-o", "one.safetensors")
        counts = pathlib.Path(self.folder.name) / "counts"
        with_nccl, train = ["-x", f"SIMT_NCCL={counts}"], [SIMT, *words, "-o", "several.safetensors"]
        for what, first, second in (("no NCCL", with_nccl, []),
                                    ("one card", [*with_nccl, "-x", "SIMT_CARD=7"], [*with_nccl, "-x", "SIMT_CARD=7"]),
                                    ("another version", with_nccl, [*with_nccl, "-x", "SIMT_NCCL_VERSION=22700"]),
                                    ("too old", [*with_nccl, "-x", "SIMT_NCCL_VERSION=2604"], [*with_nccl, "-x", "SIMT_NCCL_VERSION=2604"])):
            result = self.mpirun("-n", "1", *first, *train, ":", "-n", "1", *second, *train)
            self.assert_bits_of_one(result, what)
            self.assertFalse(counts.exists(), what)
        # there is room for no row that stays: items visit, though devices are connected
        result = self.mpirun("-n", "2", *with_nccl, *train, "--device-memory", "7000")
        self.assert_bits_of_one(result, "no room")
        self.assertEqual([line.split()[1] for line in counts.read_text().splitlines()], ["0", "0"])

    def test_processes_with_a_device_go_on_with_another_number_of_them(self):
        words = self.pages_for_processes()
        self.run_ok(SIMT, *words, "-o", "one.safetensors")
        for environment in ({}, {"SIMT_NCCL": "counts"}):
            for processes, epochs in (("2", "1"), ("3", "2"), ("1", "3")):
                result = self.mpirun("-n", processes, SIMT, *words[:-1], epochs, "-o", "several.safetensors", "--checkpoint-every", "1",
                                     "--resume", **environment)
                self.assertEqual(result.returncode, 0, result.stderr)
            self.assert_bits_of_one(result, environment)
            for left in pathlib.Path(self.folder.name).glob("several.*"):
                left.unlink()

    def test_who_cannot_send_ends_the_job(self):
        words = self.pages_for_processes()
        began = time.monotonic()
        train = [SIMT, *words, "-o", "none.safetensors"]
        with_nccl = ["-x", "SIMT_NCCL=counts"]
        result = self.mpirun("-n", "1", *with_nccl, *train, ":", "-n", "1", *with_nccl, "-x", "SIMT_NCCL_FAILS=5", *train)
        self.assertNotEqual(result.returncode, 0)
        self.assertRegex(result.stderr, r"process 1 of 2 \(on .*ncclSend failed")
        self.assertLess(time.monotonic() - began, 60, "the other one waited for it")
        self.assertFalse((pathlib.Path(self.folder.name) / "none.safetensors").exists())

    def test_least_squares_runs_on_the_device(self):
        for options in (["--algorithm", "als", "--no-valid"], ["--implicit"], ["--implicit", "--solver", "cg"], ["--algorithm", "ccd", "--no-valid"],
                        ["--algorithm", "gd", "--no-valid"], ["--algorithm", "nmf", "--missing", "zero"],
                        ["--algorithm", "nmf", "--solver", "hals", "--no-valid"],
                        ["--implicit", "--solver", "subspace", "--block", "5"]):
            losses = {}
            for engine in ("cuda", "cpu"):
                result = self.train(engine, "m.safetensors", "--json", *options)
                losses[engine] = json.loads(result.stdout)["train_loss"]
                self.assertIn("memory needs" if engine == "cuda" else "engine cpu", result.stderr)
            self.assertAlmostEqual(losses["cuda"] / losses["cpu"], 1, places=4)

    def test_singular_values_on_the_device_are_those_of_the_cpu(self):
        for algorithm in ("svd", "pca"):
            values = {}
            for engine in ("cuda", "cpu"):
                result = self.run_ok(SIMT, "train", "r.txt", "--device", engine, "--algorithm", algorithm, "-k", "8", "-o", "m.safetensors", "--json")
                values[engine] = json.loads(result.stdout)["spectrum"]["singular_values"]
            for on_device, on_cpu in zip(values["cuda"], values["cpu"]):
                self.assertAlmostEqual(on_device / on_cpu, 1, places=4)

    def test_verify_agrees_and_reports_each_phase(self):
        for mode in ([], ["--deterministic"]):
            result = self.run_ok(SIMT, "verify", "r.txt", "--device", "cuda", "--steps", "4", "-k", "33",
                                 "--batch-size", "200", "--json", *mode)
            report = json.loads(result.stdout)
            self.assertTrue(report["passed"])
            names = [phase["phase"] for phase in report["phases"]]
            for name in ("slopes", "user gradients", "item gradients", "user factors", "per-rating item factors",
                         "als user biases", "ials item factors", "predictions", "RMSE and MAE", "scores of all items"):
                self.assertIn(name, names)

    def test_verify_ends_with_1_above_the_tolerance_and_names_the_place(self):
        result = self.run_program(SIMT, "verify", "r.txt", "--device", "cuda", "--steps", "4", "-k", "33", "--batch-size",
                                  "200", "--tolerance", "0")
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn("APART", result.stdout)
        self.assertRegex(result.stdout, r"first apart at step \d+, row \d+, column \d+: \S+ by the reference, \S+ here")

    def test_verify_refuses_what_it_would_ignore(self):
        for words in (["--grid", "3"], ["--epochs", "5"], ["--user-padding-idx", "1"], ["--init-from", "m.safetensors"]):
            result = self.run_program(SIMT, "verify", "r.txt", "--device", "cuda", *words)
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertIn(words[0], result.stderr)

    def test_what_does_not_fit_is_refused_with_the_option_that_helps(self):
        self.run_ok(SIMT, "synth", "--users", "5000", "--items", "2000", "--ratings", "9000", "-o", "large.txt")
        result = self.run_program(SIMT, "train", "large.txt", "--device", "cuda", "-k", "128", SIMT_DEVICE_MIB="4")
        self.assertEqual(result.returncode, 4, result.stderr)
        self.assertRegex(result.stderr, r"does not fit: it needs .* of 4\.2 MB.*rows of blocks.*--grid \d+ may fit; --rank \d+ fits")
        grid = re.search(r"--grid (\d+) may fit", result.stderr).group(1)
        result = self.run_program(SIMT, "train", "large.txt", "--device", "cuda", "-k", "128", "--epochs", "1", "--grid", grid,
                                  SIMT_DEVICE_MIB="4")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("ratings and rows stream", result.stderr)

    def test_a_machine_without_a_device(self):
        result = self.run_program(SIMT, "train", "r.txt", "--device", "cuda", SIMT_NO_DEVICE="1")
        self.assertEqual(result.returncode, 4, result.stderr)
        self.assertIn("--engine cpu", result.stderr)
        result = self.run_ok(SIMT, "train", "r.txt", "--epochs", "1", "-k", "4", SIMT_NO_DEVICE="1")
        self.assertIn("engine cpu", result.stderr)


class RealProgram(unittest.TestCase):
    def setUp(self):
        report = json.loads(subprocess.run([PROGRAM, "doctor", "--json"], capture_output=True, check=True).stdout)
        self.cuda = next(engine for engine in report["engines"] if engine["name"] == "cuda")

    def train(self, folder, engine):
        pathlib.Path(folder, "r.csv").write_text("".join(f"{n % 7},{n % 5},{1 + n % 3}\n" for n in range(60)))
        return subprocess.run([PROGRAM, "train", "r.csv", "--device", engine, "--epochs", "1", "-k", "2"], cwd=folder,
                              capture_output=True, text=True, timeout=300)

    def test_without_a_driver_cuda_is_refused_with_the_reason(self):
        if self.cuda["available"]:
            self.skipTest("this machine has a CUDA device")
        with tempfile.TemporaryDirectory() as folder:
            result = self.train(folder, "cuda")
        self.assertEqual(result.returncode, 4, result.stderr)
        self.assertIn(self.cuda["detail"], result.stderr)
        self.assertIn("--engine cpu", result.stderr)

    def test_without_a_driver_auto_takes_the_cpu_and_says_why(self):
        if self.cuda["available"]:
            self.skipTest("this machine has a CUDA device")
        with tempfile.TemporaryDirectory() as folder:
            result = self.train(folder, "auto")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("engine cpu", result.stderr)
        self.assertIn("cuda: " + self.cuda["detail"], result.stderr)

    def test_the_program_is_linked_to_no_cuda_library(self):
        libraries = subprocess.run(["ldd", PROGRAM], capture_output=True, text=True, check=True).stdout
        for name in ("cuda", "cublas", "nvidia"):
            self.assertNotIn(name, libraries)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
