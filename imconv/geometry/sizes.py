"""Parses sizes, pairs of numbers, paddings and phases of strides as users write them."""

from __future__ import annotations

import numpy as np

from ..errors import OptionError, known

MAX_SIDE = 8191  # most rows or columns of a kernel or window; a larger one is a mistake or an attack
MAX_PAD = 1 << 20
WORDS = ("same", "valid", "full")
START, CENTER = PHASES = ("start", "center")  # which of the results at stride 1 a stride begins with


def parse_pad(pad) -> tuple:
    """The padding of rows and that of columns; each is one of WORDS or a pair (before, after)."""
    if isinstance(pad, str):
        word = pad.strip().lower()
        if word in WORDS:
            return word, word
        pad = word.split(",")
    numbers = _whole_numbers(pad)
    if len(numbers) not in (1, 2, 4) or not all(0 <= n <= MAX_PAD for n in numbers):
        raise OptionError(
            f"pad must be same, valid, full, N, ROWS,COLUMNS or TOP,BOTTOM,LEFT,RIGHT, with whole numbers from 0 to {MAX_PAD}, not {_shown(pad)}"
        )
    if len(numbers) == 4:
        return (numbers[0], numbers[1]), (numbers[2], numbers[3])
    rows, columns = numbers[0], numbers[-1]
    return (rows, rows), (columns, columns)


def parse_pair(value, name: str, least: int = 1, most: int = MAX_PAD, order: str = "rows,columns") -> tuple[int, int]:
    """Two whole numbers, rows first, from one number for both axes, from a sequence, or from text such as `2,1`.

    `order` is what error messages say of the two.
    """
    numbers = _whole_numbers(value.split(",") if isinstance(value, str) else value)
    if len(numbers) not in (1, 2) or not all(least <= n <= most for n in numbers):
        raise OptionError(
            f"{name} must be one whole number from {least} to {most}, or two ({order}), not {_shown(value)}"
        )
    return numbers[0], numbers[-1]


def parse_phase(phase) -> str:
    """One of PHASES."""
    return known(str(phase), "stride_phase", PHASES)


def parse_window_size(size, most: int = MAX_SIDE) -> tuple[int, int]:
    """The rows and columns of a window from `5`, `(3, 5)`, `"3x5"` or `"3,5"`."""
    text = size.lower().replace("x", ",") if isinstance(size, str) else size
    try:
        return parse_pair(text, "size", most=most)
    except OptionError:
        raise OptionError(
            f"size must be K or ROWSxCOLUMNS (rows first) with whole numbers from 1 to {most}, not {size!r}"
        ) from None


def _whole_numbers(given) -> list[int]:
    """The whole numbers of a sequence, of their texts, or of a single number; an empty list if anything else is in it."""
    given = given if isinstance(given, (list, tuple, np.ndarray)) else [given]
    try:
        numbers = [int(number) for number in given]
    except (TypeError, ValueError, OverflowError):
        return []
    return numbers if all(isinstance(g, str) or n == g for n, g in zip(numbers, given, strict=True)) else []


def _shown(value) -> str:
    return repr(",".join(value)) if isinstance(value, list) and all(isinstance(v, str) for v in value) else repr(value)
