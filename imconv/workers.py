"""Threads that are kept: starting one anew, and waiting until it runs, costs as much as filtering a small picture."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from queue import SimpleQueue

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
