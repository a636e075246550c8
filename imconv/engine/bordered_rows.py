"""`BorderedRows`: a picture's rows as loops read them, contiguous, converted, with border rows, weighted by alpha."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .. import jit
from ..errors import OptionError
from ..geometry.border import fill_values
from ..pixels.sample_types import loop_type, type_name, type_range
from .buffers import LARGEST_LANES


class BorderedRows:
    """Returns windows of a picture's rows for a plan's loop. A window is the array itself if the loop can read that.

    The array may be a part of the picture that begins with row `low`; then no window may need rows outside the part.
    """

    def __init__(self, plan, array: np.ndarray, low: int = 0):
        self.plan = plan
        self.samples = array.shape[1] * plan.source_channels
        self.columns = plan.column_sources
        if plan.border.mode == "constant" and array.dtype.kind != "f" and any(v != v for v in plan.border.values):
            raise OptionError("border='constant:nan' needs a float picture")
        self.fill = fill_values(
            plan.border, plan.source_channels, None if plan.alpha == "none" else type_range(array.dtype)[1]
        )
        self.weighted_fill = self.fill.copy()
        self.weighted_fill[:-1] *= self.fill[-1]
        self.loop_type = loop_type(array.dtype)
        self.type = np.dtype("uint8" if self.loop_type == "bool" else self.loop_type)
        self.low = self.count = -1
        self.array: Any  # None while it holds no picture
        self.move(array, low)

    def move(self, array: np.ndarray, low: int) -> None:
        """Continue with another part of the picture, or with another picture of its size and type."""
        self.array = array
        if (low, len(array)) != (self.low, self.count):
            self.low, self.count = low, len(array)
            sources = self.plan.row_sources
            self.rows = np.where(sources < 0, sources, sources - low) if low else sources
            # loops that compute several rows at once also read rows whose results are not used: these must exist, too
            partial = self.count < self.plan.rows.size or self.plan.border.mode in ("constant", "normalized")
            self.table = np.clip(self.rows, 0, self.count - 1) if partial else self.rows
        ready = array.flags.c_contiguous and array.dtype.isnative and type_name(array.dtype) == self.loop_type
        in_place = ready and self.samples >= LARGEST_LANES
        self.flat = array.view(self.type).reshape(self.count, self.samples) if in_place else None

    def release(self) -> None:
        """Drop the reference to the picture; `move` sets the next one."""
        self.array = self.flat = None

    def window(self, start: int, stop: int, weighted: bool) -> tuple[np.ndarray, np.ndarray]:
        """The samples of padded rows start .. stop - 1, as a table and an array.

        Padded row `p` is row `table[p]` of the array (rows, samples), for start <= p < stop. The array is at least
        LARGEST_LANES wide. With `weighted`, colours are multiplied by alpha, the last channel.
        """
        wanted = self.rows[start:stop]
        made = bool((wanted < 0).any())
        if self.flat is not None and not made and not weighted:
            return self.table, self.flat
        needed = np.unique(wanted[wanted >= 0])
        fill = self.weighted_fill if weighted else self.fill
        rows = np.empty((needed.size + made, max(self.samples, LARGEST_LANES)), self.window_type(weighted, made))
        if weighted and self.flat is not None:
            jit.loop("alpha.weigh")(self.flat, needed, self.plan.source_channels, rows[: needed.size])
        else:
            block = self.array[needed]
            if weighted:
                block = block.astype(rows.dtype)
                block[..., :-1] *= block[..., -1:]
            rows[: needed.size, : self.samples] = block.reshape(needed.size, self.samples)
        if made:
            rows[-1, : self.samples] = np.tile(fill, self.array.shape[1])
        table = np.zeros_like(self.rows)
        table[start:stop] = np.where(wanted < 0, needed.size, np.searchsorted(needed, wanted))
        return table, rows

    def planes(self, start: int, stop: int, weighted: bool) -> Iterator[np.ndarray]:
        """Yield padded rows start .. stop - 1, padded columns included, for each channel: float64 (rows, padded columns)."""
        table, window = self.window(start, stop, weighted)
        fill = self.weighted_fill if weighted else self.fill
        pixels = window[:, : self.samples].reshape(len(window), -1, self.plan.source_channels)
        outside = self.columns < 0
        for channel in range(self.plan.source_channels):
            plane = pixels[table[start:stop], :, channel].astype(np.float64)[:, self.columns]
            plane[:, outside] = fill[channel]
            yield plane

    def window_type(self, weighted: bool, made: bool = False) -> np.dtype:
        """The type of a window: the picture's, or wider if it holds products of colour and alpha, or border values (`made`)."""
        fill = self.weighted_fill if weighted else self.fill
        dtype = self.type
        if weighted and dtype.kind == "u":
            dtype = np.dtype(np.uint16 if dtype.itemsize == 1 else self.plan.accumulator)
        if made and dtype.kind == "u" and (fill != np.clip(np.floor(fill), 0, np.iinfo(dtype).max)).any():
            dtype = np.dtype(self.plan.accumulator)
        return dtype
