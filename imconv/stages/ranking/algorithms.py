"""The algorithms that find the sample of a given rank in a window. To add one, write a class and list it at the end.

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

MOST_RANKED = 65535  # most samples of a window that are counted in 16 bits; only histograms of bytes count more
LARGEST_NETWORK = 1024  # most samples of a window for a sorting network
REGISTER = 64  # bytes of a vector
LOW = 16  # greatest height of windows whose rows are compared one by one
DOUBLING = 0.8  # cost of the minimum or maximum of two vectors, for lines in the cache


@dataclass(frozen=True)
class RankTask:
    """A rank to be found in windows, which an algorithm is chosen for."""

    footprint: Footprint
    rank: int
    item: int  # bytes of a sample
    border: Border
    extreme: bool  # whether it is the smallest or the largest sample of every window

    @property
    def count(self) -> int:
        """The number of samples of a window."""
        return self.footprint.count

    @property
    def whole(self) -> bool:
        """Whether the footprint is a full rectangle."""
        return self.footprint.mask is None

    @property
    def lanes(self) -> float:
        """The number of samples in a vector."""
        return REGISTER // self.item

    @property
    def fixed_rank(self) -> bool:
        """Whether the rank is the same in every window, and not an extreme."""
        return not self.extreme and self.border.mode != "normalized"


class RankAlgorithm:
    """One way to find ranks. A subclass says everything about it; its objects have no state."""

    name: str
    reason: str
    in_place = False  # whether it can read the picture without a padded copy
    padded = True  # whether the loop needs lines of results with room for a vector

    def cost(self, task: RankTask) -> float | None:
        """Nanoseconds for each sample of the result; None if the algorithm can't do the task."""
        raise NotImplementedError

    def cost_once(self, task: RankTask) -> float:
        """Nanoseconds for each plan, independent of the picture's size."""
        return 0.0

    def loop(self, plan) -> str:
        """The loop's module and function in imconv/loops, as `module.function`."""
        raise NotImplementedError

    def loop_type(self, plan) -> str:
        """The integer type of the samples that the loop reads."""
        return plan.key

    def types(self, plan) -> dict[str, str]:
        """The types for the letters in the loop's declaration."""
        return {"S": plan.loop_type}

    def least_rows(self, plan) -> int:
        """The least height of a band in rows of the picture: more than the rows around it that its windows read."""
        return 2 * plan.rows.taps * plan.rows.dilation

    def scratch(self, plan) -> int:
        """Bytes of the algorithm's own buffers for each thread."""
        return 0

    def prepare(self, plan):
        """Compute what all bands of a work need; it is passed on as `job.prepared`."""
        return None

    def rank(self, job, block: Block, first: int, out: np.ndarray, columns: int, scratch: dict, wanted) -> None:
        """Fill `out` (rows, samples), contiguous, with the samples of the wanted ranks in a block's windows.

        A row has `columns` pixels, and the first is row `first` of the result without strides. `wanted` holds the ranks of
        these windows as RankJob computes them: (rank_lines, ranks).
        """
        raise NotImplementedError


