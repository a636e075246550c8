"""Two things at once: a producer that works ahead of its consumer, and work on threads with results in order."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from queue import SimpleQueue
from typing import Any, TypeVar

_Item = TypeVar("_Item")

AHEAD = 4  # results that may wait
MOST_THREADS = 4


def usable_threads() -> int:
    """`IMCONV_THREADS`, else as many as this process has cores, up to MOST_THREADS."""
    asked = os.environ.get("IMCONV_THREADS", "")
    if asked.isdecimal():
        return max(1, min(int(asked), MOST_THREADS))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_THREADS)


def ahead(items: Iterable[_Item], depth: int = AHEAD) -> Generator[_Item, None, None]:
    """The items of an iterable that runs on a thread of its own, at most `depth` items ahead. Its errors arrive here.

    Where the system allows no more threads, each item is made when it is asked for.
    """
    room, ended = threading.Semaphore(depth), threading.Event()
    ready: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()

    def produce() -> None:
        try:
            for item in items:
                room.acquire()
                if ended.is_set():
                    return
                ready.put((item, None))
            ready.put((None, StopIteration()))
        except BaseException as error:
            ready.put((None, error))

    thread = threading.Thread(target=produce, daemon=True)
    try:
        thread.start()
    except RuntimeError:  # "can't start new thread"
        yield from items
        return
    try:
        while True:
            item, error = ready.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            room.release()
            yield item
    finally:
        ended.set()
        room.release()
        thread.join()


def in_order(works: Iterable[Callable[[], Any]], threads: int) -> Iterator:
    """The results of all works, done by `threads` threads, in order; few are done ahead of what is taken."""
    queue = InOrder(threads)
    for work in works:
        queue.add(work)
        yield from queue.results(threads + 1)
    yield from queue.results(0)


class InOrder:
    """Work done on threads while its giver goes on; the results come in the order in which it was given.

    The giver is one of the threads: where it would have to wait it helps. The others end when there is nothing to do.
    """

    def __init__(self, threads: int):
        self.threads = threads
        self._tasks: deque[_Task] = deque()  # whose results have not been taken
        self._open: deque[_Task] = deque()  # which nobody has begun
        self._running = 0
        self._lock = threading.Lock()

    def add(self, work: Callable[[], Any]) -> None:
        """Give more to do."""
        task = _Task(work)
        self._tasks.append(task)
        with self._lock:
            self._open.append(task)
            if self._running >= self.threads - 1:
                return
            self._running += 1
        try:
            threading.Thread(target=self._help, daemon=True).start()
        except RuntimeError:  # "can't start new thread": the giver does the work when it wants the result
            with self._lock:
                self._running -= 1

    def results(self, most: int) -> Iterator:
        """Results of the oldest work, until at most `most` pieces of work are left. Its errors arrive here."""
        while len(self._tasks) > most:
            oldest = self._tasks[0]
            while not oldest.done.is_set() and (task := self._next()):
                task.run()
            oldest.done.wait()
            self._tasks.popleft()
            if oldest.error is not None:
                raise oldest.error
            yield oldest.result

    def _next(self, leave: bool = False) -> _Task | None:
        """What to do next. Where there is nothing a thread may leave: under the lock, so that no work is added unseen."""
        with self._lock:
            if self._open:
                return self._open.popleft()
            self._running -= leave
            return None

    def _help(self) -> None:
        while task := self._next(leave=True):
            task.run()


class _Task:
    """A piece of work and what came of it."""

    def __init__(self, work: Callable[[], Any]):
        self.work, self.result = work, None
        self.error: BaseException | None = None
        self.done = threading.Event()

    def run(self) -> None:
        try:
            self.result = self.work()
        except BaseException as error:
            self.error = error
        self.done.set()
