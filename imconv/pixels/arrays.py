"""Checks what users pass as a picture: the array, its type, and which axis holds the channels."""

from __future__ import annotations

import sys
from typing import NamedTuple

import numpy as np

from ..errors import OptionError

AUTO = "auto"


# packages whose objects are no arrays for NumPy's own eyes, and what to write instead; none of them is imported
_OTHERS = {
    "torch": "a torch tensor; give tensor.numpy(), with channel_axis=0 for channels first",
    "tensorflow": "a TensorFlow tensor; give tensor.numpy()",
    "jax": "a JAX array; give numpy.asarray(array)",
    "jaxlib": "a JAX array; give numpy.asarray(array)",
    "cupy": "a CuPy array; give array.get()",
    "xarray": "an xarray object; give its .values",
    "pandas": "a pandas object; give its .to_numpy()",
    "polars": "a polars object; give its .to_numpy()",
    "dask": "a dask collection; give its .compute()",
}
# modes of Pillow's images whose samples are what they seem, and whether the last one is alpha
_PIL_MODES = {
    "1": False, "L": False, "LA": True, "RGB": False, "RGBA": True, "I": False, "I;16": False, "I;16L": False, "I;16B": False,
    "I;16N": False, "F": False,
}  # fmt: skip


class Given(NamedTuple):
    """What a user passed as an image: its array in native byte order, whether it says that it has alpha (None: it doesn't say),
    and which samples it masks (None: none)."""

    array: np.ndarray
    has_alpha: bool | None = None
    masked: np.ndarray | None = None


def given(image, what: str = "an image") -> Given:
    """Read what a user passed: an array, rows of numbers, a `numpy.ma` array or a PIL image.

    OptionError, in which it is called `what`, for objects of other libraries, for PIL images of other modes, and for what is no
    array of numbers.
    """
    package = type(image).__module__.partition(".")[0]
    if package in _OTHERS:
        raise OptionError(f"{what} is a NumPy array, not {_OTHERS[package]}")
    if package == "PIL" and hasattr(image, "mode"):
        _check_mode(image, what)
        return Given(_native(np.asarray(image)), _PIL_MODES[image.mode])
    if is_masked_array(image):
        masked = np.ma.getmaskarray(image)
        return Given(_native(np.asarray(image.data)), None, masked if masked.any() else None)
    try:
        return Given(_native(np.asarray(image)))
    except (TypeError, ValueError):
        raise OptionError(f"{what} needs rows of the same length, of numbers") from None


def as_array(image, what: str = "an image") -> np.ndarray:
    """The array of `given` where nothing can be left out: OptionError for an array that masks samples."""
    found = given(image, what)
    if found.masked is not None:
        raise OptionError(f"{what} can't have masked samples here; give array.filled(value) with a value for them")
    return found.array


def is_masked_array(image) -> bool:
    """Whether this is a `numpy.ma.MaskedArray`; that module is not imported for it."""
    return "numpy.ma" in sys.modules and isinstance(image, np.ma.MaskedArray)


def _native(array: np.ndarray) -> np.ndarray:
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _check_mode(image, what: str) -> None:
    """OptionError for a PIL image whose samples are no colours, or whose transparency is not in them."""
    transparent = "transparency" in image.info and image.mode in ("1", "L", "RGB", "P")
    better = (
        ("LA" if image.mode in ("1", "L") else "RGBA") if transparent or image.mode in ("PA", "La", "RGBa") else "RGB"
    )
    if transparent and image.mode != "P":
        raise OptionError(
            f"{what} of PIL's mode {image.mode} with a transparent colour; give image.convert({better!r})"
        )
    if image.mode not in _PIL_MODES:
        raise OptionError(f"{what} of PIL's mode {image.mode} is not filtered as it is; give image.convert({better!r})")


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
