"""OpenEXR files: attributes, channels, windows, and whether all parts of the pixels are there.

Source: the file layout of the OpenEXR project.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from ..header import Header, Unsupported
from ..picture import Metadata
from ..source import ENDLESS
from ..tags import MAX_BLOCK

_TILED, _DEEP, _PARTS = 0x200, 0x800, 0x1000
_NAME = 256  # bytes of the longest name, and its end
_MOST = 4096  # attributes of a part, and parts
UINT, HALF, FLOAT = 0, 1, 2
# rows in a chunk, by compression: none, RLE, ZIPS, ZIP, PIZ, PXR24, B44, B44A, DWAA, DWAB, HTJ2K256, HTJ2K32
_ROWS = {0: 1, 1: 1, 2: 1, 3: 16, 4: 32, 5: 16, 6: 32, 7: 32, 8: 32, 9: 256, 10: 256, 11: 32}
# attributes that say how pixels are stored, or what is carried otherwise
_KNOWN = frozenset(
    [
        "channels",
        "compression",
        "dataWindow",
        "displayWindow",
        "lineOrder",
        "pixelAspectRatio",
        "screenWindowCenter",
        "screenWindowWidth",
        "tiles",
        "type",
        "name",
        "version",
        "chunkCount",
        "xDensity",
        "comments",
        "dwaCompressionLevel",
        "zipCompressionLevel",
        "maxSamplesPerPixel",
    ]
)
_SHOWN = 6  # names of channels or attributes in a note


class Channel(NamedTuple):
    """A channel: the type of its samples, and how many columns and rows share one."""

    name: str
    kind: int
    columns: int
    rows: int


def read(file, size: int, *, whole: bool = False) -> Header:
    """The header of the first part of an OpenEXR file."""
    file.seek(4)
    (version,) = struct.unpack("<I", file.read(4))
    if version & 0xFF != 2:
        raise Unsupported(f"OpenEXR of version {version & 0xFF} cannot be read; convert it: oiiotool in.exr -o out.exr")
    part, parts = _attributes(file), 1
    if version & _PARTS:
        parts = 0
        following = part
        while following:
            parts += 1
            if parts > _MOST:
                raise ValueError("too many parts")
            following = _attributes(file)
    table = file.tell()
    kind = part.get("type", b"")
    if version & _DEEP or kind.startswith(b"deep"):
        raise Unsupported("deep OpenEXR cannot be read: it has several samples a pixel; flatten it: oiiotool --flatten")
    window = _window(part, "dataWindow")
    width, height = window[2] - window[0] + 1, window[3] - window[1] + 1
    if width < 1 or height < 1:
        raise ValueError(f"a size of {width} x {height}")
    channels = _channels(part.get("channels", b""))
    tiled = bool(version & _TILED) or kind.startswith(b"tiled")
    _check_chunks(file, table, size, part, height if not tiled else None)
    mode, chosen, notes = _chosen(channels)
    notes += _remarks(part, window, parts)
    kinds = {channel.kind for channel in chosen}
    layout = {
        "chosen": [channel.name for channel in chosen],
        "kinds": [channel.kind for channel in chosen],
        "left": sorted(set(part) - _KNOWN),
        "alpha": mode in ("grey+alpha", "rgba"),
    }
    ratio = struct.unpack("<f", part["pixelAspectRatio"][:4])[0] if "pixelAspectRatio" in part else 1.0
    density = struct.unpack("<f", part["xDensity"][:4])[0] if "xDensity" in part else 0.0
    metadata = Metadata(
        dpi=(density, density * ratio) if 0 < density < 1e9 and 0 < ratio < 1e3 else None,
        comment=part.get("comments") or None,
    )
    return Header(
        "EXR",
        width,
        height,
        mode,
        16 if kinds == {HALF} else 32,
        sample="unsigned" if kinds == {UINT} else "float",
        metadata=metadata,
        notes=tuple(notes),
        layout=layout,
    )


def _attributes(file) -> dict[str, bytes]:
    """The attributes of a part; none where there is no further part."""
    found: dict[str, bytes] = {}
    taken = 0
    for _ in range(_MOST):
        name = _text(file)
        if not name:
            return found
        _text(file)  # its type
        (length,) = struct.unpack("<i", file.read(4))
        taken += length
        if length < 0 or taken > MAX_BLOCK:
            raise ValueError("an attribute of a wrong length")
        value = file.read(length)
        if len(value) < length:
            raise ValueError("it ends within the header")
        found.setdefault(name, value)
    raise ValueError("too many attributes")


def _text(file) -> str:
    """Characters up to a zero."""
    out = bytearray()
    while len(out) < _NAME:
        one = file.read(1)
        if not one:
            raise ValueError("it ends within the header")
        if one == b"\0":
            return out.decode("utf-8", "replace")
        out += one
    raise ValueError("a name without an end")


def _window(part: dict[str, bytes], name: str) -> tuple[int, int, int, int]:
    """Left, top, right and bottom, all of them inside."""
    if name not in part:
        raise ValueError(f"its {name} is missing")
    left, top, right, bottom = struct.unpack("<iiii", part[name][:16])
    return left, top, right, bottom


def _channels(data: bytes) -> list[Channel]:
    found, at = [], 0
    while at < len(data) and data[at]:
        end = data.index(b"\0", at)
        kind, _, columns, rows = struct.unpack_from("<iB3xii", data, end + 1)
        if kind not in (UINT, HALF, FLOAT) or columns < 1 or rows < 1:
            raise ValueError("a channel is described wrongly")
        found.append(Channel(data[at:end].decode("utf-8", "replace"), kind, columns, rows))
        at = end + 17
    if not found:
        raise ValueError("it has no channels")
    return found


def _check_chunks(file, table: int, size: int, part: dict[str, bytes], height: int | None) -> None:
    """Every chunk is listed and begins within the file: a program that was killed leaves zeros. `height` is None for tiles."""
    rows = _ROWS.get(part.get("compression", b"\xff")[0])
    if "chunkCount" in part:
        (count,) = struct.unpack("<i", part["chunkCount"][:4])
    elif height is not None and rows:
        count = -(-height // rows)
    else:
        return
    if count < 0 or table + 8 * count > size:
        raise ValueError("it ends within the list of its chunks")
    for first in range(0, count, 1 << 16):
        file.seek(table + 8 * first)
        some = min(count - first, 1 << 16)
        places = struct.unpack(f"<{some}Q", file.read(8 * some))
        if not all(places):
            raise ValueError(f"{sum(not place for place in places)} of its {count} chunks are missing")
        if size < ENDLESS and max(places) + 8 > size:
            raise ValueError("it ends within the pixels")


def _chosen(channels: list[Channel]) -> tuple[str, list[Channel], list[str]]:
    """Colour model, the channels that make it, and remarks for the user."""
    named = {channel.name: channel for channel in channels}
    notes: list[str] = []
    if {"Y", "RY", "BY"} <= set(named):
        raise Unsupported(
            "OpenEXR with luminance and chroma (Y, RY, BY) cannot be read; convert it to R, G and B: exrmaketiled"
        )
    layers = {name.rpartition(".")[0] for name in named if name.rpartition(".")[2] in "RGB"}
    whole = [layer for layer in sorted(layers) if all(_in(layer, colour) in named for colour in "RGB")]
    if whole:
        layer = "" if "" in whole else whole[0]
        names = [_in(layer, colour) for colour in "RGBA" if _in(layer, colour) in named]
        mode = "rgba" if len(names) == 4 else "rgb"
        if layer:
            notes.append(f"layer {layer} read")
    elif "Y" in named:
        names = [name for name in ("Y", "A") if name in named]
        mode = "grey+alpha" if len(names) == 2 else "grey"
    elif len(named) == 1:
        names, mode = list(named), "grey"
        notes.append(f"channel {names[0]} read as grey")
    else:
        raise Unsupported(
            f"OpenEXR with channels {_listed(sorted(named))} cannot be read: they are neither R, G, B nor Y; "
            "take one of them: oiiotool in.exr --ch NAME -o out.exr"
        )
    chosen = [named[name] for name in names]
    if any((channel.columns, channel.rows) != (1, 1) for channel in chosen):
        raise Unsupported("OpenEXR with subsampled channels cannot be read; convert it: oiiotool in.exr -o out.tif")
    kinds = {channel.kind for channel in chosen}
    if UINT in kinds and (len(kinds) > 1 or mode in ("rgba", "grey+alpha")):
        raise Unsupported("OpenEXR with whole numbers beside floats or alpha cannot be read; convert it to float")
    if left := sorted(set(named) - set(names)):
        notes.append(f"channels left out: {_listed(left)}")
    if HALF in kinds:
        notes.append("16-bit float samples widened to 32 bits")
    return mode, chosen, notes


def _in(layer: str, colour: str) -> str:
    return f"{layer}.{colour}" if layer else colour


def _listed(names: list[str]) -> str:
    text = ", ".join(name[:40] for name in names[:_SHOWN])
    return text + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def left_out(header: Header) -> list[str]:
    """A remark that names the attributes that no other format, nor a new file, gets."""
    left = header.layout["left"]
    return [f"left out of the header: {_listed(left)}"] if left else []


def _remarks(part: dict[str, bytes], window: tuple[int, int, int, int], parts: int) -> list[str]:
    notes = [f"first of {parts} parts"] if parts > 1 else []
    display = _window(part, "displayWindow") if "displayWindow" in part else window
    if display != window:
        wide, high = display[2] - display[0] + 1, display[3] - display[1] + 1
        x, y = window[0] - display[0], window[1] - display[1]
        notes.append(f"pixels of the data window alone, which begins at {x},{y} of a display of {wide} x {high}")
    return notes
