"""Pooling beside torch, scikit-image and OpenCV: verified, then timed in turns."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

import imconv

from . import machine, photograph
from .cases import TWELVE_MEGAPIXELS, Frame
from .report import NOTHING, aligned, machine_lines, number
from .session import FORMAT
from .timing import best_ms, take_turns
from .verification import verify

ROUNDS = 7
WINDOWS = (("max", 2, 2), ("max", 3, 2), ("max", 4, 4), ("max", 3, 1), ("avg", 2, 2), ("avg", 4, 4))
FLOAT32 = 1e-6  # relative to the largest sample
RIVALS = ("torch", "scikit-image", "OpenCV")


def run(rounds: int, threads: int | None = None, size=TWELVE_MEGAPIXELS, tell: Callable = print) -> dict:
    """The record: seconds of every round for imconv and whoever can do the same."""
    threads = threads or machine.usable_cpus()
    results = []
    for dtype in ("uint8", "float32"):
        for channels in (1, 3):
            frame = Frame(*size, channels, dtype)
            image = photograph.photograph(frame)
            for op, window, stride in WINDOWS:
                title = f"{op} {window}x{window}, stride {stride}, {frame}"
                tell(title)
                results.append({"title": title, **_measured(image, op, window, stride, rounds, threads)})
    return {"format": FORMAT, "kind": "pool", "machine": machine.describe(), "threads": threads, "results": results}


def _measured(image: np.ndarray, op: str, window: int, stride: int, rounds: int, threads: int) -> dict:
    ours = lambda: imconv.pool(image, op, window, stride=stride, threads=threads)  # noqa: E731
    runs, problems = {"imconv": ours}, {}
    expected = ours()
    tolerance = FLOAT32 if image.dtype.kind == "f" else 1 if op == "avg" else 0  # others round half to even
    for name, found in _rivals(image, op, window, stride, threads):
        verdict = verify(found(), expected, tolerance)
        if verdict.passed:
            runs[name] = found
        else:
            problems[name] = verdict.problem
    take_turns(runs, 1)
    return {"samples": take_turns(runs, rounds), "wrong": problems}


def _rivals(image: np.ndarray, op: str, window: int, stride: int, threads: int) -> Iterator[tuple[str, Callable]]:
    """The libraries that are installed and can do it, each with what does it; torch takes planes, which it is given."""
    try:
        import torch
    except ImportError:
        pass
    else:
        torch.set_num_threads(threads)
        pool = torch.nn.functional.max_pool2d if op == "max" else torch.nn.functional.avg_pool2d
        planes = torch.from_numpy(np.atleast_3d(image).copy()).permute(2, 0, 1)[None].contiguous()
        if op == "max" or image.dtype.kind == "f":
            yield (
                "torch",
                lambda: pool(planes, window, stride)[0].permute(1, 2, 0).numpy().reshape(_shape(image, window, stride)),
            )
    if window != stride:
        return
    try:
        from skimage.measure import block_reduce
    except ImportError:
        pass
    else:
        block = (window, window, *[1] * (image.ndim - 2))
        if op == "max":
            yield "scikit-image", lambda: block_reduce(image, block, np.max)
        elif image.dtype.kind == "f":
            yield "scikit-image", lambda: block_reduce(image, block, np.mean)
    try:
        import cv2
    except ImportError:
        return
    cv2.setNumThreads(threads)
    size = _shape(image, window, stride)[1::-1]
    if op == "avg":
        yield "OpenCV", lambda: cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _shape(image: np.ndarray, window: int, stride: int) -> tuple[int, ...]:
    return (*((n - window) // stride + 1 for n in image.shape[:2]), *image.shape[2:])


def text_report(record: dict) -> str:
    """The fastest rounds, and how many times imconv's the others took."""
    rows = [["pooling", "imconv ms", *(f"{name} ms" for name in RIVALS)]]
    for result in record["results"]:
        samples = result["samples"]
        ours = best_ms(samples["imconv"])
        cells = [
            f"{number(best_ms(samples[name]))} ({number(best_ms(samples[name]) / ours)}x)" if name in samples
            else "wrong" if name in result["wrong"] else NOTHING
            for name in RIVALS
        ]  # fmt: skip
        rows.append([result["title"], number(ours), *cells])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [aligned(row, widths) for row in rows]
    return "\n".join([*machine_lines(record["machine"]), f"{record['threads']} threads, fastest rounds", "", *lines])
