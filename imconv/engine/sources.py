"""Where a plan's rows come from: an array that is there as a whole, or bands that come from top to bottom."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np

from .held_rows import HeldRows

BAND_BYTES = 1 << 20  # of a picture, as it comes from a file


class WholeArray:
    """A picture (rows, columns, channels) that is there as a whole: nothing is copied."""

    def __init__(self, picture: np.ndarray):
        self.picture = picture

    def stripes(self, stage) -> list:
        """Which rows of the result are computed at a time: all."""
        return stage.one_stripe()

    def hold(self, low: int, high: int) -> tuple[np.ndarray, int]:
        """An array with the picture's rows low .. high - 1, and the number of its first row."""
        return self.picture, 0

    def bands(self) -> Iterator[np.ndarray]:
        """The picture in bands."""
        height = max(1, BAND_BYTES // max(1, self.picture[:1].nbytes))
        return (self.picture[first : first + height] for first in range(0, len(self.picture), height))

    def whole(self) -> np.ndarray:
        """The picture."""
        return self.picture

    def twice(self) -> tuple[WholeArray, WholeArray]:
        """The same picture for two readers."""
        return self, self

    def finish(self) -> None:
        """Nothing is left to read."""


class Bands:
    """A picture that comes in bands (rows, columns, channels) from top to bottom; rows are held while they are needed.

    `first` is the number of the first row that comes.
    """

    def __init__(self, bands: Iterator[np.ndarray], first: int = 0):
        self._bands, self._first = iter(bands), first
        self._held: HeldRows | None = None

    def stripes(self, stage) -> list:
        """As WholeArray.stripes: some at a time."""
        return stage.stripes()

    def hold(self, low: int, high: int) -> tuple[np.ndarray, int]:
        """As WholeArray.hold; valid until the next call. Rows above row `low` are given up."""
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
        """The bands as they come."""
        return self._bands

    def whole(self) -> np.ndarray:
        """The picture, put together."""
        return np.concatenate(list(self._bands))

    def twice(self) -> tuple[Bands, Bands]:
        """The same bands for two readers; what only one of them has read is held."""
        one, other = itertools.tee(self._bands)
        return Bands(one), Bands(other)

    def finish(self) -> None:
        """Read what no result needs: the end of a file is checked, too."""
        for _ in self._bands:
            pass


def mapped(source, convert: Callable[[np.ndarray], np.ndarray]) -> Bands:
    """A source whose bands are converted one by one."""
    return Bands(convert(band) for band in source.bands())
