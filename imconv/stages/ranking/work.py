"""`RankWork`: computes bands of an order statistic, from padded rows of sortable integers, by an algorithm's loop."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import jit
from ...engine.buffers import LARGEST_LANES
from ...engine.stage import Work
from ...errors import OptionError
from ...geometry.border import fill_values, source_indices
from ...pixels.rounding import finish
from ...pixels.sample_types import type_range
from .footprint import rank_of
from .sortable import rule_of, samples_of, sortable
from .task import MOST_RANKED, Block, buffer


class RankWork(Work):
    """The work of a `RankPlan`. Methods from `band` on are called from several threads at once."""

    def __init__(self, plan, rows: np.ndarray, low: int = 0, threads=None, tally=None, progress=None):
        super().__init__(plan, threads, tally, progress)
        self.steps = plan.rows.stride, plan.columns.stride, plan.rows.dilation, plan.columns.dilation
        # blocks begin with the picture's first column, or before it; so many windows of the first columns are not wanted
        self.skipped = max(0, -plan.columns.before)
        self.columns = source_indices(
            plan.border, np.arange(plan.columns.span + self.skipped) - max(plan.columns.before, 0), plan.columns.size
        )
        self.type, self.key = np.dtype(plan.source), np.dtype(plan.key)
        self.how, self.loop = plan.how, jit.loop(plan.how.loop(plan))
        self.border_keys = self._border_keys()
        self.ranks, self.rank_lines = self._ranks()
        self.to_keys, self.to_samples = jit.loop("sortable.to_keys"), jit.loop("sortable.to_samples")
        self.rule = rule_of(self.type)
        self.prepared = self.how.prepare(plan)
        self.low = self.count = -1
        self.array: Any  # None while it holds no picture
        self.move(rows, low)
        jit.ready(self._loops())

    def move(self, rows: np.ndarray, low: int) -> None:
        plan = self.plan
        self.array = rows
        if (low, len(rows)) != (self.low, self.count):
            self.low, self.count = low, len(rows)
            self.rows = np.where(plan.row_sources < 0, -1, np.clip(plan.row_sources - low, 0, self.count - 1))
        ready = rows.flags.c_contiguous and rows.dtype.isnative
        samples = plan.columns.size * plan.channels
        self.bits = rows.reshape(len(rows), -1).view(self.key) if ready and samples >= LARGEST_LANES else None
        wide = min(plan.columns.size, plan.columns.out) * plan.channels >= 4 * LARGEST_LANES and self.key.itemsize <= 2
        inside = plan.border.mode not in ("constant", "normalized") and self.steps == (1, 1, 1, 1)
        self.direct = self.how.in_place and ready and self.type.kind in "bu" and wide and inside

    def release(self) -> None:
        self.array = self.bits = None

    def height(self, rows: int, values: bool) -> int:
        height = super().height(rows, values)
        return height if self.direct and self.plan.plain else min(height, self.plan.band_rows)

    def _loops(self) -> list[tuple[str, tuple[str, ...]]]:
        """The compiled loops that bands will call."""
        found = [self.loop.specialised(self.how.types(self.plan))]
        others = [] if self.direct else [self.to_keys] if self.type.kind in "bu" else [self.to_keys, self.to_samples]
        return found + [loop.specialised({"S": self.key}) for loop in others]

    def band(self, first: int, out: np.ndarray, scratch: dict) -> None:
        samples = out if self.plan.plain else np.empty(out.shape, self.type)
        self._samples(first, samples, scratch)
        store(self.plan, samples, out, self.tally)

    def values_band(self, first: int, out: np.ndarray, scratch: dict) -> None:
        samples = np.empty(out.shape, self.type)
        self._samples(first, samples, scratch)
        store_values(self.plan, samples, out)

    def _samples(self, first: int, out: np.ndarray, scratch: dict) -> None:
        self._filtered(first, out, scratch)
        if self.plan.alpha == "unweighted":
            out[..., -1] = self._originals(first, len(out))[..., -1]

    def _filtered(self, first: int, out: np.ndarray, scratch: dict) -> None:
        """Fill `out` (rows, columns, channels), contiguous, of the picture's type, with rows first, first + 1, ... of the result."""
        plan = self.plan
        down, along, tall, wide = self.steps
        rows, columns = (len(out) - 1) * down + 1, plan.full[1] + self.skipped
        flat = out.reshape(len(out), -1)
        if self.direct:
            self.how.rank_in_place(self, first, flat.view(self.key), scratch)
            return
        block = self._block(first * down, rows + (plan.rows.taps - 1) * tall, scratch)
        if self.steps == (1, 1, 1, 1):
            if flat.shape[1] >= LARGEST_LANES:
                keys = flat.view(self.key)
                self.how.rank(self, block, first, keys, columns, scratch, (self.rank_lines, self.ranks))
                if self.type.kind not in "bu":
                    self.to_samples(self.rule, keys)
            else:
                out[...] = samples_of(self._ranked(block, first, rows, columns, scratch), self.type)
            return
        full = np.empty((rows, columns, plan.channels), self.key)
        for p in range(min(tall, rows)):
            for q in range(min(wide, columns)):
                part = full[p::tall, q::wide]
                pixels = block.pixels[p::tall, q::wide]
                place = Block.empty(len(pixels), pixels.shape[1], plan.channels, self.key, scratch, "phase")
                place.pixels[...] = pixels
                start = first * down + p
                ranks = self.ranks[:, q::wide] if self.ranks.shape[1] > 1 else self.ranks
                part[...] = self._ranked(
                    place, 0, len(part), part.shape[1], scratch, (self.rank_lines[start::tall], ranks)
                )
        out[...] = samples_of(np.ascontiguousarray(full[::down, self.skipped :: along]), self.type)

    def _originals(self, first: int, count: int) -> np.ndarray:
        """The samples under the anchor for `count` rows of the result; border values where it lies outside the picture."""
        plan = self.plan
        rows, columns = (
            sources[np.arange(axis.out) * axis.stride + axis.anchor * axis.dilation]
            for axis, sources in ((plan.rows, plan.row_sources), (plan.columns, plan.column_sources))
        )
        rows = rows[first : first + count]
        band = self.array[np.maximum(rows - self.low, 0)[:, None], np.maximum(columns, 0)]
        missing = (rows < 0)[:, None] | (columns < 0)
        if not missing.any():
            return band
        outside = samples_of(self.border_keys, self.type) if plan.border.mode == "constant" else self.type.type(0)
        return np.where(missing[..., None], outside, band)

    # --- padded rows -----------------------------------------------------------------------------------------------

    def _border_keys(self) -> np.ndarray:
        """The border's value for each channel as sortable integers.

        With "normalized" the largest integer, so that it never counts; for a maximum 0.
        """
        plan = self.plan
        if plan.border.mode == "normalized":
            return np.full(plan.channels, 0 if plan.percentile == 100 else np.iinfo(self.key).max, self.key)
        if plan.border.mode != "constant":
            return np.zeros(plan.channels, self.key)
        return sortable(constant_samples(plan, self.type))

    def _block(self, start: int, count: int, scratch: dict) -> Block:
        """Padded rows start .. start + count - 1 as sortable integers."""
        plan = self.plan
        columns, lead, channels = self.columns, max(plan.columns.before, 0), plan.channels
        rows, bits, samples = self.rows[start : start + count], self.bits, plan.columns.size * channels
        if bits is None:
            inside = rows[rows >= 0]
            top, bottom = (inside.min(), inside.max() + 1) if inside.size else (0, 1)
            band = np.zeros((bottom - top, max(samples, LARGEST_LANES)), self.type)
            band[:, :samples] = self.array[top:bottom].reshape(bottom - top, samples)
            rows, bits = np.where(rows < 0, -1, rows - top), band.view(self.key)
        made = Block.empty(count, max(columns.size, lead + plan.columns.size), channels, self.key, scratch, "block")
        self.to_keys(bits, rows, columns, lead, channels, samples, self.border_keys, self.rule, made.rows)
        return made

    # --- ranks -----------------------------------------------------------------------------------------------------

    def _ranks(self) -> tuple[np.ndarray, np.ndarray]:
        """Lines of ranks, (k, 1) or (k, columns), and the number of the line for each row of the result without strides."""
        plan = self.plan
        rows, whole = plan.full[0], np.uint16 if plan.footprint.count <= MOST_RANKED else np.uint32
        if plan.border.mode != "normalized":
            return np.array([[plan.rank]], whole), np.zeros(rows, np.int64)
        (tall, rank_lines), (wide, places) = _inside(plan.rows), _inside(plan.columns, self.skipped)
        sums = np.pad(plan.footprint.cells.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
        counts = sums[tall[:, 1]] - sums[tall[:, 0]]
        counts = counts[:, wide[:, 1]] - counts[:, wide[:, 0]]
        if not counts.min():
            raise OptionError("border='normalized' leaves no sample in some windows; pad less, or take another border")
        ranks = np.array([[rank_of(plan.percentile, n) for n in line] for line in counts.tolist()], whole)
        return ranks[:, places], rank_lines

    def _ranked(self, block: Block, first: int, rows: int, columns: int, scratch: dict, wanted=None) -> np.ndarray:
        """The results (rows, columns, channels) of a block's windows as sortable integers; valid until the next call.

        `wanted`, if given, is (rank_lines, ranks) for these windows instead of all.
        """
        channels = block.pixels.shape[2]
        samples = columns * channels
        width = max(samples, LARGEST_LANES) if self.how.padded else samples
        out = buffer(scratch, "ranked", rows * width, self.key).reshape(rows, width)
        self.how.rank(self, block, first, out, columns, scratch, wanted or (self.rank_lines, self.ranks))
        return out[:, :samples].reshape(rows, columns, channels)

    def places(self, pitch: int, channels: int) -> np.ndarray:
        """The distances in memory from a window's first sample to those of its footprint, for rows of `pitch` samples."""
        down, along = np.nonzero(self.plan.footprint.cells)
        return down * pitch + along * channels


def _inside(axis, skipped: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The distinct ranges first .. last - 1 of taps on the picture, (n, 2), and the number of the range for each output.

    Outputs are those without strides, and `skipped` ones before them.
    """
    start = np.arange(skipped + (axis.out - 1) * axis.stride + 1) - axis.before - skipped
    first = np.clip(-(start // axis.dilation), 0, axis.taps)
    last = np.clip(-((start - axis.size) // axis.dilation), 0, axis.taps)
    found, places = np.unique(np.stack([first, np.maximum(first, last)], axis=1), axis=0, return_inverse=True)
    return found, places.ravel()


def constant_samples(plan, dtype: np.dtype) -> np.ndarray:
    """The values of a constant border for each channel as samples of a type; for integer types rounded and saturated."""
    values = fill_values(plan.border, plan.channels, None if plan.alpha == "none" else type_range(dtype)[1])
    if dtype.kind != "f":
        if np.isnan(values).any():
            raise OptionError("border='constant:nan' needs a float picture")
        low, high = _whole_range(dtype)
        return np.array([min(max(math.floor(v + 0.5), low), high) for v in values.tolist()], dtype)
    return values.astype(dtype)


def _whole_range(dtype: np.dtype) -> tuple[int, int]:
    """The smallest and largest sample of an integer type or bool, as ints."""
    return (0, 1) if dtype.kind == "b" else (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))


def store(plan, samples: np.ndarray, out: np.ndarray, tally) -> None:
    """Scale, round and store samples of a plan's source type in its result's type."""
    if plan.plain:
        if samples is not out:
            out[...] = samples
        if tally is not None:
            tally.add(samples=out.size)
        return
    divisor, offset = plan.scale.denominator, float(plan.offset)
    for part, policy, more in ((slice(0, plan.colours), plan.range, offset), (slice(plan.colours, None), "clip", 0.0)):
        if samples[..., part].size:
            exact = samples.dtype.kind != "f" and more == int(more)
            sums = samples[..., part].astype(np.float64) * plan.scale.numerator
            finish(sums, out[..., part], policy, more * divisor, divisor, tally, exact)


def store_values(plan, samples: np.ndarray, out: np.ndarray) -> None:
    """As `store`, in float64, before range policy and rounding."""
    out[...] = samples.astype(np.float64) * plan.scale.numerator / plan.scale.denominator
    out[..., : plan.colours] += float(plan.offset)
