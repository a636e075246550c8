"""What each file format is called, how it is recognised and what it holds exactly. Data, and look-ups in it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import product

from ..errors import FileError, OptionError, nearest
from .picture import MODES

# (colour model, sample type) pairs; together with `Format.holds` this is the one place that says what can be written
_GREY8 = ("grey", "uint8")
_BIT = ("grey", "bool")
_GREY16 = ("grey", "uint16")
_ALPHA8 = (("grey+alpha", "uint8"), ("rgba", "uint8"))
_RGB8 = ("rgb", "uint8")
_COLOUR16 = (("grey+alpha", "uint16"), ("rgb", "uint16"), ("rgba", "uint16"))
_CMYK8 = ("cmyk", "uint8")
_ARRAYS = tuple(
    (mode, dtype)
    for mode in ("grey", "grey+alpha", "rgb", "rgba")
    for dtype in ("bool", "uint8", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64")
)


@dataclass(frozen=True)
class Format:
    """A file format: extensions (the first is the usual one), what it holds bit for bit, which metadata it carries, and
    whether imconv reads and writes several pictures in one file: `pages`, each of its own size and type, or `animation`,
    frames of one size."""

    name: str
    extensions: tuple[str, ...]
    holds: frozenset[tuple[str, str]]
    carries: frozenset[str] = frozenset()
    longest_side: int = 2**31 - 1
    pages: bool = False
    animation: bool = False

    @property
    def several(self) -> bool:
        return self.pages or self.animation


def _format(name, extensions, holds, carries=(), longest_side=2**31 - 1, **several):
    return Format(name, tuple(extensions.split()), frozenset(holds), frozenset(carries), longest_side, **several)


_ALL_METADATA = ("icc", "exif", "xmp", "dpi")

FORMATS: dict[str, Format] = {
    f.name: f
    for f in (
        _format(
            "PNG",
            ".png .apng",
            (_BIT, _GREY8, _GREY16, *_ALPHA8, _RGB8, *_COLOUR16),
            (*_ALL_METADATA, "chunks"),
            animation=True,
        ),
        _format("JPEG", ".jpg .jpeg .jpe .jfif", (_GREY8, _RGB8, _CMYK8), _ALL_METADATA, 65500),
        _format(
            "TIFF",
            ".tif .tiff",
            (_BIT, *product(MODES, ("uint8", "uint16", "int32", "uint32", "float32", "float64"))),
            _ALL_METADATA,
            pages=True,
        ),
        _format("WEBP", ".webp", (_GREY8, *_ALPHA8, _RGB8), ("icc", "exif", "xmp"), 16383, animation=True),
        _format("BMP", ".bmp .dib", (_BIT, _GREY8, _RGB8), ("dpi",)),
        _format("PBM", ".pbm", (_BIT,)),
        _format("PGM", ".pgm", (_GREY8, _GREY16)),
        _format("PPM", ".ppm .pnm", (_GREY8, _GREY16, _RGB8, ("rgb", "uint16"))),
        _format("PAM", ".pam", (_GREY8, _GREY16, *_ALPHA8, _RGB8, *_COLOUR16, _CMYK8)),
        _format("PFM", ".pfm", (("grey", "float32"), ("rgb", "float32"))),
        _format("GIF", ".gif", (_GREY8, *_ALPHA8, _RGB8), (), 65535, animation=True),
        _format("AVIF", ".avif", (_GREY8, *_ALPHA8, _RGB8), ("icc", "exif", "xmp"), 65536),
        _format("JP2", ".jp2", (_GREY8, _GREY16, *_ALPHA8, _RGB8, _CMYK8), _ALL_METADATA),
        _format("J2K", ".j2k .j2c .jpc", (_GREY8, _GREY16, *_ALPHA8, _RGB8)),
        _format("ICO", ".ico", (_GREY8, *_ALPHA8, _RGB8), (), 256),
        _format("NPY", ".npy", _ARRAYS),
        _format("NPZ", ".npz", _ARRAYS),
    )
}
_REDUCING = ("GIF", "JPEG", "AVIF", "ICO")  # what they hold they hold with a loss, or small
_BY_EXTENSION = {extension: f for f in FORMATS.values() for extension in f.extensions}
_SYNONYMS = {"JPG": "JPEG", "TIF": "TIFF", "PNM": "PPM", "JPEG2000": "JP2"}

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JP2"),
    (b"\xff\x4f\xff\x51", "J2K"),
    (b"\0\0\1\0", "ICO"),
    (b"\x93NUMPY", "NPY"),
    (b"PK\x03\x04", "NPZ"),
)
_NETPBM = {
    b"P1": "PBM",
    b"P2": "PGM",
    b"P3": "PPM",
    b"P4": "PBM",
    b"P5": "PGM",
    b"P6": "PPM",
    b"P7": "PAM",
    b"Pf": "PFM",
    b"PF": "PFM",
}
_FOREIGN = (
    (b"%PDF", "a PDF document"),
    (b"8BPS", "a Photoshop file"),
    (b"\x76\x2f\x31\x01", "an OpenEXR file"),
    (b"#?RADIANCE", "a Radiance HDR file"),
    (b"\xff\x0a", "a JPEG XL file"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL file"),
    (b"qoif", "a QOI file"),
    (b"\x1f\x8b", "gzip-compressed data"),
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "an XML text"),
)


def sniff(head: bytes) -> str | None:
    """The format whose signature starts `head` (32 bytes are enough), or None."""
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp" and {b"avif", b"avis"} & {head[i : i + 4] for i in range(8, len(head), 4)}:
        return "AVIF"
    if head[:2] in _NETPBM and head[2:3] in b" \t\r\n\v\f#" and head[2:3]:
        return _NETPBM[head[:2]]
    return None


def describe_unknown(head: bytes) -> str:
    """What a file that is none of the known formats seems to be, for an error message."""
    for signature, description in _FOREIGN:
        if head.startswith(signature):
            return description
    if head[4:8] == b"ftyp":
        return "a HEIC or video file"
    if head and not any(byte < 9 or 13 < byte < 32 for byte in head):
        return "text"
    return "not a picture in any known format"


def known() -> str:
    """The names of the formats and their extensions, for messages."""
    return ", ".join(f.extensions[0] for f in FORMATS.values())


def format_for(name) -> str:
    """The format's name ("PNG", "JPEG", ...) for a path, an extension or a format name.

    Raises FileError for an unknown or a missing extension; the message lists the known ones.

    >>> format_for("out/sharp.jpg"), format_for(".tif"), format_for("webp")
    ('JPEG', 'TIFF', 'WEBP')
    """
    text = os.fsdecode(os.fspath(name))
    base = os.path.basename(text)
    upper = base.upper()
    upper = _SYNONYMS.get(upper, upper)
    if upper in FORMATS:
        return upper
    extension = base.lower() if base.startswith(".") and base.count(".") == 1 else os.path.splitext(base)[1].lower()
    if extension in _BY_EXTENSION:
        return _BY_EXTENSION[extension].name
    if not extension:
        raise FileError(f"{text}: no extension says which format to write; add one ({known()}) or give --format")
    raise FileError(f"{text}: unknown format {extension!r}{nearest(extension, _BY_EXTENSION)}; known are {known()}")


def format_named(name: str) -> Format:
    """The `Format` that a `--format` option names: a name or an extension, in any case. Raises OptionError."""
    upper = name.upper()
    found = FORMATS.get(_SYNONYMS.get(upper, upper)) or _BY_EXTENSION.get("." + name.lower().removeprefix("."))
    if found is None:
        near = nearest(name, [known_name.lower() for known_name in FORMATS])
        raise OptionError(f"unknown format {name!r}; known are {known()}{near}")
    return found


def holders(mode: str, dtype: str) -> list[str]:
    """Names of the formats that hold pixels of this colour model and sample type bit for bit."""
    return [f.name for f in FORMATS.values() if (mode, dtype) in f.holds and f.name not in _REDUCING]
