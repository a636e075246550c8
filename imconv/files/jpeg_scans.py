"""JPEG pixels checked without being decoded: decoders paint over what is missing, and Pillow does not pass on their warnings."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..jit import loop

_BLOCKS, _FIRST, _MORE_DC, _FIRST_AC, _MORE_AC = range(5)  # as `huffman.follow_scan` has them
_PROBLEMS = ("", "it ends within the pixels", "a code that stands for nothing", "bytes that belong to no pixel", "a restart marker is missing")  # fmt: skip
_CUT_OFF, _NO_RESTART = 1, 4
END = b"\xff\xd9"  # the marker at a file's end
_LOSSLESS, _PROGRESSIVE, _ARITHMETIC = 0xC3, (0xC2, 0xCA), 0xC9
_END, _SCAN, _CODES, _INTERVAL = 0xD9, 0xDA, 0xC4, 0xDD
_FRAMES = (0xC0, 0xC1, 0xC2, 0xC3, 0xC9, 0xCA)
_NO_SEGMENT = (0x01, *range(0xD0, 0xD8))  # markers that stand alone and may be anywhere
# ITU-T T.81, tables K.3 to K.6, as a segment stores them: single pictures of a film leave them out
_STANDARD = bytes.fromhex(
    "0000010501010101010100000000000000000102030405060708090a0b100002010303020403050504040000017d01020300041105122131"
    "410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a3435363738393a434445464748494a53"
    "5455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8"
    "b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa01000301010101010101010100000000"
    "00000102030405060708090a0b1100020102040403040705040400010277000102031104052131061241510761711322328108144291a1b1"
    "c109233352f0156272d10a162434e125f11718191a262728292a35363738393a434445464748494a535455565758595a636465666768696a"
    "737475767778797a82838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4"
    "d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa"
)


class CutSegment(ValueError):
    """The file ends within a segment, which begins at `place`."""

    def __init__(self, place: int):
        super().__init__("it ends within a segment")
        self.place = place


class CutOff(ValueError):
    """A scan ends too early, or is missing; `rows` of the picture came whole before, if only coarsely."""

    def __init__(self, problem: str, rows: int):
        super().__init__(problem)
        self.rows = rows


@dataclass
class _Frame:
    """What the frame header says, and what has come so far."""

    marker: int
    height: int
    width: int
    layers: dict[int, tuple[int, int]]  # the samplings of each component, across and down
    # for each component the lowest bit that has come of each coefficient, None for nothing yet
    sent: dict[int, list[int | None]] = field(default_factory=dict)
    known: dict = field(default_factory=dict)

    def blocks(self, own: tuple[int, int] | None) -> int:
        """How many MCUs a scan has: of one component its blocks, of several those that hold a block of each."""
        side = 1 if self.marker == _LOSSLESS else 8
        count = 1
        for axis, length in enumerate((self.width, self.height)):
            most = max(layer[axis] for layer in self.layers.values())
            count *= _parts(length, side * most) if own is None else _parts(_parts(length * own[axis], most), side)
        return count

    def rows(self, own: tuple[int, int] | None, mcus: int) -> int:
        """How many rows of the picture lie within the first so many MCUs of a scan, and are not cut."""
        side = 1 if self.marker == _LOSSLESS else 8
        widest, highest = (max(layer[axis] for layer in self.layers.values()) for axis in (0, 1))
        across = _parts(self.width, side * widest) if own is None else _parts(_parts(self.width * own[0], widest), side)
        height = side * highest // (1 if own is None else own[1])
        rows = min(self.height, mcus // across * height)
        # chroma of fewer rows is interpolated between them: the last row takes some of what follows
        subsampled = any(layer[1] < highest for layer in self.layers.values())
        return rows - 1 if subsampled and 0 < rows < self.height else rows


def _parts(length: int, size: int) -> int:
    return -(-length // size)


def check(data, follow: bool = True, before: bytes = b"") -> None:
    """Raise ValueError where pixels of a JPEG file are damaged or missing.

    follow  False where a decoder has checked every scan: then only whether all scans are there
    before  a file without pixels whose tables of codes hold here: a TIFF keeps those of its strips once
    """
    try:
        _check(data, follow, before)
    except (struct.error, IndexError):
        raise ValueError("a segment of a wrong length") from None


def _check(data, follow: bool, before: bytes) -> None:
    frame, interval, tables = None, 0, {}
    for marker, _, content in segments_of(before):
        if marker == _CODES:
            tables.update(_read_tables(content))
    for marker, place, content in segments_of(data):
        if marker in _FRAMES:
            if frame is not None:
                raise ValueError("two frame headers")
            frame = _read_frame(marker, content)
        elif marker == _INTERVAL:
            (interval,) = struct.unpack(">H", content)
        elif marker == _CODES and follow and (frame is None or frame.marker < _ARITHMETIC):
            tables.update(_read_tables(content))
        elif marker == _SCAN:
            if frame is None:
                raise ValueError("no frame header before the pixels")
            if _note_scan(frame, content) and not follow:
                return
            if follow and frame.marker < _ARITHMETIC:
                _follow(data, place, frame, content, interval, tables)
        elif marker == _END:
            if frame is None:
                raise ValueError("it holds no pixels")
            if not _complete(frame):
                begun = all(sent[0] is not None for sent in frame.sent.values())
                raise CutOff("some of its scans are missing", frame.height if begun else 0)
            return
    raise ValueError("it ends before its end marker")


def ends(data) -> bool:
    """Whether a file has its end marker; ValueError for segments that can't be followed."""
    return data[-2:] == END or any(marker == _END for marker, _, _ in segments_of(data))


