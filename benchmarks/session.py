"""One run: cases in, the record that the JSON file and the tables are made of out."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

from . import machine, photograph
from .cases import Case
from .rivals import Imconv, Rival, installed
from .timing import PATIENCE, SLOW, Patience, measure_case, measure_copy

FORMAT = 1  # of the JSON file
RESULTS = Path(__file__).parent / "results"


def run(
    cases: list[Case],
    *,
    rounds: int,
    threads: int | None = None,
    slow: float = SLOW,
    patience: float = PATIENCE,
    rivals: list[Rival] | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> dict:
    """Measure cases and return the record.

    Ctrl-C ends it early: the record then holds the cases that were finished.

    Parameters
    ----------
    rounds : int
        Timed rounds after verification and warm-up.
    threads : int, optional
        For everybody who has threads; default all usable cores.
    slow : float
        Seconds in all after which a contender gets no further rounds of a case.
    patience : float
        Seconds of one call after which a contender gets no case with as much or more work of the same kind.
    rivals : list of Rival, optional
        Default: all that are installed.
    tell : callable
        Told the name of each case before it is measured.
    """
    threads = threads or machine.usable_cpus()
    missing: list[str] = []
    if rivals is None:
        rivals, missing = installed(threads)
    ours = Imconv(threads)
    results, limits, stopped, known = [], [], False, Patience(patience)
    try:
        for frame, group in groupby(cases, key=lambda case: case.frame):
            image = photograph.photograph(frame)
            copying = {"frame": str(frame), "what": "numpy.copyto, one thread", "samples": measure_copy(image, rounds)}
            limits.append(copying)
            for case in group:
                tell(str(case))
                results.append(measure_case(case, image, ours, rivals, rounds, slow, known))
    except KeyboardInterrupt:  # hours of a full run are worth keeping
        stopped = True
    return {
        "format": FORMAT,
        "kind": "comparison",
        "machine": machine.describe(),
        "image": photograph.DESCRIPTION,
        "settings": {
            "threads": threads,
            "rounds": rounds,
            "repeated": True,  # short calls; records from before that are without it
            "slow": slow,
            "patience": patience,
            "border": ", ".join(dict.fromkeys(case.border for case in cases)),
            "clock": "time.perf_counter",
        },
        "rivals": {r.name: {"version": r.version, "threads": r.threads, "about": r.about} for r in rivals},
        "missing": missing,
        "stopped": stopped,
        "limits": limits,
        "results": results,
    }


def results_path(name: str) -> Path:
    """A bare name means a file in benchmarks/results; anything else is a path as it stands."""
    path = Path(name)
    return RESULTS / f"{name}.json" if path.parent == Path() and not path.suffix else path


def save(record: dict, name: str) -> Path:
    """Write a record; the path it went to."""
    path = results_path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return path


def load(name: str) -> dict:
    """Read a record, whose `kind` says of what (a record without one is a comparison); ValueError where it is of another format."""
    record = json.loads(results_path(name).read_text(encoding="utf-8"))
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise ValueError(f"{name} is not a benchmark record of format {FORMAT}; measure again")
    return {"kind": "comparison", **record}
