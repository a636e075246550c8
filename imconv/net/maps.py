"""Feature maps as pictures, and the unit of a layer with the largest output."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import OptionError
from ..sheet import contact_sheet
from .graph import Graph, Placed
from .layer_rules import Shape, by

LEAST = 64  # pixels; smaller maps are enlarged by a whole factor


@dataclass(frozen=True)
class Strongest:
    """The unit of a layer with the largest output, and its receptive field: (first, last + 1) of rows and of columns."""

    row: int
    column: int
    channel: int
    value: float
    field: tuple[tuple[int, int], tuple[int, int]]
    whole: bool  # whether it depends on the whole input

    def as_dict(self) -> dict:
        """The figures for JSON."""
        return {
            "at": [self.row, self.column, self.channel],
            "value": self.value,
            "sees": [list(one) for one in self.field],
        }

    def __str__(self) -> str:
        rows, columns = (f"{begin} to {end - 1}" for begin, end in self.field)
        sees = "the whole input" if self.whole else f"rows {rows} and columns {columns} of the input"
        return f"channel {self.channel} at {self.row},{self.column}: {self.value:.6g}; sees {sees}"


def check(placed: Mapping[str, Placed], network: Graph, layers: Iterable[str]) -> list[str]:
    """The layers' names in the network's order. Raises OptionError for layers without maps."""
    wanted = {network.layer(name.strip()).name for name in layers}
    for name in wanted:
        if len(placed[name].shape) != 3:
            raise OptionError(f"{name} gives {by(placed[name].shape)}, no maps; choose a layer before it")
    return [name for name in placed if name in wanted]


def pictures(maps: np.ndarray, scale: str = "each") -> list[np.ndarray]:
    """Each map of (rows, columns, channels) as an 8-bit picture: grey, or blue and red if any value is negative.

    `scale` "each" stretches each map to the full range, "all" stretches all maps together. Small maps are enlarged.
    """
    planes = np.stack([enlarged(plane, LEAST) for plane in np.moveaxis(maps, 2, 0)])
    stacked = contact_sheet(list(planes), columns=1, gap=0, scale=scale)
    return list(stacked.reshape(*planes.shape, *stacked.shape[2:]))


def strongest(placed: Placed, maps: np.ndarray, shape: Shape) -> Strongest:
    """The unit with the largest output, the first of equal ones; `shape` is the shape of the input."""
    finite = np.where(np.isfinite(maps), maps, -np.inf)
    row, column, channel = (int(n) for n in np.unravel_index(finite.argmax(), maps.shape))
    field = (0, shape[0]), (0, shape[1])
    if placed.fields:
        field = placed.fields[0].clipped(row, shape[0]), placed.fields[1].clipped(column, shape[1])
    return Strongest(row, column, channel, float(maps[row, column, channel]), field, not placed.fields)


def enlarged(picture: np.ndarray, least: int) -> np.ndarray:
    """A picture (H, W) or (H, W, C) with pixels repeated so that the shorter side has at least `least`."""
    times = max(1, -(-least // min(picture.shape[:2])))
    return picture.repeat(times, axis=0).repeat(times, axis=1)
