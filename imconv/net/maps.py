"""Feature maps as pictures, and the unit of a layer with the largest output."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import OptionError
from ..geometry.arrangement import GAP, columns_for
from ..sheet import contact_sheet
from .graph import Graph, Placed
from .layer_rules import Shape, by

LEAST = 64  # pixels of a map's shorter side; smaller maps are enlarged by a whole factor
SHEET = 800  # least width of a contact sheet


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
        if any(begin == end for begin, end in self.field):
            sees = "nothing of the input"
        place = f"row {self.row}, column {self.column}, channel {self.channel}"
        return f"{self.value:.6g} at {place}, which sees {sees}"


def check(placed: Mapping[str, Placed], network: Graph, layers: Iterable[str]) -> list[str]:
    """The layers' names in the network's order. Raises OptionError for layers without maps."""
    wanted = {network.layer(name.strip()).name for name in layers}
    for name in wanted:
        if len(placed[name].shape) != 3:
            raise OptionError(f"{name} has no maps: its output is {by(placed[name].shape)}; choose a layer before it")
    return [name for name in placed if name in wanted]


def pictures(maps: np.ndarray, scale: str = "each", zoom: int | None = None) -> list[np.ndarray]:
    """Each map of (rows, columns, channels) as an 8-bit picture: grey, or blue and red if any value is negative.

    `scale` "each" stretches each map to the full range, "all" stretches all maps together. Pixels are repeated `zoom` times
    along both sides, by default so that the shorter side has at least LEAST.
    """
    planes = np.moveaxis(maps, 2, 0)
    stacked = contact_sheet(list(planes), columns=1, gap=0, scale=scale)
    zoom = zoom_for(maps.shape) if zoom is None else zoom
    return [enlarged(one, zoom) for one in stacked.reshape(*planes.shape, *stacked.shape[2:])]


def zoom_for(shape, least: int = LEAST) -> int:
    """The factor by which a picture is enlarged so that its shorter side has at least `least` pixels."""
    return max(1, -(-least // min(shape[:2])))


def zoom_for_sheet(count: int, shape, columns: int | None = None, least: int = LEAST) -> int:
    """The factor for `count` pictures on a sheet, so that this is at least SHEET pixels wide."""
    columns = columns_for(count, shape) if columns is None else columns
    width = -(-(SHEET + GAP) // columns) - GAP  # of a picture
    return max(zoom_for(shape, least), -(-width // shape[1]))


def strongest(placed: Placed, maps: np.ndarray, shape: Shape) -> Strongest:
    """The unit with the largest output, the first of equal ones; `shape` is the shape of the input."""
    finite = np.where(np.isfinite(maps), maps, -np.inf)
    row, column, channel = (int(n) for n in np.unravel_index(finite.argmax(), maps.shape))
    field = (0, shape[0]), (0, shape[1])
    if placed.fields:
        field = placed.fields[0].clipped(row, shape[0]), placed.fields[1].clipped(column, shape[1])
    return Strongest(row, column, channel, float(maps[row, column, channel]), field, not placed.fields)


def enlarged(picture: np.ndarray, zoom: int) -> np.ndarray:
    """A picture (H, W) or (H, W, C) with every pixel repeated `zoom` times along both sides."""
    return picture.repeat(zoom, axis=0).repeat(zoom, axis=1)