def segments_of(data) -> Iterator[tuple[int, int, bytes]]:
    """Marker, place behind the segment, and content of each segment."""
    at, scanned = 2, False
    while 0 <= at < len(data):
        if data[at] != 0xFF:
            if scanned:
                raise ValueError("bytes that belong to no segment")
            at = data.find(b"\xff", at)  # decoders tolerate them before the pixels
            continue
        at += 1
        marker = data[at] if at < len(data) else 0xFF
        if marker == 0xFF:
            continue
        at += 1
        if marker == _END:
            yield marker, at, b""
            return
        if marker == 0 or marker in _NO_SEGMENT:
            continue
        length = int.from_bytes(data[at : at + 2], "big")
        if at + max(length, 2) > len(data):
            raise CutSegment(at - 2)
        if length < 2:
            raise ValueError("a segment of a wrong length")
        content, at = bytes(data[at + 2 : at + length]), at + length
        yield marker, at, content
        if marker == _SCAN:
            at, scanned = _behind_scan(data, at), True


def _behind_scan(data, at: int) -> int:
    """The place of the first marker behind a scan that is no restart marker; -1 where there is none."""
    while (at := data.find(b"\xff", at)) >= 0 and at + 1 < len(data):
        if data[at + 1] and data[at + 1] != 0xFF and data[at + 1] not in _NO_SEGMENT:
            return at
        at += 1 if data[at + 1] == 0xFF else 2
    return -1


def _read_frame(marker: int, content: bytes) -> _Frame:
    _, height, width, count = struct.unpack_from(">BHHB", content)
    layers = {}
    for at in range(6, 6 + 3 * count, 3):
        layers[content[at]] = content[at + 1] >> 4, content[at + 1] & 15
    if not all(1 <= factor <= 4 for layer in layers.values() for factor in layer):
        raise ValueError("a component's sampling is none of 1 to 4")
    return _Frame(marker, height, width, layers, {name: [None] * 64 for name in layers})


