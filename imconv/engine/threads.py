"""Threads that are kept: starting one anew, and waiting until it runs, costs as much as filtering a small picture."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from queue import SimpleQueue

import numpy as np

from ..errors import OptionError

# Less work than this is done by one thread: starting another, and waiting for it, takes some tenths of it.
WORTH_THREADS = 4e-4  # seconds, as plans estimate them
BANDS_PER_THREAD = 4  # so that no thread waits long for the last band
BAND_SECONDS = 3e-4  # and a band is worth taking: for each, threads take turns with the interpreter

_lock = threading.Lock()
_tasks: SimpleQueue = SimpleQueue()
_kept = 0


class _Task:
    """Work that the caller does too, and waits for where a kept thread is still at it."""

    def __init__(self, work: Callable[[], None]):
        self.work, self.running, self.closed = work, 0, False
        self.lock, self.idle = threading.Lock(), threading.Lock()
        self.idle.acquire()

    def help(self) -> None:
        """Join in, unless it is over."""
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
        """Let nobody else begin, and wait for those who did."""
        with self.lock:
            self.closed = True
            if not self.running:
                return
        self.idle.acquire()


def share(work: Callable[[], None], helpers: int) -> None:
    """Call `work()` here and in up to `helpers` other threads at once; return when it is done in all of them.

    Where the system allows fewer threads, fewer help. `work` raises nothing in the other threads. Where it raises here, they are not waited for.
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
    """Have at least so many threads, if the system allows it; how many there are."""
    global _kept
    if _kept < count:
        with _lock, contextlib.suppress(RuntimeError):  # "can't start new thread": the next call tries again
            while _kept < count:
                threading.Thread(target=_serve, args=(_tasks,), name="imconv", daemon=True).start()
                _kept += 1
    return _kept


def _serve(tasks: SimpleQueue) -> None:
    import numpy as np

    np.seterr(all="ignore")  # of this thread; the calling one decides for itself
    while True:
        tasks.get().help()


def _forget() -> None:
    """A forked process has none of its parent's threads."""
    global _lock, _tasks, _kept
    _lock, _tasks, _kept = threading.Lock(), SimpleQueue(), 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def default_threads() -> int:
    """`IMCONV_THREADS`, else as many threads as this process has cores."""
    asked = os.environ.get("IMCONV_THREADS")
    if asked:
        return checked_threads(asked, "IMCONV_THREADS")
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def checked_threads(threads, name: str = "threads") -> int:
    """A number of threads; OptionError, by this name, for anything else."""
    try:
        count = int(threads) if str(threads).strip().isdecimal() else 0
    except ValueError:
        count = 0
    if not 1 <= count <= 1024:
        raise OptionError(f"{name} must be a number of threads, whole, from 1 to 1024, not {threads!r}")
    return count


def thread_count(threads) -> int:
    """`checked_threads`, for None the default."""
    return default_threads() if threads is None else checked_threads(threads)


class Told:
    """Passes on how many rows are done."""

    def __init__(self, progress: Callable[[int, int], None], total: int):
        self.progress, self.total, self.done = progress, total, 0

    def add(self, rows: int) -> None:
        self.done += rows
        self.progress(self.done, self.total)


def band_count(plan, threads: int) -> int:
    """Into how many bands work is cut: some for each thread, as long as they are worth taking."""
    return min(threads * BANDS_PER_THREAD, max(threads, int(plan.seconds / BAND_SECONDS))) if threads > 1 else 1


class Crew:
    """The threads of a run: how many, the buffers they work in from one band to the next, and who is told of rows done."""

    def __init__(self, plan, threads=None, progress=None):
        self.workers = thread_count(threads) if plan.seconds > WORTH_THREADS else 1
        self.scratches: list[dict] = []
        self.told = None if progress is None else Told(progress, plan.rows.out)
        self.bands = band_count(plan, self.workers)

    def height(self, rows: int) -> int:
        """How many of so many rows make a band."""
        return -(-rows // self.bands)

    def run(self, work, first: int, out: np.ndarray, height: int) -> None:
        """`run_bands` with them."""
        run_bands(work, first, out, height, self.workers, self.told, self.scratches)


def run_bands(
    work,
    origin: int,
    out: np.ndarray,
    height: int,
    workers: int,
    told: Told | None = None,
    scratches: list[dict] | None = None,
) -> None:
    """Call `work(row, band of out, scratch)` for bands that cover `out`, whose first row is row `origin` of the result.

    `scratches` are the threads' buffers of the last call like this, and are left there for the next.
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
                if told is not None:
                    with lock:
                        told.add(len(band))
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
