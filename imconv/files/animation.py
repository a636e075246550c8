"""Frames put onto a canvas one after another, as viewers show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

KEEP, CLEAR, RESTORE = range(3)  # what becomes of a frame's place before the next one is drawn


class Canvas:
    """What is shown: RGBA, at first transparent."""

    def __init__(self, height: int, width: int, dtype):
        import numpy as np

        self._pixels = np.zeros((height, width, 4), dtype)
        self._largest = int(np.iinfo(self._pixels.dtype).max)

    def show(self, frame: np.ndarray, top: int, left: int, over: bool, after: int) -> np.ndarray:
        """The whole canvas with an RGBA frame on it; `over` blends it with what is there. Raises ValueError outside."""
        height, width = frame.shape[:2]
        place = (slice(top, top + height), slice(left, left + width))
        part = self._pixels[place]
        if part.shape != frame.shape:
            raise ValueError("a frame lies outside the picture")
        before = part.copy() if after == RESTORE else None
        part[...] = blended(frame, part, self._largest) if over else frame
        shown = self._pixels.copy()
        if after == CLEAR:
            part[...] = 0
        elif before is not None:
            part[...] = before
        return shown


def blended(upper: np.ndarray, lower: np.ndarray, largest: int) -> np.ndarray:
    """RGBA over RGBA, not premultiplied (Porter and Duff's `over`), rounded half up, once."""
    import numpy as np

    result = np.where(upper[..., 3:] == 0, lower, upper)
    mixed = (upper[..., 3] > 0) & (upper[..., 3] < largest) & (lower[..., 3] > 0)
    if mixed.any():
        above, below = upper[mixed].astype(np.int64), lower[mixed].astype(np.int64)
        covered = above[:, 3:] * largest
        rest = below[:, 3:] * (largest - above[:, 3:])
        total = covered + rest
        colours = (2 * (above[:, :3] * covered + below[:, :3] * rest) + total) // (2 * total)
        result[mixed] = np.concatenate([colours, (2 * total + largest) // (2 * largest)], axis=1)
    return result


def reduced(shown: np.ndarray, mode: str) -> np.ndarray:
    """What is shown in the file's own colour model, as far as that holds it."""
    import numpy as np

    largest = np.iinfo(shown.dtype).max
    alpha = mode in ("grey+alpha", "rgba") or bool((shown[..., 3] != largest).any())
    grey = mode in ("grey", "grey+alpha") and bool((shown[..., :1] == shown[..., 1:3]).all())
    if grey:
        return np.ascontiguousarray(shown[..., [0, 3]] if alpha else shown[..., 0])
    return shown if alpha else np.ascontiguousarray(shown[..., :3])
