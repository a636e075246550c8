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
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import FileError, LimitError
from .formats import FORMATS
from .header import Header, Unsupported, damaged

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


def decode(
    data: bytes,
    header: Header,
    name: str,
    plugin: str,
    *,
    prepare: Callable[[bytes, Header], bytes] | None = None,
    finish: Callable[[np.ndarray, Header, bytes], tuple[np.ndarray, list[str]]] | None = None,
) -> tuple[np.ndarray, list[str], dict]:
    """Pixels of the first picture in `data`, notes for the user, and no metadata.

    plugin   see `reader`
    prepare  gives the file as Pillow is to see it, after refusing what Pillow would degrade
    finish   makes of Pillow's pixels those of the file, with notes

    Raises FileError where the file is damaged or Pillow would degrade it, LimitError where memory runs out.
    """
    notes: list[str] = []
    try:
        source = prepare(data, header) if prepare else data
        decoder = reader(plugin)
        with quiet():
            image = decoder(io.BytesIO(source))
            image.load()
            if image.size != (header.width, header.height):
                raise ValueError(
                    f"{image.size[0]} x {image.size[1]} pixels instead of {header.width} x {header.height}"
                )
            pixels = _array(image)
            del image
        if finish:
            pixels, notes = finish(pixels, header, data)
    except MemoryError:
        raise LimitError(
            f"{name}: not enough memory for {header.width} x {header.height} pixels; free some or choose a smaller picture"
        ) from None
    except Unsupported as error:
        raise FileError(f"{name}: {error}") from error
    except Exception as error:
        # Pillow raises OSError, SyntaxError, ValueError, TypeError, struct.error, zlib.error, ... for damaged files
        raise FileError(damaged(name, header.format, str(error) or type(error).__name__)) from error
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    if pixels.shape[:2] != (header.height, header.width) or channels != header.channels:
        raise FileError(damaged(name, header.format, "header and pixels disagree"))
    return pixels, notes, {}


def _array(image) -> np.ndarray:
    """A writable array of a Pillow image, native byte order; 1-bit pixels are bool."""
    import numpy as np

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
    with quiet():
        image.save(buffer, **options)
    return buffer.getvalue()
