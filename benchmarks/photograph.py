"""The picture that is filtered: photograph-like, of any size and pixel type, the same on every machine."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from .cases import Frame

SOURCE = Path(__file__).parent.parent / "examples" / "astronaut.png"
NOISE = 3.0  # standard deviation in 8-bit levels, about a small sensor's
LUMA = np.array([0.299, 0.587, 0.114], np.float32)

DESCRIPTION = f"examples/{SOURCE.name} tiled with its mirror images, noise of {NOISE:g} levels added; float32 is 0 to 1"


@lru_cache(maxsize=1)  # cases come sorted by frame, and one large picture at a time is enough memory
def photograph(frame: Frame) -> np.ndarray:
    """A read-only array of the frame's shape and type."""
    levels = _tiled(_source(frame.channels), frame.rows, frame.columns)
    levels += NOISE * np.random.default_rng(0).standard_normal(levels.shape, np.float32)
    np.clip(levels, 0, 255, out=levels)
    if frame.is_integer:
        levels *= np.iinfo(frame.dtype).max / 255
        levels += 0.5
    else:
        levels /= 255
    image = levels.astype(frame.dtype).reshape(frame.shape)
    image.flags.writeable = False
    return image


def _source(channels: int) -> np.ndarray:
    """The photograph as float32 8-bit levels with this many channels; the fourth is a horizontal ramp of alpha."""
    with Image.open(SOURCE) as file:
        colours = np.asarray(file.convert("RGB"), np.float32)
    if channels == 1:
        return (colours @ LUMA)[..., None]
    if channels == 4:
        ramp = np.linspace(0, 255, colours.shape[1], dtype=np.float32)
        alpha = np.broadcast_to(ramp[None, :, None], (*colours.shape[:2], 1))
        return np.concatenate([colours, alpha], axis=2)
    return colours


def _tiled(source: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Tiles mirrored at every seam, so that seams are no edges."""
    tall = np.concatenate([source, source[::-1]])
    cell = np.concatenate([tall, tall[:, ::-1]], axis=1)
    repeats = (-(-rows // cell.shape[0]), -(-columns // cell.shape[1]), 1)
    return np.ascontiguousarray(np.tile(cell, repeats)[:rows, :columns])
