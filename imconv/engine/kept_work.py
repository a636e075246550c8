"""Work objects (buffers and tables) kept after use: for a small picture, making them takes longer than filtering."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

MOST = 16
SMALL_SECONDS = 2e-3  # of one thread's work: beyond, the time to make a work object does not matter
SMALL_BYTES = 1 << 20  # of one thread's buffers

_kept: OrderedDict[tuple, Any] = OrderedDict()  # every single access to it is safe in several threads at once


def take(stage, picture, threads: int | None):
    """A stage's work on a picture: one kept, or a new one. Nobody else has it until it is given back."""
    # `id(stage)` is safe as a key: the kept work holds the stage, so that no other one can get this id meanwhile
    work = _kept.pop((id(stage), threads), None)
    if work is None:
        return stage.work(picture, 0, threads)
    work.move(picture, 0)
    return work


def give_back(work, threads: int | None) -> None:
    """Keep work that is done, unless it holds much memory."""
    stage = work.stage
    if stage.seconds > SMALL_SECONDS or stage.scratch > SMALL_BYTES:
        return
    work.release()
    _kept[id(stage), threads] = work
    while len(_kept) > MOST:
        try:
            _kept.popitem(last=False)
        except KeyError:  # another thread was faster
            return


def forget() -> None:
    """Keep none of them."""
    _kept.clear()
