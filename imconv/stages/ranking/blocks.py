"""`Block`: padded rows of sortable samples, as the ranking loops read them; and the buffers that threads keep."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...engine.buffers import LARGEST_LANES

ROOM = 2 * LARGEST_LANES  # samples behind a padded row, since vectors may read and write past its end


@dataclass(frozen=True)
class Block:
    """Padded rows: `rows` (rows, samples + ROOM) as the loops read them, and a view of it, `pixels` (rows, columns, channels)."""

    rows: np.ndarray
    pixels: np.ndarray

    @classmethod
    def empty(
        cls, count: int, columns: int, channels: int, dtype, scratch: dict | None = None, name: str = ""
    ) -> Block:
        """An uninitialised block, in the buffer of this name if a scratch is given."""
        pitch = columns * channels + ROOM
        rows = buffer({} if scratch is None else scratch, name, count * pitch, dtype).reshape(count, pitch)
        return cls(rows, rows[:, : columns * channels].reshape(count, columns, channels))


def buffer(scratch: dict, name: str, size: int, dtype) -> np.ndarray:
    """Uninitialised memory of `size` items that a thread's scratch keeps under a name."""
    held = scratch.get(name)
    if held is None or held.size < size:
        held = scratch[name] = np.empty(size, dtype)
    return held[:size]
