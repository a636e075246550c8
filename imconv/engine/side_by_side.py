"""`SideBySide`: a plan that joins bands of several plans, or of a plan and of the picture, row by row."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import numpy as np

from .held_rows import HeldRows
from .stage import AnyPlan
from .threads import run_bands, thread_count

BLOCK = 1 << 16  # samples that a thread joins at a time, so that they stay in a core's cache


class BandReader:
    """Reads bands of any heights as bands of other heights."""

    def __init__(self, bands: Iterator[np.ndarray]):
        self._bands = bands
        self._left: np.ndarray | None = None

    def take(self, count: int) -> np.ndarray:
        """The next `count` rows."""
        left, parts, missing = self._left, [], count
        while missing or left is None:
            if left is None or not len(left):
                left = next(self._bands)
            parts.append(left[:missing])
            left = left[missing:]
            missing -= len(parts[-1])
        self._left = left
        return parts[0] if len(parts) == 1 else np.concatenate(parts) if parts else left[:0]


class PassedOn:
    """Passes bands on to one reader by iteration, and keeps their rows until a second reader takes them with `take`.

    `low` is the number of the first row that arrives.
    """

    def __init__(self, bands: Iterator[np.ndarray], low: int = 0):
        self._bands, self._low = bands, low
        self._held: HeldRows | None = None
        self._first, self._last = 0, sys.maxsize

    def __iter__(self) -> Iterator[np.ndarray]:
        for band in self._bands:
            held = self._held = self._held or HeldRows(band.shape[1:], band.dtype, self._low)
            held.append(len(band))[...] = band
            held.forget(self._first if held.low < self._last else held.high)
            yield band

    @property
    def high(self) -> int:
        """The number of the row that arrives next."""
        return self._held.high if self._held is not None else self._low

    def take(self, count: int) -> np.ndarray:
        """The next `count` rows that were passed on; valid until more bands are."""
        assert self._held is not None  # rows are taken once they were passed on
        rows = self._held.rows[:count]
        self._held.forget(self._held.low + count)
        return rows

    def keep(self, first: int, last: int) -> None:
        """Keep only rows first .. last - 1 for the second reader; called before any band is passed on."""
        self._first, self._last = first, last


class SideBySide(AnyPlan):
    """A plan that joins bands of several arms into one result. A subclass defines `arms` and `join`."""

    def arms(self, source, *, wanted=None, threads=None, progress=None) -> tuple[Iterator[np.ndarray], list]:
        """Rows `wanted` of all arms: bands of the first arm, and the other arms as objects with `take(count)`.

        The first arm's bands set the heights of the result's bands.
        """
        raise NotImplementedError

    def join(self, band: np.ndarray, others: list[np.ndarray], out: np.ndarray, threads, tally, values: bool) -> None:
        """Compute rows of the result into `out` from a band of each arm; `values` as in `AnyPlan.make_bands`."""
        raise NotImplementedError

    def make_bands(
        self, source, sink, *, wanted=None, threads=None, tally=None, progress=None, values=False
    ) -> Iterator[np.ndarray]:
        row = wanted[0] if wanted else 0
        first, others = self.arms(source, wanted=wanted, threads=threads, progress=progress)
        for band in first:
            out = sink.room(row, len(band))
            if len(band):
                self.join(band, [other.take(len(band)) for other in others], out, threads, tally, values)
            row += len(band)
            yield out


def in_blocks(work: Callable[[slice], None], rows: np.ndarray, threads: int | None) -> None:
    """Call `work` on threads, with small slices that together cover the rows."""
    height = max(1, BLOCK // max(1, rows[:1].size))
    run_bands(
        lambda first, part, scratch: work(slice(first, first + len(part))), 0, rows, height, thread_count(threads)
    )
