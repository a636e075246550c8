"""The header of a JPEG XL codestream: size, samples, colours, and where frames begin.

ISO/IEC 18181-1, annexes D and E.
"""

from __future__ import annotations

from dataclasses import dataclass

from .bits import Bits

SIGNATURE = b"\xff\x0a"
LONGEST = 1 << 16  # bytes of a codestream in which its header ends: names of channels may be long
RGB, GREY = 0, 1  # colour spaces
ALPHA = 0  # a kind of extra channel
_SIZES = ((1, 9), (1, 13), (1, 18), (1, 30))
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_D65, _SRGB, _CUSTOM, _LINEAR, _SRGB_CURVE = 1, 1, 2, 8, 13
_XY = ((0, 19), (524288, 19), (1048576, 20), (2097152, 21))


@dataclass(frozen=True)
class Extra:
    """A channel beside the colours."""

    kind: int
    bits: int
    floating: bool
    premultiplied: bool


@dataclass(frozen=True)
class Codestream:
    """What the header says.

    bits, floating  of the samples; `exponent` bits of floating ones, else 0
    orientation  as EXIF's
    lossy        colours are stored as XYB, which is lossy
    space        RGB or GREY, or others
    icc          whether an ICC profile follows
    usual        whether the colours are as they are taken without a profile: sRGB, and linear where samples are floating
    default      whether the header says that all is as usual, and nothing else
    places       in bits: of the flag for what is seldom said, behind what comes after it, where colours begin and end
    """

    width: int
    height: int
    bits: int
    floating: bool
    exponent: int
    orientation: int
    animation: bool
    extras: tuple[Extra, ...]
    lossy: bool
    space: int
    icc: bool
    usual: bool
    default: bool
    seldom: bool
    places: tuple[int, int, int, int]


def parsed(data: bytes) -> tuple[Codestream, Bits]:
    """The header of a codestream, of which at least LONGEST bytes are given, and its bits, read up to the end of the colours
    and what is usually behind them. Raises ValueError."""
    if data[:2] != SIGNATURE:
        raise ValueError("no codestream where one belongs")
    bits = Bits(data[:LONGEST])
    bits.u(16)
    width, height = _size(bits)
    start = bits.at
    if bits.flag():
        found = Codestream(width, height, 8, False, 0, 1, False, (), True, RGB, False, True, True, False, (start,) * 4)
        return found, bits
    flag = bits.at
    seldom, orientation, animation = bits.flag(), 1, False
    if seldom:
        orientation = 1 + bits.u(3)
        if bits.flag():
            _size(bits)
        if bits.flag():
            _preview(bits)
        animation = bits.flag()
        if animation:
            for choices in (((100, 0), (1000, 0), (1, 10), (1, 30)), ((1, 0), (1001, 0), (1, 8), (1, 10)),
                            ((0, 0), (0, 3), (0, 16), (0, 32))):  # fmt: skip
                bits.u32(*choices)
            bits.flag()
    behind = bits.at
    depth, floating, exponent = _depth(bits)
    bits.flag()
    extras = tuple(_extra(bits) for _ in range(bits.u32((0, 0), (1, 0), (2, 4), (1, 12))))
    lossy = bits.flag()
    colours = bits.at
    space, icc, curve = _colours(bits)
    usual = curve == (_LINEAR if floating else _SRGB_CURVE)
    places = (flag, behind, colours, bits.at)
    found = Codestream(width, height, depth, floating, exponent, orientation, animation, extras, lossy, space, icc, usual,
                       False, seldom, places)  # fmt: skip
    return found, bits


def end_of(found: Codestream, bits: Bits) -> int:
    """The bit behind the header of a codestream as encoders write it, of which `parsed` has read the rest: that of its ICC
    profile, if it has one, is not read. Raises ValueError where there is more than is usual."""
    if found.seldom and not bits.flag():
        bits.u(16 + 16)
        bits.flag()
        bits.u(16)
    if not found.default and bits.u64():
        raise ValueError("extensions")
    if not bits.flag():
        raise ValueError("transforms of its own")
    return bits.at


def _size(bits: Bits) -> tuple[int, int]:
    small = bits.flag()

    def side() -> int:
        return 8 * (1 + bits.u(5)) if small else bits.u32(*_SIZES)

    height = side()
    ratio = bits.u(3)
    if not ratio:
        return side(), height
    above, below = _RATIOS[ratio]
    return height * above // below, height


def _preview(bits: Bits) -> None:
    choices = ((16, 0), (32, 0), (1, 5), (33, 9)) if bits.flag() else ((1, 6), (65, 8), (321, 10), (1345, 12))
    bits.u32(*choices)
    if not bits.u(3):
        bits.u32(*choices)


def _depth(bits: Bits) -> tuple[int, bool, int]:
    if bits.flag():
        return bits.u32((32, 0), (16, 0), (24, 0), (1, 6)), True, 1 + bits.u(4)
    return bits.u32((8, 0), (10, 0), (12, 0), (1, 6)), False, 0


def _extra(bits: Bits) -> Extra:
    if bits.flag():
        return Extra(ALPHA, 8, False, False)
    kind = bits.enum()
    depth, floating, _ = _depth(bits)
    bits.u32((0, 0), (3, 0), (4, 0), (1, 3))
    bits.u(8 * bits.u32((0, 0), (0, 4), (16, 5), (48, 10)))
    premultiplied = kind == ALPHA and bits.flag()
    if kind == 2:  # a spot colour
        bits.u(64)
    elif kind == 5:  # of a colour filter
        bits.u32((1, 0), (0, 2), (3, 4), (19, 8))
    return Extra(kind, depth, floating, premultiplied)


def _colours(bits: Bits) -> tuple[int, bool, int | None]:
    """Colour space, whether an ICC profile describes it, and its curve; None where that is not all in which it differs from
    sRGB."""
    if bits.flag():
        return RGB, False, _SRGB_CURVE
    icc, space = bits.flag(), bits.enum()
    if icc:
        return space, True, None
    white, primaries, curve, gamma = _D65, _SRGB, _SRGB_CURVE, False
    if space != 2:
        white = bits.enum()
        if white == _CUSTOM:
            _points(bits, 1)
        if space != GREY:
            primaries = bits.enum()
            if primaries == _CUSTOM:
                _points(bits, 3)
        gamma = bits.flag()
        if gamma:
            bits.u(24)
        else:
            curve = bits.enum()
    bits.enum()  # rendering intent
    same = (white, primaries, gamma) == (_D65, _SRGB, False) and space in (RGB, GREY)
    return space, False, curve if same else None


def _points(bits: Bits, count: int) -> None:
    for _ in range(2 * count):
        bits.u32(*_XY)
