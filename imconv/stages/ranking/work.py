"""What a band of an order statistic's output rows becomes: padded rows of sortable samples, the loop, samples again."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ... import jit
from ...engine.buffers import LARGEST_LANES, aligned_lines
from ...engine.threads import Crew
from ...errors import OptionError
from ...geometry.border import fill_values
from ...pixels.rounding import Tally, finish
from ...pixels.sample_types import type_range
from .plan import IN_PLACE, LINE_BYTES, ORDINALS, STRIP, RankPlan, rank_of
from .sortable import rule_of, samples_of, sortable
from .sorting_network import make_network

BINS = 16
STEPS = np.tri(BINS, dtype=np.uint8).T.reshape(1, -1)  # sixteen times sixteen: 0 before place n, 1 from there on
ROOM = 2 * LARGEST_LANES  # samples behind a padded row that vectors may read, and write
LOOPS = {
    "extremes": "extremes.extreme",
    "rows": "columns.extreme_of_columns",
    "taps": "extremes.extreme_of_taps",
    "network": "network.select",
    "bisection": "bisection.bisect",
    "ordinals": "bisection.bisect",
    "histogram": "histogram.select",
}


class RankJob:
    """One plan over one picture, or a part of it whose first row is row `low`; its methods are called from several
    threads at once."""

    def __init__(self, plan: RankPlan, source: np.ndarray, low: int = 0):
        self.plan = plan
        self.type, self.key = np.dtype(plan.source), np.dtype(plan.key)
        self.loop = jit.loop(LOOPS.get(plan.algorithm) or f"columns.median_{plan.footprint.count}")
        self.extreme = (*plan.footprint.shape, int(plan.largest)) if plan.algorithm == "rows" else ()
        self.fill = self._fill()
        self.ranks, self.kinds = self._ranks()
        self.to_keys, self.to_samples = jit.loop("keys.to_keys"), jit.loop("keys.to_samples")
        self.rule = rule_of(self.type)
        self.network = make_network(plan.footprint, plan.rank) if plan.algorithm == "network" else None
        self.low = self.count = -1
        self.move(source, low)

    def move(self, source: np.ndarray, low: int) -> None:
        """Go on with another part of the picture."""
        plan = self.plan
        self.array = source
        if (low, len(source)) != (self.low, self.count):
            self.low, self.count = low, len(source)
            self.rows = np.where(plan.row_sources < 0, -1, np.clip(plan.row_sources - low, 0, self.count - 1))
        ready = source.flags.c_contiguous and source.dtype.isnative
        samples = plan.columns.size * plan.channels
        self.bits = source.reshape(len(source), -1).view(self.key) if ready and samples >= LARGEST_LANES else None
        wide = min(plan.columns.size, plan.columns.out) * plan.channels >= 4 * LARGEST_LANES and self.key.itemsize <= 2
        inside = plan.border.mode not in ("constant", "normalized") and plan.phases == plan.strides == (1, 1)
        self.direct = plan.algorithm in IN_PLACE and ready and self.type.kind in "bu" and wide and inside

    def release(self) -> None:
        """Hold no picture until the next one."""
        self.array = self.bits = None

    def needed(self) -> list[tuple[str, tuple[str, ...]]]:
        """The compiled loops that bands will call."""
        column, window = self.plan.bins
        found = [self.loop.specialised({"S": self.plan.counted, "C": column, "W": window})]
        others = [] if self.direct else [self.to_keys] if self.type.kind in "bu" else [self.to_keys, self.to_samples]
        return found + [loop.specialised({"S": self.key}) for loop in others]

    def samples(self, first: int, out: np.ndarray, scratch: dict) -> None:
        """Fill `out` (rows, columns, channels), contiguous, of the picture's type, with rows `first`, ... of the result."""
        plan = self.plan
        (down, along), (tall, wide) = plan.strides, plan.phases
        rows, columns = (len(out) - 1) * down + 1, plan.full[1]
        flat = out.reshape(len(out), -1)
        if self.direct:
            self._in_place(first, flat.view(self.key), scratch)
            return
        block = self._block(first * down, rows + (plan.rows.taps - 1) * tall, scratch)
        if (down, along, tall, wide) == (1, 1, 1, 1):
            if flat.shape[1] >= LARGEST_LANES:
                keys = flat.view(self.key)
                self._rank(block, first, keys, columns, scratch)
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
                place = Block.empty(*pixels.shape, self.key, scratch, "phase")
                place.pixels[...] = pixels
                start = first * down + p
                ranks = self.ranks[:, q::wide] if self.ranks.shape[1] > 1 else self.ranks
                part[...] = self._ranked(place, 0, *part.shape[:2], scratch, (self.kinds[start::tall], ranks))
        out[...] = samples_of(np.ascontiguousarray(full[::down, ::along]), self.type)

    def originals(self, first: int, count: int) -> np.ndarray:
        """The samples under the anchor, for `count` rows of the result; the border's where it has none."""
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
        outside = samples_of(self.fill, self.type) if plan.border.mode == "constant" else self.type.type(0)
        return np.where(missing[..., None], outside, band)

    # --- padded rows -----------------------------------------------------------------------------------------------

    def _fill(self) -> np.ndarray:
        """What the border fills each channel with, sortable; for "normalized" what comes last, for a maximum first."""
        plan = self.plan
        if plan.border.mode == "normalized":
            return np.full(plan.channels, 0 if plan.percentile == 100 else np.iinfo(self.key).max, self.key)
        if plan.border.mode != "constant":
            return np.zeros(plan.channels, self.key)
        return sortable(constant_samples(plan, self.type))

    def _block(self, start: int, count: int, scratch: dict) -> Block:
        """Padded rows start, start + 1, ...: sortable samples (count, columns, channels)."""
        plan = self.plan
        columns, lead, channels = plan.column_sources, plan.columns.before, plan.channels
        rows, bits, samples = self.rows[start : start + count], self.bits, plan.columns.size * channels
        if bits is None:
            inside = rows[rows >= 0]
            top, bottom = (inside.min(), inside.max() + 1) if inside.size else (0, 1)
            band = np.zeros((bottom - top, max(samples, LARGEST_LANES)), self.type)
            band[:, :samples] = self.array[top:bottom].reshape(bottom - top, samples)
            rows, bits = np.where(rows < 0, -1, rows - top), band.view(self.key)
        made = Block.empty(count, max(columns.size, lead + plan.columns.size), channels, self.key, scratch, "block")
        self.to_keys(bits, rows, columns, lead, channels, samples, self.fill, self.rule, made.rows)
        return made

    # --- ranks -----------------------------------------------------------------------------------------------------

    def _ranks(self) -> tuple[np.ndarray, np.ndarray]:
        """Ranks (k, 1) or (k, samples), and for each row of the result, unstrided, which of the k lines holds."""
        plan = self.plan
        rows = plan.full[0]
        if plan.border.mode != "normalized":
            return np.array([[plan.rank]], np.uint16), np.zeros(rows, np.int64)
        (tall, kinds), (wide, places) = (_inside(axis) for axis in (plan.rows, plan.columns))
        sums = np.pad(plan.footprint.cells.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
        counts = sums[tall[:, 1]] - sums[tall[:, 0]]
        counts = counts[:, wide[:, 1]] - counts[:, wide[:, 0]]
        if not counts.min():
            raise OptionError("border normalized leaves no sample in some windows; pad less, or take another border")
        ranks = np.array([[rank_of(plan.percentile, n) for n in line] for line in counts.tolist()], np.uint16)
        return ranks[:, places], kinds

    def _ranked(self, block: Block, first: int, rows: int, columns: int, scratch: dict, wanted=None) -> np.ndarray:
        """Sortable samples (rows, columns, channels) of a block's windows; valid until the next call. `wanted` as in `_rank`."""
        channels = block.pixels.shape[2]
        samples = columns * channels
        width = samples if self.plan.algorithm == "histogram" else max(samples, LARGEST_LANES)
        out = buffer(scratch, "ranked", rows * width, self.key).reshape(rows, width)
        self._rank(block, first, out, columns, scratch, wanted)
        return out[:, :samples].reshape(rows, columns, channels)

    def _rank(self, block: Block, first: int, out: np.ndarray, columns: int, scratch: dict, wanted=None) -> None:
        """Fill `out` (rows, samples), contiguous, with ranks in a block's windows, `columns` pixels of each row; the first
        row is row `first` of the result, unstrided, or of `wanted`: what `_ranks` gives, for a part of the windows."""
        plan, rows, channels = self.plan, block.rows, block.pixels.shape[2]
        height, width = plan.footprint.shape
        places = self._places(rows.shape[1], channels)
        if plan.algorithm == "extremes":
            line = buffer(scratch, "line", rows.shape[1], self.key)[None]
            self.loop(rows, height, width, channels, int(plan.largest), out, line)
        elif plan.algorithm == "taps":
            self.loop(rows, places, int(plan.largest), out)
        elif plan.algorithm == "network":
            self._by_network(rows, channels, out, scratch)
        elif plan.algorithm in IN_PLACE:
            padded = block.pixels.shape[1]
            samples = rows.shape[1]
            self._sorted_columns(rows, np.arange(len(rows)), 0, np.arange(padded), 0, samples, out, scratch)
        elif plan.algorithm == "bisection":
            wanted = wanted or (self.kinds, self.ranks)
            self._bisect(rows.astype(plan.counted, copy=False), places, first, 0, out, channels, wanted)
        elif plan.algorithm == "ordinals":
            parts = out[:, : columns * channels].reshape(len(out), columns, channels)
            self._by_ordinals(block.pixels, first, parts, wanted or (self.kinds, self.ranks))
        else:
            self._by_histograms(rows, channels, out, scratch)

    def _places(self, pitch: int, channels: int) -> np.ndarray:
        """How far behind a sample those of its window lie, in rows of `pitch` samples."""
        down, along = np.nonzero(self.plan.footprint.cells)
        return down * pitch + along * channels

    def _in_place(self, first: int, out: np.ndarray, scratch: dict) -> None:
        """Rows of the result from the picture's own rows."""
        plan = self.plan
        rows, source = self.rows[first : first + len(out) + plan.rows.taps - 1], self.bits
        self._sorted_columns(source, rows, plan.columns.before, plan.column_sources, 0, source.shape[1], out, scratch)

    def _sorted_columns(self, source, rows, lead, columns, first, samples, out, scratch) -> None:
        """Call the loops of `loops/columns.py`."""
        plan = self.plan
        length = (lead + columns.size) * plan.channels + samples + ROOM
        lines = scratch.get("lines")
        if lines is None or lines.shape[1] < length:
            lead_samples = lead * plan.channels
            count = 1 if self.extreme else plan.rows.taps
            lines = scratch["lines"] = aligned_lines(count, length, plan.key, lead_samples)
        self.loop(source, rows, first, columns, lead, plan.channels, samples, self.fill, out, lines, *self.extreme)

    def _by_network(self, rows: np.ndarray, channels: int, out: np.ndarray, scratch: dict) -> None:
        reach = (self.plan.footprint.shape[1] - 1) * channels
        four = 4 * LARGEST_LANES // self.key.itemsize
        length = -(-max(LINE_BYTES // self.key.itemsize, 4 * reach) // four) * four
        if "network" not in scratch:
            lines = aligned_lines(self.network.lines + 1, length, self.plan.key)
            scratch["network"] = self.network.placed(lines.shape[1], channels), lines.reshape(1, -1)
        steps, lines = scratch["network"]
        self.loop(rows, steps, self.network.tall, reach, length, out, lines)

    def _bisect(self, rows, places, first, start, out, channels, wanted) -> None:
        """Ranks for columns `start`, ... of the result; `rows` holds integers of the type that the loop works in."""
        kinds, ranks = wanted
        if ranks.shape[1] > 1:
            ranks = ranks[:, start:].repeat(channels, axis=1)
            ranks = np.pad(ranks, ((0, 0), (0, max(0, out.shape[1] - ranks.shape[1]))), mode="edge")
        bits = int(rows.max()).bit_length()
        found = out if out.dtype == rows.dtype else np.empty(out.shape, rows.dtype)
        self.loop(
            rows, places, bits, np.ascontiguousarray(ranks, rows.dtype), np.ascontiguousarray(kinds), first, found
        )
        if found is not out:
            out[...] = found

    def _by_ordinals(self, pixels: np.ndarray, first: int, out: np.ndarray, wanted) -> None:
        """In tiles of one channel each: samples are numbered by their order, numbers ranked, the ranks' samples looked up."""
        height, width = self.plan.footprint.shape
        tall, wide = _tile(height, width, out.shape[:2])
        for y in range(0, out.shape[0], tall):
            for x in range(0, out.shape[1], wide):
                for channel in range(out.shape[2]):
                    part = out[y : y + tall, x : x + wide, channel]
                    rows, columns = part.shape
                    tile = np.ascontiguousarray(pixels[y : y + rows + height - 1, x : x + columns + width - 1, channel])
                    order = tile.ravel().argsort()
                    numbered = Block.empty(*tile.shape, 1, np.uint16)
                    numbered.rows[...] = 0
                    numbers = np.empty(tile.size, np.uint16)
                    numbers[order] = np.arange(tile.size, dtype=np.uint16)
                    numbered.pixels[..., 0] = numbers.reshape(tile.shape)
                    found = np.empty((rows, max(columns, LARGEST_LANES)), np.uint16)
                    self._bisect(numbered.rows, self._places(numbered.rows.shape[1], 1), first + y, x, found, 1, wanted)
                    part[...] = tile.ravel()[order][found[:, :columns]]

    def _by_histograms(self, rows: np.ndarray, channels: int, out: np.ndarray, scratch: dict) -> None:
        plan = self.plan
        height, width = plan.footprint.shape
        strip = max(1, STRIP // channels) * channels
        count = min(strip, out.shape[1]) + (width - 1) * channels
        column, window = plan.bins
        coarse = buffer(scratch, "coarse", count * BINS, column)[None]
        fine = buffer(scratch, "fine", count * BINS * BINS, column)[None]
        parts, known = np.empty((1, BINS * BINS), window), np.empty(BINS, np.int64)
        windows, held = np.empty((1, strip * BINS), window), np.empty(strip, np.int64)
        bins = (coarse, fine, parts, known, windows, held)
        self.loop(rows, height, width, channels, plan.rank, strip, STEPS.astype(column), out, *bins)


@dataclass(frozen=True)
class Block:
    """Padded rows: `rows` (rows, samples and room) as the loops take them, `pixels` (rows, columns, channels) a view."""

    rows: np.ndarray
    pixels: np.ndarray

    @classmethod
    def empty(cls, count: int, columns: int, channels: int, kind, scratch: dict | None = None, name: str = "") -> Block:
        """Room for so many, in the buffer of this name where there is one."""
        pitch = columns * channels + ROOM
        rows = buffer({} if scratch is None else scratch, name, count * pitch, kind).reshape(count, pitch)
        return cls(rows, rows[:, : columns * channels].reshape(count, columns, channels))


def buffer(scratch: dict, name: str, size: int, kind) -> np.ndarray:
    """Uninitialised memory that a thread keeps under a name."""
    held = scratch.get(name)
    if held is None or held.size < size:
        held = scratch[name] = np.empty(size, kind)
    return held[:size]


def _tile(height: int, width: int, most: tuple[int, int]) -> tuple[int, int]:
    """The largest tile of results for whose windows 16 bits number the samples."""
    tiles = ((rows, min(most[1], ORDINALS // (rows + height - 1) - width + 1)) for rows in range(1, most[0] + 1))
    return max((tile for tile in tiles if tile[1] > 0), key=math.prod)


def _inside(axis) -> tuple[np.ndarray, np.ndarray]:
    """Half-open ranges of taps that lie on the picture, (n, 2), and which of them each place of the window has, unstrided."""
    start = np.arange((axis.out - 1) * axis.stride + 1) - axis.before
    first = np.clip(-(start // axis.dilation), 0, axis.taps)
    last = np.clip(-((start - axis.size) // axis.dilation), 0, axis.taps)
    found, places = np.unique(np.stack([first, np.maximum(first, last)], axis=1), axis=0, return_inverse=True)
    return found, places.ravel()


def constant_samples(plan: RankPlan, kind: np.dtype) -> np.ndarray:
    """What a constant border fills each channel with: samples of a type, rounded and saturated where they are whole numbers."""
    values = fill_values(plan.border, plan.channels, None if plan.alpha == "none" else type_range(kind)[1])
    if kind.kind != "f":
        if np.isnan(values).any():
            raise OptionError("border constant:nan needs a float picture")
        low, high = _whole_range(kind)
        values = [min(max(math.floor(v + 0.5), low), high) for v in values.tolist()]
    return np.array(values, kind)


def _whole_range(kind: np.dtype) -> tuple[int, int]:
    """An integer type's smallest and largest sample."""
    return (0, 1) if kind.kind == "b" else (int(np.iinfo(kind).min), int(np.iinfo(kind).max))


class RankRun:
    """A plan at work on a picture, or on the part of it that begins with row `low`: rows of the result from top to
    bottom, bands of them on threads."""

    def __init__(self, plan: RankPlan, source, threads=None, tally: Tally | None = None, progress=None, low: int = 0):
        self.plan, self.tally, self.colours = plan, tally, plan.colours
        self.job = RankJob(plan, source, low)
        self.crew = Crew(plan, threads, progress)
        jit.ready(self.job.needed())

    def move(self, source: np.ndarray, low: int) -> None:
        """Go on with another part of the picture."""
        self.job.move(source, low)

    def release(self) -> None:
        """Hold no picture until the next one."""
        self.job.release()

    def fill(self, first: int, out: np.ndarray, work=None) -> None:
        """Compute rows first, first + 1, ... of the result into `out`."""
        height = self.crew.height(len(out))
        if not (self.job.direct and self.plan.plain):
            height = min(height, self.plan.band_rows)
        self.crew.run(work or self.band, first, out, max(1, height))

    def band(self, first: int, out: np.ndarray, scratch: dict) -> None:
        """Rows of the result, as they are stored."""
        plan = self.plan
        if plan.plain and out.dtype == self.job.type:
            self._samples(first, out, scratch)
            if self.tally is not None:
                self.tally.add(samples=out.size)
            return
        values = self._values(first, len(out), scratch)
        divisor, offset = plan.scale.denominator, float(plan.offset)
        for part, policy, more in (
            (slice(0, plan.colours), plan.range, offset),
            (slice(plan.colours, None), "clip", 0.0),
        ):
            if values[..., part].size:
                exact = self.job.type.kind != "f" and more == int(more)
                sums = values[..., part] * plan.scale.numerator
                finish(sums, out[..., part], policy, more * divisor, divisor, self.tally, exact)

    def values_band(self, first: int, out: np.ndarray, scratch: dict) -> None:
        """Rows of the result, not yet rounded."""
        plan = self.plan
        out[...] = self._values(first, len(out), scratch) * plan.scale.numerator / plan.scale.denominator
        out[..., : plan.colours] += float(plan.offset)

    def _values(self, first: int, count: int, scratch: dict) -> np.ndarray:
        samples = np.empty((count, self.plan.columns.out, self.plan.channels), self.job.type)
        self._samples(first, samples, scratch)
        return samples.astype(np.float64)

    def _samples(self, first: int, out: np.ndarray, scratch: dict) -> None:
        self.job.samples(first, out, scratch)
        if self.plan.alpha == "keep":
            out[..., -1] = self.job.originals(first, len(out))[..., -1]
