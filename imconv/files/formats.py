"""What each file format is: names, signatures, what it holds exactly, and its modules. Data, and look-ups in it."""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

from ..errors import FileError, OptionError, nearest
from .picture import MODES, PLANES

# (colour model, sample type) pairs; together with `Format.holds` this is the one place that says what can be written
_GREY8 = ("grey", "uint8")
_BIT = ("grey", "bool")
_GREY16 = ("grey", "uint16")
_ALPHA8 = (("grey+alpha", "uint8"), ("rgba", "uint8"))
_RGB8 = ("rgb", "uint8")
_COLOUR16 = (("grey+alpha", "uint16"), ("rgb", "uint16"), ("rgba", "uint16"))
_CMYK8 = ("cmyk", "uint8")
_FLOAT = tuple(product(("grey", "grey+alpha", "rgb", "rgba"), ("float32",)))
_ARRAYS = tuple(
    (mode, dtype)
    for mode in ("grey", "grey+alpha", "rgb", "rgba", PLANES)
    for dtype in ("bool", "uint8", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64")
)


@dataclass(frozen=True)
class Format:
    """A file format: its properties, and the modules that read and write its files.

    name            the name that users see, in capitals
    synonyms        other names that users may give
    extensions      of file names; the first is the usual one
    starts          the bytes that its files begin with: any of these
    marked          whether the first 32 bytes are of this format, where `starts` can't decide
    family          formats of one family may have each other's extensions
    holds           (colour model, sample type) pairs that it stores bit for bit
    nearly          pairs that it stores up to the last place, with a note of its encoder
    reduces         whether it stores with a loss, or small pictures only, and so is never suggested
    instead         (colour model, another) pairs: the format lacks the first model, and stores such pictures as the second
    expanded        the format for its bitmaps once they have been read as 8-bit grey
    carries         kinds of metadata that it stores: "icc", "exif", "xmp", "dpi", "density", "chunks", "iptc", "comment", "tags"
    longest         (kind of metadata, bytes) pairs: the most bytes that it stores of that kind
    longest_side    the most rows or columns of a picture, in pixels
    takes           options that have a meaning for it: "quality", "compression"
    pages           whether a file holds several pictures, each of its own size and type
    animation       whether a file holds several frames of one size
    whites          "maximum": it stores any value of white; "numbers": samples are numbers that stay as they are; "type": white is
                    the type's largest value, so that samples with another white are scaled
    needs           the packages that are imported for its pixels, but not for the header
    extra           the extra of imconv that installs them
    told_at_end     whether the description of its pictures may lie at a file's end, so that streams are read whole

    The names of its modules in this package, and the functions that each must have:

    header   `read(file, size, *, whole)` returns a `header.Header`; also `read_start(file)` if the start of a file is enough,
             and `read_pages(file, size, numbers)` if each page has a header of its own
    decoder  `bytes_needed(header)`, the peak memory of decoding one picture, and `decode(data, header, notes)`, which
             returns its pixels and adds remarks for the user to `notes`; or `rows(file, header, notes)`, see
             `streams.ReadRows`. With `rows` and `bytes_held(header)`, see streams.py, files are read in bands. Where the
             frames of an animation build on each other also `pages(data, header)`, which yields pixels, notes and fields of
             `Metadata` of each frame as it is shown. Where only decoding shows what belongs to the metadata also
             `described(data, header, notes)`, which returns such fields. Where pixels lie as they are, `end(header)`: where, or None
    encoder  `encode(page, options, notes)` returns the file's bytes and adds remarks for the user to `notes`; or
             `Writer`, see `streams.Writer`, with which files are written in bands. Where a file holds several pictures
             also `encode_pages(pages, options, notes)`. To remove metadata without encoding anew `stripped(data, keep_icc)`,
             which returns the bytes and notes. Empty where imconv does not write the format
    """

    name: str
    extensions: tuple[str, ...]
    starts: tuple[bytes, ...]
    holds: frozenset[tuple[str, str]]
    header: str
    decoder: str
    encoder: str = ""
    synonyms: tuple[str, ...] = ()
    marked: Callable[[bytes], bool] | None = None
    family: str | None = None
    carries: frozenset[str] = frozenset()
    longest: tuple[tuple[str, int], ...] = ()
    longest_side: int = 2**31 - 1
    takes: tuple[str, ...] = ()
    instead: tuple[tuple[str, str], ...] = ()
    expanded: str | None = None
    nearly: frozenset[tuple[str, str]] = frozenset()
    needs: tuple[str, ...] = ()
    extra: str | None = None
    reduces: bool = False
    whites: str = "type"
    told_at_end: bool = False
    pages: bool = False
    animation: bool = False

    stacks = property(
        lambda self: self.whites == "numbers"
    )  # a file holds pictures of one shape and type, as one array
    several = property(lambda self: self.pages or self.animation or self.stacks)

    @property
    def missing(self) -> str | None:
        """What to install for the pixels of this format, None where nothing is missing. No package is imported for it."""
        if all(importlib.util.find_spec(package) for package in self.needs):
            return None
        return f"{self.name} needs a package that is not installed; pip install 'imconv[{self.extra}]'"

    def module(self, part: str) -> Any:
        """The module for a part, "header", "decoder" or "encoder", which is imported now."""
        return importlib.import_module(f".{getattr(self, part)}", __package__)


def _format(name: str, extensions: str, starts, holds, carries=(), **others) -> Format:
    return Format(name, tuple(extensions.split()), starts, frozenset(holds), carries=frozenset(carries), **others)


def _by(module: str) -> dict[str, str]:
    """One module for header, decoder and encoder."""
    return dict.fromkeys(("header", "decoder", "encoder"), module)


def _netpbm(*kinds: bytes) -> tuple[bytes, ...]:
    """What files of the Netpbm family begin with: two characters, then a blank or a comment."""
    return tuple(kind + bytes((blank,)) for kind in kinds for blank in b" \t\r\n\v\f#")


def _is_webp(head: bytes) -> bool:
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def _is_avif(head: bytes) -> bool:
    return head[4:8] == b"ftyp" and not {b"avif", b"avis"}.isdisjoint(head[i : i + 4] for i in range(8, len(head), 4))


_HEIF = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"))


def _is_heic(head: bytes) -> bool:
    return head[4:8] == b"ftyp" and not _HEIF.isdisjoint(head[i : i + 4] for i in range(8, len(head), 4))


_NETPBM = {**_by("plain.netpbm"), "family": "Netpbm"}
_ALL_METADATA = ("icc", "exif", "xmp", "dpi")
MAX_SEGMENT = 65533  # bytes in one JPEG segment
_JPEG_LONGEST = (
    ("icc", 255 * (MAX_SEGMENT - 14)),
    ("exif", MAX_SEGMENT - 6),
    ("xmp", MAX_SEGMENT - 29),
    ("iptc", MAX_SEGMENT - 28),
    ("comment", MAX_SEGMENT),
)

FORMATS: dict[str, Format] = {
    f.name: f
    for f in (
        _format(
            "PNG",
            ".png .apng",
            (b"\x89PNG\r\n\x1a\n",),
            (_BIT, _GREY8, _GREY16, *_ALPHA8, _RGB8, *_COLOUR16),
            (*_ALL_METADATA, "density", "chunks", "comment"),
            header="png.chunks",
            decoder="png.decode",
            encoder="png.encode",
            takes=("compression",),
            animation=True,
        ),
        _format(
            "JPEG",
            ".jpg .jpeg .jpe .jfif",
            (b"\xff\xd8\xff",),
            (_GREY8, _RGB8, _CMYK8),
            (*_ALL_METADATA, "density", "iptc", "comment"),
            header="jpeg.segments",
            decoder="jpeg.decode",
            encoder="jpeg.encode",
            synonyms=("JPG",),
            longest=_JPEG_LONGEST,
            longest_side=65500,
            takes=("quality",),
            reduces=True,
        ),
        _format(
            "TIFF",
            ".tif .tiff",
            (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
            (_BIT, *product((*MODES, PLANES), ("uint8", "uint16", "int32", "uint32", "float32", "float64"))),
            (*_ALL_METADATA, "density", "iptc", "tags"),
            header="tiff.layout",
            decoder="tiff.decode",
            encoder="tiff.encode",
            synonyms=("TIF",),
            takes=("compression",),
            pages=True,
        ),
        _format(
            "WEBP",
            ".webp",
            (),
            (_GREY8, *_ALPHA8, _RGB8),
            ("icc", "exif", "xmp"),
            **_by("pillow.webp"),
            marked=_is_webp,
            longest_side=16383,
            takes=("quality",),
            instead=(("grey", "rgb"), ("grey+alpha", "rgba")),
            animation=True,
        ),
        _format("BMP", ".bmp .dib", (b"BM",), (_BIT, _GREY8, _RGB8), ("dpi",), **_by("pillow.bmp")),
        _format("PBM", ".pbm", _netpbm(b"P1", b"P4"), (_BIT,), **_NETPBM, expanded="PGM"),
        _format("PGM", ".pgm", _netpbm(b"P2", b"P5"), (_GREY8, _GREY16), **_NETPBM, whites="maximum"),
        _format(
            "PPM",
            ".ppm .pnm",
            _netpbm(b"P3", b"P6"),
            (_GREY8, _GREY16, _RGB8, ("rgb", "uint16")),
            **_NETPBM,
            whites="maximum",
            synonyms=("PNM",),
        ),
        _format(
            "PAM",
            ".pam",
            _netpbm(b"P7"),
            (_GREY8, _GREY16, *_ALPHA8, _RGB8, *_COLOUR16, _CMYK8),
            **_by("plain.pam"),
            whites="maximum",
            family="Netpbm",
        ),
        _format(
            "PFM",
            ".pfm",
            _netpbm(b"Pf", b"PF"),
            (("grey", "float32"), ("rgb", "float32")),
            **_by("plain.pfm"),
            family="Netpbm",
        ),
        _format(
            "EXR",
            ".exr",
            (b"\x76\x2f\x31\x01",),
            (("grey", "float32"), ("rgb", "float32")),
            ("dpi", "comment"),
            header="exr.header",
            decoder="exr.decode",
            encoder="exr.encode",
            nearly=frozenset((("grey+alpha", "float32"), ("rgba", "float32"))),
            synonyms=("OPENEXR",),
            needs=("OpenEXR",),
            extra="exr",
        ),
        _format(
            "GIF",
            ".gif",
            (b"GIF87a", b"GIF89a"),
            (_GREY8, *_ALPHA8, _RGB8),
            ("comment",),
            **_by("pillow.gif"),
            longest_side=65535,
            reduces=True,
            animation=True,
        ),
        _format(
            "AVIF",
            ".avif",
            (),
            (_GREY8, *_ALPHA8, _RGB8),
            ("icc", "exif", "xmp"),
            **_by("pillow.avif"),
            marked=_is_avif,
            longest_side=65536,
            takes=("quality",),
            instead=(("grey+alpha", "rgba"),),
            reduces=True,
        ),
        _format(
            "HEIC",
            ".heic .heif .hif",
            (),
            (),
            header="pillow.heic",
            decoder="pillow.heic",
            marked=_is_heic,
            synonyms=("HEIF", "HIF"),
            needs=("pillow_heif",),
            extra="heic",
        ),
        _format(
            "JP2",
            ".jp2",
            (b"\0\0\0\x0cjP  \r\n\x87\n",),
            (_GREY8, _GREY16, *_ALPHA8, _RGB8, _CMYK8),
            _ALL_METADATA,
            **_by("pillow.jpeg2000"),
            synonyms=("JPEG2000",),
        ),
        _format(
            "J2K",
            ".j2k .j2c .jpc",
            (b"\xff\x4f\xff\x51",),
            (_GREY8, _GREY16, *_ALPHA8, _RGB8),
            **_by("pillow.codestream"),
        ),
        _format(
            "JXL",
            ".jxl",
            (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n"),
            (_GREY8, _GREY16, *_ALPHA8, _RGB8, *_COLOUR16, *_FLOAT),
            ("icc", "exif", "xmp"),
            header="jxl.header",
            decoder="jxl.decode",
            encoder="jxl.encode",
            longest_side=1 << 30,
            takes=("quality", "compression"),
            needs=("imagecodecs",),
            extra="jxl",
        ),
        _format(
            "ICO",
            ".ico",
            (b"\0\0\1\0",),
            (_GREY8, *_ALPHA8, _RGB8),
            **_by("png.ico"),
            longest_side=256,
            takes=("compression",),
            instead=(("grey", "rgba"), ("grey+alpha", "rgba"), ("rgb", "rgba")),
            reduces=True,
        ),
        _format("NPY", ".npy", (b"\x93NUMPY",), _ARRAYS, **_by("plain.npy"), whites="numbers"),
        _format(
            "NPZ",
            ".npz",
            (b"PK\x03\x04",),
            _ARRAYS,
            **_by("plain.npz"),
            whites="numbers",
            takes=("compression",),
            told_at_end=True,
        ),
    )
}
EXTENSIONS = {extension: f for f in FORMATS.values() for extension in f.extensions}
_SYNONYMS = {synonym: f.name for f in FORMATS.values() for synonym in f.synonyms}


def sniff(head: bytes) -> str | None:
    """The format that `head`, at least the first 32 bytes of a file, belongs to, or None."""
    for found in FORMATS.values():
        if head.startswith(found.starts) or (found.marked and found.marked(head[:32])):
            return found.name
    return None


def known(*, written: bool = False) -> str:
    """The extensions of the formats that imconv reads, or of those that it writes, for messages."""
    return ", ".join(f.extensions[0] for f in FORMATS.values() if f.encoder or not written)


def format_for(name) -> str:
    """The format's name ("PNG", "JPEG", ...) for a path, an extension or a format name.

    Raises FileError for an unknown or a missing extension; the message lists the known ones.

    >>> format_for("out/sharp.jpg"), format_for(".tif"), format_for("webp")
    ('JPEG', 'TIFF', 'WEBP')
    """
    text = os.fsdecode(os.fspath(name))
    base = os.path.basename(text)
    upper = _SYNONYMS.get(base.upper(), base.upper())
    if upper in FORMATS:
        return upper
    extension = base.lower() if base.startswith(".") and base.count(".") == 1 else os.path.splitext(base)[1].lower()
    if extension in EXTENSIONS:
        return EXTENSIONS[extension].name
    if not extension:
        raise FileError(
            f"{text}: no extension says which format to write; add one ({known(written=True)}) or give format="
        )
    raise FileError(
        f"{text}: unknown format {extension!r}{nearest(extension, EXTENSIONS)}; known are {known(written=True)}"
    )


def format_named(name: str) -> Format:
    """The `Format` that a `--format` option names: a name or an extension, in any case. Raises OptionError."""
    upper = name.upper()
    found = FORMATS.get(_SYNONYMS.get(upper, upper)) or EXTENSIONS.get("." + name.lower().removeprefix("."))
    if found is None:
        near = nearest(name, map(str.lower, FORMATS))
        raise OptionError(f"unknown format {name!r}; known are {known(written=True)}{near}")
    return found


def holders(mode: str, dtype: str) -> list[str]:
    """Names of the formats that hold pixels of this colour model and sample type bit for bit, without other packages."""
    return [f.name for f in FORMATS.values() if (mode, dtype) in f.holds and not (f.reduces or f.extra)]