def _read_tables(content: bytes) -> dict:
    """The tables of codes in a DHT segment by class and number, each as `huffman.follow_scan` wants it."""
    import numpy as np

    found, at = {}, 0
    while at + 17 <= len(content):
        counts = content[at + 1 : at + 17]
        symbols = content[at + 17 : at + 17 + sum(counts)]
        table, code, used = np.zeros(65536, np.uint16), 0, 0
        for length, count in enumerate(counts, 1):
            step = 1 << 16 - length
            values = np.frombuffer(symbols, np.uint8)[used : used + count] + np.uint16(length << 8)
            if code + count * step > 65536 or len(values) < count:
                raise ValueError("a table of codes that cannot be")
            table[code : code + count * step] = np.repeat(values, step)
            code, used = code + count * step, used + count
        found[content[at]] = table
        at += 17 + used
    return found


def _note_scan(frame: _Frame, content: bytes) -> bool:
    """Note what a scan brings, which must follow on what came before; True where it brings all there is."""
    count = content[0]
    if not count or len(content) != 4 + 2 * count:
        raise ValueError("a scan header of a wrong length")
    names = content[1 : 1 + 2 * count : 2]
    first, last, high, low = *content[-3:-1], content[-1] >> 4, content[-1] & 15
    if frame.marker not in _PROGRESSIVE:
        first, last, high, low = 0, 63, 0, 0
    for name in names:
        sent = frame.sent.get(name)
        if sent is None:
            raise ValueError("a scan of a component that is not there")
        if last > 63 or any((old or 0) != high for old in sent[first : last + 1]) or (first and sent[0] is None):
            raise ValueError("its scans do not follow on each other")
        sent[first : last + 1] = [low] * (last + 1 - first)
    return frame.marker not in _PROGRESSIVE and len(names) == len(frame.layers)


def _complete(frame: _Frame) -> bool:
    """Whether every component has come, to the last bit where it has begun."""
    return all(sent[0] is not None and not any(sent) for sent in frame.sent.values())


def _follow(data, place: int, frame: _Frame, content: bytes, interval: int, tables: dict) -> None:
    """Follow the codes of a scan. Raises ValueError where they do not end with it."""
    import numpy as np

    names, choices = content[1:-3:2], content[2:-3:2]
    first, last, high = content[-3], content[-2], content[-1] >> 4
    kind = _FIRST if frame.marker == _LOSSLESS else _BLOCKS
    if frame.marker in _PROGRESSIVE:
        kind = (_MORE_AC if high else _FIRST_AC) if first else _MORE_DC if high else _FIRST
    own = frame.layers[names[0]] if len(names) == 1 else None
    wanted: list[int] = []
    units = []
    for name, choice in zip(names, choices, strict=True):
        across, down = (1, 1) if own else frame.layers[name]
        both = choice >> 4, 0x10 | choice & 15
        units += [both] * (across * down)
        wanted += both
    wanted, unused = list(dict.fromkeys(wanted)), np.zeros(65536, np.uint16)
    if not tables.keys() >= set(wanted):
        tables = _read_tables(_STANDARD) | tables
    rows = np.stack([tables.get(name, unused) for name in wanted])
    places = np.array([[wanted.index(name) for name in unit] for unit in units])
    count = frame.blocks(own)
    if kind in (_FIRST_AC, _MORE_AC):
        known = frame.known.setdefault(names[0], np.zeros(count, np.uint64))
    else:
        known = np.zeros(1, np.uint64)
    out = np.zeros(3, np.int64)
    scan = np.array([kind, count, interval, first, last])
    loop("huffman.follow_scan")(np.frombuffer(data, np.uint8), place, scan, rows, places, known, out)
    at_end = data[int(out[1]) : int(out[1]) + 2] == END
    if out[0] == _CUT_OFF or (out[0] == _NO_RESTART and at_end):
        begun = all(sent[0] is not None for sent in frame.sent.values())
        first_pass = kind in (_BLOCKS, _FIRST)
        there = frame.rows(own, int(out[2]) - 1) if first_pass else frame.height
        raise CutOff(_PROBLEMS[out[0]], there if begun else 0)
    if out[0]:
        raise ValueError(_PROBLEMS[out[0]])