class Extremes(RankAlgorithm):
    """Extremes of large windows: first of their rows, then of their columns, over 1, 2, 4, ... samples."""

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
    """Extremes of any shape, sample by sample."""

    name = "taps"
    reason = "every sample of the shape is compared"
    TAP = 0.5  # cost of the minimum or maximum of two vectors

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
    """Medians of 3 x 3 and 5 x 5, from sorted columns."""

    name = "columns"
    reason = "a sorting network on columns that are sorted once"
    in_place = True
    COSTS: ClassVar = {9: 5.0, 25: 16.0}  # cost of a vector of medians, for 3 x 3 and 5 x 5

    def cost(self, task: RankTask) -> float | None:
        """As RankAlgorithm.cost."""
        shaped = task.whole and task.footprint.shape in ((3, 3), (5, 5)) and task.rank == task.count // 2
        return self.COSTS[task.count] / task.lanes if task.fixed_rank and shaped else None

    def loop(self, plan) -> str:
        """As RankAlgorithm.loop."""
        return f"columns.median_{plan.footprint.count}"

    def last_arguments(self, plan) -> tuple:
        """The loop's arguments behind the common ones."""
        return ()

    def lines(self, plan) -> int:
        """How many line buffers the loop needs."""
        return plan.rows.taps

    def rank(self, job, block, first, out, columns, scratch, wanted) -> None:
        """As RankAlgorithm.rank."""
        rows, padded = block.rows, block.pixels.shape[1]
        self.sort(job, rows, np.arange(len(rows)), 0, np.arange(padded), 0, rows.shape[1], out, scratch)

    def rank_in_place(self, job, first: int, out: np.ndarray, scratch: dict) -> None:
        """Fill `out` with rows first, first + 1, ... of the result, reading the picture itself."""
        plan, source = job.plan, job.bits
        rows = job.rows[first : first + len(out) + plan.rows.taps - 1]
        self.sort(job, source, rows, plan.columns.before, plan.column_sources, 0, source.shape[1], out, scratch)

    def sort(self, job, source, rows, lead, columns, first, samples, out, scratch) -> None:
        """Call the loop, which is in `loops/columns.py`."""
        plan = job.plan
        length = (lead + columns.size) * plan.channels + samples + ROOM
        lines = scratch.get("lines")
        if lines is None or lines.shape[1] < length:
            lines = scratch["lines"] = aligned_lines(self.lines(plan), length, plan.key, lead * plan.channels)
        more = self.last_arguments(plan)
        job.loop(source, rows, first, columns, lead, plan.channels, samples, job.fill, out, lines, *more)


class ExtremesOfRows(Columns):
    """Extremes of windows of few rows: rows are compared one by one, columns by doubling."""

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
    """A sorting network that neighbouring windows share (A. Adams 2021, see sorting_network.py)."""

    name = "network"
    reason = "a sorting network that neighbouring windows share"
    LINE_BYTES = 1024  # least length of a line of the network
    MERGE = 1.85  # cost of a vector of results for each sample of a rectangle
    EXCHANGE = 0.85  # cost of sorting two vectors, in the cache
    PREPARE = 5e3  # cost of making the network for each sample of a window, divided by 8 since networks are cached

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
        """As RankAlgorithm.prepare: make the network."""
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
    """Histograms of columns, added and subtracted as windows move (Perreault and Hebert 2007)."""

    name = "histogram"
    reason = "histograms of columns and of the window: does not depend on the size"
    padded = False
    BINS = 16
    STEPS = np.tri(BINS, dtype=np.uint8).T.reshape(1, -1)  # 16 rows of 16: row n is 0 before place n and 1 from it on
    STRIP = 1024  # samples of a row whose columns' histograms are held at a time
    # Tallest window whose column counts fit a byte: the new row is counted before the old one is removed, so 255 at most.
    TALLEST_COUNTED = 254
    SAMPLE = 4.6  # cost of a sample
    # Further cost of a sample, divided by the window's width: narrow windows' results differ more from one to the next.
    SWITCH = 22.0

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
        """The types of the bins of a column's histogram and of a window's."""
        tall, many = plan.rows.taps > self.TALLEST_COUNTED, plan.footprint.count > MOST_RANKED
        return "uint16" if tall else "uint8", "uint32" if many else "uint16"

    def types(self, plan) -> dict[str, str]:
        """As RankAlgorithm.types."""
        column, window = self.bins(plan)
        return {"S": plan.loop_type, "C": column, "W": window}

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
    """Any rank of any shape: every lane finds its result bit by bit, counting the samples below a threshold."""

    name = "bisection"
    reason = "every lane looks for its own result, bit by bit"
    TAP = 0.6  # cost of comparing a vector with a number and counting

    def cost(self, task: RankTask) -> float | None:
        """As RankAlgorithm.cost."""
        if task.extreme or task.count > MOST_RANKED or task.item > 2:
            return None
        wide = task.item == 1 and task.count > 255  # a byte can't count them: samples are widened to 16 bits
        return self.TAP * task.count * 8 * task.item / (task.lanes / 2 if wide else task.lanes)

    def loop(self, plan) -> str:
        """As RankAlgorithm.loop."""
        return "bisection.bisect"

    def loop_type(self, plan) -> str:
        """As RankAlgorithm.loop_type: 16 bits if a byte can't count the samples of a window."""
        return "uint16" if plan.footprint.count > 255 else plan.key

    def rank(self, job, block, first, out, columns, scratch, wanted) -> None:
        """As RankAlgorithm.rank."""
        channels = block.pixels.shape[2]
        rows = block.rows.astype(job.plan.loop_type, copy=False)
        self.bisect(job, rows, job.places(rows.shape[1], channels), first, 0, out, channels, wanted)

    def bisect(self, job, rows, places, first, start, out, channels, wanted) -> None:
        """Fill `out` for columns start, start + 1, ... of the result; `rows` holds samples of the loop's type."""
        rank_lines, ranks = wanted
        if ranks.shape[1] > 1:
            ranks = ranks[:, start:].repeat(channels, axis=1)
            ranks = np.pad(ranks, ((0, 0), (0, max(0, out.shape[1] - ranks.shape[1]))), mode="edge")
        bits = int(rows.max()).bit_length()
        found = out if out.dtype == rows.dtype else np.empty(out.shape, rows.dtype)
        ranks = np.ascontiguousarray(ranks, rows.dtype)
        job.loop(rows, places, bits, ranks, np.ascontiguousarray(rank_lines), first, found)
        if found is not out:
            out[...] = found


