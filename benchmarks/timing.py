"""Takes the samples: every contender verified, warmed up, then timed in turns."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from time import perf_counter

import numpy as np

from .cases import Case
from .rivals.base import CannotDo, Rival
from .verification import verify

SHORT = 0.05  # seconds, below which a turn is more than one call
REPEATED = 5e-3  # seconds of calls that are timed together
SLOW = 1.5  # seconds, all rounds of a case together, after which a contender gets no further ones
PATIENCE = 30.0  # seconds of one call, after which a contender gets no case with more of the same work


class Patience:
    """Who needed longer than `seconds`, with how much work of which kind: the whole grid must come to an end."""

    def __init__(self, seconds: float = PATIENCE):
        self.seconds, self._least = seconds, {}

    def note(self, name: str, case: Case, seconds: float):
        """That the contender needed so long for the case."""
        if seconds > self.seconds:
            found, kind = (case.work, f"{case} took {seconds:.0f} s"), self._kind(name, case)
            self._least[kind] = min(found, self._least.get(kind, found))

    def refusal(self, name: str, case: Case) -> str:
        """Why the contender is not given the case; empty where it is."""
        work, why = self._least.get(self._kind(name, case), (case.work + 1, ""))
        return why if case.work >= work else ""

    @staticmethod
    def _kind(name: str, case: Case) -> tuple[str, str, str]:
        return name, case.operation, case.frame.dtype


def measure_case(
    case: Case,
    image: np.ndarray,
    ours: Rival,
    rivals: list[Rival],
    rounds: int,
    slow: float = SLOW,
    patience: Patience | None = None,
) -> dict:
    """Verify and time one case; the record that goes into the JSON file.

    Each contender's record has a `status`: "timed", "wrong" (failed verification, not timed), "unsupported", "skipped"
    (less work of this kind took too long) or "failed" (raised an error); `samples` are seconds.
    """
    patience = patience or Patience()
    try:
        way = ours.way(case, image)
        expected, first = _timed(way.run)
    except Exception as failure:  # nothing to compare with, but the other cases can go on
        return {**case.as_dict(), "entries": {ours.name: _failed(failure)}}
    entries = {ours.name: {"status": "timed", "call": way.call, "threads": ours.threads}}
    runs, firsts = {ours.name: way.run}, {ours.name: first}
    for rival in rivals:
        if why := patience.refusal(rival.name, case):
            entries[rival.name] = {"status": "skipped", "reason": why}
            continue
        entry, run, first = _admit(rival, case, image, expected)
        patience.note(rival.name, case, first)
        entries[rival.name] = entry
        if run is not None:
            runs[rival.name], firsts[rival.name] = run, first
    # the verification run counts for those who need that long: it warms nothing up that would show
    samples = {name: [firsts.pop(name)] for name in runs if name != ours.name and firsts[name] > slow}
    runs = {name: runs[name] for name in firsts}
    take_turns(runs, 1)
    samples |= take_turns(runs, rounds, slow)
    for name, seconds in samples.items():
        entries[name] |= {"samples": seconds, "cut_short": len(seconds) < rounds}
    return {**case.as_dict(), "entries": entries}


def take_turns(runs: dict[str, Callable], rounds: int, slow: float = SLOW) -> dict[str, list[float]]:
    """Seconds of every run in every round, all runs once in each round, until one has taken `slow` in all."""
    samples: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            if samples[name] and sum(samples[name]) > slow:
                continue
            samples[name].append(_turn(run))
    return samples


def _turn(run: Callable) -> float:
    """Seconds of a call. A short one finds the caches full of the others' data, and its own code gone from them: it is timed
    as in a program's loop, the mean of the calls of some milliseconds, and at least one, behind it."""
    first = _timed(run)[1]
    if first >= SHORT:
        return first
    start, calls = perf_counter(), 0
    while (passed := perf_counter() - start) < REPEATED or not calls:
        run()
        calls += 1
    return passed / calls


def measure_copy(image: np.ndarray, rounds: int) -> list[float]:
    """Seconds to copy the picture (one thread): no filter that reads and writes it once can be much faster."""
    target = np.empty_like(image)
    np.copyto(target, image)
    return take_turns({"copy": lambda: np.copyto(target, image)}, max(rounds, 5))["copy"]


def median_ms(samples: list[float]) -> float:
    return 1000 * statistics.median(samples)


def best_ms(samples: list[float]) -> float:
    """The fastest: what the work takes where nobody else slowed the machine down."""
    return 1000 * min(samples)


def _admit(rival: Rival, case: Case, image: np.ndarray, expected: np.ndarray):
    """(record, run or None, seconds of the first run)."""
    try:
        way = rival.way(case, image)
    except CannotDo as refusal:
        return {"status": "unsupported", "reason": str(refusal)}, None, 0.0
    entry = {
        "call": way.call,
        "threads": rival.threads,
        "tolerance": way.tolerance,
        "tolerance_reason": way.reason,
        "unchecked_margin": way.margin,
    }
    limit = way.tolerance if way.ceiling is None else way.ceiling
    try:
        result, first = _timed(way.run)
        verdict = verify(way.to_array(result), expected, limit, way.margin)
    except Exception as failure:  # a rival's trouble, of whatever kind, must not end the run
        return entry | _failed(failure), None, 0.0
    entry["error"] = verdict.error
    if not verdict.passed:
        return entry | {"status": "wrong", "problem": verdict.problem}, None, first
    approximate = way.tolerance is None or verdict.error > way.tolerance
    return entry | {"status": "timed", "approximate": approximate}, way.run, first


def _failed(failure: Exception) -> dict:
    return {"status": "failed", "problem": f"{type(failure).__name__}: {failure}"}


def _timed(run: Callable) -> tuple[object, float]:
    start = perf_counter()
    result = run()
    return result, perf_counter() - start
