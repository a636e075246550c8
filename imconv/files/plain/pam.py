"""PAM, the Netpbm format P7: grey or colour, with alpha or without, 8 and 16 bits; source: the Netpbm project's page."""

from __future__ import annotations

from ..header import Header, Unsupported
from . import netpbm, raw

_LONGEST_LINE = 256
_MOST_LINES = 1000
_MODES = {1: "grey", 2: "grey+alpha", 3: "rgb", 4: "rgba"}
_TYPES = {"grey": "GRAYSCALE", "grey+alpha": "GRAYSCALE_ALPHA", "rgb": "RGB", "rgba": "RGB_ALPHA", "cmyk": "CMYK"}


def read(file, size: int, *, whole: bool = False) -> Header:
    """The header of a PAM file."""
    file.seek(3)
    found: dict[bytes, bytes] = {}
    for _ in range(_MOST_LINES):
        text = file.readline(_LONGEST_LINE)
        if not text.endswith(b"\n"):
            raise ValueError("a line of the header is too long or cut off")
        words = text.split(None, 1)
        if text.startswith(b"#") or not words:
            continue
        if words[0] == b"ENDHDR":
            break
        # several lines of TUPLTYPE are one name
        before = found.get(words[0], b"") + b" " if words[0] == b"TUPLTYPE" else b""
        found[words[0]] = (before + words[1].strip() if len(words) > 1 else before).strip()
    else:
        raise ValueError("the header does not end")
    width, height, channels, maximum = (_number(found, key) for key in (b"WIDTH", b"HEIGHT", b"DEPTH", b"MAXVAL"))
    if not 0 < maximum < 65536:
        raise ValueError(f"a maximum of {maximum}")
    if width < 1 or height < 1 or channels < 1:
        raise ValueError(f"a size of {width} x {height} x {channels}")
    if channels > 4:
        raise Unsupported(f"PAM with {channels} channels cannot be read; store at most 4")
    line, offset = width * channels * (2 if maximum > 255 else 1), file.tell()
    if line * height > size - offset:
        raise ValueError(f"{width} x {height} pixels cannot be in {size - offset} bytes")
    notes = raw.surplus(line * height, size - offset)
    mode = "cmyk" if channels == 4 and found.get(b"TUPLTYPE") == b"CMYK" else _MODES[channels]
    layout = {"maximum": maximum, "offset": offset, "line": line, "whole": False}
    return Header("PAM", width, height, mode, 16 if maximum > 255 else 8, metadata=netpbm.stated(maximum), notes=tuple(notes),
                  layout=layout)  # fmt: skip


def _number(found: dict[bytes, bytes], key: bytes) -> int:
    word = found.get(key, b"")
    if not word.isdigit() or len(word) > 20:
        raise ValueError(f"{key.decode()} is not a number")
    return int(word)


bytes_needed, bytes_held, rows, end = netpbm.bytes_needed, netpbm.bytes_held, netpbm.rows, raw.end


class Writer(netpbm.Writer):
    """A PAM file; see `streams.Writer`."""

    def head(self, height, width, channels, dtype, mode) -> bytes:
        fields = f"WIDTH {width}\nHEIGHT {height}\nDEPTH {channels}\nMAXVAL {self.maximum}"
        return f"P7\n{fields}\nTUPLTYPE {_TYPES[mode]}\nENDHDR\n".encode()
