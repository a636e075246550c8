"""Checks what users pass as a picture: the array, its type, and which axis holds the channels."""

from __future__ import annotations

import numpy as np

from ..errors import OptionError

AUTO = "auto"


def as_array(image) -> np.ndarray:
    """Convert what a user passed as an image to an array in native byte order; OptionError if that is impossible."""
    try:
        array = np.asarray(image)
    except (TypeError, ValueError):
        raise OptionError("an image needs rows of the same length, of numbers") from None
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def channel_axis(image: np.ndarray, axis) -> int | None:
    """The number of the axis that holds the channels, None for a grey picture; OptionError if it can't be known."""
    if image.ndim == 2:
        if axis not in (AUTO, None):
            raise OptionError("a 2-D image has no channel axis; leave out channel_axis=")
        return None
    if image.ndim != 3:
        raise OptionError(f"an image has shape (H, W) or (H, W, C), not {image.shape}")
    if axis is None:
        raise OptionError(f"channel_axis=None takes 2-D images; this one has shape {image.shape}")
    if axis == AUTO:
        if not 1 <= image.shape[2] <= 4:
            raise OptionError(
                f"the last axis of shape {image.shape} is no channel axis (1 to 4); for planes first use channel_axis=0"
            )
        return 2
    if not isinstance(axis, (int, np.integer)) or not -3 <= axis < 3:
        raise OptionError(f"channel_axis must be 0, 1, 2 or None, not {axis!r}")
    if image.shape[axis] == 0:
        raise OptionError("an image needs at least one channel")
    return int(axis)


def readable(dtype: np.dtype) -> np.dtype:
    """The native type that plans use for a picture of this type: float16 becomes float32. OptionError for other types."""
    if dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise OptionError(f"pixels must be bool, integers or floats of up to 64 bits, not {dtype}")
    native = np.dtype(f"{dtype.kind}{dtype.itemsize}")
    return np.dtype(np.float32) if native == np.float16 else native
