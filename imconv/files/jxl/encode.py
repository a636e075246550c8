"""JPEG XL files: samples encoded by libjxl through imagecodecs, and what it leaves out: orientation, colour profile, metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..boxes import box, boxes
from ..deflate import level
from ..overlap import usable_threads
from ..picture import EncoderOptions, Page
from . import profile
from .bits import Written
from .codestream import GREY, SIGNATURE, Codestream, end_of, parsed
from .header import CONTAINER

if TYPE_CHECKING:
    import numpy as np

DEFAULT_EFFORT = (
    3  # of 1 to 9. Level 7, libjxl's own, takes 24 times as long for 4 % less (3 megapixels, EPYC, 2026-12)
)
_FILE_TYPE = box(b"ftyp", b"jxl \0\0\0\0jxl ")


def encode(page: Page, options: EncoderOptions, notes: list[str]) -> bytes:
    """The file for pixels of type uint8, uint16 or float32: lossless, unless a quality below 100 is given for 8-bit pixels
    without an ICC profile."""
    import imagecodecs

    pixels, _, metadata = page
    effort = level(options.compression)
    settings: dict[str, Any] = {"lossless": True, "effort": DEFAULT_EFFORT if effort is None else max(1, effort)}
    if options.quality is not None and options.quality < 100:
        # libjxl would take deeper samples as linear light, and those with a profile as sRGB's
        reason = "more than 8 bits" if pixels.itemsize > 1 else "an ICC profile" if metadata.icc else None
        if reason:
            notes.append(f"quality is not used for pixels with {reason}: stored without loss")
        else:
            settings = {"distance": _distance(options.quality)}
    data = imagecodecs.jpegxl_encode(pixels, numthreads=options.threads or usable_threads(), **settings)
    stream, levels = _codestream(bytes(data))
    stream = _completed(stream, metadata.orientation, metadata.icc, pixels)
    parts = list(levels)
    if metadata.exif:
        parts.append(box(b"Exif", bytes(4), metadata.exif))
    if metadata.xmp:
        parts.append(box(b"xml ", metadata.xmp))
    if not parts:
        return stream
    return b"".join((CONTAINER, _FILE_TYPE, *parts, box(b"jxlc", stream)))


def _distance(quality: int) -> float:
    """libjxl's measure of loss for a quality: 1 is hardly to be seen, and that of 90."""
    if quality >= 30:
        return 0.1 + (100 - quality) * 0.09
    return 53 / 3000 * quality**2 - 23 / 20 * quality + 25


def _codestream(data: bytes) -> tuple[bytes, list[bytes]]:
    """The codestream of a file that libjxl has written, and the box that says which level of decoders it needs."""
    if data.startswith(SIGNATURE):
        return data, []
    import io

    found, levels = b"", []
    for one in boxes(io.BytesIO(data), 0, len(data)):
        if one.kind in (b"jxlc", b"jxlp"):
            found += data[one.start + (4 if one.kind == b"jxlp" else 0) : one.end]
        elif one.kind == b"jxll":
            levels.append(box(b"jxll", data[one.start : one.end]))
    return found, levels


def _completed(stream: bytes, orientation: int, icc: bytes | None, pixels: np.ndarray) -> bytes:
    """A codestream with its orientation and colours in the header; the frames behind it, on whole bytes, stay as they are."""
    found, bits = parsed(stream)
    end = end_of(found, bits)
    new_colours = not found.lossy and (icc is not None or not found.usual)
    if orientation == 1 and not new_colours:
        return stream
    if found.seldom:
        raise ValueError("libjxl has written a header of another kind")
    flag, behind, colours, after = found.places
    written = Written()
    written.put(*bits.between(0, flag))
    if found.default:
        written.put(0, 1)
        _put_seldom(written, orientation)
        # the same in full: 8 bits, no extra channels, XYB, sRGB; tone mapping as usual, no extensions
        written.put(0b1_1_00_1_000, 8)
        written.put(0b001, 3)
        after += 1
    else:
        _put_seldom(written, orientation)
        written.put(*bits.between(behind, colours))
        if new_colours:
            _put_colours(written, found, icc)
        else:
            written.put(*bits.between(colours, after))
        written.put(1, 1)  # tone mapping as usual
    written.put(*bits.between(after, end))
    if icc is not None and new_colours:
        profile.put(written, icc)
    return written.finished() + stream[(end + 7) // 8 :]


def _put_seldom(written: Written, orientation: int) -> None:
    """What is seldom said: the orientation, and that there is neither a size of its own, nor a preview, nor an animation."""
    written.put(1, 1)
    written.put(orientation - 1, 3)
    written.put(0, 3)


def _put_colours(written: Written, found: Codestream, icc: bytes | None) -> None:
    """The colours of whole-number samples without a profile: sRGB's; else only which space the profile is for."""
    if icc is not None:
        written.put(0b10, 2)
        written.put(found.space, 2)
    elif found.space == GREY:
        written.put(0b00, 2)
        written.put(0b01, 2)  # grey
        written.put(0b01, 2)  # white: D65
        written.put(0b1011_10_0, 7)  # no exponent; sRGB's curve, 13 = 2 + 11
        written.put(0b01, 2)  # relative intent
    else:
        written.put(1, 1)
