#!/usr/bin/env python3
"""scripts/gpu-check from end to end: on the interpreter, without a device, with a step that fails, and as a packed folder.
And what scripts/profile asks of nsys, which is played by a script here.

    gpu_check.py PROGRAM      the other programs lie in PROGRAM's folder; without the interpreter's: exit 77, with the reason
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts/gpu-check"
NO_GPU = 77
STEPS = ("device-tests", "compute-sanitizer-memcheck", "compute-sanitizer-racecheck", "verify-real", "verify-synthetic",
         "verify-synthetic-repeatable", "benchmarks", "card")
failures = []


def expect(holds, what):
    if not holds:
        failures.append(what)
        print(f"FAILED: {what}")


def run(*words, script=SCRIPT, **environment):
    return subprocess.run([str(word) for word in (script, *words)], capture_output=True, text=True,
                          env={**os.environ, **environment}, timeout=500)


def write_ratings(path):
    lines = [f"{user},{item},{1 + (user * 7 + item * 3) % 5}" for user in range(40) for item in range(30) if (user + item) % 3]
    path.write_text("user,item,rating\n" + "\n".join(lines) + "\n")


def check_interpreter(build, folder):
    write_ratings(folder / "ratings.csv")
    done = run("--interpreter", "--build", build, "--out", folder / "out", "--data", folder / "ratings.csv")
    expect(done.returncode == 0, f"on the interpreter every step passes: {done.returncode}\n{done.stdout}{done.stderr}")
    if not (folder / "out/gpu-check.json").exists():
        return
    report = json.loads((folder / "out/gpu-check.json").read_text())
    page = (folder / "out/gpu-check.md").read_text()
    steps = {step["name"]: step for step in report["steps"]}
    for name in STEPS:
        expect(name in steps, f"the step {name} is in the report")
    expect(report["device"] == "interpreter, not a card" and page.startswith("# gpu-check: interpreter, not a card"),
           "both outputs say that no card was there")
    expect(steps["compute-sanitizer-memcheck"]["result"] == "skipped" and steps["compute-sanitizer-memcheck"]["summary"],
           "what cannot run is skipped, for a reason")
    expect("PASSED" in steps["device-tests"]["summary"], "the device suite's own verdict is there")
    for name in ("real", "synthetic"):
        expect(report["verify"].get(f"verify-{name}", {}).get("passed") is True, f"verify on {name} data is in the report")
    benchmarks = report["benchmarks"] or {}
    expect(benchmarks.get("n_cases", 0) > 0 and benchmarks.get("n_wrong") == 0, "every benchmark is checked, and right")
    case = (benchmarks.get("cases") or [{}])[0]
    expect(case.get("gb_per_s") == "not a device", "the interpreter's times are no rates")
    expect(case.get("model_bytes_per_unit", 0) > 0, "a case says how many bytes it moves")
    card = report["card"] or {}
    expect(card.get("rows") and all(row["correct"] and row["gb_per_s"] == "not a device" for row in card["rows"]),
           "visits of rows are checked, and have no speed here")
    expect(card.get("epochs") and {epoch["plan"] for epoch in card["epochs"]} == {"chunks", "tiles"}
           and all(epoch["correct"] for epoch in card["epochs"]), "both plans have learnt")
    expect(not list((folder / "out").glob("*.part")), "nothing half-written is left")


def check_no_device(build, folder):
    done = run("--interpreter", "--build", build, "--out", folder / "none", SIMT_NO_DEVICE="1")
    expect(done.returncode == NO_GPU and "no GPU" in done.stderr, f"without a device: {done.returncode} {done.stderr}")
    expect(not (folder / "none").exists(), "without a device nothing is written")


def check_failing_step(build, folder):
    broken = folder / "broken"
    (broken / "tests/simt").mkdir(parents=True)
    (broken / "warpfactor-simt").symlink_to(build / "warpfactor-simt")
    (broken / "tests/simt/kernels_simt_tests_plain").symlink_to(build / "tests/simt/kernels_simt_tests_plain")
    (broken / "tests/simt/card_bench_simt").symlink_to(build / "tests/simt/card_bench_simt")
    fake = broken / "tests/simt/kernels_bench_simt"
    fake.write_text('#!/bin/sh\necho "kernels_bench: \\"predict\\" is wrong" >&2\nexit 1\n')
    fake.chmod(0o755)
    done = run("--interpreter", "--build", broken, "--out", folder / "failed")
    expect(done.returncode == 1, f"a step that fails is the script's exit code: {done.returncode}")
    report = json.loads((folder / "failed/gpu-check.json").read_text())
    step = {step["name"]: step for step in report["steps"]}["benchmarks"]
    expect(step["result"] == "failed" and '"predict" is wrong' in step["summary"], f"what failed is said: {step}")
    expect(report["failed_steps"] == 1 and report["benchmarks"] is None, "and counted")


def check_wrong_use(build, folder):
    for words in (["--frobnicate"], ["--out"], ["--build", folder / "nowhere"], ["--data", folder / "nowhere"]):
        done = run(*words)
        expect(done.returncode == 2 and done.stderr.startswith("scripts/gpu-check: "), f"{words}: {done.returncode} {done.stderr}")


def check_pack(build, folder):
    """Where the CUDA parts were built. On a machine with a card the packed folder is not run: that is gpu-check's work."""
    if not all((build / name).exists() for name in ("libwarpfactor_cuda.so", "cuda_tests", "kernels_bench", "card_bench")):
        print("not tried: --pack, as the CUDA parts are not built")
        return
    done = run("--pack", folder / "pack", "--build", build)
    expect(done.returncode == 0 and "MB of 60 allowed" in done.stdout, f"--pack: {done.returncode} {done.stdout}{done.stderr}")
    if done.returncode != 0:
        return
    expect((folder / "pack/build.txt").read_text().startswith("commit: "), "the pack knows its commit")
    expect(any((folder / "pack/lib").iterdir()), "the pack brings its libraries")
    expect(not any("libc.so" in path.name for path in (folder / "pack/lib").iterdir()), "but not glibc")
    again = run("--pack", folder / "pack", "--build", build)
    expect(again.returncode == 2 and "is there already" in again.stderr, "a pack is not written over")
    listed = subprocess.run([folder / "pack/cuda_tests", "--gtest_list_tests"], capture_output=True, text=True, cwd="/")
    expect("cuda_repeatable_" in listed.stdout, "packed tests find their fixtures beside them")
    if '"name": "cuda", "available": true' not in subprocess.run([build / "warpfactor", "doctor", "--json"],
                                                                 capture_output=True, text=True).stdout:
        done = run(script=folder / "pack/gpu-check")
        expect(done.returncode == NO_GPU and "no GPU" in done.stderr, f"the pack without a GPU: {done.returncode} {done.stderr}")


