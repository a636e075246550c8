"""Runs that are over, kept for the next picture of their kind: before a small picture, making one anew takes longer than
its filter."""

from __future__ import annotations

from collections import OrderedDict

MOST = 16
SMALL_SECONDS = 2e-3  # of one thread's work: beyond, what is made anew does not matter
SMALL_BYTES = 1 << 20  # of one thread's buffers, as plans tell them

_kept: OrderedDict[tuple, object] = OrderedDict()  # every single access to it is safe in several threads at once


def run_of(kind: type, plan, source, threads: int | None):
    """`kind(plan, source, threads)`, or one kept; nobody else has it until it is given back.

    A kind has the methods of `executor.Run`, `release` among them, and the attribute `plan`.
    """
    run = _kept.pop((kind, id(plan), threads), None)  # who has the plan's number has that plan: the one kept holds it
    if run is None:
        run = kind(plan, source, threads)
        run.small = plan.seconds <= SMALL_SECONDS and plan.scratch <= SMALL_BYTES
        return run
    run.move(source, 0)
    return run


def give_back(run, threads: int | None) -> None:
    """Keep a run that is over, unless it has much in its hands."""
    if not run.small:
        return
    run.release()
    _kept[type(run), id(run.plan), threads] = run
    while len(_kept) > MOST:
        try:
            _kept.popitem(last=False)
        except KeyError:  # others were faster
            return


def forget() -> None:
    """Keep none of them."""
    _kept.clear()
