"""Does the planner choose well? Every algorithm that can do the work: verified against another, then timed in turns.

Times on shared machines jump by half for minutes. So all algorithms of a case take turns, each one's fastest round
counts, and cases that look badly planned are measured once more at the end before they are called so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby

import numpy as np

from imconv.errors import OptionError
from imconv.filters.blur_kernels import box_kernel, gaussian_kernel
from imconv.geometry.axis import make_axes
from imconv.geometry.border import parse_border
from imconv.kernel.kernel import Kernel
from imconv.stages.convolution.algorithms import ALGORITHMS
from imconv.stages.convolution.plan import Plan, make_plan

from . import machine, photograph
from .cases import TWELVE_MEGAPIXELS, Case, Frame
from .report import NOTHING, aligned, machine_lines, number
from .rivals.base import GAUSSIAN_SLACK, result_array
from .session import FORMAT
from .timing import best_ms, take_turns
from .verification import verify

ROUNDS = 7
QUICK_ROUNDS = 5
HOPELESS = 20  # times the fewest multiply-adds: not worth the time to be timed
CLEARLY = 4  # times the fastest in the first round: no more rounds are needed
BADLY = 1.3  # times the fastest algorithm: what a plan should not take

TWO_MEGAPIXELS = (1250, 1600)
FLOAT_BOUND = 2e-6  # times sum|h| max|f|: imconv's contract is half of that for each of two results


def grid(quick: bool = False) -> list[Case]:
    """The cases, sorted by picture."""
    size = TWO_MEGAPIXELS if quick else TWELVE_MEGAPIXELS
    frames = [Frame(*size, channels, dtype) for channels in (1, 3) for dtype in ("uint8", "uint16", "float32")]
    return [case for frame in frames for case in _operations(frame, quick)]


def _operations(frame: Frame, quick: bool) -> Iterator[Case]:
    dense = (3, 5, 7, 11, 15, 31) if quick else range(3, 32, 2)
    sigmas = (0.5, 1, 2, 5, 8, 20, 100) if quick else (0.5, 1, 2, 3, 4, 5, 6, 7, 8, 10, 20, 50, 100)
    boxes = (3, 7, 11, 31, 101) if quick else (3, 5, 7, 9, 11, 15, 31, 101, 201)
    yield from (Case(frame, "dense", size) for size in dense)
    yield from (Case(frame, "gaussian", sigma=sigma) for sigma in sigmas)
    yield from (Case(frame, "box", size) for size in boxes)
    yield from (Case(frame, "log", size) for size in ((9, 31) if quick else (9, 15, 31)))


def run(
    cases: list[Case],
    *,
    rounds: int,
    threads: int | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> dict:
    """Measure cases and return the record; Ctrl-C ends it early, as in `session.run`."""
    threads = threads or machine.usable_cpus()
    results, stopped = [], False
    try:
        for case in cases:
            tell(str(case))
            results.append(measure(case, rounds, threads))
        again = [(case, result) for case, result in zip(cases, results, strict=True) if is_bad(result)]
        for case, result in again:
            tell(f"{case}, once more")
            add_samples(result, measure(case, rounds, threads))
    except KeyboardInterrupt:
        stopped = True
    return {
        "format": FORMAT,
        "kind": "plan",
        "machine": machine.describe(),
        "image": photograph.DESCRIPTION,
        "settings": {"threads": threads, "rounds": rounds, "hopeless": HOPELESS, "clock": "time.perf_counter"},
        "stopped": stopped,
        "results": results,
    }


def measure(case: Case, rounds: int, threads: int) -> dict:
    """One case's record: the chosen algorithm, and an entry for each that can do the work.

    An entry's `status` is "timed", "hopeless" (too many multiply-adds, not run) or "wrong" (not timed).
    """
    image = photograph.photograph(case.frame)
    plans = able_plans(case)
    chosen = plans.pop("").algorithm
    fewest = min(plan.multiply_adds for plan in plans.values())
    entries, runs, expected = {}, {}, None
    for name, plan in plans.items():
        entry = entries[name] = {"multiply_adds": plan.multiply_adds, "exact": plan.exact, "status": "timed"}
        if plan.multiply_adds > HOPELESS * fewest and name != chosen:
            entry["status"] = "hopeless"
            continue
        runs[name] = _runner(plan, image, result_array(case), threads)
        result = runs[name]()
        if expected is None:
            first, expected = plan, result
            continue
        entry["tolerance"] = accepted(case, first, plan, image, expected)
        verdict = verify(result, expected, entry["tolerance"])
        entry["error"] = verdict.error
        if not verdict.passed:
            entry |= {"status": "wrong", "problem": verdict.problem}
            del runs[name]
    samples = take_turns(runs, 1)
    fastest = min(seconds for (seconds,) in samples.values())
    close = {name: run for name, run in runs.items() if samples[name][0] <= CLEARLY * fastest or name == chosen}
    for name, more in take_turns(close, rounds - 1).items():
        samples[name] += more
    for name, seconds in samples.items():
        entries[name]["samples"] = seconds
    return {**case.as_dict(), "chosen": chosen, "entries": entries}


def able_plans(case: Case) -> dict[str, Plan]:
    """A plan by each algorithm that can do the work; under "" the one that is chosen."""
    frame, kernel, dtype = case.frame, kernel_of(case), np.dtype(case.frame.dtype)
    axes = make_axes(frame.shape[:2], kernel.shape, kernel.anchor, "same", case.stride, case.dilation)
    border = parse_border(case.border)
    plans = {"": make_plan(kernel, axes, frame.channels, dtype, dtype, border)}
    for name in ALGORITHMS:
        try:
            plans[name] = make_plan(kernel, axes, frame.channels, dtype, dtype, border, algorithm=name)
        except OptionError:  # it can't do this
            continue
    return plans


def kernel_of(case: Case) -> Kernel:
    """What the public functions correlate with in this case."""
    if case.operation == "gaussian":
        return gaussian_kernel(case.sigma)
    return box_kernel(case.size) if case.operation == "box" else Kernel(case.weights)


def accepted(case: Case, one: Plan, other: Plan, image: np.ndarray, expected: np.ndarray) -> float:
    """How far two algorithms' results may lie apart, in `verify`'s terms."""
    if one.exact and other.exact:
        return 0.0
    slack = GAUSSIAN_SLACK if "decimated" in (one.algorithm, other.algorithm) else 0.0
    if case.frame.is_integer:
        return 1 + int(slack * np.iinfo(image.dtype).max)  # 1: exact values next to a tie
    scale = one.kernel.absolute_sum() * float(np.abs(image).max()) / float(np.abs(expected).max())
    return (FLOAT_BOUND + slack) * scale


def _runner(plan: Plan, image: np.ndarray, out: np.ndarray, threads: int) -> Callable[[], np.ndarray]:
    return lambda: plan.execute(image, out=out, threads=threads)


def chosen_to_best(result: dict) -> float | None:
    """The chosen algorithm's time over the fastest one's; None where the chosen one was not timed."""
    times = times_ms(result)
    return times[result["chosen"]] / min(times.values()) if result["chosen"] in times else None


def times_ms(result: dict) -> dict[str, float]:
    """The fastest round of each algorithm that was timed."""
    return {name: best_ms(entry["samples"]) for name, entry in result["entries"].items() if entry.get("samples")}


def is_bad(result: dict) -> bool:
    """Whether the plan takes markedly longer than the fastest algorithm, or is wrong."""
    share = chosen_to_best(result)
    return share is None or share > BADLY


def add_samples(result: dict, more: dict) -> None:
    """Put a second measurement of the same case to the first."""
    for name, entry in result["entries"].items():
        entry.get("samples", []).extend(more["entries"][name].get("samples", []))


def text_report(record: dict) -> str:
    """A table for every picture, and what is planned badly."""
    own, where = machine_lines(record["machine"])
    rounds, threads = record["settings"]["rounds"], record["settings"]["threads"]
    parts = [
        f"{own}\n{where}; {threads} threads\n"
        f"picture: {record['image']}\n"
        f"milliseconds, the fastest of {rounds} rounds in turns: what else runs on the machine only adds to times; "
        f"beyond {BADLY:g} twice as many" + ("\n(stopped before the last case)" if record["stopped"] else "")
    ]
    head = ["operation", "chosen", *ALGORITHMS, "chosen/best"]
    tables = [
        (frame, [head, *(_row(result) for result in results)])
        for frame, results in groupby(record["results"], key=lambda result: result["frame_name"])
    ]
    widths = [max(map(len, column)) for column in zip(head, *(r for _, rows in tables for r in rows), strict=True)]
    for frame, table in tables:
        lines = [aligned(row, widths) for row in table]
        parts.append("\n".join([frame, lines[0], "-" * len(lines[0]), *lines[1:]]))
    return "\n\n".join([*parts, "\n".join(_verdict(record["results"]))])


def _row(result: dict) -> list[str]:
    times, entries = times_ms(result), result["entries"]
    cells = [
        number(times[name]) if name in times else entries.get(name, {}).get("status", NOTHING) for name in ALGORITHMS
    ]
    share = chosen_to_best(result)
    return [result["title"], result["chosen"], *cells, NOTHING if share is None else f"{share:.2f}"]


def _verdict(results: list[dict]) -> list[str]:
    """The rows that are planned badly, one line each, the worst first; then wrong results."""
    bad = sorted((r for r in results if chosen_to_best(r) and is_bad(r)), key=chosen_to_best, reverse=True)
    lines = [
        f"{len(bad)} of {len(results)} plans take more than {BADLY:g} times as long as the fastest algorithm{':' * bool(bad)}"
    ]
    for result in bad:
        times = times_ms(result)
        best = min(times, key=times.get)
        lines.append(
            f"  {result['title']} | {result['frame_name']}: {result['chosen']} {number(times[result['chosen']])} ms, "
            f"{best} {number(times[best])} ms: {chosen_to_best(result):.2f}"
        )
    for result in results:
        for name, entry in result["entries"].items():
            if entry["status"] == "wrong":
                lines.append(f"  {result['title']} | {result['frame_name']}: {name} is wrong: {entry['problem']}")
    return lines
