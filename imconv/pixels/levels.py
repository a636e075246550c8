"""Whole blocks of samples into linear light and back: by tables where samples are integers, else by the curves' formulas."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .curves import STRAIGHT, Curve
from .depth import white

BLOCK = 1 << 16  # samples worked on at a time: what is made of them on the way stays in a core's cache
FINEST = 8  # places in the table of guesses for each level, at most


@dataclass(frozen=True)
class Transfer:
    """The curves of a picture's colour channels; a channel beyond them, alpha, is kept straight."""

    curves: tuple[Curve, ...]

    def decode(self, rows: np.ndarray) -> np.ndarray:
        """Linear light, white 1, of rows (n, width) or (n, width, channels): float32, of float64 rows float64."""
        out = np.empty(rows.shape, np.float64 if rows.dtype == np.float64 else np.float32)
        for curve, samples, result in self._blocks(rows, out):
            if samples.dtype.kind == "f":
                result[...] = curve.linear(samples.astype(np.float64))
            else:
                levels(curve, white(rows.dtype)).take(samples.astype(np.intp), out=result, mode="clip")
        return out

    def encode(self, rows: np.ndarray, dtype) -> np.ndarray:
        """Rows of linear light, float32 or float64, as samples of a type: integers (and bool) rounded half up, saturated.

        NaN becomes 0. What is rounded is the encoded value: a level begins where the curve has the middle between it
        and the one below.
        """
        out = np.empty(rows.shape, dtype)
        for curve, light, result in self._blocks(rows, out):
            if out.dtype.kind == "f":
                result[...] = curve.encoded(light.astype(np.float64))
            else:
                result[...] = steps(curve, white(out.dtype)).of(light)
        return out

    def clipped(self, rows: np.ndarray, dtype) -> int:
        """How many samples of linear light are beyond what an integer type holds, by half a level or more."""
        count = 0
        for curve, light, _ in self._blocks(rows, rows):
            low, high = steps(curve, white(dtype)).within
            count += int(np.count_nonzero((light < low) | (light >= high)))
        return count

    def _blocks(self, rows: np.ndarray, out: np.ndarray) -> Iterator[tuple[Curve, np.ndarray, np.ndarray]]:
        """Parts that share a curve, each with its place in the result."""
        height = max(1, BLOCK // max(1, rows[:1].size))
        for first in range(0, rows.shape[0], height):
            block, result = rows[first : first + height], out[first : first + height]
            if rows.ndim == 2:
                yield self.curves[0], block, result
                continue
            start = 0
            while start < rows.shape[2]:
                curve, stop = self._curve(start), start + 1
                while stop < rows.shape[2] and self._curve(stop) == curve:
                    stop += 1
                yield curve, block[..., start:stop], result[..., start:stop]
                start = stop

    def _curve(self, channel: int) -> Curve:
        return self.curves[channel] if channel < len(self.curves) else STRAIGHT


@lru_cache(maxsize=16)
def levels(curve: Curve, top: int) -> np.ndarray:
    """Linear light of the levels 0 .. top, float32, read-only."""
    table = curve.linear(np.arange(top + 1) / top).astype(np.float32)
    table.flags.writeable = False
    return table


@lru_cache(maxsize=16)
def steps(curve: Curve, top: int) -> Steps:
    """The Steps of a curve, made once."""
    return Steps(curve, top)


class Steps:
    """From linear light to levels 0 .. top, exactly: level k from `edges[k - 1]` on, where the curve has k - 1/2.

    A table gives the lowest level that light of about this strength can have; the edges that lie within one place of the
    table, nearly always one, are then compared. Places are even in the light, or in a root of it, whichever is finest.
    """

    def __init__(self, curve: Curve, top: int):
        exact = curve.linear((np.arange(top) + 0.5) / top)
        edges = exact.astype(np.float32)
        edges = np.where(edges < exact, np.nextafter(edges, np.float32(np.inf)), edges)
        # where a curve is flat, light is taken for the lowest of its levels
        below = np.maximum.accumulate(np.nextafter(levels(curve, top)[:-1], np.float32(np.inf)))
        self.edges = np.append(np.maximum.accumulate(np.maximum(edges, below)), np.float32(np.inf))
        self.type = np.uint8 if top < 256 else np.uint16
        # what rounds to -1 is below, what rounds to top + 1 from the upper on; above white as steep as just below it
        black, grey, dark, full = curve.linear(np.array([0, 0.5 / top, 1 - 0.5 / top, 1])).tolist()
        self.within = (2 * black - grey, 2 * full - dark)
        ways = [(places, roots) for places in (2, 4, FINEST) for roots in (0, 1, 2)]
        found = [(self._prepare(top * places, roots), top * places, roots) for places, roots in ways]
        self.most, self.places, self.roots = min(found)
        self._prepare(self.places, self.roots)

    def _prepare(self, places: int, roots: int) -> int:
        """Make the table of guesses; how many edges lie within one place, at most."""
        self.places, self.roots = places, roots
        within = np.bincount(self._place(self.edges[:-1].copy()), minlength=places + 1)
        self.guesses = (np.cumsum(within) - within).astype(self.type)
        return int(within.max())

    def _place(self, light: np.ndarray) -> np.ndarray:
        """Where in the table; `light`, float32 up to the last edge, is used up."""
        for _ in range(self.roots):
            np.sqrt(light, out=light)
        light *= np.float32(self.places / self._last)
        return light.astype(np.intp)

    @property
    def _last(self) -> float:
        return max(float(self.edges[-2]) ** (0.5**self.roots), 1e-30)

    def of(self, light: np.ndarray) -> np.ndarray:
        """The levels of linear light, uint8 or uint16, of its shape."""
        light = np.fmax(light, 0)  # NaN too
        if light.dtype == np.float64:
            return np.searchsorted(self.edges[:-1], light, side="right").astype(self.type)
        np.minimum(light, self.edges[-2], out=light)
        found = self.guesses.take(self._place(light.copy()), mode="clip")
        for _ in range(self.most):
            np.add(found, light >= self.edges.take(found.astype(np.intp), mode="clip"), out=found)
        return found
