"""Draws pictures as text: two pixels in each character cell, as half blocks in 24-bit colour, or as shades."""

from __future__ import annotations

import numpy as np

from ..filters.smooth import box_blur
from ..geometry.selection import LUMA

MOST_COLUMNS = 10_000
SHADES = " ░▒▓█"
CHECKER = (102, 153)  # grey levels of the chequered ground behind transparent pixels


def drawn(picture, columns: int, *, colour: bool = True, threads=None) -> str:
    """Lines of text that show a Picture at most `columns` cells wide, each ended by a line feed.

    The picture is reduced by the smallest whole factor that makes it fit; half a cell is the mean of the pixels it covers.
    Transparent parts show a chequered ground. Without `colour`, a cell is a shade for the mean of both halves.
    """
    rgb = on_ground(reduced(picture, columns, threads=threads))
    if len(rgb) % 2:
        rgb = np.concatenate([rgb, rgb[-1:]])
    upper, lower = rgb[0::2].tolist(), rgb[1::2].tolist()
    if not colour:
        light = (rgb[0::2].astype(float) + rgb[1::2]) / 2 @ LUMA
        return "".join("".join(SHADES[int(v * len(SHADES) / 256)] for v in row) + "\n" for row in light)
    lines = []
    for above, below in zip(upper, lower, strict=True):
        last, cells = None, []
        for pair in zip(above, below, strict=True):
            if pair != last:  # the escape sequence is written only where colours change
                (r, g, b), (s, h, c) = last = pair
                cells.append(f"\x1b[38;2;{r};{g};{b};48;2;{s};{h};{c}m")
            cells.append("▀")
        lines.append("".join(cells) + "\x1b[0m\n")
    return "".join(lines)


def reduced(picture, columns: int, *, threads=None):
    """The Picture as 8 bits, reduced by the smallest whole factor that brings it to at most `columns` columns."""
    factor = -(-picture.width // columns)
    # windows that reach beyond the right or lower edge average only the pixels on the picture
    overhang = (0, -picture.height % factor, 0, -picture.width % factor)
    return box_blur(picture, factor, stride=factor, pad=overhang, border="normalized", depth=8, threads=threads)


def on_ground(picture) -> np.ndarray:
    """The colours (rows, columns, 3) on a chequered ground, uint8."""
    pixels = picture.pixels if picture.pixels.ndim == 3 else picture.pixels[..., None]
    if picture.mode == "cmyk":
        light = 255 - pixels.astype(np.int32)
        return (light[..., :3] * light[..., 3:] // 255).astype(np.uint8)
    colours = pixels[..., :-1] if picture.has_alpha else pixels
    colours = np.broadcast_to(colours, (*pixels.shape[:2], 3))
    if not picture.has_alpha:
        return colours
    rows, columns = np.indices(pixels.shape[:2])
    ground = np.where((rows // 4 + columns // 4) % 2, *CHECKER)[..., None]
    alpha = pixels[..., -1:].astype(np.int32)
    return ((colours * alpha + ground * (255 - alpha) + 127) // 255).astype(np.uint8)
