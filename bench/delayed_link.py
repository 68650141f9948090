"""Links with a delay, in user space, as not every kernel has netem: two TAP devices, and a process that hands frames from one to the other
once they are old enough."""
import collections
import contextlib
import fcntl
import multiprocessing
import os
import select
import struct
import time

TUNSETIFF = 0x400454CA  # linux/if_tun.h
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
LONGEST_FRAME = 65536


def open_tap(name):
    """Makes the device; it is there while the descriptor is open."""
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TAP | IFF_NO_PI))
    return tap


def hand_over(pairs, delay):
    """Frames from either end of each pair to the other, `delay` seconds after they came. Does not return."""
    other = {tap: peer for pair in pairs for tap, peer in (pair, pair[::-1])}
    waiting = collections.deque()  # by the time at which they are due
    while True:
        wait = max(0, waiting[0][0] - time.monotonic()) if waiting else None
        for tap in select.select(other, [], [], wait)[0]:  # epoll would wait for whole milliseconds
            with contextlib.suppress(OSError):  # nothing more, or a device that is gone
                while True:
                    waiting.append((time.monotonic() + delay, other[tap], os.read(tap, LONGEST_FRAME)))
        while waiting and waiting[0][0] <= time.monotonic():
            _, tap, frame = waiting.popleft()
            with contextlib.suppress(OSError):  # a device that is down loses what comes
                os.write(tap, frame)


@contextlib.contextmanager
def delayed_links(names, delay):
    """`names`: pairs of devices that are made."""
    pairs = [tuple(open_tap(name) for name in pair) for pair in names]
    process = multiprocessing.get_context("fork").Process(target=hand_over, args=(pairs, delay), daemon=True)
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join()
        for tap in (tap for pair in pairs for tap in pair):
            os.close(tap)
