"""Pixels of all formats but PNG and TIFF, and of some compressions within TIFF, decoded by Pillow, and the rules that keep it from degrading them."""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import os
import sys
import threading
import warnings
from typing import TYPE_CHECKING

from ...errors import FileError, LimitError
from ..header import Header, Unsupported, damaged

if TYPE_CHECKING:
    import numpy as np

_PLUGINS = {
    "JPEG": "JpegImagePlugin.JpegImageFile",
    "TIFF": "TiffImagePlugin.TiffImageFile",
    "WEBP": "WebPImagePlugin.WebPImageFile",
    "BMP": "BmpImagePlugin.BmpImageFile",
    "GIF": "GifImagePlugin.GifImageFile",
    "AVIF": "AvifImagePlugin.AvifImageFile",
    **dict.fromkeys(("JP2", "J2K"), "Jpeg2KImagePlugin.Jpeg2KImageFile"),
}
_lock = threading.RLock()
_inside: list[int] = []  # the threads within `quiet`, once for each time
_quiet_state = contextlib.ExitStack()


def plugin(format_name: str):
    """The Pillow class that reads a format; only this format's plugin is imported, not all fifty."""
    module, name = _PLUGINS[format_name].split(".")
    return getattr(importlib.import_module(f"PIL.{module}"), name)


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
    if header.format == "WEBP":
        storage += 8  # libwebp's own canvas and what it hands over
    return header.width * header.height * (storage + 2 * header.channels * sample)


def decode(data: bytes, header: Header, name: str) -> tuple[np.ndarray, list[str], dict]:
    """Pixels of the first picture in `data`, notes for the user, and metadata only the decoder knows.

    Raises FileError where the file is damaged or Pillow would degrade it, LimitError where memory runs out.
    """
    try:
        source = _prepared(data, header)
        reader = plugin(header.format)
        with quiet():
            image = reader(io.BytesIO(source))
            image.load()
            if image.size != (header.width, header.height):
                raise ValueError(
                    f"{image.size[0]} x {image.size[1]} pixels instead of {header.width} x {header.height}"
                )
            pixels = _array(image)
            del image
        pixels, notes = _PIXELS[header.format](pixels, header, data)
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


def _prepared(data: bytes, header: Header) -> bytes:
    """The file as Pillow is to see it, after refusing what it would degrade."""
    if header.format == "JPEG":
        from ..jpeg import segments

        segments.refuse_what_pillow_degrades(header)
        return segments.bare(data)
    if header.format == "TIFF":
        from .. import tags
        from ..tiff import layout

        return tags.bare(data, header.layout["directory"], layout.STORAGE)
    if header.format == "BMP" and header.palette | header.layout["grey"]:
        # Pillow misreads some palettes of greys as 1-bit or 8-bit pixels: an odd first colour makes it give the indices
        at = header.layout["palette_at"]
        return data[:at] + b"\x01\x02\x03" + data[at + 3 :]
    return data


def _array(image) -> np.ndarray:
    """A writable array of a Pillow image, native byte order; 1-bit pixels are bool."""
    import numpy as np

    shown = np.asarray(image)
    return np.array(shown, dtype=shown.dtype.newbyteorder("="), order="C")


def _grey_levels(pixels: np.ndarray, bits: int, notes: list[str]) -> np.ndarray:
    """1-bit pixels as 8-bit ones (Pillow has already spread 2 and 4 bits), and the note about it."""
    if pixels.dtype == bool:
        pixels = pixels.astype("uint8") * 255
    if bits < 8:
        notes.append(f"{bits}-bit grey expanded to 8 bits")
    return pixels


def _look_up(indices: np.ndarray, palette: np.ndarray, notes: list[str], holes: int | None = None) -> np.ndarray:
    """The palette's rows for 8-bit indices; an index beyond it is an error, except the transparent one (`holes`)."""
    import numpy as np

    table = np.zeros((256, *palette.shape[1:]), palette.dtype)
    table[: len(palette)] = palette
    if indices.size and indices.max() >= len(palette):
        beyond = indices[indices >= len(palette)]
        if holes is None or (beyond != holes).any():
            raise ValueError("a pixel's colour is not in the palette")
    if palette.ndim == 2:
        notes.append(f"palette expanded to {'RGBA' if palette.shape[1] == 4 else 'RGB'}")
    return table[indices]


def _gif_pixels(pixels: np.ndarray, header: Header, data: bytes) -> tuple[np.ndarray, list[str]]:
    import numpy as np

    notes: list[str] = []
    transparent = header.layout["transparent"]
    palette = np.frombuffer(header.layout["palette"], np.uint8).reshape(-1, 3)
    colours = _look_up(pixels, palette if header.palette else palette[:, 0], notes, transparent)
    if transparent is None:
        return colours, notes
    alpha = np.where(pixels == transparent, 0, 255).astype(np.uint8)
    words = "palette expanded to RGBA" if header.palette else "transparent colour turned into an alpha channel"
    return np.dstack([colours, alpha]), [words]


def _bmp_pixels(pixels: np.ndarray, header: Header, data: bytes) -> tuple[np.ndarray, list[str]]:
    import numpy as np

    notes: list[str] = []
    if header.layout["palette"] is None:
        if header.layout["bits"] == 16:
            notes.append("16-bit pixels (5 or 6 bits a channel) expanded to 8-bit RGB")
        if (
            header.layout["bits"] == 32
            and header.mode == "rgb"
            and header.layout["offset"] + 4 * pixels[..., 0].size <= len(data)
        ):
            fourth = np.frombuffer(data, np.uint8, 4 * pixels[..., 0].size, header.layout["offset"])[3::4]
            if fourth.min() != fourth.max():
                notes.append(
                    "the unused fourth byte of each pixel ignored, though it varies; it may have been meant as alpha"
                )
        return pixels, notes
    palette = np.frombuffer(header.layout["palette"], np.uint8).reshape(-1, 3)
    if header.layout["grey"]:
        pixels = _look_up(pixels.astype(np.uint8), palette[:, 0], notes)
        return _grey_levels(pixels, header.depth, notes), notes
    return _look_up(pixels, palette, notes), notes


def _jpeg2000_pixels(pixels: np.ndarray, header: Header, data: bytes) -> tuple[np.ndarray, list[str]]:
    bits = header.layout["bits"]
    if bits in (8, 16):
        return pixels, []
    from ..plain.raw import scaled

    # Pillow has shifted them to the upper bits
    return scaled(pixels >> ((8 if bits < 8 else 16) - bits), (1 << bits) - 1), []


def _plain_pixels(pixels: np.ndarray, header: Header, data: bytes) -> tuple[np.ndarray, list[str]]:
    return pixels, []


_PIXELS = {
    "TIFF": _plain_pixels,  # tiff_decode does the rest
    "GIF": _gif_pixels,
    "BMP": _bmp_pixels,
    "JPEG": _plain_pixels,
    "WEBP": _plain_pixels,
    "AVIF": _plain_pixels,
    **dict.fromkeys(("JP2", "J2K"), _jpeg2000_pixels),
}
