#!/usr/bin/env python3
"""Trainings that are killed at random moments, and disks that fail: a whole checkpoint is always found, and the training
that goes on from it ends with the bits of one that was never stopped.

    killed_training.py PROGRAM        77: no C compiler for the library that makes writes fail

Moments are drawn from KILLED_SEED (default 1); half of them lie inside the writing of a checkpoint.
"""
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = str(pathlib.Path(sys.argv[1]).resolve())
SEED = int(os.environ.get("KILLED_SEED", "1"))
KILLS = 200
EPOCHS = 30
NOBODY = 65534
CHECKPOINT = "m.safetensors.checkpoint"

# Stands between the program and the system's calls, for files of checkpoints alone. FAULT is CALL:FIRST:WHAT: from the
# FIRST such call on, or where it is CALL:FIRST!:WHAT in that one alone, WHAT happens: an errno, "short" (half is
# written), "kill" (half is written, then SIGKILL). "folder" is the fsync of a folder, of any file in it.
SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static int calls;

static int of_checkpoint(int descriptor) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t size = readlink(link, path, sizeof path - 1);
  if (size < 0) return 0;
  path[size] = 0;
  return strstr(path, ".checkpoint.part-") != NULL;
}

/* What is to happen in this call; NULL: nothing. */
static const char* fault(const char* call) {
  const char* text = getenv("FAULT");
  size_t length = strlen(call);
  if (text == NULL || strncmp(text, call, length) != 0 || text[length] != ':') return NULL;
  char* end;
  long first = strtol(text + length + 1, &end, 10);
  if (*end == '!') return ++calls == first ? end + 2 : NULL;
  return ++calls < first ? NULL : end + 1;
}

static int fails(const char* what) {
  if (strcmp(what, "kill") == 0) raise(SIGKILL);
  errno = atoi(what);
  return -1;
}

