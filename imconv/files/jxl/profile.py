"""ICC profiles as they stand in JPEG XL codestreams, written without compression: a byte of it takes eight bits.

ISO/IEC 18181-1, annexes C (entropy coding) and E.4. Profiles are read by libjxl.
"""

from __future__ import annotations

from .bits import Written

_HEADER = 128  # bytes of a profile that are stored as differences from a usual header
_LENGTHS, _OF_LENGTH_8 = 18, 10  # code lengths in the order in which they are described, and the place of length 8
_INSERT = 1  # the command for bytes as they are
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_LATER = {b"A": b"APPL", b"M": b"MSFT"}


def put(bits: Written, profile: bytes) -> None:
    """Put a profile behind the other bits of a header."""
    stream = _stream(profile)
    bits.u64(len(stream))
    bits.put(0, 1)  # no repetitions
    bits.put(0b001, 3)  # one code for all contexts
    bits.put(1, 1)  # a prefix code
    bits.put(8, 4)  # numbers below 2**8 are symbols themselves, without further bits
    bits.put(0, 4 + 4)
    bits.put(1, 1)  # 256 symbols: 1 + 2**7 + 127
    bits.put(7, 4)
    bits.put(127, 7)
    bits.put(0, 2)  # code lengths: of 18, only that of eight bits occurs, so that naming it takes none
    for place in range(_LENGTHS):
        bits.put(int(place == _OF_LENGTH_8), 2)
    bits.put(int.from_bytes(stream.translate(_REVERSED), "little"), 8 * len(stream))


def _stream(profile: bytes) -> bytes:
    """The profile as commands and data."""
    expected = _expected(profile)
    head = bytes((own - usual) & 0xFF for own, usual in zip(profile, expected, strict=False))
    rest = profile[_HEADER:]
    commands = bytes([0, _INSERT]) + _number(len(rest)) if rest else b"\0"
    if len(profile) < _HEADER or (len(profile) == _HEADER):
        commands = b""
    return _number(len(profile)) + _number(len(commands)) + commands + head + rest


def _expected(profile: bytes) -> bytes:
    """The header that every profile of this length is compared with."""
    usual = bytearray(_HEADER)
    usual[0:4] = len(profile).to_bytes(4, "big")
    usual[8] = 4
    usual[12:24] = b"mntrRGB XYZ "
    usual[36:40] = b"acsp"
    usual[68:80] = bytes((0, 0, 246, 214, 0, 1, 0, 0, 0, 0, 211, 45))
    usual[80:84] = profile[4:8].ljust(4, b"\0")
    maker = profile[40:42]
    if maker[:1] in _LATER:
        usual[41:44] = _LATER[maker[:1]][1:]
    elif maker == b"SG":
        usual[42:44] = b"I "
    elif maker == b"SU":
        usual[42:44] = b"NW"
    return bytes(usual)


def _number(value: int) -> bytes:
    """A number in groups of seven bits, the lowest first."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes((*out, value))
