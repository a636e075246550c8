"""The algorithms that find ranks bit by bit: `Bisection` of samples, `Ordinals` of the numbers of sorted samples."""

from __future__ import annotations

import math

import numpy as np

from ...engine.buffers import LARGEST_LANES
from .task import MOST_RANKED, Block, RankAlgorithm, RankTask


class Bisection(RankAlgorithm):
    """Any rank of any shape: every lane finds its result bit by bit, counting the samples below a threshold."""

    name = "bisection"
    reason = "every lane looks for its own result, bit by bit"
    TAP = 0.6  # cost of comparing a vector with a number and counting

    def cost(self, task: RankTask) -> float | None:
        if task.extreme or task.count > MOST_RANKED or task.item > 2:
            return None
        wide = task.item == 1 and task.count > 255  # a byte can't count them: samples are widened to 16 bits
        return self.TAP * task.count * 8 * task.item / (task.lanes / 2 if wide else task.lanes)

    def loop(self, plan) -> str:
        return "bisection.bisect"

    def loop_type(self, plan) -> str:
        """As RankAlgorithm.loop_type: 16 bits if a byte can't count the samples of a window."""
        return "uint16" if plan.footprint.count > 255 else plan.key

    def rank(self, work, block, first, out, columns, scratch, wanted) -> None:
        channels = block.pixels.shape[2]
        rows = block.rows.astype(work.plan.loop_type, copy=False)
        self.bisect(work, rows, work.places(rows.shape[1], channels), first, 0, out, channels, wanted)

    def bisect(self, work, rows, places, first, start, out, channels, wanted) -> None:
        """Fill `out` for columns start, start + 1, ... of the result; `rows` holds samples of the loop's type."""
        rank_lines, ranks = wanted
        if ranks.shape[1] > 1:
            ranks = ranks[:, start:].repeat(channels, axis=1)
            ranks = np.pad(ranks, ((0, 0), (0, max(0, out.shape[1] - ranks.shape[1]))), mode="edge")
        bits = int(rows.max()).bit_length()
        found = out if out.dtype == rows.dtype else np.empty(out.shape, rows.dtype)
        ranks = np.ascontiguousarray(ranks, rows.dtype)
        work.loop(rows, places, bits, ranks, np.ascontiguousarray(rank_lines), first, found)
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
        if task.extreme or task.count > MOST_RANKED or task.item <= 2:
            return None
        around = (256 + task.footprint.shape[0]) * (256 + task.footprint.shape[1]) / 65536
        return self.TAP * task.count * 16 / 32 + self.SORT * around

    def loop_type(self, plan) -> str:
        return "uint16"

    def rank(self, work, block, first, out, columns, scratch, wanted) -> None:
        channels = block.pixels.shape[2]
        results = out[:, : columns * channels].reshape(len(out), columns, channels)
        height, width = work.plan.footprint.shape
        tall, wide = self.tile(height, width, results.shape[:2])
        for y in range(0, results.shape[0], tall):
            for x in range(0, results.shape[1], wide):
                for channel in range(channels):
                    part = results[y : y + tall, x : x + wide, channel]
                    rows, count = part.shape
                    tile = block.pixels[y : y + rows + height - 1, x : x + count + width - 1, channel]
                    self.rank_tile(work, np.ascontiguousarray(tile), first + y, x, part, wanted)

    def rank_tile(self, work, tile: np.ndarray, first: int, start: int, out: np.ndarray, wanted) -> None:
        """Fill `out` from a tile's windows; its first row is row `first` of the result, its first column is column `start`."""
        order = tile.ravel().argsort()
        numbers = np.empty(tile.size, np.uint16)
        numbers[order] = np.arange(tile.size, dtype=np.uint16)
        numbered = Block.empty(len(tile), tile.shape[1], 1, np.uint16)
        numbered.rows[...] = 0
        numbered.pixels[..., 0] = numbers.reshape(tile.shape)
        found = np.empty((out.shape[0], max(out.shape[1], LARGEST_LANES)), np.uint16)
        self.bisect(work, numbered.rows, work.places(numbered.rows.shape[1], 1), first, start, found, 1, wanted)
        out[...] = tile.ravel()[order][found[:, : out.shape[1]]]

    def tile(self, height: int, width: int, results: tuple[int, int]) -> tuple[int, int]:
        """The largest tile of results (rows, columns) whose windows together have at most MOST_NUMBERED samples."""
        last = self.MOST_NUMBERED
        tiles = ((n, min(results[1], last // (n + height - 1) - width + 1)) for n in range(1, results[0] + 1))
        return max((tile for tile in tiles if tile[1] > 0), key=math.prod)
