"""Numbers of bytes as text for people."""

from __future__ import annotations

UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def human_bytes(count: float) -> str:
    """Bytes in binary units, with three digits.

    >>> human_bytes(576), human_bytes(61504), human_bytes(36 << 20)
    ('576 B', '60.1 KiB', '36 MiB')
    """
    power = 0
    while count >= 1024 and power < len(UNITS) - 1:
        count, power = count / 1024, power + 1
    return f"{count:.3g} {UNITS[power]}" if count < 999.5 else f"{count:.0f} {UNITS[power]}"
