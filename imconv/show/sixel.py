"""Encodes pixels as sixels: bands of six rows, each colour by colour, in runs (DEC STD 070, chapter 7; VT330/VT340 manual)."""

from __future__ import annotations

import numpy as np

MOST_COLOURS = 256
FEWEST_RUN = 4  # shorter runs are written out: "!3x" is no shorter than "xxx"


def encoded(rgb: np.ndarray) -> str:
    """Encode uint8 pixels (rows, columns, 3) as a control string, in up to 256 colours, each rounded to percents.

    The colours are the picture's own if it has no more, else Pillow's median cut, improved by k-means.
    """
    indices, palette = reduced_colours(rgb)
    rows, columns = indices.shape
    percents = (palette.astype(int) * 200 + 255) // 510
    parts = [f'\x1bP0;1q"1;1;{columns};{rows}']
    parts += [f"#{number};2;{r};{g};{b}" for number, (r, g, b) in enumerate(percents.tolist())]
    bands = [_band(indices[top : top + 6]) for top in range(0, rows, 6)]
    return "".join([*parts, "-".join(bands), "\x1b\\"])


def reduced_colours(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each pixel's index (rows, columns) into a palette, and the palette (colours, 3) of at most 256 colours."""
    palette, indices = np.unique(rgb.reshape(-1, 3), axis=0, return_inverse=True)
    if len(palette) <= MOST_COLOURS:
        return indices.reshape(rgb.shape[:2]), palette
    from ..files.pillow.in_memory import quantized

    return quantized(rgb, MOST_COLOURS)


def _band(indices: np.ndarray) -> str:
    """Encode up to six rows, one colour after another."""
    weights = 1 << np.arange(len(indices))[:, None]
    return "$".join(f"#{c}" + _runs(((indices == c) * weights).sum(axis=0)) for c in np.unique(indices).tolist())


def _runs(bits: np.ndarray) -> str:
    """Encode a line of one colour: a character for each column's six bits, with runs counted and trailing zeros left out."""
    starts = np.flatnonzero(np.diff(bits, prepend=-1))
    counts = np.diff(starts, append=len(bits)).tolist()
    values = bits[starts].tolist()
    if values[-1] == 0:
        del values[-1]
    characters = (chr(63 + value) for value in values)
    return "".join(
        f"!{count}{character}" if count >= FEWEST_RUN else character * count
        for character, count in zip(characters, counts, strict=False)
    )
