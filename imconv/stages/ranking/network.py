"""The algorithm that ranks samples by a sorting network."""

from __future__ import annotations

import math

import numpy as np

from ...engine.buffers import LARGEST_LANES, aligned_lines
from .sorting_network import make_network
from .task import RankAlgorithm, RankTask

LARGEST_NETWORK = 1024  # most samples of a window


class Network(RankAlgorithm):
    """A sorting network that neighbouring windows share (A. Adams 2021, see sorting_network.py)."""

    name = "network"
    reason = "a sorting network that neighbouring windows share"
    LINE_BYTES = 1024  # least length of a line of the network
    MERGE = 1.85  # cost of a vector of results for each sample of a rectangle
    EXCHANGE = 0.85  # cost of sorting two vectors, in the cache
    PREPARE = 5e3  # cost of making the network for each sample of a window, divided by 8 since networks are cached

    def cost(self, task: RankTask) -> float | None:
        if not task.fixed_rank or task.count > LARGEST_NETWORK:
            return None
        sorting = self.EXCHANGE * task.count * math.log2(task.count) ** 2 / 4
        return (self.MERGE * task.count if task.whole else sorting) / task.lanes

    def cost_once(self, task: RankTask) -> float:
        return self.PREPARE * task.count

    def loop(self, plan) -> str:
        return "network.select"

    def scratch(self, plan) -> int:
        item = np.dtype(plan.key).itemsize
        reach = 4 * (plan.columns.taps - 1) * plan.channels * item
        return (max(self.LINE_BYTES, reach) + 4 * LARGEST_LANES + 16 * 40) * plan.footprint.count

    def prepare(self, plan):
        """As RankAlgorithm.prepare: make the network."""
        return make_network(plan.footprint, plan.rank)

    def rank(self, work, block, first, out, columns, scratch, wanted) -> None:
        network, channels, item = work.prepared, block.pixels.shape[2], work.key.itemsize
        reach = (work.plan.footprint.shape[1] - 1) * channels
        four = 4 * LARGEST_LANES // item
        length = -(-max(self.LINE_BYTES // item, 4 * reach) // four) * four
        if "network" not in scratch:
            lines = aligned_lines(network.lines + 1, length, work.plan.key)
            scratch["network"] = network.placed(lines.shape[1], channels), lines.reshape(1, -1)
        steps, lines = scratch["network"]
        work.loop(block.rows, steps, network.tall, reach, length, out, lines)
