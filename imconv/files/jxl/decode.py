"""Pixels of JPEG XL files by libjxl: through imagecodecs, which keeps every depth; colour profiles through pillow-jxl-plugin,
which has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import tags
from ..channels import divided, scaled
from ..header import Header, Unsupported
from ..overlap import usable_threads
from ..tags import MAX_BLOCK
from .header import exif_in

if TYPE_CHECKING:
    import numpy as np

_NAMES = {b"Exif": "EXIF", b"xml ": "XMP"}


def bytes_needed(header: Header) -> int:
    """Peak memory of decoding: planes of 32 bits in libjxl, two of each where it turns them round, and the pixels twice."""
    sample = 4 if header.sample == "float" else header.depth // 8
    return header.width * header.height * header.channels * (8 + 2 * sample)


def decode(data: bytes, header: Header, notes: list[str]) -> np.ndarray:
    """The pixels of the first frame as they are stored, not turned. Raises ValueError for damage, Unsupported for what would
    be degraded."""
    import imagecodecs
    import numpy as np

    layout = header.layout
    if layout["odd"]:
        raise Unsupported(f"JPEG XL with {layout['odd']} cannot be read without loss; convert it to PNG or TIFF: djxl")
    try:
        found = imagecodecs.jpegxl_decode(data, index=0, keeporientation=True, numthreads=usable_threads())
    except (MemoryError, ValueError):
        raise
    except Exception as error:
        raise ValueError(str(error)) from error
    pixels = np.asarray(found)
    if pixels.ndim == 4 and len(pixels) == 1:
        pixels = pixels[0]
    bits = layout["bits"]
    if header.sample == "float":
        pixels = pixels.astype(np.float32, copy=False)
    elif bits not in (8, 16):
        pixels = scaled(pixels, (1 << bits) - 1)
    if layout["premultiplied"]:
        notes.append("premultiplied alpha divided out")
        pixels = divided(pixels)
    return pixels


def described(data: bytes, header: Header, notes: list[str]) -> dict[str, Any]:
    """The ICC profile where colours are not as they are taken without one, and metadata that Brotli has packed."""
    layout = header.layout
    fields = _unpacked(data, header, notes) if layout["packed"] else {}
    if layout["profile"]:
        fields["icc"] = _profile(data)
    return fields


def _profile(data: bytes) -> bytes:
    try:
        from pillow_jxl import Decoder
    except ImportError:
        raise Unsupported("its colours need a package that is not installed; pip install 'imconv[jxl]'") from None
    try:
        icc = Decoder(num_threads=usable_threads())(data)[3]
    except Exception as error:
        raise ValueError(str(error)) from error
    if not icc:
        raise ValueError("its colour profile is missing")
    return bytes(icc)


def _unpacked(data: bytes, header: Header, notes: list[str]) -> dict[str, Any]:
    import imagecodecs

    found: dict[bytes, bytes] = {}
    for kind, start, end in header.layout["packed"]:
        try:
            found.setdefault(kind, bytes(imagecodecs.brotli_decode(data[start:end], out=MAX_BLOCK)))
        except Exception:
            notes.append(f"{_NAMES[kind]} left out: it can't be unpacked")
    fields: dict[str, Any] = {}
    if b"xml " in found and header.metadata.xmp is None:
        fields["xmp"] = found[b"xml "]
    if len(found.get(b"Exif", b"")) > 4 and header.metadata.exif is None:
        block = exif_in(found[b"Exif"])
        fields["exif"] = tags.with_orientation(block, header.orientation)
        fields["dpi"] = tags.resolution(block)
    return fields
