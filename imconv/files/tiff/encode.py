"""TIFF files written: pages of strips, little-endian, each directory before its strips; BigTIFF where 4 GB are too few."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from typing import IO, TYPE_CHECKING, Any

from ...errors import FileError, OptionError
from .. import tags as tiff_tags
from ..overlap import in_order, usable_threads
from ..picture import PLANES, EncoderOptions, Metadata, Page
from ..streams import BandWriter
from ..tags import Entry, new_entry
from . import codecs

if TYPE_CHECKING:
    import numpy as np

STRIP = 1 << 18  # bytes of pixels in a strip, unless a single row has more
_IN_MEMORY = 1 << 20  # bytes of compressed strips that wait in memory
_CLASSIC = (1 << 32) - (1 << 16)  # bytes that a classic TIFF may have
_ASCII, _SHORT, _LONG, _RATIONAL, _UNDEFINED, _BYTE, _LONG8 = 2, 3, 4, 5, 7, 1, 16
_PHOTOMETRIC = {"grey": 1, "grey+alpha": 1, "rgb": 2, "rgba": 2, "cmyk": 5}
_SAMPLE_FORMATS = {"b": 1, "u": 1, "i": 2, "f": 3}


def encode(page: Page, options: EncoderOptions, notes: list[str]) -> bytes:
    """The file's bytes."""
    return encode_pages([page], options, notes)


def encode_pages(pages: list[Page], options: EncoderOptions, notes: list[str]) -> bytes:
    """The file's bytes."""
    stored = []
    for page in pages:
        form = Form(page, options.compression, notes)
        cuts = (page.pixels[top : top + form.rows] for top in range(0, form.height, form.rows))
        stored.append((form, list(in_order((partial(form.strip, rows) for rows in cuts), usable_threads()))))
    heads = directories([(form, [len(strip) for strip in strips]) for form, strips in stored])
    return b"".join(piece for head, (_, strips) in zip(heads, stored, strict=True) for piece in (head, *strips))


class Writer(BandWriter):
    """A TIFF file written as its rows come, byte for byte that of `encode_pages`; see `streams.Writer`.

    The directory comes before the strips, and says how long they are: raw ones go out at once, compressed ones wait in a file
    without a name, beside the output: the usual place for temporary files is often memory.
    """

    def __init__(self, output, page: Page, options: EncoderOptions, notes: list[str]):
        import tempfile

        self._form = form = Form(page, options.compression, notes)
        self._counts: list[int] = []
        self._waiting: IO[bytes] | None = None
        self._elsewhere: str | None = None  # where strips wait, if that is not beside the output
        # raw strips lie one behind another, as their rows do
        super().__init__(output, page, 0 if form.compression == "none" else form.rows, options.threads)
        if form.compression == "none":
            counts = [form.row_bytes * min(form.rows, form.height - top) for top in range(0, form.height, form.rows)]
            output.write(*directories([(form, counts)]))
        else:
            folder = getattr(output, "folder", None)
            self._elsewhere = tempfile.gettempdir() if folder is None else None
            self._waiting = tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=folder)  # noqa: SIM115 (closed by finish, or when forgotten)

    def finish(self) -> None:
        """Called once, after the last row."""
        super().finish()
        if self._waiting is None:
            return
        with self._waiting as waiting:
            self.output.write(*directories([(self._form, self._counts)]))
            waiting.seek(0)
            while piece := waiting.read(STRIP):
                self.output.write(piece)

    def encoded(self, band: np.ndarray, first: bool, last: bool):
        """A strip."""
        return self._form.strip(band)

    def stored(self, done) -> None:
        """Write a strip to where it belongs or waits."""
        self._counts.append(len(done))
        try:
            (self._waiting or self.output).write(done)
        except OSError as error:
            if self._elsewhere is None:  # then it is the output's folder that is full
                raise
            raise FileError(
                f"{self._elsewhere}: {error.strerror or error}; compressed strips wait there: free some space or set TMPDIR"
            ) from error


