"""What no filter can beat: the time to copy a picture, and the multiply-adds that the cores can do in a second."""

from __future__ import annotations

import threading

import numpy as np
from numba import njit

import imconv
from imconv.loops.lanewise import fma
from imconv.loops.vector import broadcast, lanes, store

from . import machine, photograph
from .cases import Case, Frame, default_cases
from .report import machine_lines, median_ms, number, peak_text
from .rivals import Imconv
from .session import FORMAT
from .timing import measure_copy, take_turns

CHAINS = 4  # vectors, as many as the dense loop sums in: with AVX-512 they are 16 registers
STEPS = 20_000_000  # some 40 ms
DENSE = 15  # side of the kernel that is held against the peak


@njit(nogil=True)
def multiply_add(steps, start, factor, addend, out):
    """`steps` multiply-adds in each lane of CHAINS vectors that stay in registers; returns how many lanes a vector has."""
    one = start / start
    by, plus = broadcast(factor), broadcast(addend)
    a, b, c, d = broadcast(start), broadcast(start + one), broadcast(start - one), broadcast(-start)
    for _ in range(steps):
        a, b, c, d = fma(a, by, plus), fma(b, by, plus), fma(c, by, plus), fma(d, by, plus)
    store(out, 0, 0, (a + b) + (c + d))  # else the compiler leaves everything out
    return lanes(a)


def run(threads: int | None = None, rounds: int = 9) -> dict:
    """The record of `python -m benchmarks limits`."""
    threads = threads or machine.usable_cpus()
    copies = []
    for frame in dict.fromkeys(case.frame for case in default_cases()):
        samples = measure_copy(photograph.photograph(frame), rounds)
        copies.append({"frame": str(frame), "what": "numpy.copyto, one thread", "samples": samples})
    return {
        "format": FORMAT,
        "kind": "limits",
        "machine": machine.describe(),
        "limits": copies,
        "peak": measure_peak(threads, rounds),
    }


def measure_peak(threads: int, rounds: int, frame: Frame | None = None, steps: int = STEPS) -> dict:
    """The multiply-adds of plain threads in registers, and those of a dense kernel, in turns.

    Returns how many multiply-adds each did, and the seconds of every round.
    """
    case = Case(frame or default_cases()[0].frame, "dense", DENSE)
    image = photograph.photograph(case.frame)
    plan = imconv.plan(image.shape, image.dtype, case.weights, convolve=False, border=case.border)
    dense = Imconv(threads).way(case, image)
    count = CHAINS * _multiply_adds(1)
    runs = {"peak": lambda: _at_once(threads, lambda: _multiply_adds(steps)), "dense": dense.run}
    take_turns(runs, 1)  # compiles both
    samples = take_turns(runs, rounds)
    return {
        "what": f"float32 fma in {CHAINS} vectors of {count // CHAINS} lanes",
        "threads": threads,
        "multiply_adds": threads * count * steps,
        "samples": samples["peak"],
        "dense": {
            "title": case.title,
            "frame_name": str(case.frame),
            "call": dense.call,
            "multiply_adds": plan.multiply_adds,
            "samples": samples["dense"],
        },
    }


def text_report(record: dict) -> str:
    """The record in a few lines."""
    own, where = machine_lines(record["machine"])
    copies = [f"  {limit['frame']}: {number(median_ms(limit['samples']))} ms" for limit in record["limits"]]
    return "\n".join([own, where, "", "Copying the picture with one thread:", *copies, "", peak_text(record["peak"])])


def _multiply_adds(steps: int) -> int:
    """Runs the loop on the calling thread; how many lanes a vector has. Values run towards 1: none is ever denormal."""
    out = np.empty((1, 256), np.float32)
    return multiply_add(steps, np.float32(2), np.float32(0.999), np.float32(0.001), out)


def _at_once(threads: int, work) -> None:
    workers = [threading.Thread(target=work) for _ in range(threads - 1)]
    for worker in workers:
        worker.start()
    work()
    for worker in workers:
        worker.join()
