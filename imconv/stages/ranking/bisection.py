"""Ranks bit by bit: of the samples themselves, or of their ordinal numbers where they have more than 16 bits."""

from __future__ import annotations

import math

import numpy as np

from ...engine.buffers import LARGEST_LANES
from .blocks import Block
from .task import MOST_RANKED, RankAlgorithm, RankTask


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
        numbered = Block.empty(len(tile), tile.shape[1], 1, np.uint16)
        numbered.rows[...] = 0
        numbered.pixels[..., 0] = numbers.reshape(tile.shape)
        found = np.empty((out.shape[0], max(out.shape[1], LARGEST_LANES)), np.uint16)
        self.bisect(job, numbered.rows, job.places(numbered.rows.shape[1], 1), first, start, found, 1, wanted)
        out[...] = tile.ravel()[order][found[:, : out.shape[1]]]

    def tile(self, height: int, width: int, most: tuple[int, int]) -> tuple[int, int]:
        """The largest tile of results for whose windows 16 bits number the samples."""
        tiles = ((rows, min(most[1], self.MOST // (rows + height - 1) - width + 1)) for rows in range(1, most[0] + 1))
        return max((tile for tile in tiles if tile[1] > 0), key=math.prod)
