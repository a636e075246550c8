"""Encodes pictures for terminals that draw pixels, as escape sequences of kitty, iTerm2 or sixel."""

from __future__ import annotations

import base64
import io
import struct
import sys

from ..errors import OptionError
from ..files import write
from ..files.picture import PLANES, Picture
from .terminal import drawn, on_ground, reduced

PROTOCOLS = ("blocks", "kitty", "sixel", "iterm")
CHUNK = 4096  # most characters of base64 in one of kitty's sequences
CELL_WIDTH = 10  # pixels, if the terminal does not report its own


def shown(picture: Picture, protocol: str, columns: int, *, colour: bool = True, threads=None) -> str:
    """The text that makes a terminal show a Picture at most `columns` cells wide; it ends with a line feed.

    "blocks" is `terminal.drawn`; the other protocols draw pixels, reduced by the smallest whole factor that makes them fit.
    """
    if picture.mode == PLANES:
        raise OptionError(
            f"{picture.channels} channels that are no colours cannot be shown; write some of them to a picture"
        )
    picture = picture.in_full_range()
    if protocol == "blocks":
        return drawn(picture, columns, colour=colour, threads=threads)
    small = reduced(picture, columns * cell_width(), threads=threads)
    if protocol == "sixel":
        from .sixel import encoded

        return encoded(on_ground(small)) + "\n"
    content = _png(small)
    return (_kitty(content) if protocol == "kitty" else _iterm(content)) + "\n"


def cell_width() -> int:
    """The width of a character cell in pixels, as the terminal at standard output reports it."""
    try:
        import fcntl
        import termios

        answer = fcntl.ioctl(sys.stdout.fileno(), termios.TIOCGWINSZ, bytes(8))
    except (ImportError, OSError, ValueError, AttributeError):
        return CELL_WIDTH
    _, columns, width, _ = struct.unpack("4H", answer)
    return max(1, width // columns) if columns and width else CELL_WIDTH


def _png(picture: Picture) -> bytes:
    if picture.mode == "cmyk":
        picture = Picture(on_ground(picture))
    stream = io.BytesIO()
    write(stream, picture, format="png", strip=True, name="the terminal")
    return stream.getvalue()


def _kitty(content: bytes) -> str:
    """Sequences that transmit and display (a=T) a PNG (f=100) in chunks, without replies (q=2).

    Source: https://sw.kovidgoyal.net/kitty/graphics-protocol
    """
    text = base64.standard_b64encode(content).decode()
    chunks = [text[i : i + CHUNK] for i in range(0, len(text), CHUNK)]
    parts = []
    for number, chunk in enumerate(chunks):
        first = "a=T,f=100,q=2," if number == 0 else ""
        parts.append(f"\x1b_G{first}m={int(number < len(chunks) - 1)};{chunk}\x1b\\")
    return "".join(parts)


def _iterm(content: bytes) -> str:
    """The sequence of an inline picture in its own size. Source: https://iterm2.com/documentation-images.html"""
    text = base64.standard_b64encode(content).decode()
    return f"\x1b]1337;File=inline=1;size={len(content)}:{text}\x07"
