"""Pictures decoded and encoded by Pillow for the formats that need it, and the rules that keep it from degrading them."""

from __future__ import annotations

import contextlib
import importlib
import io
import logging  # not within a function: a process forked during that import would wait for it for ever
import os
import sys
import threading
import warnings
from typing import TYPE_CHECKING

from .formats import FORMATS
from .header import Header, Unsupported

if TYPE_CHECKING:
    import numpy as np

_MODES = {"grey": "L", "grey+alpha": "LA", "rgb": "RGB", "rgba": "RGBA", "cmyk": "CMYK"}
_lock = threading.RLock()
_inside: list[int] = []  # the threads within `quiet`, once for each time
_quiet_state = contextlib.ExitStack()


def reader(plugin: str):
    """The Pillow class that reads a format; of all fifty plugins only this one ("WebP", "Jpeg", ...) is imported."""
    return getattr(importlib.import_module(f"PIL.{plugin}ImagePlugin"), f"{plugin}ImageFile")


@contextlib.contextmanager
def quiet():
    """While any thread is inside, Pillow neither warns nor applies its own pixel limit: ours was checked before.

    Both are process-wide settings, so the first thread in changes them and the last one out restores them.
    """
    from PIL import Image

    me = threading.get_ident()
    with _lock:
        if not _inside:
            _quiet_state.enter_context(warnings.catch_warnings())
            warnings.filterwarnings("ignore", module=r"PIL\.")
            _silence_libtiff(_quiet_state)
            _quiet_state.callback(setattr, Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
            Image.MAX_IMAGE_PIXELS = None
            logger = logging.getLogger("PIL")
            if not logger.handlers:  # else logging prints Pillow's errors to stderr where nobody configured it
                logger.addHandler(logging.NullHandler())
        _inside.append(me)
    try:
        yield
    finally:
        with _lock:
            _inside.remove(me)
            if not _inside:
                _quiet_state.close()


def _alone() -> None:
    """In a forked process: of all threads only the one that forked is left, and only that may still be inside."""
    global _lock
    _lock = threading.RLock()
    _inside[:] = [thread for thread in _inside if thread == threading.get_ident()]
    if not _inside:
        _quiet_state.close()


if hasattr(os, "register_at_fork"):  # nobody forks while the settings are half changed: that takes microseconds
    os.register_at_fork(before=lambda: _lock.acquire(), after_in_parent=lambda: _lock.release(), after_in_child=_alone)


def _silence_libtiff(until: contextlib.ExitStack) -> None:
    """Take away the handlers with which Pillow's libtiff prints to file descriptor 2, until the stack is closed."""
    if "PIL.TiffImagePlugin" not in sys.modules:
        return
    import ctypes

    from PIL import _imaging

    try:
        library = ctypes.CDLL(_imaging.__file__)  # already loaded; its symbols include those of what it links to
        for setter in (library.TIFFSetErrorHandler, library.TIFFSetWarningHandler):
            setter.argtypes, setter.restype = [ctypes.c_void_p], ctypes.c_void_p
            until.callback(setter, setter(None))
    except (OSError, AttributeError):
        pass  # linked in without symbols: its remarks stay visible, nothing else changes


def bytes_needed(header: Header) -> int:
    """Peak memory of decoding: Pillow's own storage, and the array twice (as bytes and as array)."""
    sample = 1 if header.depth <= 8 else 2 if header.depth <= 16 else 4
    storage = sample * (1 if header.channels == 1 or header.palette else 4)
    return header.width * header.height * (storage + 2 * header.channels * sample)


@contextlib.contextmanager
def at_work():
    """`quiet`, and whatever Pillow raises (OSError, SyntaxError, TypeError, struct.error, ...) as ValueError."""
    try:
        with quiet():
            yield
    except (MemoryError, ValueError):
        raise
    except Exception as error:
        raise ValueError(str(error) or type(error).__name__) from error


def decode(data: bytes, header: Header, plugin: str) -> np.ndarray:
    """Pixels of the first picture in `data` as Pillow has them, in a writable array, native byte order; 1-bit pixels are bool.

    plugin  see `reader`

    Raises ValueError where the file is damaged or of another size.
    """
    import numpy as np

    with at_work():
        image = reader(plugin)(io.BytesIO(data))
        image.load()
        if image.size != (header.width, header.height):
            raise ValueError(f"{image.size[0]} x {image.size[1]} pixels instead of {header.width} x {header.height}")
        shown = np.asarray(image)
        return np.array(shown, dtype=shown.dtype.newbyteorder("="), order="C")


def image_of(pixels: np.ndarray, mode: str):
    """A Pillow image of an array that Pillow can hold exactly."""
    import numpy as np
    from PIL import Image

    pil_mode = {"bool": "1", "uint16": "I;16", "int32": "I", "float32": "F"}.get(pixels.dtype.name, _MODES[mode])
    size = (pixels.shape[1], pixels.shape[0])
    if pil_mode == "1":
        grey = np.where(pixels, np.uint8(255), np.uint8(0))
        return Image.frombuffer("L", size, grey, "raw", "L", 0, 1).convert("1", dither=Image.Dither.NONE)
    raw = {"I": "I;32N", "F": "F;32NF"}.get(pil_mode, pil_mode)
    little = pixels.astype("<u2", copy=False) if pil_mode == "I;16" else pixels
    return Image.frombuffer(pil_mode, size, np.ascontiguousarray(little), "raw", raw, 0, 1)


class _Named(io.BytesIO):
    """A buffer with a name: from its extension Pillow imports the one plugin it needs, given a format it imports five."""

    name = ""


def saved(image, target: str, plugin: str, **options) -> bytes:
    """A file of a Pillow image in the format `target`, by a plugin; see `reader`. Options are Pillow's."""
    try:
        importlib.import_module(f"PIL.{plugin}ImagePlugin")
    except ImportError:
        raise Unsupported(f"this Pillow cannot write {target}; install a newer one") from None
    buffer = _Named()
    buffer.name = "picture" + FORMATS[target].extensions[0]
    with at_work():
        image.save(buffer, **options)
    return buffer.getvalue()
