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
        self._bands, self._left = bands, None

    def take(self, count: int) -> np.ndarray:
        """The next `count` rows."""
        parts, missing = [], count
        while missing or self._left is None:
            if self._left is None or not len(self._left):
                self._left = next(self._bands)
            parts.append(self._left[:missing])
            self._left = self._left[missing:]
            missing -= len(parts[-1])
        return parts[0] if len(parts) == 1 else np.concatenate(parts) if parts else self._left[:0]


class PassedOn:
    """Passes bands on to one reader by iteration, and keeps their rows until a second reader takes them with `take`."""

    def __init__(self, bands: Iterator[np.ndarray]):
        self._bands, self._held = bands, None
        self._first, self._last = 0, sys.maxsize

    def __iter__(self) -> Iterator[np.ndarray]:
        for band in self._bands:
            if self._held is None:
                self._held = HeldRows(band.shape[1:], band.dtype)
            self._held.append(len(band))[...] = band
            self._held.forget(self._first if self._held.low < self._last else self._held.high)
            yield band

    @property
    def high(self) -> int:
        """How many rows were passed on so far."""
        return self._held.high if self._held is not None else 0

    def take(self, count: int) -> np.ndarray:
        """The next `count` rows that were passed on; valid until more bands are."""
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
        """As AnyPlan.make_bands."""
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
