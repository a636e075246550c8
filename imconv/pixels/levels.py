"""Decodes and encodes rows of samples by transfer curves: integer samples by tables, floats by the curves' formulas."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .curves import STRAIGHT, Curve
from .depth import white

BLOCK = 1 << 16  # samples converted at a time, so that intermediate arrays stay in a core's cache
FINEST = 8  # at most so many places in the table of guesses for each level


@dataclass(frozen=True)
class Transfer:
    """The transfer curves of a picture's colour channels; a channel without a curve (alpha) is linear."""

    curves: tuple[Curve, ...]

    def decode(self, rows: np.ndarray, top: int | None = None) -> np.ndarray:
        """Decode rows (n, width) or (n, width, channels) to linear light, white 1: float64 for float64 rows, else float32.

        `top`: the level of white, where it is not the type's largest.
        """
        out = np.empty(rows.shape, np.float64 if rows.dtype == np.float64 else np.float32)
        for curve, samples, result in self._blocks(rows, out):
            if samples.dtype.kind == "f":
                result[...] = curve.linear(samples.astype(np.float64))
            else:
                levels(curve, top or white(rows.dtype)).take(samples.astype(np.intp), out=result, mode="clip")
        return out

    def encode(self, rows: np.ndarray, dtype, top: int | None = None) -> np.ndarray:
        """Encode rows of linear light, float32 or float64, to samples of type `dtype`.

        Integers and bool are rounded half up and saturated; NaN becomes 0. It is the encoded value that is rounded.
        `top`: the level of white, where it is not the type's largest.
        """
        out = np.empty(rows.shape, dtype)
        for curve, light, result in self._blocks(rows, out):
            if out.dtype.kind == "f":
                result[...] = curve.encoded(light.astype(np.float64))
            else:
                result[...] = level_table(curve, top or white(out.dtype)).of(light)
        return out

    def clipped(self, rows: np.ndarray, dtype, top: int | None = None) -> int:
        """Count samples of linear light whose encoded value is outside an integer type's range by half a level or more."""
        count = 0
        for curve, light, _ in self._blocks(rows, rows):
            low, high = level_table(curve, top or white(dtype)).limits
            count += int(np.count_nonzero((light < low) | (light >= high)))
        return count

    def _blocks(self, rows: np.ndarray, out: np.ndarray) -> Iterator[tuple[Curve, np.ndarray, np.ndarray]]:
        """Yield (curve, samples, place in `out`) for blocks whose channels share a curve."""
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
    """A read-only table: the linear light of each level 0 .. top, float32."""
    table = curve.linear(np.arange(top + 1) / top).astype(np.float32)
    table.flags.writeable = False
    return table


class LevelTable:
    """Encodes linear light to levels 0 .. top, rounded exactly.

    Light has level k from `edges[k - 1]` on, which is where the curve's encoded value is k - 1/2. The levels are found by
    a table of guesses: it divides the light, or a root of it, into even places and holds the lowest level of each place.
    Then light is compared with the edges that lie within its place: `edges_per_place`, nearly always 1.
    """

    def __init__(self, curve: Curve, top: int):
        exact = curve.linear((np.arange(top) + 0.5) / top)
        edges = exact.astype(np.float32)
        edges = np.where(edges < exact, np.nextafter(edges, np.float32(np.inf)), edges)
        # where a curve is flat, several levels have the same light: it encodes to the lowest of them
        below = np.maximum.accumulate(np.nextafter(levels(curve, top)[:-1], np.float32(np.inf)))
        self.edges = np.append(np.maximum.accumulate(np.maximum(edges, below)), np.float32(np.inf))
        self.type = np.uint8 if top < 256 else np.uint16
        # `limits`: light below the first would round to -1, from the second on to top + 1; above white the curve is taken
        # to be as steep as just below white
        black, grey, dark, full = curve.linear(np.array([0, 0.5 / top, 1 - 0.5 / top, 1])).tolist()
        self.limits = (2 * black - grey, 2 * full - dark)
        divisions = [(places, roots) for places in (2, 4, FINEST) for roots in (0, 1, 2)]
        found = [(self._prepare(top * places, roots), top * places, roots) for places, roots in divisions]
        self.edges_per_place, self.places, self.roots = min(found)
        self._prepare(self.places, self.roots)

    def _prepare(self, places: int, roots: int) -> int:
        """Make the table of guesses; return how many edges lie within one place at most."""
        self.places, self.roots = places, roots
        within = np.bincount(self._place(self.edges[:-1].copy()), minlength=places + 1)
        self.guesses = (np.cumsum(within) - within).astype(self.type)
        return int(within.max())

    def _place(self, light: np.ndarray) -> np.ndarray:
        """The place in the table for each light, float32 up to the last edge. Overwrites `light`."""
        for _ in range(self.roots):
            np.sqrt(light, out=light)
        light *= np.float32(self.places / self._last)
        return light.astype(np.intp)

    @property
    def _last(self) -> float:
        last = float(self.edges[-2])
        for _ in range(self.roots):
            last = math.sqrt(last)
        return max(last, 1e-30)

    def of(self, light: np.ndarray) -> np.ndarray:
        """Encode linear light: levels of the same shape, uint8 or uint16."""
        light = np.fmax(light, 0)  # NaN too
        if light.dtype == np.float64:
            return np.searchsorted(self.edges[:-1], light, side="right").astype(self.type)
        np.minimum(light, self.edges[-2], out=light)
        found = self.guesses.take(self._place(light.copy()), mode="clip")
        for _ in range(self.edges_per_place):
            np.add(found, light >= self.edges.take(found.astype(np.intp), mode="clip"), out=found)
        return found


level_table = lru_cache(maxsize=16)(LevelTable)
