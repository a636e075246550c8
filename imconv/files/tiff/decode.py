"""Pixels of TIFF pages, strip by strip or tile by tile: whole pictures on threads, or bands of rows one after another.

Offsets and sizes come from the checked header; what a strip does not hold in full is an error, never padding.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from functools import partial
from typing import TYPE_CHECKING

from .. import tags
from ..channels import divided
from ..header import Header
from ..overlap import in_order, usable_threads
from . import codecs
from . import layout as tiff_layout

if TYPE_CHECKING:
    import numpy as np

_BAND = 1 << 20  # bytes of pixels handled at a time, where strips are smaller or can be read in part
_AT_ONCE = 64 << 20  # bytes of pixels on all threads together, beyond which fewer threads read bands
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_KINDS = {"unsigned": "u", "signed": "i", "float": "f"}


def bytes_needed(header: Header) -> int:
    """Peak memory of decoding: the pixels, and on each thread a band unpacked and converted."""
    if _by_pillow(header):
        from .. import by_pillow

        return by_pillow.bytes_needed(header) + header.width * header.height * header.channels
    storage = Storage(header)
    return header.height * storage.line + min(usable_threads(), storage.count) * storage.bytes_of_work


def decode(data: bytes, header: Header, notes: list[str]) -> np.ndarray:
    """Pixels of the page that the header describes. Raises ValueError for damage, Unsupported for what would be degraded."""
    tiff_layout.refuse(header)
    notes += _notes(header)
    if _by_pillow(header):
        return _decode_by_pillow(data, header)
    view = memoryview(data)
    return _decode_strips(header, lambda offset, count: view[offset : offset + count])


def bytes_held(header: Header) -> int | None:
    """Peak memory of `rows`: on each thread a band's strips as they are stored, unpacked and converted, those that wait,
    and the last two. None for what Pillow decodes, which can't be read in bands."""
    if _by_pillow(header):
        return None
    storage = Storage(header)
    waiting = min(storage.count - 1, 1 if storage.threads == 1 else storage.threads + 2)
    return storage.threads * (storage.bytes_stored + storage.bytes_of_work) + waiting * storage.bytes_given


def rows(file, header: Header, notes: list[str]) -> Generator[np.ndarray, None, None]:
    """The page's rows in bands; see `streams.ReadRows`. Memory: a few rows of strips or tiles (`bytes_held`); the whole
    picture where it is one compressed strip."""
    tiff_layout.refuse(header)
    notes += _notes(header)
    lock = threading.Lock()

    def fetch(offset: int, count: int) -> bytes:
        with lock:
            file.seek(offset)
            data = file.read(count)
        if len(data) < count:
            raise ValueError("the file ends within the pixels")
        return data

    bands, convert = Bands(header, fetch), _converter(header)
    works = (partial(lambda i: convert(bands.band(i)), i) for i in range(bands.count))
    yield from in_order(works, bands.threads)


def _decode_strips(header: Header, fetch: Callable) -> np.ndarray:
    import numpy as np

    bands, convert = Bands(header, fetch), _converter(header)
    shape = (header.height, header.width, header.channels)[: 2 + (header.channels > 1)]
    pixels = np.empty(shape, _result_type(header))

    def work(i: int) -> None:
        first, last = bands.rows(i)
        pixels[first:last] = convert(bands.band(i))

    for _ in in_order((partial(work, i) for i in range(bands.count)), usable_threads()):
        pass
    return pixels


