"""`WindowPlan`: the common part of plans for windows that are not kernels."""

from __future__ import annotations

from dataclasses import dataclass

from ...engine.buffers import LARGEST_LANES
from ...engine.stage import Stage
from ...geometry.axis import Axis
from ...geometry.border import Border
from ...units import human_bytes


@dataclass(frozen=True)
class WindowPlan(Stage):
    """Base class of plans for windows that are not kernels."""

    algorithm: str
    reason: str
    rows: Axis
    columns: Axis
    picture_channels: int
    channels: int  # of the result
    source: str  # dtype names
    accumulator: str
    target: str
    border: Border
    cost: float  # picoseconds for a sample of the picture

    alpha = "none"
    range = "clip"
    keeps_work = False

    @property
    def source_channels(self) -> int:
        return self.picture_channels

    @property
    def samples(self) -> int:
        """The number of samples of the picture."""
        return self.rows.size * self.columns.size * self.source_channels

    @property
    def seconds(self) -> float:
        """Estimated seconds of one thread."""
        return 1e-12 * self.cost * self.samples

    @property
    def line_length(self) -> int:
        """Samples of a line buffer: a padded row of one channel, and room for a vector."""
        return self.columns.span + LARGEST_LANES

    def __str__(self) -> str:
        rows, columns = self.rows, self.columns
        return "\n".join(
            [
                f"algorithm      {self.algorithm}: {self.reason}",
                f"window         {rows.taps} x {columns.taps}, border {self.border}",
                f"sizes          {self.sizes}",
                f"numbers        {self.source} -> {self.accumulator} -> {self.target}",
                f"memory         {human_bytes(self.scratch)} of buffers per thread",
            ]
        )
