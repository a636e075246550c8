"""The ways in which a rank can be found. To add one: a class here, and its place in the list at the end.

Costs are nanoseconds on one core of an AMD EPYC 9005 (Zen 5) with AVX-512, November 2026.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...engine.buffers import LARGEST_LANES, aligned_lines
from ...geometry.border import Border
from .blocks import ROOM, Block, buffer
from .footprint import Footprint
from .sorting_network import make_network

MOST_RANKED = 65535  # samples of a window, but for rectangles of bytes: what 16 bits count
LARGEST_NETWORK = 1024  # samples
REGISTER = 64  # bytes of a vector
LOW = 16  # rows compared one by one
DOUBLING = 0.8  # one vector, lesser or larger than another, of lines in the cache


@dataclass(frozen=True)
class RankTask:
    """A rank to be found: what an algorithm must be able to do."""

    footprint: Footprint
    rank: int
    item: int  # bytes of a sample
    border: Border
    extreme: bool  # whether the least or the largest sample is wanted in every window

    @property
    def count(self) -> int:
        """Samples of a window."""
        return self.footprint.count

    @property
    def whole(self) -> bool:
        """Whether the footprint is a full rectangle."""
        return self.footprint.mask is None

    @property
    def lanes(self) -> float:
        """Samples of a vector."""
        return REGISTER // self.item

    @property
    def fixed_rank(self) -> bool:
        """Whether every window has the same rank, and it is no extreme."""
        return not self.extreme and self.border.mode != "normalized"


class RankAlgorithm:
    """One way to find ranks. An algorithm has no state; a subclass says everything about its way."""

    name: str
    reason: str
    in_place = False  # whether it reads the picture itself where that can be
    padded = True  # whether lines of results have room for a vector

    def cost(self, task: RankTask) -> float | None:
        """Nanoseconds for a sample of the result; None where it can't do the task."""
        raise NotImplementedError

    def cost_once(self, task: RankTask) -> float:
        """Nanoseconds for each plan, whatever the picture's size."""
        return 0.0

    def loop(self, plan) -> str:
        """Module and function in imconv/loops."""
        raise NotImplementedError

    def counted(self, plan) -> str:
        """The type that the loop works in."""
        return plan.key

    def kinds(self, plan) -> dict[str, str]:
        """The types that the capitals in the loop's declaration stand for."""
        return {"S": plan.counted}

    def least_rows(self, plan) -> int:
        """Rows of the picture below which a band is too low: more than the window around it."""
        return 2 * plan.rows.taps * plan.rows.dilation

    def scratch(self, plan) -> int:
        """Bytes of buffers of its own that a thread holds."""
        return 0

    def prepare(self, plan):
        """What is computed once for each work, `job.prepared`."""
        return None

    def rank(self, job, block: Block, first: int, out: np.ndarray, columns: int, scratch: dict, wanted) -> None:
        """Fill `out` (rows, samples), contiguous, with ranks in a block's windows, `columns` pixels of each row.

        The first row is row `first` of the result, unstrided. `wanted` are the ranks of these windows, as `RankJob` has
        them: (kinds, ranks).
        """
        raise NotImplementedError


class Extremes(RankAlgorithm):
    """Rows, then columns by doubling."""

    name = "extremes"
    reason = "rows, then columns by doubling: hardly depends on the size"

    def cost(self, task: RankTask) -> float | None:
        """As RankAlgorithm.cost."""
        steps = sum(2 + n.bit_length() for n in task.footprint.shape)
        return DOUBLING * steps / task.lanes if task.extreme and task.whole else None

    def loop(self, plan) -> str:
        """As RankAlgorithm.loop."""
        return "extremes.extreme"

    def rank(self, job, block, first, out, columns, scratch, wanted) -> None:
        """As RankAlgorithm.rank."""
        height, width = job.plan.footprint.shape
        line = buffer(scratch, "line", block.rows.shape[1], job.key)[None]
        job.loop(block.rows, height, width, block.pixels.shape[2], int(job.plan.largest), out, line)


class Taps(RankAlgorithm):
    """Sample by sample."""

    name = "taps"
    reason = "every sample of the shape is compared"
    TAP = 0.5  # one vector, lesser or larger than another

    def cost(self, task: RankTask) -> float | None:
        """As RankAlgorithm.cost."""
        return self.TAP * task.count / task.lanes if task.extreme else None

    def loop(self, plan) -> str:
        """As RankAlgorithm.loop."""
        return "extremes.extreme_of_taps"

    def rank(self, job, block, first, out, columns, scratch, wanted) -> None:
        """As RankAlgorithm.rank."""
        places = job.places(block.rows.shape[1], block.pixels.shape[2])
        job.loop(block.rows, places, int(job.plan.largest), out)