ssize_t pwrite(int descriptor, const void* data, size_t size, off_t place) {
  ssize_t (*next)(int, const void*, size_t, off_t) = dlsym(RTLD_NEXT, "pwrite");
  const char* what = of_checkpoint(descriptor) ? fault("write") : NULL;
  if (what == NULL) return next(descriptor, data, size, place);
  if (strcmp(what, "short") == 0) return next(descriptor, data, size > 1 ? size / 2 : size, place);
  if (strcmp(what, "kill") == 0) next(descriptor, data, size / 2, place);
  return fails(what);
}
ssize_t pwrite64(int descriptor, const void* data, size_t size, off_t place) { return pwrite(descriptor, data, size, place); }
int fsync(int descriptor) {
  int (*next)(int) = dlsym(RTLD_NEXT, "fsync");
  struct stat facts;
  const char* what = NULL;
  if (of_checkpoint(descriptor)) what = fault("fsync");
  else if (fstat(descriptor, &facts) == 0 && S_ISDIR(facts.st_mode)) what = fault("folder");
  return what == NULL ? next(descriptor) : fails(what);
}
int rename(const char* from, const char* to) {
  int (*next)(const char*, const char*) = dlsym(RTLD_NEXT, "rename");
  const char* what = strstr(to, ".checkpoint") != NULL ? fault("rename") : NULL;
  return what == NULL ? next(from, to) : fails(what);
}
int open(const char* path, int flags, ...) {
  int (*next)(const char*, int, ...) = dlsym(RTLD_NEXT, "open");
  va_list rest;
  va_start(rest, flags);
  int mode = flags & O_CREAT ? va_arg(rest, int) : 0;
  va_end(rest);
  const char* what = strstr(path, ".checkpoint.part-") != NULL ? fault("open") : NULL;
  return what == NULL ? next(path, flags, mode) : fails(what);
}
int open64(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  int mode = flags & O_CREAT ? va_arg(rest, int) : 0;
  va_end(rest);
  return open(path, flags, mode);
}
"""


def memory_folder():
    """A kill loses nothing that the system has: where the files are in memory, syncing takes no time."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class Killed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory(dir=memory_folder())
        cls.addClassCleanup(cls.place.cleanup)
        cls.home = pathlib.Path(cls.place.name)
        (cls.home / "shim.c").write_text(SHIM)
        cls.shim = cls.home / "shim.so"
        subprocess.run([COMPILER, "-shared", "-fPIC", "-O1", "-o", cls.shim, cls.home / "shim.c", "-ldl"], check=True)
        subprocess.run([PROGRAM, "synth", "--users", "60", "--items", "40", "--ratings", "1500", "--seed", "3", "-o",
                        cls.home / "r.txt", "--quiet"], check=True)
        cls.straight = {}

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=self.home))
        self.addCleanup(shutil.rmtree, self.folder)

    def command(self, *options, epochs=EPOCHS):
        return [PROGRAM, "train", "../r.txt", "-o", "m.safetensors", "-k", "16", "-j", "2", "--epochs", str(epochs),
                "--no-early-stopping", "--deterministic", *options]

    def environment(self, fault):
        return {**os.environ, "FAULT": fault, "LD_PRELOAD": str(self.shim)} if fault else dict(os.environ)

    def run_to_end(self, *options, fault=None, epochs=EPOCHS):
        result = subprocess.run(self.command(*options, epochs=epochs), cwd=self.folder, env=self.environment(fault),
                                capture_output=True, text=True, timeout=120)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def epochs_logged(self):
        log = self.folder / "m.metrics.jsonl"
        return log.read_text().count("\n") if log.exists() else 0

    def outcome(self):
        """The model's bytes, and the log without its times."""
        lines = []
        for line in (self.folder / "m.metrics.jsonl").read_text().splitlines():
            metrics = json.loads(line)
            lines.append({key: metrics[key] for key in metrics if key not in ("ts", "seconds", "ratings_per_s")})
        return (self.folder / "m.safetensors").read_bytes(), lines

    def expected(self, options, epochs=EPOCHS):
        """What a training that is never stopped leaves."""
        key = (options, epochs)
        if key not in self.straight:
            here, self.folder = self.folder, pathlib.Path(tempfile.mkdtemp(dir=self.home))
            start = time.monotonic()
            self.run_to_end("--quiet", "--checkpoint-every", "1", *options, epochs=epochs)
            self.straight[key] = (*self.outcome(), time.monotonic() - start)
            self.folder = here
        return self.straight[key]

    def go_on(self, options, epochs=EPOCHS):
        """Returns the epoch that the training went on from."""
        result = self.run_to_end("--resume", "--json", *options, epochs=epochs)
        self.assertEqual(self.outcome(), self.expected(options, epochs)[:2])
        return json.loads(result.stdout)["resumed_from"]

    def kill_once(self, chance, options):
        """Returns whether the training was under way. Kills at a time, or where the shim counts to."""
        fault = None
        if chance.random() < 0.5:
            call = chance.choice(["write", "write", "write", "fsync", "rename", "open"])
            most = {"write": 8, "rename": 2}.get(call, 1) * EPOCHS
            fault = f"{call}:{chance.randint(1, most)}:kill"
        child = subprocess.Popen(self.command("--quiet", "--checkpoint-every", "1", "--resume", *options), cwd=self.folder,
                                 env=self.environment(fault), stderr=subprocess.DEVNULL)
        if fault is None:
            time.sleep(chance.random() * self.expected(options)[2])
            child.kill()
        code = child.wait(timeout=120)
        self.assertIn(code, (-signal.SIGKILL, 0))
        return code != 0

    def test_killed_at_any_moment(self):
        chance = random.Random(SEED)
        killed = inside = begun = 0
        trainings = [(), ("--batch-size", "200", "--optimizer", "sparse_adam"), ("--algorithm", "als"),
                     ("--engine", "reference", "--optimizer", "sgd", "--lr-schedule", "bold_driver")]
        for options in trainings:
            self.expected(options)
        while killed < KILLS:
            options = chance.choice(trainings)
            for path in self.folder.iterdir():
                path.unlink()
            if not self.kill_once(chance, options):
                continue  # it was over before
            killed += 1
            logged = self.epochs_logged()
            inside += any(".part-" in path.name for path in self.folder.iterdir())
            with self.subTest(kill=killed, options=options, logged=logged):
                epoch = self.go_on(options)
                self.assertIn(epoch, (logged, logged - 1) if logged else (0,))
                self.assertFalse([path.name for path in self.folder.iterdir() if ".part-" in path.name])
                begun += epoch > 0
        print(f"{killed} kills, {inside} of them with a checkpoint half written; {begun} went on behind an epoch")
        self.assertGreater(inside, KILLS // 10)
        self.assertGreater(begun, KILLS // 2)

    def test_killed_again_and_again(self):
        chance = random.Random(SEED + 1)
        for _ in range(5):
            for path in self.folder.iterdir():
                path.unlink()
            for _ in range(20):
                if not self.kill_once(chance, ()):
                    break
            self.go_on(())

    def test_a_checkpoint_that_cannot_be_written_costs_nothing_else(self):
        errors = {"ENOSPC": 28, "EIO": 5, "EROFS": 30, "EACCES": 13}
        # of a checkpoint of this training: one open, some writes, one fsync, and two renames but for the first
        for call, first, error in (("write", 1, "ENOSPC"), ("write", 100, "ENOSPC"), ("write", 77, "EIO"), ("fsync", 1, "EIO"),
                                   ("fsync", 9, "EIO"), ("rename", 1, "EIO"), ("rename", 8, "EIO"), ("rename", 9, "EIO"),
                                   ("open", 1, "EROFS"), ("open", 4, "EACCES")):
            with self.subTest(call=call, first=first, error=error):
                for path in self.folder.iterdir():
                    path.unlink()
                result = self.run_to_end("--checkpoint-every", "1", fault=f"{call}:{first}:{errors[error]}")
                self.assertEqual(self.outcome(), self.expected(())[:2])
                self.assertIn(os.strerror(errors[error]), result.stderr)
                self.assertIn("the training goes on, ", result.stderr)
                self.assertFalse([path.name for path in self.folder.iterdir() if ".part-" in path.name])
                stays = result.stderr.rsplit("the training goes on, ", 1)[1].splitlines()[0]
                resumed = self.go_on((), EPOCHS + 2)
                self.assertEqual(stays, f"that of epoch {resumed} stays" if resumed else "there is none yet")

    def test_a_rename_that_fails_is_undone(self):
        last = 2 * EPOCHS - 1  # two for each checkpoint but the first; the other one of the last epoch went well
        result = self.run_to_end("--quiet", "--checkpoint-every", "1", "--json", fault=f"rename:{last}!:5")
        self.assertIn(f"no checkpoint of epoch {EPOCHS}: ", result.stderr)
        self.assertIn(f"that of epoch {EPOCHS - 1} stays", result.stderr)
        self.assertEqual(json.loads(result.stdout)["checkpoint_epoch"], EPOCHS - 1)
        self.assertTrue((self.folder / CHECKPOINT).exists())
        self.assertFalse((self.folder / (CHECKPOINT + ".previous")).exists())
        self.assertEqual(self.go_on(()), EPOCHS - 1)

    def test_a_folder_that_cannot_be_synced_keeps_the_checkpoint(self):
        result = self.run_to_end("--quiet", "--checkpoint-every", str(EPOCHS), "--json", fault="folder:1!:5")
        self.assertIn(f"checkpoint of epoch {EPOCHS}: {CHECKPOINT}: is written, but its folder cannot be synced", result.stderr)
        self.assertNotIn("there is none yet", result.stderr)
        self.assertEqual(json.loads(result.stdout)["checkpoint_epoch"], EPOCHS)
        self.assertEqual(self.go_on(()), EPOCHS)

    def test_ratings_that_are_in_a_file_of_their_own(self):
        subprocess.run([PROGRAM, "synth", "--users", "2000", "--items", "900", "--ratings", "1000000", "-o", "many.txt", "--quiet"],
                       cwd=self.folder, check=True)
        subprocess.run([PROGRAM, "convert", "many.txt", "--quiet"], cwd=self.folder, check=True)
        command = [PROGRAM, "train", "many.wfr", "-k", "8", "-j", "2"]
        refused = subprocess.run([*command, "--memory", "1M"], cwd=self.folder, capture_output=True, text=True)
        least = float(re.search(r"give at least ([0-9.]+) MB", refused.stderr).group(1))  # 8 MB for 12 of ratings
        command += ["--memory", f"{least + 1}M", "-o"]
        straight = subprocess.run([*command, "straight", "--epochs", "3"], cwd=self.folder, capture_output=True, text=True, check=True)
        self.assertIn("are in a scratch file beside the model", straight.stderr)
        for epochs in ("1", "2", "3"):
            subprocess.run([*command, "m", "--epochs", epochs, "--resume", "--quiet"], cwd=self.folder, check=True)
        self.assertEqual((self.folder / "m").read_bytes(), (self.folder / "straight").read_bytes())

    def test_short_writes_are_made_whole(self):
        self.run_to_end("--quiet", "--checkpoint-every", "1", fault="write:1:short")
        self.assertEqual(self.outcome(), self.expected(())[:2])
        self.assertEqual(self.go_on(()), EPOCHS)

    def test_a_folder_that_becomes_read_only(self):
        somebody = {}
        if os.geteuid() == 0:  # root writes to any folder
            somebody = {"user": NOBODY, "group": NOBODY}
            self.home.chmod(0o755)
            os.chown(self.folder, NOBODY, NOBODY)
            try:
                subprocess.run([PROGRAM, "--version"], stdout=subprocess.DEVNULL, check=True, **somebody)
            except (OSError, subprocess.CalledProcessError):
                self.skipTest("nobody but root may run the program here; EROFS and EACCES are among the faults above")
        child = subprocess.Popen(self.command("--checkpoint-every", "1", epochs=3000), cwd=self.folder, text=True,
                                 stderr=subprocess.PIPE, **somebody)
        self.addCleanup(child.stderr.close)
        for line in child.stderr:
            if line.startswith("epoch  ") and " 3/3000 " in line:  # whose line is there before its checkpoint
                break
        self.folder.chmod(0o500)  # the pipe is full long before the last epoch
        text = child.stderr.read()
        self.folder.chmod(0o700)
        child.wait(timeout=120)
        self.assertIn("no checkpoint of epoch", text)
        self.assertGreaterEqual(self.go_on((), 3000), 2)


if __name__ == "__main__":
    COMPILER = next((found for found in map(shutil.which, ("cc", "gcc", "clang")) if found), None)
    if COMPILER is None:
        print("skipped: no C compiler")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
