"""What Pillow does with pixels in memory: grey by its weights, other sizes, fewer colours."""

from __future__ import annotations

import numpy as np
from PIL import Image


def grey(rgb: np.ndarray) -> np.ndarray:
    """The luma (rows, columns) of uint8 pixels (rows, columns, 3), BT.601, rounded as Pillow rounds it."""
    return np.asarray(Image.fromarray(np.ascontiguousarray(rgb)).convert("L"))


def resized(samples: np.ndarray, size: tuple[int, int], resampling: str) -> np.ndarray:
    """uint8 or float32 samples (rows, columns, channels) at another size (rows, columns); `resampling`: Pillow's name."""
    how = Image.Resampling[resampling.upper()]
    if samples.dtype == np.uint8:
        flat = np.ascontiguousarray(samples[..., 0] if samples.shape[2] == 1 else samples)
        return np.asarray(Image.fromarray(flat).resize(size[::-1], how)).reshape(*size, -1)
    planes = [np.asarray(Image.fromarray(plane).resize(size[::-1], how)) for plane in np.moveaxis(samples, 2, 0).copy()]
    return np.stack(planes, axis=2)


def quantized(rgb: np.ndarray, colours: int) -> tuple[np.ndarray, np.ndarray]:
    """The index (rows, columns) of each uint8 pixel in a palette (at most `colours`, 3): median cut, improved by k-means."""
    found = Image.fromarray(rgb).quantize(colours, method=Image.Quantize.MEDIANCUT, kmeans=1)
    return np.asarray(found), np.array(found.getpalette(), np.uint8).reshape(-1, 3)