class Columns(RankAlgorithm):
    """Medians of 3 x 3 and 5 x 5."""

    name = "columns"
    reason = "a sorting network on columns that are sorted once"
    in_place = True
    COSTS: ClassVar = {9: 5.0, 25: 16.0}  # a vector of medians of 3 x 3, of 5 x 5

    def cost(self, task: RankTask) -> float | None:
        """As RankAlgorithm.cost."""
        shaped = task.whole and task.footprint.shape in ((3, 3), (5, 5)) and task.rank == task.count // 2
        return self.COSTS[task.count] / task.lanes if task.fixed_rank and shaped else None

    def loop(self, plan) -> str:
        """As RankAlgorithm.loop."""
        return f"columns.median_{plan.footprint.count}"

    def last_arguments(self, plan) -> tuple:
        """The loop's last arguments."""
        return ()

    def lines(self, plan) -> int:
        """Lines of buffers that the loop works in."""
        return plan.rows.taps

    def rank(self, job, block, first, out, columns, scratch, wanted) -> None:
        """As RankAlgorithm.rank."""
        rows, padded = block.rows, block.pixels.shape[1]
        self.sort(job, rows, np.arange(len(rows)), 0, np.arange(padded), 0, rows.shape[1], out, scratch)

    def rank_in_place(self, job, first: int, out: np.ndarray, scratch: dict) -> None:
        """Rows of the result from the picture's own rows."""
        plan, source = job.plan, job.bits
        rows = job.rows[first : first + len(out) + plan.rows.taps - 1]
        self.sort(job, source, rows, plan.columns.before, plan.column_sources, 0, source.shape[1], out, scratch)

    def sort(self, job, source, rows, lead, columns, first, samples, out, scratch) -> None:
        """Call the loop of `loops/columns.py`."""
        plan = job.plan
        length = (lead + columns.size) * plan.channels + samples + ROOM
        lines = scratch.get("lines")
        if lines is None or lines.shape[1] < length:
            lines = scratch["lines"] = aligned_lines(self.lines(plan), length, plan.key, lead * plan.channels)
        more = self.last_arguments(plan)
        job.loop(source, rows, first, columns, lead, plan.channels, samples, job.fill, out, lines, *more)


class ExtremesOfRows(Columns):
    """Extremes of low windows."""

    name = "rows"
    reason = "the extreme of some rows, then columns by doubling"

    def cost(self, task: RankTask) -> float | None:
        """As RankAlgorithm.cost."""
        height, width = task.footprint.shape
        if not (task.extreme and task.whole and height <= LOW):
            return None
        return DOUBLING * (height + 1 + width.bit_length()) / task.lanes

    def loop(self, plan) -> str:
        """As RankAlgorithm.loop."""
        return "columns.extreme_of_columns"

    def last_arguments(self, plan) -> tuple:
        """As Columns.last_arguments."""
        return (*plan.footprint.shape, int(plan.largest))

    def lines(self, plan) -> int:
        """As Columns.lines."""
        return 1


