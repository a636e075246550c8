"""What users hand in as a picture, as an array whose type and channel axis are known."""

from __future__ import annotations

import numpy as np

from ..errors import OptionError

AUTO = "auto"


def as_array(image) -> np.ndarray:
    """What was given as an image, as an array in the machine's byte order; OptionError where that can't be."""
    try:
        array = np.asarray(image)
    except (TypeError, ValueError):
        raise OptionError("an image needs rows of the same length, of numbers") from None
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def channel_axis(image: np.ndarray, axis) -> int | None:
    """Which axis holds the channels, None for grey; OptionError where that can't be told."""
    if image.ndim == 2:
        if axis not in (AUTO, None):
            raise OptionError("a 2-D image has no channel axis; leave channel_axis out")
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
    """The native type a picture is planned in: float16 widens to float32; what has no order or is longer is refused."""
    if dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise OptionError(f"pixels must be bool, integers or floats of up to 64 bits, not {dtype}")
    native = np.dtype(f"{dtype.kind}{dtype.itemsize}")
    return np.dtype(np.float32) if native == np.float16 else native
