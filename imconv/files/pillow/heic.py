"""HEIC and other HEIF files with HEVC pictures: what their boxes say; pixels by libheif, which pillow-heif brings. Not written:
what encoders call lossless is off by one level in colour."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from .. import by_pillow
from ..channels import divided, scaled
from ..header import Header, Unsupported
from ..orientation import turned
from . import items

if TYPE_CHECKING:
    import numpy as np

_BACK = {6: 8, 8: 6}  # orientations that another one turns back; all others turn back themselves
_CODECS = {b"av01": "AV1", b"jpeg": "JPEG", b"avc1": "H.264", b"j2k1": "JPEG 2000", b"vvc1": "VVC", b"unci": "no"}
_SRGB = ((1, 2), (1, 2, 6, 13, 14, 15))  # primaries and curves that are taken for sRGB's, or are not stated


def read(file, size: int, *, whole: bool = False) -> Header:
    """The header of a HEIC file: of the picture that it calls its first one, as it is stored, before it is turned."""
    meta, frames = items.opened(file, size)
    kind = meta.codec
    if kind != b"hvc1":
        raise Unsupported(
            f"HEIF with {_CODECS.get(kind, ascii(kind.decode('latin-1')))} compression cannot be read; "
            "convert it: heif-convert in.heif out.png"
        )
    found = meta.properties(meta.primary)
    width, height = struct.unpack(">II", found[b"ispe"][4:12])
    if b"clap" in found:  # a part of it
        wide, parts, high, parts_high = struct.unpack(">IIII", found[b"clap"][:16])
        if not parts or not parts_high:
            raise ValueError("a part of it without a size")
        width, height = min(width, wide // parts), min(height, high // parts_high)
    coded = found.get(b"hvcC") or meta.any_property(b"hvcC") or b""
    if len(coded) < 18:
        raise ValueError("its picture is not described")
    bits = 8 + (coded[17] & 7)
    mode = {(False, False): "rgb", (True, False): "grey", (False, True): "rgba", (True, True): "grey+alpha"}[
        not coded[16] & 3, meta.alpha
    ]
    notes = []
    if meta.others:
        notes.append(f"further pictures of the file left out: {meta.others}")
    if kinds := meta.auxiliary:
        notes.append(f"left out: {', '.join(kinds)}")
    if bits > 8:
        notes.append(f"{bits}-bit samples scaled to 16 bits")
    metadata = meta.metadata(_cicp(found))
    layout = {"bits": bits, "premultiplied": meta.premultiplied}
    depth = 8 if bits == 8 else 16
    return Header(
        "HEIC", width, height, mode, depth, frames=frames, metadata=metadata, notes=tuple(notes), layout=layout
    )


def _cicp(found: dict[bytes, bytes]) -> bytes | None:
    """Colours that are described by numbers and are not sRGB's, as a PNG's cICP chunk has them."""
    colours = found.get(b"colr", b"")
    if colours[:4] != b"nclx" or len(colours) < 10:
        return None
    primaries, curve = struct.unpack(">HH", colours[4:8])
    usual = primaries in _SRGB[0] and curve in _SRGB[1]
    return None if usual or max(primaries, curve) > 255 else bytes((primaries, curve, 0, 1))


def bytes_needed(header: Header) -> int:
    """Peak memory of decoding: planes of brightness and colour, tiles of them, samples interleaved, and the pixels twice."""
    return header.width * header.height * (header.channels + 4) * (header.depth // 8) * 2


def decode(data: bytes, header: Header, notes: list[str]) -> np.ndarray:
    """The pixels as they are stored. Raises ValueError for damage."""
    import io

    import numpy as np
    from pillow_heif import open_heif

    with by_pillow.at_work():
        found = open_heif(io.BytesIO(data), convert_hdr_to_8bit=False, hdr_to_16bit=False)
        pixels = np.asarray(found[found.primary_index])
    if pixels.ndim == 3 and pixels.shape[2] == 4 and header.mode == "grey+alpha":
        pixels = pixels[..., [0, 3]]
    pixels = turned(pixels, _BACK.get(header.orientation, header.orientation))  # libheif has turned them
    bits = header.layout["bits"]
    if bits > 8:
        pixels = scaled(pixels, (1 << bits) - 1)
    if header.layout["premultiplied"]:
        notes.append("premultiplied alpha divided out")
        pixels = divided(pixels)
    return np.array(pixels)
