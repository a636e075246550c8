"""JPEG XL files: a bare codestream, or boxes around it, which hold metadata."""

from __future__ import annotations

import struct

from .. import tags
from ..boxes import boxes, content
from ..header import Header
from ..picture import Metadata
from ..tags import MAX_BLOCK
from .codestream import ALPHA, GREY, LONGEST, RGB, SIGNATURE, Codestream, parsed

CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"
_KINDS = {2: "spot colour", 3: "selection", 1: "depth", 4: "black", 5: "colour filter", 6: "thermal"}


def read(file, size: int, *, whole: bool = False) -> Header:
    """The header of a JPEG XL file. Whether there is an ICC profile is known, but not the profile: libjxl unpacks it."""
    file.seek(0)
    start = file.read(LONGEST)
    exif = xmp = None
    packed: list[tuple[bytes, int, int]] = []
    if not start.startswith(SIGNATURE):
        start = b""
        for box in boxes(file, 0, size):
            if box.kind in (b"jxlc", b"jxlp"):
                start += content(file, box, LONGEST)[4 if box.kind == b"jxlp" else 0 :]
            elif box.kind == b"Exif" and box.end - box.start <= MAX_BLOCK and exif is None:
                exif = exif_in(content(file, box, MAX_BLOCK))
            elif box.kind == b"xml " and box.end - box.start <= MAX_BLOCK and xmp is None:
                xmp = content(file, box, MAX_BLOCK)
            elif box.kind == b"brob":
                packed.append((content(file, box, 4), box.start + 4, box.end))
        if not start:
            raise ValueError("it holds no picture")
        packed = [one for one in packed if one[0] in (b"Exif", b"xml ")]
    found, _ = parsed(start)
    metadata = Metadata(
        exif=tags.with_orientation(exif, found.orientation),
        xmp=xmp,
        dpi=tags.resolution(exif),
        orientation=found.orientation,
    )
    return _described(found, metadata, packed)


def exif_in(block: bytes) -> bytes | None:
    """The TIFF block in an Exif box, which says first how far on it begins; some programs leave that out."""
    if block[:4] in (b"II*\0", b"MM\0*"):
        return block
    (offset,) = struct.unpack_from(">I", block)
    return block[4 + offset :].removeprefix(b"Exif\0\0") or None


def _described(found: Codestream, metadata: Metadata, packed: list) -> Header:
    alpha = [extra for extra in found.extras if extra.kind == ALPHA]
    others = [_KINDS.get(extra.kind, "further") for extra in found.extras if extra.kind != ALPHA]
    mode = {(False, False): "rgb", (True, False): "grey", (False, True): "rgba", (True, True): "grey+alpha"}[
        found.space == GREY, bool(alpha)
    ]
    words = f"{found.bits}-bit {'float ' if found.floating else ''}"
    odd = None
    if others or len(alpha) > 1:
        odd = f"extra channels ({', '.join(others) or 'several alphas'})"
    elif found.lossy and found.icc:  # libjxl alone decodes them as sRGB's, without colours beyond it
        odd = "lossy colours of an ICC profile"
    elif found.space not in (RGB, GREY):
        odd = "an unknown colour space"
    elif not found.floating and found.bits > 16:
        odd = f"{words}samples"
    elif alpha and (alpha[0].bits > found.bits or alpha[0].floating != found.floating):
        odd = "colours and alpha of different depths"
    notes = []
    if found.animation:
        notes.append("an animation: only its first frame is read")
    if not found.floating and found.bits not in (8, 16) and not odd:
        notes.append(f"{words}samples scaled to {8 if found.bits < 8 else 16} bits")
    elif found.floating and found.bits != 32:
        notes.append(f"{words}samples widened to 32 bits")
    layout = {
        "bits": found.bits,
        "odd": odd,
        "premultiplied": any(extra.premultiplied for extra in alpha),
        "icc": found.icc,
        "profile": not found.usual,
        "packed": packed,
    }
    depth = min(found.bits, 32) if found.floating or found.bits > 16 else 8 if found.bits <= 8 else 16
    return Header(
        "JXL",
        found.width,
        found.height,
        mode,
        depth,
        sample="float" if found.floating else "unsigned",
        metadata=metadata,
        notes=tuple(notes),
        layout=layout,
    )
