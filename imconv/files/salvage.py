"""What is left of a picture whose file ends too early: the rows that are there, and rows of 0 for the others."""

from __future__ import annotations

import io
from dataclasses import replace

from ..errors import DamagedFileError
from .formats import FORMATS, sniff
from .header import Header, decoding, read_header
from .source import ENDLESS

WORDS = ("error", "fill")  # what is done with a file that ends too early


def completed(data: bytes, name: str, damage: DamagedFileError) -> tuple[bytes, Header, slice]:
    """The file with something in the place of what is missing, its header, and which rows are missing.

    Raises `damage` again where the file is not one that only ends too early, and says so where its format can't be completed.
    """
    format = FORMATS[sniff(data[:32]) or ""]
    decoder = format.module("decoder")
    with decoding(name, format.name, "to read it; free some"):
        if hasattr(decoder, "completed"):
            found = decoder.completed(data)
        elif hasattr(decoder, "end"):
            found = _with_zeros(data, read_header(io.BytesIO(data), ENDLESS, name), decoder)
        else:
            raise DamagedFileError(f"{damage}; rows that are there can be read alone only in {_able()}")
    if found is None:
        raise damage
    data, missing = found
    header = read_header(io.BytesIO(data), len(data), name, whole=True)
    if missing == slice(0, header.height):  # nothing of it is there
        raise damage
    return data, replace(header, layout={**header.layout, "completed": True}), missing


def _able() -> str:
    """The names of the formats of which a part can be read."""
    decoders = {f.name: f.module("decoder") for f in FORMATS.values()}
    return ", ".join(
        name for name, module in decoders.items() if hasattr(module, "completed") or hasattr(module, "end")
    )


def _with_zeros(data: bytes, header: Header, decoder) -> tuple[bytes, slice] | None:
    """A file of samples as they are, with zeros at its end."""
    end = decoder.end(header)
    if end is None or end <= len(data):
        return None
    line = header.layout["line"]
    rows = max(0, len(data) - header.layout["offset"]) // line
    missing = slice(0, header.height - rows) if getattr(decoder, "UPWARDS", False) else slice(rows, header.height)
    return data.ljust(end, b"\0"), missing