class Storage:
    """How a page's rows are cut into bands: whole strips or rows of tiles, or of raw strips any number of rows."""

    def __init__(self, header: Header):
        layout = header.layout
        self.width, self.height, self.layout = header.width, header.height, layout
        self.bits, self.compression = layout["bits"], layout["compression"]
        self.planes = layout["samples"] if layout["planar"] == 2 else 1
        self.samples = layout["samples"] // self.planes  # of one plane
        self.across, self.down = layout["across"], layout["down"]
        self.columns = -(-self.width // self.across)
        self.row_bytes = (self.across * self.samples * self.bits + 7) // 8
        stored = self.row_bytes * self.planes * self.columns
        sample = 2 if header.palette else _bytes_of(header.depth)
        # bytes of a row as it is given
        self.line = self.width * header.channels * (sample if header.sample == "unsigned" else max(4, sample))
        # raw strips can be read in part, and smaller ones several at a time
        self.raw = self.compression == "none" and not layout["tiled"]
        per_band = max(1, _BAND // max(stored, self.line))
        whole = -(-self.height // self.down)
        self.step = min(per_band, self.height) if self.raw else self.down * min(max(1, per_band // self.down), whole)
        self.count = -(-self.height // self.step)
        self.bytes_given = self.step * self.line
        largest = max(self.bytes_given, self.step * stored)
        # raw samples are only copied: threads would cost more than that
        self.threads = 1 if self.raw else max(1, min(usable_threads(), self.count, _AT_ONCE // largest))
        times = 1 + layout["reversed_bits"] + (self.compression == "lzma")
        self.bytes_stored = 0 if self.compression == "none" else times * max(layout["counts"])
        self.bytes_of_work = self._bytes_of_work(header)

    def _bytes_of_work(self, header: Header) -> int:
        """Bytes that a band takes on its way from what is stored to what is given."""
        layout, size = self.layout, _bytes_of(self.bits)
        copies = {2: 2, 3: 4}.get(layout["predictor"], 1 + (layout["big_endian"] and size > 1))
        copies += 2 * (self.compression == "lzma")  # a dictionary, and parts that are joined
        samples = self.step * self.width * layout["samples"]
        found = copies * min(self.step, self.down) * self.row_bytes
        in_pieces = self.step > self.down or self.columns * self.planes > 1
        found += (in_pieces + 2 * (self.bits < 8) + 6 * (8 < self.bits < 16)) * size * samples
        if layout["premultiplied"]:  # quotients in 32 bits or more, and what they are made of
            found += samples * max(10, 2 * size)
        as_stored = self.bits in (8, 16, 32, 64) and not _steps(header) and self.bytes_given == size * samples
        return found if as_stored else found + self.bytes_given

    def rows(self, i: int) -> tuple[int, int]:
        return i * self.step, min(self.height, (i + 1) * self.step)


class Bands(Storage):
    """A page's rows as they are stored, in bands: (rows, width, samples), native byte order.

    `fetch(offset, count)` gives the file's bytes. Bands may be read in any order and on several threads.
    """

    def __init__(self, header: Header, fetch: Callable):
        import numpy as np

        super().__init__(header)
        self.fetch = fetch
        order = ">" if self.layout["big_endian"] else "<"
        self.dtype = np.dtype(f"{order}{_KINDS[header.sample]}{_bytes_of(self.bits)}")

    def band(self, i: int) -> np.ndarray:
        """Band number `i`. Raises ValueError where a strip or tile is damaged or too short."""
        import numpy as np

        first, last = self.rows(i)
        pieces = range(first // self.down, -(-last // self.down))
        if len(pieces) == self.columns == self.planes == 1:
            return self._piece(pieces[0], 0, 0, first, last)[:, : self.width]
        band = np.empty((last - first, self.width, self.samples * self.planes), self.dtype.newbyteorder("="))
        for piece in pieces:
            top, bottom = max(first, piece * self.down), min(last, (piece + 1) * self.down)
            for column in range(self.columns):
                left, right = column * self.across, min(self.width, (column + 1) * self.across)
                for plane in range(self.planes):
                    part = self._piece(piece, column, plane, top, bottom)[:, : right - left]
                    samples = slice(plane * self.samples, (plane + 1) * self.samples)
                    band[top - first : bottom - first, left:right, samples] = part
        return band

    def _piece(self, piece: int, column: int, plane: int, top: int, bottom: int) -> np.ndarray:
        """Rows from `top` to `bottom` of one strip or tile: (rows, its own width, samples)."""
        import numpy as np

        layout = self.layout
        index = (plane * -(-self.height // self.down) + piece) * self.columns + column
        offset, count = layout["offsets"][index], layout["counts"][index]
        skipped, size = (top - piece * self.down) * self.row_bytes, (bottom - top) * self.row_bytes
        if self.compression == "none":  # in part, if need be
            if skipped + size > count:
                raise ValueError("a strip ends before its last pixel")
            data = self.fetch(offset + skipped, size)
        else:
            data = self.fetch(offset, count)
        if layout["reversed_bits"]:
            data = bytes(data).translate(_REVERSED)
        data = codecs.unpacked(self.compression, data, size, self.down * self.row_bytes)
        if 8 < self.bits < 16:
            stored = np.frombuffer(data, np.uint8, size).reshape(bottom - top, self.row_bytes)
            return _unpack(stored, self.bits, self.across * self.samples).reshape(
                bottom - top, self.across, self.samples
            )
        if self.bits < 8:
            stored = np.frombuffer(data, np.uint8, size).reshape(bottom - top, self.row_bytes)
            return _unpack_bits(stored, self.bits, self.across)[..., None]
        stored = np.frombuffer(data, self.dtype, size // self.dtype.itemsize)
        return codecs.summed(stored.reshape(bottom - top, self.across, self.samples), layout["predictor"])


def _bytes_of(bits: int) -> int:
    """Bytes of a sample as it is given."""
    return 2 if 8 < bits < 16 else max(1, bits // 8)


def _unpack(stored: np.ndarray, bits: int, count: int) -> np.ndarray:
    """Rows of `count` samples of 9 to 15 bits, packed without gaps, the highest bit first, as 16-bit numbers."""
    import numpy as np

    first = np.arange(count) * bits  # the number of each sample's first bit
    padded = np.pad(stored, ((0, 0), (0, 2)))
    window = np.zeros((len(stored), count), np.uint32)  # three bytes hold a sample wherever it begins
    for place in range(3):
        window = window << 8 | padded[:, first // 8 + place]
    return (window >> (24 - bits - first % 8).astype(np.uint32) & ((1 << bits) - 1)).astype(np.uint16)


def _unpack_bits(stored: np.ndarray, bits: int, count: int) -> np.ndarray:
    """Rows of `count` samples of 1, 2 or 4 bits, the first in the highest bits of a byte, as bytes."""
    import numpy as np

    if bits == 1:
        return np.unpackbits(stored, axis=1, count=count)
    shifts = np.arange(8 - bits, -1, -bits, dtype=np.uint8)
    return (stored[..., None] >> shifts & (1 << bits) - 1).reshape(len(stored), -1)[:, :count]


def _by_pillow(header: Header) -> bool:
    """JPEG and fax are Pillow's; and what imagecodecs would unpack, where it is missing, for it is exact with 8 bits."""
    layout = header.layout
    if layout["compression"] in tiff_layout.BY_PILLOW:
        return True
    if layout["compression"] not in codecs.CODES or codecs.can_unpack(layout["compression"]):
        return False
    return layout["bits"] <= 8 and header.sample == "unsigned"


def _decode_by_pillow(data: bytes, header: Header) -> np.ndarray:
    """Pillow turns white as zero round and spreads 2 and 4 bits over 8; the rest is done here as for everything else."""
    from .. import by_pillow, jpeg_scans

    if header.layout["compression"] == "jpeg":
        for offset, count in zip(header.layout["offsets"], header.layout["counts"], strict=False):
            jpeg_scans.check(data[offset : offset + count], before=header.layout["jpeg_tables"])
    bare = tags.bare(data, header.layout["directory"], tiff_layout.STORAGE)
    pixels = by_pillow.decode(bare, header, "Tiff")
    if pixels.dtype == bool:
        pixels = pixels.astype("uint8") * (1 if header.palette else 255)
    for step in _steps(header):
        if step in (_look_up, _divided):
            pixels = step(pixels, header)
    return pixels


def _result_type(header: Header) -> str:
    layout = header.layout
    if header.palette:
        return _palette(header).dtype.name
    if header.sample == "float":
        return "float64" if layout["bits"] == 64 else "float32"
    if header.sample == "signed":
        return "int32"
    return {2: "uint16", 4: "uint32"}.get(_bytes_of(layout["bits"]), "uint8")


def _notes(header: Header) -> list[str]:
    layout, bits = header.layout, header.layout["bits"]
    notes = []
    if header.palette:
        notes.append("palette expanded to RGB")
    elif bits < 8:
        notes.append(f"{bits}-bit grey expanded to 8 bits")
    elif header.sample == "signed" and bits < 32:
        notes.append(f"signed {bits}-bit samples widened to 32 bits")
    elif header.sample == "float" and bits == 16:
        notes.append("16-bit float samples widened to 32 bits")
    if layout["premultiplied"]:
        notes.append("premultiplied alpha divided out")
    if layout["nodata_lost"]:
        notes.append(f"no-data value {layout['nodata_lost']} left out: samples are not as the file holds them")
    return notes


def _steps(header: Header) -> list[Callable]:
    layout, bits = header.layout, header.layout["bits"]
    steps = []
    if header.palette:
        steps.append(_look_up)
    else:
        if layout["photometric"] == 0:
            steps.append(_turn_round)
        if bits < 8:
            steps.append(_spread)
    if layout["premultiplied"]:
        steps.append(_divided)
    return steps


def _converter(header: Header) -> Callable[[np.ndarray], np.ndarray]:
    """What makes a band as stored one as `read` gives it."""
    steps, dtype, grey = _steps(header), _result_type(header), header.channels == 1

    def convert(band: np.ndarray) -> np.ndarray:
        for step in steps:
            band = step(band, header)
        if grey:
            band = band[..., 0]
        return band.astype(dtype, copy=False)

    return convert


def _look_up(band: np.ndarray, header: Header) -> np.ndarray:
    import numpy as np

    palette = _palette(header)
    if band.ndim == 2 or band.shape[2] == 1:
        return palette[band.reshape(band.shape[:2])]
    alpha = band[..., 1:].astype(palette.dtype) * (257 if palette.dtype == np.uint16 else 1)
    return np.concatenate([palette[band[..., 0]], alpha.astype(palette.dtype)], axis=2)


def _palette(header: Header) -> np.ndarray:
    """The palette as 8-bit colours, where all that it says fits into them, else 16-bit ones: (entries, 3)."""
    import numpy as np

    layout = header.layout
    stored = np.array(layout["palette"] or (), np.uint32)
    if stored.size != 3 << layout["bits"]:
        raise ValueError("the palette is missing or of a wrong length")
    palette = stored.reshape(3, -1).T
    # 8-bit palettes are written as v * 257, v * 256, or wrongly as v; anything else has 16 bits and keeps them
    factor = 1 if stored.max() < 256 else next((f for f in (257, 256) if not (stored % f).any()), None)
    return (palette // factor).astype(np.uint8) if factor else palette.astype(np.uint16)


def _turn_round(band: np.ndarray, header: Header) -> np.ndarray:
    return band ^ band.dtype.type((1 << header.layout["bits"]) - 1)  # white is zero


def _spread(band: np.ndarray, header: Header) -> np.ndarray:
    return band * band.dtype.type(255 // ((1 << header.layout["bits"]) - 1))


def _divided(band: np.ndarray, header: Header) -> np.ndarray:
    return divided(band)
