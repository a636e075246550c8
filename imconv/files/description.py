"""Image descriptions in which software states the shape of an array (tifffile's JSON, ImageJ's lines, OME-XML), adjusted to
the picture that is written, or left out."""

from __future__ import annotations

import json
import math
import re
from fractions import Fraction
from typing import NamedTuple

from ..geometry.grid import SAME
from . import tags
from .origin import Origin

_NOTE = "image description left out: it states the shape of the array as it was"
_OME_TYPES = {"uint8": "uint8", "uint16": "uint16", "uint32": "uint32", "int32": "int32", "float": "float32",
              "double": "float64", "bit": "bool", "int8": "int8", "int16": "int16"}  # fmt: skip
_ONE_OF_SEVERAL = (
    "images",
    "channels",
    "slices",
    "frames",
    "hyperstack",
    "mode",
    "loop",
)  # ImageJ's lines on its stack


class Result(NamedTuple):
    """The picture that is written: rows, columns, channels, dtype, and how many pages the file will have."""

    rows: int
    columns: int
    channels: int
    dtype: str
    pages: int

    def is_like(self, origin: Origin) -> bool:
        """Whether the file holds an array of the shape that the other file held."""
        shape = (self.rows, self.columns, self.channels)
        return shape == origin.shape and self.pages == origin.pages and not (origin.planes and self.channels > 1)


def adjusted(exif: bytes | None, origin: Origin | None, result: Result, notes: list[str]) -> bytes | None:
    """The EXIF block, its image description adjusted to the result if it states a shape."""
    if exif is None or origin is None:
        return exif
    text = tags.text_of(exif, tags.DESCRIPTION)
    if text is None:
        return exif
    try:
        new = _adjusted(text, origin, result)
    except (ValueError, ArithmeticError, TypeError, KeyError, RecursionError):
        new = None
    if new is None:
        notes.append(_NOTE)
    return exif if new == text else tags.with_text(exif, tags.DESCRIPTION, new)


def pages_stated(text: bytes, origin: Origin) -> int:
    """How many pages an array of tifffile's or ImageJ's takes; 1 if the description does not say."""
    try:
        if text.startswith(b'{"shape":'):
            return _leading(json.loads(text)["shape"], origin)[1]
        return _stacked(_lines(text)) if text.startswith(b"ImageJ=") else 1
    except (ValueError, TypeError, RecursionError):
        return 1


def _adjusted(text: bytes, origin: Origin, result: Result) -> bytes | None:
    """A description for the result; None if there is none that would be true."""
    if b"<OME" in text[:4096] and b"SizeX" in text:
        return _ome(text, origin, result)
    if result.is_like(origin):
        return text
    if text.startswith(b'{"shape":'):
        return _json(text, origin, result)
    if text.startswith(b"shape=("):  # of older versions of tifffile
        shape = [int(n) for n in text[7 : text.index(b")")].replace(b",", b" ").split()]
        new = json.loads(_json(json.dumps({"shape": shape}).encode(), origin, result))["shape"]
        return f"shape=({', '.join(map(str, new))})".encode()
    if text.startswith(b"ImageJ="):
        return _imagej(text, origin, result)
    rows, columns, _ = origin.shape
    moved = (result.rows, result.columns) != (rows, columns)
    return None if moved and re.search(rb"(?<!\d)%d *[xX*] *%d(?!\d)" % (columns, rows), text) else text


def _pages(stated: int, origin: Origin, result: Result) -> int:
    """How many pages the array takes in the new file."""
    if stated > 1 and origin.pages == 1 == result.pages:
        return 1  # the others had no directories of their own
    if stated == 1 or result.pages == origin.pages:
        return stated
    if result.pages != 1:
        raise ValueError("pages of several files")
    return 1


def _leading(shape: list[int], origin: Origin) -> tuple[list[int], int]:
    """Those dimensions of an array that are not a page's, and their product."""
    rows, columns, channels = origin.shape
    ends = [[rows, columns, channels]] if channels == 1 or not origin.planes else []
    ends += [[channels, rows, columns]] if channels > 1 and origin.planes else []
    ends += [[rows, columns]] if channels == 1 else []
    for end in ends:
        if shape[-len(end) :] == end:
            leading = shape[: -len(end)]
            return leading, math.prod(leading)
    raise ValueError("another shape than the page's")


