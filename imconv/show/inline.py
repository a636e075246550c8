"""A picture for terminals that draw pixels: by kitty's, iTerm2's or sixel escape sequences."""

from __future__ import annotations

import base64
import io
import struct
import sys

from ..errors import OptionError, nearest
from ..files import write
from ..files.picture import Picture
from .terminal import drawn, on_ground, reduced

PROTOCOLS = ("blocks", "kitty", "sixel", "iterm")
CHUNK = 4096  # characters of base64 that kitty takes at a time
CELL_WIDTH = 10  # pixels, where the terminal does not say


def check_protocol(name: str) -> str:
    """The protocol that is meant; OptionError, with the nearest right name, for an unknown one."""
    word = name.strip().lower()
    if word not in PROTOCOLS:
        raise OptionError(f"unknown protocol {name!r}; it is one of {', '.join(PROTOCOLS)}{nearest(word, PROTOCOLS)}")
    return word


def shown(picture: Picture, protocol: str, columns: int, *, colour: bool = True, threads=None) -> str:
    """What is sent to a terminal so that it shows a Picture at most `columns` cells wide, a line feed at the end.

    "blocks" is `terminal.drawn`; the others draw pixels, reduced by the smallest whole factor that makes them fit.
    """
    if protocol == "blocks":
        return drawn(picture, columns, colour=colour, threads=threads)
    small = reduced(picture, columns * cell_width(), threads=threads)
    if protocol == "sixel":
        from .sixel import encoded

        return encoded(on_ground(small)) + "\n"
    content = _png(small)
    return (_kitty(content) if protocol == "kitty" else _iterm(content)) + "\n"


def cell_width() -> int:
    """Pixels of a character cell's width, as the terminal behind standard output says."""
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
    """Transmit and display (a=T) a PNG (f=100), quietly (q=2: no answers to be read), in chunks.

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
    """An inline picture in its own size. Source: https://iterm2.com/documentation-images.html"""
    text = base64.standard_b64encode(content).decode()
    return f"\x1b]1337;File=inline=1;size={len(content)}:{text}\x07"
