"""WebP animations: read by Pillow frame by frame, written as stills in one container; source: Google's description of it."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ...errors import FileError, LimitError
from ..header import Header, damaged
from . import decode as pillow

if TYPE_CHECKING:
    import numpy as np

_LONGEST = (1 << 24) - 1  # milliseconds
_ICC, _ALPHA, _EXIF, _XMP, _ANIMATION = 0x20, 0x10, 0x08, 0x04, 0x02
_REPLACE = 0x02  # what was there before, instead of blending with it

bytes_needed = pillow.bytes_needed


def decode(data: bytes, header: Header, name: str) -> tuple[np.ndarray, list[str], dict]:
    """Pixels, notes and metadata of the only picture, or of the first frame. Raises FileError and LimitError."""
    if header.frames == 1:
        return pillow.decode(data, header, name)
    return next(pages(data, header, name))


def pages(data: bytes, header: Header, name: str) -> Iterator[tuple[np.ndarray, list[str], dict]]:
    """Pixels, notes and metadata of each frame, as it is shown."""
    import numpy as np

    try:
        with pillow.quiet():
            image = pillow.plugin("WEBP")(io.BytesIO(data))
        for number in range(image.n_frames):
            with pillow.quiet():
                image.seek(number)
                image.load()
                pixels = np.array(image)
            if pixels.shape != (header.height, header.width, header.channels):
                raise ValueError("header and pixels disagree")
            yield pixels, [], {"duration": float(image.info["duration"]), "loop": image.info["loop"]}
    except MemoryError:
        raise LimitError(f"{name}: not enough memory for its frames; choose one with --page") from None
    except Exception as error:  # Pillow raises all kinds for damaged files
        raise FileError(damaged(name, "WEBP", str(error) or type(error).__name__)) from error


def encode_pages(pages: list, notes: list[str], quality: Any, compression: Any) -> bytes:
    """The file: every frame whole, lossless unless a quality is given."""
    from ..formats import FORMATS
    from ..picture import Metadata
    from .encode import encode

    height, width = pages[0].pixels.shape[:2]
    metadata = pages[0].metadata
    kept = {b"ICCP": (metadata.icc, _ICC), b"EXIF": (metadata.exif, _EXIF), b"XMP ": (metadata.xmp, _XMP)}
    flags = _ANIMATION | sum(flag for content, flag in kept.values() if content)
    if any(page.mode == "rgba" for page in pages):
        flags |= _ALPHA
    size = _three(width - 1) + _three(height - 1)
    parts = [_chunk(b"VP8X", struct.pack("<I", flags), size)]
    if metadata.icc:
        parts.append(_chunk(b"ICCP", metadata.icc))
    parts.append(_chunk(b"ANIM", struct.pack("<IH", 0, min(metadata.loop or 0, 65535))))
    rounded = False
    for page in pages:
        still = encode(page.pixels, FORMATS["WEBP"], page.mode, Metadata(), notes, quality, None)
        pixels = [part for kind, part in _chunks(still) if kind in (b"ALPH", b"VP8 ", b"VP8L")]
        time = page.metadata.duration or 0
        shown = min(int(time + 0.5), _LONGEST)
        rounded |= shown != time
        parts.append(_chunk(b"ANMF", bytes(6), size, _three(shown), bytes([_REPLACE]), *pixels))
    parts += [_chunk(kind, kept[kind][0]) for kind in (b"EXIF", b"XMP ") if kept[kind][0]]
    if rounded:
        notes.append("times of frames rounded to milliseconds: WEBP holds no finer ones")
    body = b"".join(parts)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def _three(value: int) -> bytes:
    return value.to_bytes(3, "little")


def _chunk(kind: bytes, *content: bytes) -> bytes:
    length = sum(map(len, content))
    return b"".join((kind, struct.pack("<I", length), *content, bytes(length % 2)))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Type and whole of each chunk of a file that has been written here."""
    at = 12
    while at < len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        end = at + 8 + length + length % 2
        yield kind, data[at:end]
        at = end
