"""Work objects (buffers and tables) kept after use: for a small picture, making them takes longer than filtering."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

MOST_KEPT = 16
SMALL_SECONDS = 2e-3  # of one thread; for longer work, the time to make its object does not matter
SMALL_BYTES = 1 << 20  # of one thread's buffers; larger ones are not kept

_kept: OrderedDict[tuple, Any] = OrderedDict()  # single accesses are safe from several threads at once


def take(stage, picture, threads: int | None):
    """A stage's work on a picture, kept or new. It belongs to the caller until `give_back`."""
    # `id(stage)` is safe as a key: the kept work holds the stage, so no other object can get this id meanwhile
    work = _kept.pop((id(stage), threads), None)
    if work is None:
        return stage.work(picture, 0, threads)
    work.move(picture, 0)
    return work


def give_back(work, threads: int | None) -> None:
    """Keep work after use, unless it is long or holds much memory."""
    if work.plan.seconds > SMALL_SECONDS or work.plan.scratch > SMALL_BYTES:
        return
    work.release()
    _kept[id(work.plan), threads] = work
    while len(_kept) > MOST_KEPT:
        try:
            _kept.popitem(last=False)
        except KeyError:  # another thread dropped the last one
            return


def forget() -> None:
    """Drop all kept work."""
    _kept.clear()