def check_profile(build, folder):
    fake = folder / "nsys"
    fake.write_text('#!/bin/sh\nprintf "%s|" "$@"; echo\n')
    fake.chmod(0o755)
    done = run("--", "doctor", "--json", script=ROOT / "scripts/profile", BUILD=str(build), PATH=f"{folder}:{os.environ['PATH']}")
    lines = done.stdout.splitlines()
    expect(done.returncode == 0 and len(lines) == 3, f"scripts/profile: {done.returncode} {done.stdout}{done.stderr}")
    expect(lines[0].startswith("profile|--trace=cuda,nvtx") and lines[0].endswith("/warpfactor|doctor|--json|"),
           f"nsys runs the program with its arguments: {lines[0]}")
    expect("nvtx_gpu_proj_sum" in lines[1] and "cuda_gpu_kern_sum" in lines[1], f"then its tables: {lines[1]}")
    done = run("train", script=ROOT / "scripts/profile", BUILD=str(build))
    expect(done.returncode == 2 and "come after --" in done.stderr, "arguments without -- are refused")
    if not shutil.which("nsys") and not list(pathlib.Path("/opt/nvidia").glob("nsight-systems/*/bin/nsys")) and \
            not pathlib.Path("/usr/local/cuda/bin/nsys").exists():
        done = run(script=ROOT / "scripts/profile", BUILD=str(build))
        expect(done.returncode == 77 and "nsight-systems" in done.stderr, f"without nsys: {done.returncode} {done.stderr}")


def main(program):
    build = pathlib.Path(program).resolve().parent
    wanted = [build / "warpfactor-simt", build / "tests/simt/kernels_simt_tests_plain", build / "tests/simt/kernels_bench_simt",
              build / "tests/simt/card_bench_simt"]
    for path in wanted:
        if not path.exists():
            print(f"skipped: {path.name} is not built: it needs what tests/simt/README.md names")
            return NO_GPU
    for check in (check_interpreter, check_no_device, check_failing_step, check_wrong_use, check_pack, check_profile):
        with tempfile.TemporaryDirectory() as name:
            check(build, pathlib.Path(name))
    print(f"{len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
