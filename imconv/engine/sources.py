"""The sources of a plan's rows: `WholeArray`, a picture in memory, and `Bands`, a picture that arrives from top to bottom."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np

from .held_rows import HeldRows

BAND_BYTES = 1 << 20  # size of a band of a picture that is read from a file


class WholeArray:
    """A source: a whole picture (rows, columns, channels) in memory; nothing is copied."""

    def __init__(self, picture: np.ndarray):
        self.picture = picture

    def stripes(self, stage) -> list:
        """The parts in which the stage computes its result: one."""
        return stage.one_stripe()

    def hold(self, low: int, high: int) -> tuple[np.ndarray, int]:
        """An array that includes the picture's rows low .. high - 1, and the number of its first row."""
        return self.picture, 0

    def bands(self) -> Iterator[np.ndarray]:
        """The picture in bands."""
        height = max(1, BAND_BYTES // max(1, self.picture[:1].nbytes))
        return (self.picture[first : first + height] for first in range(0, len(self.picture), height))

    def whole(self) -> np.ndarray:
        """The whole picture."""
        return self.picture

    def twice(self) -> tuple[WholeArray, WholeArray]:
        """Two sources of the same picture."""
        return self, self

    def finish(self) -> None:
        """Read the rest of the picture: here there is nothing to read."""


class Bands:
    """A source: a picture that arrives in bands (rows, columns, channels); rows are held as long as they are needed.

    `first` is the number of the first row that arrives.
    """

    def __init__(self, bands: Iterator[np.ndarray], first: int = 0):
        self._bands, self._first = iter(bands), first
        self._held: HeldRows | None = None

    def stripes(self, stage) -> list:
        """As WholeArray.stripes: several."""
        return stage.stripes()

    def hold(self, low: int, high: int) -> tuple[np.ndarray, int]:
        """As WholeArray.hold; valid until the next call. Rows above row `low` are dropped."""
        held = self._held
        if held is not None:
            held.forget(low)
        while held is None or held.high < high:
            band = next(self._bands, None)
            if band is None:
                break
            if held is None:
                held = self._held = HeldRows(band.shape[1:], band.dtype, self._first)
            held.append(len(band))[...] = band
            held.forget(low)
        assert held is not None  # a picture has rows
        return held.rows, held.low

    def bands(self) -> Iterator[np.ndarray]:
        """The picture in bands, as they arrive."""
        return self._bands

    def whole(self) -> np.ndarray:
        """The whole picture, concatenated."""
        return np.concatenate(list(self._bands))

    def twice(self) -> tuple[Bands, Bands]:
        """Two sources of the same bands; bands that only one of them has read are held."""
        one, other = itertools.tee(self._bands)
        return Bands(one), Bands(other)

    def finish(self) -> None:
        """Read the bands that no result needs, so that the end of a file is checked, too."""
        for _ in self._bands:
            pass


def mapped(source, convert: Callable[[np.ndarray], np.ndarray]) -> Bands:
    """A source with the bands of another one, each converted by a function."""
    return Bands(convert(band) for band in source.bands())