class Ordinals(Bisection):
    """Bisection for samples of more than 16 bits, in tiles of one channel.

    The samples of a tile are numbered in their order, the numbers are ranked, and each result is looked up by its number.
    """

    name = "ordinals"
    reason = "samples are numbered by their order, tile by tile, and bisected"
    MOST_NUMBERED = 65536  # most samples of a tile, since their numbers have 16 bits
    SORT = 18.0  # cost of numbering a sample of a tile

    def cost(self, task: RankTask) -> float | None:
        """As RankAlgorithm.cost."""
        if task.extreme or task.count > MOST_RANKED or task.item <= 2:
            return None
        around = (256 + task.footprint.shape[0]) * (256 + task.footprint.shape[1]) / 65536
        return self.TAP * task.count * 16 / 32 + self.SORT * around

    def loop_type(self, plan) -> str:
        """As RankAlgorithm.loop_type."""
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
        """Fill `out` from a tile's windows; its first row is row `first` of the result, its first column is column `start`."""
        order = tile.ravel().argsort()
        numbers = np.empty(tile.size, np.uint16)
        numbers[order] = np.arange(tile.size, dtype=np.uint16)
        numbered = Block.empty(*tile.shape, 1, np.uint16)
        numbered.rows[...] = 0
        numbered.pixels[..., 0] = numbers.reshape(tile.shape)
        found = np.empty((out.shape[0], max(out.shape[1], LARGEST_LANES)), np.uint16)
        self.bisect(job, numbered.rows, job.places(numbered.rows.shape[1], 1), first, start, found, 1, wanted)
        out[...] = tile.ravel()[order][found[:, : out.shape[1]]]

    def tile(self, height: int, width: int, results: tuple[int, int]) -> tuple[int, int]:
        """The largest tile of results (rows, columns) whose windows together have at most MOST_NUMBERED samples."""
        last = self.MOST_NUMBERED
        tiles = ((n, min(results[1], last // (n + height - 1) - width + 1)) for n in range(1, results[0] + 1))
        return max((tile for tile in tiles if tile[1] > 0), key=math.prod)


_ALL = (Extremes(), ExtremesOfRows(), Taps(), Columns(), Network(), Histogram(), Bisection(), Ordinals())
BY_NAME: dict[str, RankAlgorithm] = {algorithm.name: algorithm for algorithm in _ALL}
