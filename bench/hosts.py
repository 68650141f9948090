#!/usr/bin/env python3
"""Seconds of an epoch of train under mpirun, by one process and by several: on this machine, or each in a network of its own.

    bench/hosts.py PROGRAM [--processes 1,2] [--weak] [--rate 100mbit,1gbit [--delay 1]] [-o FILE.json]

--rate: every process gets a network namespace, a host name and a link of that rate in both directions, by tc; needs root,
ip and tc. --delay: of a link, so that a message takes twice as long from one process to another (delayed_link.py). Beside
what was measured stands what docs/scaling.md says: the bytes, and their time on the links.
"""
import argparse
import contextlib
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

import delayed_link
import scaling

NETWORK = "10.77.0."
ENVIRONMENT = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMPI_MCA_rmaps_base_oversubscribe="1")
# what mpirun calls to start its part on a host: AGENT HOST WORDS...
AGENT = """#!/bin/sh
host=$1
shift
exec ip netns exec "$host" unshare --uts sh -c 'hostname "$1"; shift; exec sh -c "$*"' sh "$host" "$@"
"""
BITS = {"kbit": 1e3, "mbit": 1e6, "gbit": 1e9}
LONG_FRAMES = 9000  # bytes: user space has a sixth of the frames to hand over


def sh(words):
    subprocess.run(words.split(), check=True, stdout=subprocess.DEVNULL)


def bits_of(rate):
    number, unit = re.fullmatch(r"([0-9.]+)([kmg]bit)", rate).groups()
    return float(number) * BITS[unit]


@contextlib.contextmanager
def hosts(count, rate, delay):
    """Names of `count` namespaces on one bridge; this one is on it as well, without a limit."""
    names = [f"wfhost{n}" for n in range(count)]
    sh("ip link add wfbridge type bridge")  # fails where another run has it
    links = contextlib.ExitStack()
    try:
        sh(f"ip addr add {NETWORK}254/24 dev wfbridge")
        sh("ip link set wfbridge up")
        if delay:
            links.enter_context(delayed_link.delayed_links([(f"wfl{n}", f"wfd{n}") for n in range(count)], delay))
        for n, name in enumerate(names):
            sh(f"ip netns add {name}")
            if delay:
                sh(f"ip link set wfl{n} mtu {LONG_FRAMES}")
                sh(f"ip link set wfd{n} mtu {LONG_FRAMES} netns {name} name eth0")
            else:
                sh(f"ip link add wfl{n} type veth peer name eth0 netns {name}")
            sh(f"ip link set wfl{n} master wfbridge up")
            for words in ("link set lo up", f"addr add {NETWORK}{n + 1}/24 dev eth0", "link set eth0 up"):
                sh(f"ip -n {name} {words}")
            for words in (f"tc -n {name} qdisc add dev eth0", f"tc qdisc add dev wfl{n}"):  # what it sends, and receives
                sh(f"{words} root tbf rate {rate} burst 256kb latency 200ms")
        yield names
    finally:
        for n, name in enumerate(names):
            subprocess.run(["ip", "link", "del", f"wfl{n}"], stderr=subprocess.DEVNULL)  # a namespace takes its time to let it go
            subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL)
        subprocess.run(["ip", "link", "del", "wfbridge"], stderr=subprocess.DEVNULL)
        links.close()


