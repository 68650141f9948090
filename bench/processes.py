"""Runs one program and says what it took: wall time, peak memory, and what it printed."""
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass


class Failure(Exception):
    """A program that did not do what it was asked to: there is nothing to compare."""


@dataclass
class Run:
    seconds: float  # from the start of the process to its end
    peak_bytes: int  # resident; at least those of the script that starts it, some 20 MB, which Linux counts as the child's
    output: str


def run(command):
    """Runs `command`, a list, to its end. Throws Failure with the last words of a program that fails."""
    words = [str(word) for word in command]
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        try:
            process = subprocess.Popen(words, stdout=output, stderr=errors, stdin=subprocess.DEVNULL)
        except OSError as error:
            raise Failure(f"{words[0]}: {error.strerror}") from error
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        text = output.read().decode(errors="replace")
        if process.returncode != 0:
            said = errors.read().decode(errors="replace").strip() or text.strip()
            raise Failure(f"{' '.join(words)}\nended with {process.returncode}: {said[-500:]}")
    return Run(seconds, usage.ru_maxrss * 1024, text)


def lines_in_time(command):
    """(seconds since the start, line) of each line that `command` writes while it runs, as they are flushed."""
    words = [str(word) for word in command]
    start = time.perf_counter()
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True) as process:
        lines = [(time.perf_counter() - start, line) for line in process.stdout]
    if process.returncode != 0:
        raise Failure(f"{' '.join(words)}\nended with {process.returncode}")
    return lines