@dataclass
class Form:
    """How a page is stored: what its tags say, and its strips made of rows."""

    page: Page
    wanted: Any
    notes: list[str]
    compression: str = field(init=False)
    level: int | None = field(init=False)
    predictor: int = field(init=False)

    def __post_init__(self):
        pixels, self.mode, self.metadata = self.page
        self.height, self.width = pixels.shape[:2]
        self.dtype = pixels.dtype
        self.compression, self.level = _chosen(self.wanted, self.metadata, self.notes)
        kept = self.metadata.predictor if self.compression == self.metadata.compression else None
        self.predictor = codecs.predictor_for(self.compression, self.dtype, kept)
        self.samples = samples = pixels.shape[2] if pixels.ndim == 3 else 1
        self.row_bytes = (self.width + 7) // 8 if self.dtype.kind == "b" else self.width * samples * self.dtype.itemsize
        self.rows = max(1, min(self.height, STRIP // self.row_bytes))

    def strip(self, rows: np.ndarray):
        """Rows of pixels as the bytes of a strip."""
        import numpy as np

        if self.dtype.kind == "b":
            return codecs.packed(self.compression, self.level, np.packbits(rows, axis=1))
        rows = np.ascontiguousarray(rows, self.dtype.newbyteorder("<")).reshape(len(rows), self.width, -1)
        return codecs.packed(self.compression, self.level, codecs.differences(rows, self.predictor))

    def tags(self, offsets: list[int], counts: list[int], big: bool) -> dict:
        """The page's directory; the picture's own description first, then what is true of this file."""
        metadata, samples = self.metadata, self.samples
        photometric, extra = _PHOTOMETRIC.get(self.mode, 1), tuple[int, ...]()
        if self.mode in ("grey+alpha", "rgba"):
            extra = (2,)  # alpha that colours are not multiplied by
        elif self.mode == PLANES:
            photometric, extra = metadata.extra or (1, (0,) * (samples - 1))
        bits = 1 if self.dtype.kind == "b" else 8 * self.dtype.itemsize
        place = _LONG8 if big else _LONG
        tags = tiff_tags.descriptive_tree(metadata.exif, "<")
        if metadata.dpi:
            x, y = (_rational(value) for value in metadata.dpi)
            tags |= {282: new_entry(_RATIONAL, *x), 283: new_entry(_RATIONAL, *y), 296: new_entry(_SHORT, 2)}
        elif metadata.density:
            x, y = ((value, 1) for value in metadata.density)
            tags |= {282: new_entry(_RATIONAL, *x), 283: new_entry(_RATIONAL, *y), 296: new_entry(_SHORT, 1)}
        tags |= dict(metadata.tags)
        if metadata.nodata is not None:
            value = metadata.nodata.encode("ascii", "replace") + b"\0"
            tags[tiff_tags.NODATA] = Entry(_ASCII, len(value), value, 0)
        tags |= {
            256: new_entry(_LONG, self.width),
            257: new_entry(_LONG, self.height),
            258: new_entry(_SHORT, *[bits] * samples),
            259: new_entry(_SHORT, codecs.CODES[self.compression]),
            262: new_entry(_SHORT, photometric),
            273: new_entry(place, *offsets),
            277: new_entry(_SHORT, samples),
            278: new_entry(_LONG, self.rows),
            279: new_entry(place, *counts),
            284: new_entry(_SHORT, 1),
            339: new_entry(_SHORT, *[_SAMPLE_FORMATS[self.dtype.kind]] * samples),
        }
        if self.predictor != 1:
            tags[317] = new_entry(_SHORT, self.predictor)
        if extra:
            tags[tiff_tags.EXTRA_SAMPLES] = new_entry(_SHORT, *extra)
        if metadata.xmp:
            tags[tiff_tags.XMP] = Entry(_BYTE, len(metadata.xmp), metadata.xmp, 0)
        if metadata.iptc:
            tags[tiff_tags.IPTC] = Entry(_BYTE, len(metadata.iptc), metadata.iptc, 0)
        if metadata.icc:
            tags[tiff_tags.ICC_PROFILE] = Entry(_UNDEFINED, len(metadata.icc), metadata.icc, 0)
        return tags


def directories(pages: list[tuple[Form, list[int]]]) -> Iterator[bytes]:
    """What comes before each page's strips, given their byte counts: for the first the file's header too."""
    total = sum(len(_directory(form, counts, 0, 0, True)) + sum(counts) + 1 for form, counts in pages)
    big = total > _CLASSIC
    start = 16 if big else 8
    header = b"II+\0\x08\0\0\0" + start.to_bytes(8, "little") if big else b"II*\0" + start.to_bytes(4, "little")
    position = start
    for i, (form, counts) in enumerate(pages):
        size = len(_directory(form, counts, position, 0, big))
        end = position + size + sum(counts)
        following = end + end % 2 if i + 1 < len(pages) else 0
        yield header + _directory(form, counts, position, following, big)
        header, position = bytes(end % 2), following


def _directory(form: Form, counts: list[int], position: int, following: int, big: bool) -> bytes:
    """A page's directory that stands at `position`, the strips right behind it."""

    def written(first: int) -> bytes:
        offsets, place = [], first
        for count in counts:
            offsets.append(place)
            place += count
        return tiff_tags.directory_bytes(form.tags(offsets, counts, big), "<", position, following, big)

    size = len(written(0))
    return written(position + size)


def _chosen(wanted: Any, metadata: Metadata, notes: list[str]) -> tuple[str, int | None]:
    """Compression and level: what was asked for, else the input's if it loses nothing, else deflate."""
    if wanted is None:
        kept = metadata.compression if metadata.compression in codecs.CODES else "deflate"
        if not codecs.can_pack(kept):
            notes.append(f"written with deflate: {codecs.missing(kept)}")
            kept = "deflate"
        return kept, None
    if wanted in codecs.CODES and isinstance(wanted, str):
        if not codecs.can_pack(wanted):
            raise OptionError(f"{codecs.missing(wanted)}, or choose deflate")
        return wanted, None
    if isinstance(wanted, bool) or not isinstance(wanted, int) or not 0 <= wanted <= 9:
        words = ", ".join(codecs.CODES)
        raise OptionError(f"compression {wanted!r} is not a whole number from 0 to 9, nor one of {words}")
    return ("deflate", wanted) if wanted else ("none", None)


def _rational(value: float) -> tuple[int, int]:
    fraction = Fraction(value).limit_denominator(max(1, min(10_000, int(2**32 / (value + 1)))))
    return fraction.numerator, fraction.denominator
