"""Pixels of OpenEXR files by the OpenEXR library, of which only the wanted channels are asked."""

from __future__ import annotations

import contextlib
import io
import os
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..channels import divided
from ..header import Header
from .header import FLOAT, HALF, UINT, left_out

if TYPE_CHECKING:
    import numpy as np

_TYPES = {UINT: "u4", HALF: "f2", FLOAT: "f4"}
_lock = threading.RLock()
if hasattr(os, "register_at_fork"):  # a process that is forked while standard error is away would never get it back
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """While the library works, nothing is printed to standard error: it reports damage there, besides raising an error."""
    with _lock, contextlib.ExitStack() as after:
        with contextlib.suppress(OSError):  # without a standard error nothing is printed
            kept = os.dup(2)
            after.callback(os.close, kept)
            nowhere = os.open(os.devnull, os.O_WRONLY)
            after.callback(os.close, nowhere)
            os.dup2(nowhere, 2)
            after.callback(os.dup2, kept, 2)
        yield


def bytes_needed(header: Header) -> int:
    """Peak memory of decoding: each channel as the library has it, twice, and the pixels; four times the pixels where alpha is
    divided out."""
    stored = sum(2 if kind == HALF else 4 for kind in header.layout["kinds"])
    pixels = 4 * header.channels
    return header.width * header.height * max(2 * stored + pixels, 4 * pixels * header.layout["alpha"])


def decode(data: bytes, header: Header, notes: list[str]) -> np.ndarray:
    """The pixels: float32, or uint32 for whole numbers; colours divided by alpha. Raises ValueError for damage."""
    import numpy as np
    import OpenEXR

    names, kinds = header.layout["chosen"], header.layout["kinds"]
    try:
        with _silent():
            found = OpenEXR.InputFile(io.BytesIO(data)).channels(names)
    except MemoryError:
        raise
    except Exception as error:
        raise ValueError(str(error) or type(error).__name__) from error
    notes += left_out(header)
    dtype = np.uint32 if kinds[0] == UINT else np.float32
    pixels = np.empty((header.height, header.width, len(names)), dtype)
    for i, (samples, kind) in enumerate(zip(found, kinds, strict=True)):
        plane = np.frombuffer(samples, _TYPES[kind])
        if plane.size != header.height * header.width:
            raise ValueError("header and pixels disagree")
        pixels[..., i] = plane.reshape(header.height, header.width)
    del found
    if header.layout["alpha"]:
        return _straight(pixels, notes)
    return pixels[..., 0] if len(names) == 1 else pixels


def _straight(pixels: np.ndarray, notes: list[str]) -> np.ndarray:
    """Colours divided by alpha."""
    alpha = pixels[..., -1]
    if (alpha == 1).all():
        return pixels
    glowing = int(((alpha == 0) & (pixels[..., :-1] != 0).any(axis=2)).sum())
    notes.append("premultiplied alpha divided out")
    if glowing:
        notes.append(f"colours of {glowing} pixels without alpha left out")
    return divided(pixels)
