"""PBM, PGM and PPM, plain and raw (P1 to P6), 1 to 16 bits: read and written, whole and in bands of rows.

Source: the Netpbm project's pages on the formats. Samples of 0 .. maximum stay as they
are; the maximum, which is white, is kept and written.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import TYPE_CHECKING

from ..header import Header
from ..picture import EncoderOptions, Metadata, Page
from . import raw

if TYPE_CHECKING:
    import numpy as np

_NAMES = {1: "PBM", 2: "PGM", 3: "PPM"}
_BLANKS = b" \t\r\n\v\f"
_BLANK = re.compile(rb"\s")
_COMMENT = re.compile(rb"#[^\r\n]*")
_LONGEST_HEADER = 1 << 16  # bytes before a number: blanks and comments
_PIECE = 1 << 20  # bytes of plain numbers read at a time


def read(file, size: int, *, whole: bool = False) -> Header:
    """The header of a PBM, PGM or PPM file."""
    file.seek(0)
    kind = int(file.read(2)[1:])
    plain, kind = kind < 4, (kind - 1) % 3 + 1
    width, height = integer(file), integer(file)
    maximum = 1 if kind == 1 else integer(file)
    if not 0 < maximum < 65536:
        raise ValueError(f"a maximum of {maximum}")
    channels = 3 if kind == 3 else 1
    offset = file.tell()
    if kind == 1:
        line = (width + 7) // 8
    else:
        line = width * channels * (2 if maximum > 255 else 1)
    least = line * height
    if plain:  # a digit each, and blanks between numbers
        least = width * height if kind == 1 else 2 * width * height * channels - 1
    if width < 1 or height < 1:
        raise ValueError(f"a size of {width} x {height}")
    if least > size - offset:
        raise ValueError(f"{width} x {height} pixels cannot be in {size - offset} bytes")
    notes = []
    if kind == 1:
        notes.append("1-bit grey expanded to 8 bits")
    if not plain:
        notes += raw.surplus(least, size - offset)
    depth = 1 if kind == 1 else 16 if maximum > 255 else 8
    layout = {"whole": plain, "maximum": maximum, "offset": offset, "line": line}
    mode = "rgb" if channels == 3 else "grey"
    return Header(
        _NAMES[kind],
        width,
        height,
        mode,
        depth,
        metadata=stated(maximum if kind > 1 else 255),
        notes=tuple(notes),
        layout=layout,
    )


def stated(maximum: int) -> Metadata:
    """What a header's maximum says beside the samples' size."""
    return Metadata(maximum=None if maximum in (255, 65535) else maximum)


def token(file) -> bytes:
    """The next word of a header; the blank after it is taken too. `#` starts a comment."""
    word = b""
    comment = False
    for _ in range(_LONGEST_HEADER):
        byte = file.read(1)
        comment = (comment or byte == b"#") and byte not in b"\r\n"
        if comment:
            continue
        if not byte or byte in _BLANKS:
            if word:
                return word
            if not byte:
                raise ValueError("it ends in the header")
            continue
        word += byte
        if len(word) > 20:
            raise ValueError("a number in the header is too long")
    raise ValueError("its header does not end")


def integer(file) -> int:
    word = token(file)
    if not word.isdigit():
        raise ValueError(f"{word[:20].decode('latin-1')!r} in the header where a number belongs")
    return int(word)


def bytes_needed(header: Header) -> int:
    """Peak memory of decoding: the picture and some bands; the text of a plain one may be without comments once more."""
    samples = header.height * header.line
    return samples * (2 if header.layout["whole"] else 1) + 8 * min(raw.BAND + header.layout["line"], samples)


def end(header: Header) -> int | None:
    """The byte behind the pixels; None where they are numbers as text."""
    return None if header.layout["whole"] else raw.end(header)


def bytes_held(header: Header) -> int | None:
    """Peak memory of `rows`: bits are unpacked, turned round and spread. None where they are numbers as text."""
    if header.layout["whole"]:
        return None
    return raw.bytes_held(header, header.line, 2 * header.line if header.format == "PBM" else 0)


def rows(file, header: Header, notes: list[str]) -> Generator[np.ndarray, None, None]:
    """The picture in bands; see `streams.ReadRows`. A plain file is read whole."""
    import numpy as np

    layout = header.layout
    if layout["whole"]:  # numbers as text
        file.seek(layout["offset"])
        yield _plain_pixels(file.read(), header)
        return
    for band in raw.bands(file, layout["offset"], header.height, layout["line"], given=header.line):
        if header.format == "PBM":
            bits = np.unpackbits(band, axis=1, count=header.width)
            yield (bits ^ 1) * np.uint8(255)
        else:
            values = raw.samples(band, ">u2" if header.depth == 16 else "u1", header.channels)
            yield _checked(values, layout["maximum"])


def _plain_pixels(text: bytes, header: Header) -> np.ndarray:
    """The pixels of a file whose samples are written as text."""
    import numpy as np

    if b"#" in text:
        text = _COMMENT.sub(b" ", text)
    shape = (header.height, header.width) if header.channels == 1 else (header.height, header.width, 3)
    count = header.height * header.width * header.channels
    if header.format == "PBM":
        bits = text.translate(None, _BLANKS)[:count]
        if len(bits) < count:
            raise ValueError("it ends within the pixels")
        if bits.translate(None, b"01"):
            raise ValueError("a pixel that is neither 0 nor 1")
        return ((np.frombuffer(bits, np.uint8) ^ ord("1")) * np.uint8(255)).reshape(shape)
    maximum = header.layout["maximum"]
    values = np.empty(count, np.uint16 if maximum > 255 else np.uint8)
    filled = at = 0
    while filled < count:
        blank = _BLANK.search(text, at + _PIECE)
        end = blank.start() if blank else len(text)
        words = text[at:end].split()[: count - filled]
        if not words and end == len(text):
            raise ValueError("it ends within the pixels")
        if words:
            if not b"".join(words).isdigit() or max(map(len, words)) > 20:
                raise ValueError("something else than a number among the pixels")
            numbers = list(map(int, words))
            if max(numbers) > maximum:
                raise ValueError(f"a value above the maximum of {maximum}")
            values[filled : filled + len(numbers)] = numbers
        filled, at = filled + len(words), end
    return values.reshape(shape)


def _checked(values: np.ndarray, maximum: int) -> np.ndarray:
    """The samples. Raises ValueError where one is above the maximum."""
    if maximum not in (255, 65535) and values.size and values.max() > maximum:
        raise ValueError(f"a value above the maximum of {maximum}")
    return values


class Writer(raw.RawWriter):
    """A raw file: P4 for 1-bit, P5 for grey, P6 for RGB pixels; see `streams.Writer`. Samples above the maximum become it."""

    def __init__(self, output, page: Page, options: EncoderOptions, notes: list[str]):
        top = 65535 if page.pixels.dtype.itemsize == 2 else 255
        self.maximum = page.metadata.maximum or top
        self._beyond, self._notes = 0, notes
        super().__init__(output, page, options, notes)

    def head(self, height, width, channels, dtype, mode) -> bytes:
        if dtype.kind == "b":
            return b"P4\n%d %d\n" % (width, height)
        return b"P%d\n%d %d\n%d\n" % (6 if channels == 3 else 5, width, height, self.maximum)

    def encoded(self, band: np.ndarray, first: bool, last: bool) -> bytes:
        import numpy as np

        if band.dtype == bool:
            return np.packbits(~band.reshape(band.shape[:2]), axis=1).tobytes()
        if self.maximum not in (255, 65535) or band.dtype.itemsize > 1 + (self.maximum > 255):
            self._beyond += int(np.count_nonzero(band > self.maximum))
            band = np.minimum(band, band.dtype.type(self.maximum))
        return band.astype(">u2" if self.maximum > 255 else "u1", copy=False).tobytes()

    def finish(self) -> None:
        """As Writer.finish."""
        super().finish()
        if self._beyond:
            self._notes.append(f"{self._beyond} samples above the maximum of {self.maximum} clipped to it")
