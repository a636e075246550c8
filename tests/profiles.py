"""Small ICC profiles made by hand (ICC.1:2022, chapters 7 to 10)."""

from __future__ import annotations

import struct

COLORANTS = {b"rXYZ": (0.4361, 0.2225, 0.0139), b"gXYZ": (0.3851, 0.7169, 0.0971), b"bXYZ": (0.1431, 0.0606, 0.7141)}
WHITE = (0.9642, 1.0, 0.8249)


def curv(*values: int) -> bytes:
    """A table of 16-bit numbers; one alone is a gamma times 256, none is the identity."""
    return b"curv\0\0\0\0" + struct.pack(f">I{len(values)}H", len(values), *values)


def para(kind: int, *parameters: float) -> bytes:
    """A parametric curve."""
    numbers = [round(p * 65536) for p in parameters]
    return b"para\0\0\0\0" + struct.pack(f">HH{len(numbers)}i", kind, 0, *numbers)


SRGB = para(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def xyz(values) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65536) for v in values))


def profile(tags: dict[bytes, bytes], space=b"RGB ", kind=b"mntr") -> bytes:
    """A profile of these tags."""
    table, data = b"", b""
    start = 132 + 12 * len(tags)
    for tag, content in tags.items():
        table += struct.pack(">4sII", tag, start + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    size = start + len(data)
    head = struct.pack(">I4sI4s4s4s12x4s", size, b"none", 0x04300000, kind, space, b"XYZ ", b"acsp")
    head += bytes(68 - len(head)) + struct.pack(">3i", *(round(v * 65536) for v in WHITE))
    return head + bytes(128 - len(head)) + struct.pack(">I", len(tags)) + table + data


def rgb(red: bytes, green: bytes | None = None, blue: bytes | None = None) -> bytes:
    """A matrix profile with these curves; one for all by default."""
    curves = {b"rTRC": red, b"gTRC": green or red, b"bTRC": blue or green or red}
    return profile({b"wtpt": xyz(WHITE), **{tag: xyz(v) for tag, v in COLORANTS.items()}, **curves})


def grey(curve: bytes) -> bytes:
    return profile({b"wtpt": xyz(WHITE), b"kTRC": curve}, b"GRAY")
