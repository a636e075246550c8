"""Two things at once: a producer that works ahead of its consumer, and work on several items with results in order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue
from typing import Any

AHEAD = 4  # results that may wait


def ahead(items: Iterable, depth: int = AHEAD) -> Iterator:
    """The items of an iterable that runs on a thread of its own, at most `depth` items ahead. Its errors arrive here."""
    room, ready = threading.Semaphore(depth), SimpleQueue()
    ended = threading.Event()

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
    thread.start()
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


def in_order(work: Callable[[int], Any], count: int, threads: int) -> Iterator:
    """`work(0)`, `work(1)`, ... done by `threads` threads, this one included if it is alone. Errors arrive here."""
    if threads < 2 or count < 2:
        yield from (work(i) for i in range(count))
        return
    # each thread takes every so-manieth item: items are about equal, and their order needs no bookkeeping
    workers = [ahead((work(i) for i in range(first, count, threads)), AHEAD) for first in range(min(threads, count))]
    try:
        for i in range(count):
            yield next(workers[i % len(workers)])
    finally:
        for worker in workers:
            worker.close()
