"""Windows that are no kernels, at work: bilateral means, and means and variances over a box."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...engine.buffers import LARGEST_LANES
from ...geometry.axis import Axis
from ...geometry.border import Border
from ...lazy import cached_property


@dataclass(frozen=True)
class WindowPlan:
    """How a window slides over a picture: what `Plan` is for kernels."""

    algorithm: str
    reason: str
    rows: Axis
    columns: Axis
    source_channels: int
    channels: int  # of the result
    source: str  # dtype names
    accumulator: str
    target: str
    border: Border
    cost: float  # picoseconds for a sample of the picture

    alpha = "none"
    scale = 1
    decimation = None
    rows_together = 1

    @cached_property
    def row_sources(self) -> np.ndarray:
        """The picture's row behind each padded row, -1 for none."""
        return self.rows.sources(self.border)

    @cached_property
    def column_sources(self) -> np.ndarray:
        """The picture's column behind each padded column, -1 for none."""
        return self.columns.sources(self.border)

    @property
    def shape(self) -> tuple[int, int]:
        """The result's shape without channels."""
        return self.rows.out, self.columns.out

    @property
    def samples(self) -> int:
        """Of the picture."""
        return self.rows.size * self.columns.size * self.source_channels

    @property
    def seconds(self) -> float:
        """What one thread would take, roughly."""
        return 1e-12 * self.cost * self.samples

    @property
    def line_length(self) -> int:
        """Samples of a padded row of one channel, and room for a vector."""
        return self.columns.span + LARGEST_LANES

    def __str__(self) -> str:
        rows, columns = self.rows, self.columns
        return "\n".join(
            [
                f"algorithm      {self.algorithm}: {self.reason}",
                f"window         {rows.taps} x {columns.taps}, border {self.border}",
                f"sizes          {rows.size} x {columns.size} x {self.source_channels} -> {rows.out} x {columns.out} x {self.channels}",
                f"numbers        {self.source} -> {self.accumulator} -> {self.target}",
                f"memory         {self.scratch / 2**20:.1f} MB of buffers per thread",
            ]
        )
