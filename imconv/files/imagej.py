"""ImageJ's own two TIFF tags: texts, labels, ranges, palettes, regions and overlays of a stack, each as a block of bytes.

One tag holds the blocks behind a header: a signature, and kind and number of the blocks that follow. The other holds the
length of the header and of each block. All follow the file's order of bytes.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from .tags import Entry, new_entry

LENGTHS, BLOCKS = 50838, 50839
TAGS = frozenset((LENGTHS, BLOCKS))
_SIGNATURE = b"IJIJ"  # of big-endian files; like the kinds of blocks, it is reversed in others
_UNITS = {
    b"info": 2,
    b"labl": 2,
    b"prop": 2,
    b"rang": 8,
}  # bytes that are in the file's order: of UTF-16, and of doubles
_PLACED = (b"roi ", b"over")  # they refer to pixels
_OF_STACK = (b"labl", b"rang", b"luts")  # a block, or a value, for each page or channel


class _Block(NamedTuple):
    kind: bytes
    data: bytes


def as_little_endian(found: dict[int, Entry], order: str) -> dict[int, Entry]:
    """The two tags of a file in byte order `order`. Raises ValueError where they are damaged."""
    blocks = _parsed(found[LENGTHS], found[BLOCKS], order)
    return _tags([_Block(kind, _swapped(kind, data)) for kind, data in blocks] if order == ">" else blocks)


def kept(found: dict[int, Entry], moved: bool, alone: bool, rescaled: bool, notes: list[str]) -> dict[int, Entry]:
    """The two tags, little-endian, of a result: `moved` where its pixels are others, `alone` where it is one page of a
    stack, `rescaled` where its samples are of another depth."""
    false = {
        "regions and overlays": _PLACED if moved else (),
        "labels, ranges and palettes": _OF_STACK if alone else (),
        "ranges": (b"rang",) if rescaled and not alone else (),
    }
    blocks = _parsed(found[LENGTHS], found[BLOCKS], "<")
    for words, kinds in false.items():
        left = [block for block in blocks if block.kind not in kinds]
        if len(left) < len(blocks):
            notes.append(f"{words} of ImageJ left out: true of the stack as it was only")
        blocks = left
    return _tags(blocks) if blocks else {}


def _parsed(lengths: Entry, blocks: Entry, order: str) -> list[_Block]:
    turn = 1 if order == ">" else -1
    if lengths.type != 4 or lengths.count < 2 or blocks.data[:4] != _SIGNATURE[::turn]:
        raise ValueError("no blocks of ImageJ")
    header, *sizes = struct.unpack(f"{order}{lengths.count}I", lengths.data)
    if header < 12 or (header - 4) % 8 or header + sum(sizes) > len(blocks.data):
        raise ValueError("ImageJ's blocks are cut off")
    kinds: list[bytes] = []
    for at in range(4, header, 8):
        count = struct.unpack_from(f"{order}I", blocks.data, at + 4)[0]
        if count > len(sizes) - len(kinds):
            raise ValueError("ImageJ's blocks are fewer than its header states")
        kinds += [blocks.data[at : at + 4][::turn]] * count
    found, place = [], header
    for kind, size in zip(kinds, sizes, strict=False):
        found.append(_Block(kind, blocks.data[place : place + size]))
        place += size
    return found


def _swapped(kind: bytes, data: bytes) -> bytes:
    unit = _UNITS.get(kind, 1)
    whole = len(data) - len(data) % unit
    result = bytearray(data)
    for byte in range(unit):
        result[byte:whole:unit] = data[unit - 1 - byte : whole : unit]
    return bytes(result)


def _tags(blocks: list[_Block]) -> dict[int, Entry]:
    kinds = list(dict.fromkeys(block.kind for block in blocks))
    ordered = [block for kind in kinds for block in blocks if block.kind == kind]
    counts = ((kind, sum(block.kind == kind for block in blocks)) for kind in kinds)
    header = _SIGNATURE[::-1] + b"".join(kind[::-1] + struct.pack("<I", count) for kind, count in counts)
    data = header + b"".join(block.data for block in ordered)
    lengths = new_entry(4, len(header), *(len(block.data) for block in ordered))
    return {LENGTHS: lengths, BLOCKS: Entry(1, len(data), data, 0)}