def _json(text: bytes, origin: Origin, result: Result) -> bytes:
    """tifffile's description: {"shape": [...], "axes": "...", ...}."""
    stated = json.loads(text)
    leading, pages = _leading(stated["shape"], origin)
    axes = stated.get("axes")
    if isinstance(axes, str) and len(axes) == len(stated["shape"]):
        kept = len(leading) if _pages(pages, origin, result) == pages else 0
        stated["axes"] = axes[:kept] + "YX" + "S" * (result.channels > 1)
    leading = leading if _pages(pages, origin, result) == pages else []
    stated["shape"] = [*leading, result.rows, result.columns, *([result.channels] if result.channels > 1 else [])]
    stated.pop("truncated", None)
    return json.dumps(stated).encode()


def _lines(text: bytes) -> dict[bytes, bytes]:
    return {key: value for key, _, value in (line.partition(b"=") for line in text.splitlines())}


def _stacked(lines: dict[bytes, bytes]) -> int:
    return int(lines.get(b"images", b"1"))


def _imagej(text: bytes, origin: Origin, result: Result) -> bytes:
    """ImageJ's lines: they state how many pages there are, but not their size."""
    stated = _stacked(_lines(text))
    if _pages(stated, origin, result) == stated:
        return text
    kept = [line for line in text.splitlines(True) if line.partition(b"=")[0].decode("latin-1") not in _ONE_OF_SEVERAL]
    return b"".join(kept)


def _ome(text: bytes, origin: Origin, result: Result) -> bytes | None:
    """OME-XML: sizes, sample type and pixel sizes of all its arrays, if they are as the page that was read."""
    pattern = re.compile(rb"<(?:\w+:)?Pixels\b[^<>]*>")
    shape, like = (result.rows, result.columns), result.is_like(origin)
    arrays = [_Attributes(found[0]) for found in pattern.finditer(text)]
    known = {_OME_TYPES.get(array["Type"] or "") for array in arrays}
    if like and known <= {result.dtype, None}:
        return text
    rows, columns, channels = origin.shape
    apart = result.pages != origin.pages or result.channels != channels or origin.planes
    if apart or _several_files(text):
        return None
    if any((array["SizeX"], array["SizeY"]) != (str(columns), str(rows)) for array in arrays):
        return None
    grid = origin.grid_of(shape)
    steps = (1, 1) if grid == SAME else grid and grid.steps
    sized = any(array["PhysicalSizeX"] or array["PhysicalSizeY"] for array in arrays)
    if sized and steps is None:
        return None
    for array in arrays:
        array["SizeX"], array["SizeY"] = str(result.columns), str(result.rows)
        for name, step in zip(("PhysicalSizeY", "PhysicalSizeX"), steps or (1, 1), strict=True):
            length = array[name]
            if length and step != 1:
                array[name] = repr(float(Fraction(length) * step))
        stated = _OME_TYPES.get(array["Type"] or "")
        if stated is not None and stated != result.dtype:
            new = next((name for name, dtype in _OME_TYPES.items() if dtype == result.dtype), None)
            if new is None:
                return None
            array["Type"] = new
            array.drop("SignificantBits")
        if array["BigEndian"]:
            array["BigEndian"] = "false"
    texts = iter(array.text for array in arrays)
    return pattern.sub(lambda found: next(texts), text)


def _several_files(text: bytes) -> bool:
    """Whether an OME-XML describes more files than its own."""
    return len(set(re.findall(rb"<(?:\w+:)?UUID\b[^<>]*\bFileName\s*=\s*[\"']([^\"']*)", text))) > 1


class _Attributes:
    """The attributes of an XML tag, changed in place."""

    def __init__(self, text: bytes):
        self.text = text

    def _found(self, name: str):
        return re.search(rb"(\s%s\s*=\s*)([\"'])([^\"']*)\2" % name.encode(), self.text)

    def __getitem__(self, name: str) -> str | None:
        found = self._found(name)
        return found and found[3].decode("utf-8", "replace")

    def __setitem__(self, name: str, value: str) -> None:
        found = self._found(name)
        if found:
            self.text = self.text[: found.start(3)] + value.encode() + self.text[found.end(3) :]

    def drop(self, name: str) -> None:
        """Remove an attribute, if it is there."""
        found = self._found(name)
        if found:
            self.text = self.text[: found.start()] + self.text[found.end() :]
