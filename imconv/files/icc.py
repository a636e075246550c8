"""ICC profiles: the tone curves of their channels. Nothing else of a profile is used, colours stay in its own space.

ICC.1:2022: header 7.2, tag table 7.3, `curv` 10.6, `para` 10.18.
"""

from __future__ import annotations

import struct

import numpy as np

from ..pixels.curves import STRAIGHT, Curve, Parametric, Sampled
from .header import Unsupported

HEADER = 128
MOST_TAGS = 1000
FALL = 1e-4  # what a curve may fall by where two of its parts meet: parameters are rounded to 1/65536
_CLASSES = (b"scnr", b"mntr", b"prtr", b"spac")
_TAGS = {b"RGB ": (b"rTRC", b"gTRC", b"bTRC"), b"GRAY": (b"kTRC",)}
_PARAMETERS = (1, 3, 4, 5, 7)  # of each type of function
_ADVICE = "convert the picture to sRGB, or leave out linear="


def space(profile: bytes) -> bytes:
    """The colour space a profile is for: four letters, b"RGB " or b"GRAY" among others."""
    return profile[16:20]


def tone_curves(profile: bytes) -> tuple[Curve, ...]:
    """The curve of each channel: three for RGB, one for grey.

    Raises Unsupported, with words for the user, for profiles that have none (tables from colours to colours, CMYK, Lab),
    for curves that do not rise, and for damage.
    """
    try:
        tags = _tags(profile)
        kind = space(profile)
        name = kind.decode("latin-1").strip()
        if kind not in _TAGS or profile[12:16] not in _CLASSES:
            raise Unsupported(f"its ICC profile, for {name}, has no tone curves; {_ADVICE}")
        if any(tag not in tags for tag in _TAGS[kind]):
            what = (
                "maps colours by a table (A2B)"
                if tags.keys() & {b"A2B0", b"A2B1", b"A2B2", b"D2B0"}
                else "is incomplete"
            )
            raise Unsupported(f"its ICC profile {what} and has no tone curves; {_ADVICE}")
        curves = {tag: _curve(tags[tag]) for tag in _TAGS[kind]}
    except (struct.error, IndexError, OverflowError):
        raise Unsupported(f"its ICC profile is damaged; {_ADVICE}") from None
    for curve in curves.values():
        with np.errstate(all="ignore"):
            sampled = curve.linear(np.linspace(0, 1, 4097))
        if not np.isfinite(sampled).all() or (np.diff(sampled) < -FALL).any() or sampled[-1] <= sampled[0]:
            raise Unsupported(f"its ICC profile has a tone curve that does not rise; {_ADVICE}")
    return tuple(curves.values())


def _tags(profile: bytes) -> dict[bytes, bytes]:
    """What each tag holds; the first of those that occur twice."""
    if profile[36:40] != b"acsp":
        raise IndexError
    (count,) = struct.unpack_from(">I", profile, HEADER)
    if count > MOST_TAGS:
        raise IndexError
    found: dict[bytes, bytes] = {}
    for number in range(count):
        tag, start, size = struct.unpack_from(">4sII", profile, HEADER + 4 + 12 * number)
        if start + size > len(profile):
            raise IndexError
        found.setdefault(tag, profile[start : start + size])
    return found


def _curve(data: bytes) -> Curve:
    if data[:4] == b"curv":
        (count,) = struct.unpack_from(">I", data, 8)
        if count == 0:
            return STRAIGHT
        if count == 1:
            return Parametric(_power(struct.unpack_from(">H", data, 12)[0] / 256))
        if 12 + 2 * count > len(data):
            raise IndexError
        return Sampled(data[12 : 12 + 2 * count])
    if data[:4] == b"para":
        (kind,) = struct.unpack_from(">H", data, 8)
        values = [n / 65536 for n in struct.unpack_from(f">{_PARAMETERS[kind]}i", data, 12)]
        return _function(kind, values)
    raise IndexError


def _function(kind: int, values: list[float]) -> Parametric:
    """The types 0 to 3 as cases of type 4: a power from d on, a straight line below."""
    g, a, b, *rest = [_power(values[0]), *values[1:], 1.0, 0.0][: max(3, len(values))]
    if a <= 0:
        raise IndexError
    if kind == 1:
        return Parametric(g, a, b, d=-b / a)
    if kind == 2:
        return Parametric(g, a, b, d=-b / a, e=rest[0], f=rest[0])
    return Parametric(g, a, b, *rest)


def _power(gamma: float) -> float:
    if not 0.01 <= gamma <= 100:
        raise IndexError
    return gamma