class Network(RankAlgorithm):
    """Adams 2021."""

    name = "network"
    reason = "a sorting network that neighbouring windows share"
    LINE_BYTES = 1024  # of a line of the network
    MERGE = 1.85  # a vector of windows, for each sample of the window, by a network that neighbours share
    EXCHANGE = 0.85  # two vectors put in order, in the cache
    PREPARE = 5e3  # a sample of a window, when a network is made; an eighth of that, for it is kept

    def cost(self, task: RankTask) -> float | None:
        """As RankAlgorithm.cost."""
        if not task.fixed_rank or task.count > LARGEST_NETWORK:
            return None
        sorting = self.EXCHANGE * task.count * math.log2(task.count) ** 2 / 4
        return (self.MERGE * task.count if task.whole else sorting) / task.lanes

    def cost_once(self, task: RankTask) -> float:
        """As RankAlgorithm.cost_once."""
        return self.PREPARE * task.count

    def loop(self, plan) -> str:
        """As RankAlgorithm.loop."""
        return "network.select"

    def scratch(self, plan) -> int:
        """As RankAlgorithm.scratch."""
        item = np.dtype(plan.key).itemsize
        reach = 4 * (plan.columns.taps - 1) * plan.channels * item
        return (max(self.LINE_BYTES, reach) + 4 * LARGEST_LANES + 16 * 40) * plan.footprint.count

    def prepare(self, plan):
        """As RankAlgorithm.prepare: the network."""
        return make_network(plan.footprint, plan.rank)

    def rank(self, job, block, first, out, columns, scratch, wanted) -> None:
        """As RankAlgorithm.rank."""
        network, channels, item = job.prepared, block.pixels.shape[2], job.key.itemsize
        reach = (job.plan.footprint.shape[1] - 1) * channels
        four = 4 * LARGEST_LANES // item
        length = -(-max(self.LINE_BYTES // item, 4 * reach) // four) * four
        if "network" not in scratch:
            lines = aligned_lines(network.lines + 1, length, job.plan.key)
            scratch["network"] = network.placed(lines.shape[1], channels), lines.reshape(1, -1)
        steps, lines = scratch["network"]
        job.loop(block.rows, steps, network.tall, reach, length, out, lines)


class Histogram(RankAlgorithm):
    """Perreault and Hebert 2007."""

    name = "histogram"
    reason = "histograms of columns and of the window: does not depend on the size"
    padded = False
    BINS = 16
    STEPS = np.tri(BINS, dtype=np.uint8).T.reshape(1, -1)  # sixteen times sixteen: 0 before place n, 1 from there on
    STRIP = 1024  # samples of a row whose columns' histograms are held at a time
    TALLEST_COUNTED = (
        254  # tallest window whose column counts fit a byte: a new row is counted before an old one is removed
    )
    SAMPLE = 4.6  # a sample
    SWITCH = 22.0  # more for a sample where windows are narrow, divided by the width: neighbouring results differ more

    def cost(self, task: RankTask) -> float | None:
        """As RankAlgorithm.cost."""
        able = task.fixed_rank and task.whole and task.item == 1
        return self.SAMPLE + self.SWITCH / task.footprint.shape[1] if able else None

    def loop(self, plan) -> str:
        """As RankAlgorithm.loop."""
        return "histogram.select"

    def least_rows(self, plan) -> int:
        """As RankAlgorithm.least_rows."""
        return 4 * plan.rows.taps

    def scratch(self, plan) -> int:
        """As RankAlgorithm.scratch."""
        return 272 * plan.columns.taps * plan.channels + 272 * self.STRIP

    def bins(self, plan) -> tuple[str, str]:
        """The types that hold histograms of a column, and of the window."""
        tall, many = plan.rows.taps > self.TALLEST_COUNTED, plan.footprint.count > MOST_RANKED
        return "uint16" if tall else "uint8", "uint32" if many else "uint16"

    def kinds(self, plan) -> dict[str, str]:
        """As RankAlgorithm.kinds."""
        column, window = self.bins(plan)
        return {"S": plan.counted, "C": column, "W": window}

    def rank(self, job, block, first, out, columns, scratch, wanted) -> None:
        """As RankAlgorithm.rank."""
        plan, channels, bins = job.plan, block.pixels.shape[2], self.BINS
        height, width = plan.footprint.shape
        strip = max(1, self.STRIP // channels) * channels
        count = min(strip, out.shape[1]) + (width - 1) * channels
        column, window = self.bins(plan)
        coarse = buffer(scratch, "coarse", count * bins, column)[None]
        fine = buffer(scratch, "fine", count * bins * bins, column)[None]
        parts, known = np.empty((1, bins * bins), window), np.empty(bins, np.int64)
        windows, held = np.empty((1, strip * bins), window), np.empty(strip, np.int64)
        buffers = (coarse, fine, parts, known, windows, held)
        job.loop(block.rows, height, width, channels, plan.rank, strip, self.STEPS.astype(column), out, *buffers)


class Bisection(RankAlgorithm):
    """Bit by bit."""

    name = "bisection"
    reason = "every lane looks for its own result, bit by bit"
    TAP = 0.6  # one vector compared with a number and counted

    def cost(self, task: RankTask) -> float | None:
        """As RankAlgorithm.cost."""
        if task.extreme or task.count > MOST_RANKED or task.item > 2:
            return None
        wide = task.item == 1 and task.count > 255  # a byte does not count them: 16 bits hold the samples
        return self.TAP * task.count * 8 * task.item / (task.lanes / 2 if wide else task.lanes)

    def loop(self, plan) -> str:
        """As RankAlgorithm.loop."""
        return "bisection.bisect"

    def counted(self, plan) -> str:
        """As RankAlgorithm.counted: where a byte does not count the window's samples, 16 bits for bytes too."""
        return "uint16" if plan.footprint.count > 255 else plan.key

    def rank(self, job, block, first, out, columns, scratch, wanted) -> None:
        """As RankAlgorithm.rank."""
        channels = block.pixels.shape[2]
        rows = block.rows.astype(job.plan.counted, copy=False)
        self.bisect(job, rows, job.places(rows.shape[1], channels), first, 0, out, channels, wanted)

    def bisect(self, job, rows, places, first, start, out, channels, wanted) -> None:
        """Ranks for columns `start`, ... of the result; `rows` holds integers of the type that the loop works in."""
        kinds, ranks = wanted
        if ranks.shape[1] > 1:
            ranks = ranks[:, start:].repeat(channels, axis=1)
            ranks = np.pad(ranks, ((0, 0), (0, max(0, out.shape[1] - ranks.shape[1]))), mode="edge")
        bits = int(rows.max()).bit_length()
        found = out if out.dtype == rows.dtype else np.empty(out.shape, rows.dtype)
        ranks = np.ascontiguousarray(ranks, rows.dtype)
        job.loop(rows, places, bits, ranks, np.ascontiguousarray(kinds), first, found)
        if found is not out:
            out[...] = found


class Ordinals(Bisection):
    """In tiles of one channel each: samples are numbered by their order, numbers ranked, the ranks' samples looked up."""

    name = "ordinals"
    reason = "samples are numbered by their order, tile by tile, and bisected"
    MOST = 65536  # samples of a tile, whose ordinal numbers have 16 bits
    SORT = 18.0  # a sample of a tile numbered by its order

    def cost(self, task: RankTask) -> float | None:
        """As RankAlgorithm.cost."""
        if task.extreme or task.count > MOST_RANKED or task.item <= 2:
            return None
        around = (256 + task.footprint.shape[0]) * (256 + task.footprint.shape[1]) / 65536
        return self.TAP * task.count * 16 / 32 + self.SORT * around

    def counted(self, plan) -> str:
        """As RankAlgorithm.counted."""
        return "uint16"

    def rank(self, job, block, first, out, columns, scratch, wanted) -> None:
        """As RankAlgorithm.rank."""
        channels = block.pixels.shape[2]
        results = out[:, : columns * channels].reshape(len(out), columns, channels)
        height, width = job.plan.footprint.shape
        tall, wide = self.tile(height, width, results.shape[:2])
        for y in range(0, results.shape[0], tall):
            for x in range(0, results.shape[1], wide):
                for channel in range(channels):
                    part = results[y : y + tall, x : x + wide, channel]
                    rows, count = part.shape
                    tile = block.pixels[y : y + rows + height - 1, x : x + count + width - 1, channel]
                    self.rank_tile(job, np.ascontiguousarray(tile), first + y, x, part, wanted)

    def rank_tile(self, job, tile: np.ndarray, first: int, start: int, out: np.ndarray, wanted) -> None:
        """Fill `out` with ranks in a tile's windows; its first row is row `first` of the result, its first column `start`."""
        order = tile.ravel().argsort()
        numbers = np.empty(tile.size, np.uint16)
        numbers[order] = np.arange(tile.size, dtype=np.uint16)
        numbered = Block.empty(*tile.shape, 1, np.uint16)
        numbered.rows[...] = 0
        numbered.pixels[..., 0] = numbers.reshape(tile.shape)
        found = np.empty((out.shape[0], max(out.shape[1], LARGEST_LANES)), np.uint16)
        self.bisect(job, numbered.rows, job.places(numbered.rows.shape[1], 1), first, start, found, 1, wanted)
        out[...] = tile.ravel()[order][found[:, : out.shape[1]]]

    def tile(self, height: int, width: int, most: tuple[int, int]) -> tuple[int, int]:
        """The largest tile of results for whose windows 16 bits number the samples."""
        tiles = ((rows, min(most[1], self.MOST // (rows + height - 1) - width + 1)) for rows in range(1, most[0] + 1))
        return max((tile for tile in tiles if tile[1] > 0), key=math.prod)


_ALL = (Extremes(), ExtremesOfRows(), Taps(), Columns(), Network(), Histogram(), Bisection(), Ordinals())
BY_NAME: dict[str, RankAlgorithm] = {algorithm.name: algorithm for algorithm in _ALL}
