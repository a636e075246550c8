"""What the loop over a JPEG file's codes must give: scans of each kind, written out bit by bit."""

from __future__ import annotations

import numpy as np

_CODES = (
    {"0": 0, "10": 15},  # first coefficients: 15 bits follow, or none
    # others: no more, one at once, one after two zeros, 16 zeros, none in 2 or 3 blocks
    {"0": 0x00, "10": 0x01, "110": 0x21, "1110": 0xF0, "11110": 0x10},
)
_START = b"\xff\xd0\x00"  # what comes before is not looked at
_BLOCKS, _FIRST, _MORE_DC, _FIRST_AC, _MORE_AC = range(5)


def follow_scan(types: dict[str, str]):
    tables = np.zeros((2, 65536))
    for table, codes in zip(tables, _CODES, strict=True):
        for code, symbol in codes.items():
            step = 1 << 16 - len(code)
            table[int(code, 2) * step :][:step] = len(code) << 8 | symbol
    units, none = [[0, 1], [1, 1]], [0]
    block = "10" + "1" * 15 + "1101" + "0"
    one_mcu = block + "10" + "1" + "1110" * 4  # the second unit's first coefficient is read by the other table
    few = ["11010" + "111101" + "100" + "101" + "1110"]
    more = ["1010" + "1" + "111101" + "1100" + "11"]
    cases = (
        (_BLOCKS, 12, 5, 0, 63, [one_mcu * 5, one_mcu * 5, one_mcu * 2], units, none, none),
        (_FIRST, 9, 0, 0, 0, ["0" + "10" + "1" * 15 + "0" * 7], [[0, 0]], none, none),
        (_MORE_DC, 77, 0, 0, 0, ["110" * 25 + "00"], [[0, 0]], none, none),
        (_FIRST_AC, 5, 0, 1, 5, few, [[1, 1]], [0] * 5, [8, 0, 0, 0, 6]),
        (_MORE_AC, 5, 0, 1, 5, more, [[1, 1]], [8, 0, 0, 0, 6], [10, 0, 0, 0, 38]),
    )
    for *scan, intervals, unit, known, then in cases:
        data = _START + _stream(intervals)
        end = len(data) - 2
        right = {"out": [0, end, scan[1]], "known": then}
        yield (np.frombuffer(data, np.uint8), len(_START), scan, tables, unit, known, [0, 0, 0]), right


def _stream(intervals: list[str]) -> bytes:
    """The bits of each interval, filled up with ones, with markers between them and at the end."""
    parts = []
    for number, bits in enumerate(intervals):
        bits += "1" * (-len(bits) % 8)
        packed = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
        parts += [packed, b"\xff\xd9" if number == len(intervals) - 1 else bytes((0xFF, 0xD0 + number % 8))]
    return b"".join(parts)
