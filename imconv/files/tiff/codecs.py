"""TIFF's compressions and predictors: a strip's or tile's bytes packed and unpacked. Codecs come from tifffile, deflate
from `deflate`; what is decoded by Pillow (JPEG, fax) is not here."""

from __future__ import annotations

import sys
import zlib
from typing import TYPE_CHECKING

from .. import deflate
from ..header import Unsupported

if TYPE_CHECKING:
    import numpy as np

CODES = {"none": 1, "lzw": 5, "deflate": 8, "packbits": 32773, "lzma": 34925, "zstd": 50000}
WITH_PREDICTOR = ("lzw", "deflate", "lzma", "zstd")


def can_unpack(compression: str) -> bool:
    """Whether the codec is there: LZW and Zstandard need imagecodecs."""
    return compression in ("none", "deflate", "lzma") or (
        compression in CODES and _codec(compression, "DE") is not None
    )


def can_pack(compression: str) -> bool:
    return compression in ("none", "deflate", "lzma") or _codec(compression, "") is not None


def missing(compression: str) -> str:
    return f"{compression.upper()} compression needs imagecodecs: pip install imconv[tiff]"


def _codec(compression: str, prefix: str):
    import tifffile

    try:
        codec = getattr(tifffile.TIFF, f"{prefix}COMPRESSORS")[CODES[compression]]
    except KeyError:  # tifffile's own word for a codec that imagecodecs would bring
        return None
    if compression == "zstd" and codec.__module__.startswith("tifffile") and sys.version_info < (3, 14):
        return None  # tifffile's own needs Python's
    return codec


def unpacked(compression: str, data, size: int, room: int):
    """The first `size` bytes of a strip or tile, or more of them, at most `room`. Raises ValueError where it is damaged."""
    try:
        found = _unpack(compression, data, size, room)
    except (MemoryError, Unsupported):
        raise
    except Exception as error:  # each codec has errors of its own
        raise ValueError(f"{compression} data cannot be unpacked: {error}") from error
    if len(found) < size:
        raise ValueError("a strip ends before its last pixel")
    return found


def _unpack(compression: str, data, size: int, room: int):
    if compression == "none":
        return data
    if compression == "deflate":
        return _inflated(data, size)
    if compression == "lzma":
        import lzma

        unpacker = lzma.LZMADecompressor()
        found = unpacker.decompress(data, size + 1)
        if len(found) <= size and not unpacker.eof:  # the checksum comes at the end
            raise ValueError("it is cut off")
        return found
    codec = _codec(compression, "DE")
    if codec is None:
        raise Unsupported(missing(compression))
    if compression == "packbits":  # often followed by a byte of padding, which the codec needs room for
        return _runs(data, size) if codec.__module__.startswith("tifffile") else codec(bytes(data), out=room + 128)
    return codec(data, out=room if compression == "zstd" else size)


def _inflated(data, size: int) -> bytearray:
    view, found, filled = memoryview(data), bytearray(size), 0
    pieces = (view[first : first + deflate.BLOCK] for first in range(0, len(view), deflate.BLOCK))
    for block in deflate.inflated(pieces, size, []):
        found[filled : filled + len(block)] = block
        filled += len(block)
    return found


def _runs(data, size: int) -> bytearray:
    """PackBits: literal and repeated bytes, no more than `size` needs. tifffile's own decoder would go on to the end, to
    any length."""
    data, found, at = bytes(data), bytearray(), 0
    while len(found) < size and at < len(data):
        head = data[at]
        if head < 128:
            found += data[at + 1 : at + 2 + head]
            at += 2 + head
        else:
            found += data[at + 1 : at + 2] * (257 - head if head > 128 else 0)
            at += 2 if head > 128 else 1
    return found


def packed(compression: str, level: int | None, rows: np.ndarray):
    """A strip of samples (rows, width, samples) or of packed bits (rows, bytes) as bytes for the file."""
    import numpy as np

    rows = np.ascontiguousarray(rows)
    flat = rows.reshape(-1).view(np.uint8).data
    if compression == "none":
        return flat
    if compression == "deflate":
        if deflate.fast is not None and (level is None or level <= 2):
            return deflate.fast.compress(flat, level or 2)
        return zlib.compress(flat, 6 if level is None else level)
    if compression == "lzma":
        import lzma

        return lzma.compress(flat)
    codec = _codec(compression, "")
    if compression == "packbits":  # runs end with the row
        return codec(rows.view(np.uint8).reshape(len(rows), -1), axis=-1)
    return codec(flat.tobytes())


def predictor_for(compression: str, dtype: np.dtype, wanted: int | None) -> int:
    """The predictor that fits: 1 none, 2 differences, 3 those of floating point by bytes. `wanted` 1 stays 1."""
    if compression not in WITH_PREDICTOR or dtype.kind == "b" or wanted == 1:
        return 1
    return 3 if dtype.kind == "f" else 2


def differences(rows: np.ndarray, predictor: int) -> np.ndarray:
    """Samples (rows, width, samples), little-endian, as a predictor stores them."""
    import numpy as np

    if predictor == 1:
        return rows
    height, width, samples = rows.shape
    if predictor == 2:
        values = rows.view(f"<u{rows.itemsize}")
    else:  # bytes of like significance side by side, the most significant first
        big = np.ascontiguousarray(rows.astype(rows.dtype.newbyteorder(">"), copy=False))
        parts = big.view(np.uint8).reshape(height, width * samples, rows.itemsize)
        values = np.ascontiguousarray(parts.transpose(0, 2, 1)).reshape(height, -1, samples)
    stored = values.copy()
    np.subtract(values[:, 1:], values[:, :-1], out=stored[:, 1:])
    return stored


def summed(rows: np.ndarray, predictor: int) -> np.ndarray:
    """What `differences` stored, undone; native byte order. `rows` (rows, width, samples) has the file's byte order."""
    import numpy as np

    native = rows.dtype.newbyteorder("=")
    if predictor == 1:
        return rows.astype(native, copy=False)
    height, width, samples = rows.shape
    if predictor == 2:
        values = rows.view(f"{rows.dtype.str[0]}u{rows.itemsize}").astype(f"u{rows.itemsize}")
        return np.add.accumulate(values, axis=1, dtype=values.dtype, out=values).view(native)
    parts = np.ascontiguousarray(rows).view(np.uint8).reshape(height, -1, samples)
    sums = np.add.accumulate(parts, axis=1, dtype=np.uint8).reshape(height, rows.itemsize, width * samples)
    big = np.ascontiguousarray(sums.transpose(0, 2, 1)).view(rows.dtype.newbyteorder(">"))
    return big.reshape(rows.shape).astype(native)