def train(program, data, folder, options, processes, names=None):
    """Returns median seconds of an epoch but the first, and the last epoch's training RMSE."""
    words = [program, "train", data, "-k", str(options.rank), "--grid", str(options.grid), "--epochs", str(options.epochs), "-j", "1",
             "--no-valid", "--deterministic", "-o", folder / "m.safetensors", "--quiet"]
    command = ["mpirun", "-n", str(processes), "--bind-to", "none"]
    if names:
        command += ["--host", ",".join(f"{name}:1" for name in names), "--mca", "plm_rsh_agent", str(folder / "agent"), "--mca", "btl", "tcp,self",
                    "--mca", "btl_tcp_if_include", NETWORK + "0/24", "--mca", "oob_tcp_if_include", NETWORK + "0/24"]
    elif processes == 1:
        command = []
    result = subprocess.run([*command, *words], env=ENVIRONMENT, capture_output=True, text=True, timeout=600)
    if result.returncode != 0:
        sys.exit(f"{processes} processes ended with {result.returncode}: {result.stderr}")
    log = [json.loads(line) for line in (folder / "m.metrics.jsonl").read_text().splitlines()]
    return statistics.median(epoch["seconds"] for epoch in log[1:]), log[-1]["train_rmse"]


def made(program, folder, options, times):
    """A page file of ratings for so many processes."""
    text, pages = folder / f"{times}.txt", folder / f"{times}.wfr"
    if not pages.exists():
        users, items, ratings = (str(value) for value in (options.users * times, options.items, options.ratings * times))
        subprocess.run([program, "synth", "--users", users, "--items", items, "--ratings", ratings, "-o", text, "--quiet"], check=True)
        subprocess.run([program, "convert", text, "-o", pages, "--quiet"], check=True)
        text.unlink()
    return pages


def measure(program, folder, options, rate):
    cores = os.cpu_count()
    rows, alone = [], None
    for processes in options.processes:
        data = made(program, folder, options, processes if options.weak else 1)
        with contextlib.ExitStack() as stack:
            names = stack.enter_context(hosts(processes, rate, options.delay / 1000)) if rate and processes > 1 else None
            seconds, rmse = zip(*(train(program, data, folder, options, processes, names) for _ in range(options.runs)))
        epoch = statistics.median(seconds)
        alone = alone or epoch
        ideal = alone if options.weak else alone / processes
        sent = 0 if processes == 1 else scaling.sent(options.items, options.rank, options.grid)
        row = {"processes": processes, "seconds": epoch, "least": min(seconds), "most": max(seconds), "efficiency": ideal / epoch,
               "sent_bytes": sent, "train_rmse": rmse[0]}
        if rate:
            work = alone * (processes if options.weak else 1) / min(processes, cores)
            messages = 0 if processes == 1 else options.grid * 2 * options.delay / 1000
            row |= {"rate": rate, "delay_ms": options.delay, "link_seconds": 8 * sent / bits_of(rate) + messages, "work_seconds": work}
        rows.append(row)
        print(", ".join(f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}" for key, value in row.items()), flush=True)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--processes", type=lambda text: [int(n) for n in text.split(",")], default=[1, 2])
    parser.add_argument("--weak", action="store_true", help="users and ratings grow with the processes")
    parser.add_argument("--rate", type=lambda text: text.split(","), default=[""])
    parser.add_argument("--delay", type=float, default=0, help="milliseconds")
    parser.add_argument("--users", type=int, default=70_000)
    parser.add_argument("--items", type=int, default=10_700)
    parser.add_argument("--ratings", type=int, default=7_800_000)
    parser.add_argument("-k", "--rank", type=int, default=64)
    parser.add_argument("--grid", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("-o", "--out", type=pathlib.Path)
    options = parser.parse_args()
    if options.processes[0] != 1:
        parser.error("--processes begins with 1, which the others are compared with")
    program = os.path.abspath(options.program)
    for tool in ["mpirun"] + (["ip", "tc", "unshare"] if options.rate[0] else []):
        if shutil.which(tool) is None:
            sys.exit(f"{tool} is not installed")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "agent").write_text(AGENT)
        (folder / "agent").chmod(0o755)
        rows = [row for rate in options.rate for row in measure(program, folder, options, rate)]
    if options.out:
        about = {key: value for key, value in vars(options).items() if key not in ("program", "out")} | {"cores": os.cpu_count()}
        options.out.write_text(json.dumps({"options": about, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
