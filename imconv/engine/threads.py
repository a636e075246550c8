"""Runs bands on threads. Threads are kept: starting one takes as long as filtering a small picture."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from queue import SimpleQueue

import numpy as np

from ..errors import OptionError

# Below this, one thread does all the work: starting and joining a second one would cost some tenths of that work.
WORTH_THREADS = 4e-4  # seconds, as plans estimate them
BANDS_PER_THREAD = 4  # so that no thread waits long for the last band
BAND_SECONDS = 3e-4  # least work of a band: for each band, threads have to wait for the interpreter

_lock = threading.Lock()
_tasks: SimpleQueue = SimpleQueue()
_kept = 0


class _Task:
    """Work shared by the calling thread and kept threads; the caller waits at the end for those still working."""

    def __init__(self, work: Callable[[], None]):
        self.work, self.running, self.closed = work, 0, False
        self.lock, self.idle = threading.Lock(), threading.Lock()
        self.idle.acquire()

    def help(self) -> None:
        """Do the work in this thread, too, unless the task is closed."""
        with self.lock:
            if self.closed:
                return
            self.running += 1
        self.work()
        with self.lock:
            self.running -= 1
            if self.closed and not self.running:
                self.idle.release()

    def close(self) -> None:
        """Let no other thread begin, and wait for the threads that did."""
        with self.lock:
            self.closed = True
            if not self.running:
                return
        self.idle.acquire()


def share(work: Callable[[], None], helpers: int) -> None:
    """Call `work()` in this thread and in up to `helpers` others at once; return when all calls have returned.

    There are fewer helpers if the system allows fewer threads. `work` must not raise in other threads; if it raises in this
    one, the others are not waited for.
    """
    if not helpers:
        work()
        return
    task = _Task(work)
    for _ in range(min(helpers, _keep(helpers))):
        _tasks.put(task)
    work()
    task.close()


def _keep(count: int) -> int:
    """Start threads until `count` are kept, if the system allows it; return how many there are."""
    global _kept
    if _kept < count:
        with _lock, contextlib.suppress(RuntimeError):  # "can't start new thread": the next call tries again
            while _kept < count:
                threading.Thread(target=_serve, args=(_tasks,), name="imconv", daemon=True).start()
                _kept += 1
    return _kept


def _serve(tasks: SimpleQueue) -> None:
    np.seterr(all="ignore")  # applies to this thread only
    while True:
        tasks.get().help()


def _forget() -> None:
    """Start from nothing in a forked process, which has none of its parent's threads."""
    global _lock, _tasks, _kept
    _lock, _tasks, _kept = threading.Lock(), SimpleQueue(), 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def default_threads() -> int:
    """The number of threads in `IMCONV_THREADS`, else the number of cores this process may use."""
    asked = os.environ.get("IMCONV_THREADS")
    if asked:
        return checked_threads(asked, "IMCONV_THREADS")
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def checked_threads(threads, name: str = "threads") -> int:
    """A number of threads as an int; OptionError, in which it is called `name`, for anything else."""
    try:
        count = int(threads) if str(threads).strip().isdecimal() else 0
    except ValueError:
        count = 0
    if not 1 <= count <= 1024:
        raise OptionError(f"{name} must be a number of threads, whole, from 1 to 1024, not {threads!r}")
    return count


def thread_count(threads) -> int:
    """A checked number of threads; the default for None."""
    return default_threads() if threads is None else checked_threads(threads)


def band_count(plan, threads: int) -> int:
    """The number of bands for a plan's work: several for each thread, none shorter than BAND_SECONDS if avoidable."""
    return min(threads * BANDS_PER_THREAD, max(threads, int(plan.seconds / BAND_SECONDS))) if threads > 1 else 1


class Crew:
    """The threads of one run: their number, their buffers (kept from band to band), and the count of finished rows."""

    def __init__(self, plan, threads=None, progress=None):
        self.workers = thread_count(threads) if plan.seconds > WORTH_THREADS else 1
        self.scratches: list[dict] = []
        self.progress, self.done, self.total = progress, 0, plan.rows.out
        self.bands = band_count(plan, self.workers)

    def height(self, rows: int) -> int:
        """The height of the bands into which `rows` rows are divided."""
        return -(-rows // self.bands)

    def run(self, work, first: int, out: np.ndarray, height: int) -> None:
        """Call `run_bands` with these threads and buffers."""
        run_bands(work, first, out, height, self.workers, self.progress and self._finished, self.scratches)

    def _finished(self, rows: int) -> None:
        self.done += rows
        self.progress(self.done, self.total)


def run_bands(
    work,
    origin: int,
    out: np.ndarray,
    height: int,
    workers: int,
    finished: Callable[[int], None] | None = None,
    scratches: list[dict] | None = None,
) -> None:
    """Call `work(row, band of out, scratch)` on threads, for bands that cover `out`.

    `origin` is the number of the first row of `out` in the result, `row` that of the band's first row. `finished` is called
    with each band's number of rows, by one thread at a time. `scratches` holds the threads' buffers from call to call.
    """
    held = [] if scratches is None else scratches
    total = out.shape[0]
    starts = iter(range(0, total, height))
    lock = threading.Lock()
    failures: list[BaseException] = []

    def drain():
        try:
            scratch = held.pop()
        except IndexError:
            scratch = {}
        while not failures:
            with lock:
                first = next(starts, None)
            if first is None:
                held.append(scratch)
                return
            try:
                band = out[first : first + height]
                work(origin + first, band, scratch)
                if finished is not None:
                    with lock:
                        finished(len(band))
            except BaseException as failure:
                failures.append(failure)
                return

    try:
        share(drain, min(workers, -(-total // height)) - 1)
    except BaseException as interrupt:
        failures.append(interrupt)  # the others stop after their band
        raise
    if failures:
        raise failures[0]
