"""Converts kernels to other tools' formats. Each result is read back and compared, so that no number is lost silently."""

from __future__ import annotations

import io
import os
from fractions import Fraction

import numpy as np

from ..errors import KernelError, known
from . import file, json_form
from .kernel import Kernel
from .number import format_float, format_fraction
from .text import parse, write
from .weights import MAX_TAPS

FORMATS = ("text", "imagemagick", "libvips", "csv", "npy", "json")
_BY_EXTENSION = {".mat": "libvips", ".con": "libvips", ".csv": "csv", ".npy": "npy", ".json": "json", ".txt": "text", ".kernel": "text"}  # fmt: skip
_WHOLE = "text and json hold it"


def format_for(path: str) -> str | None:
    """The format for a file's extension, None for an unknown extension."""
    return _BY_EXTENSION.get(os.path.splitext(path)[1].lower())


def convert(kernel: Kernel, to: str) -> tuple[bytes, list[str]]:
    """Encode a kernel in another format; return the file's bytes and remarks on what the format can't hold (name, source).

    Parameters
    ----------
    kernel : Kernel
    to : one of FORMATS
        "text" and "json" hold everything. "imagemagick" has no offset; its numbers are decimals. "libvips" has a scale
        and an offset, but its anchor is always the centre and no cell can be left out; the weights stay as written, since
        libvips correlates: its `conv` computes what `imconv apply --correlate` does. "csv" and "npy" hold the weights
        alone.

    Raises
    ------
    KernelError
        The format can't hold the kernel exactly; the message says why, and names formats that can.
    """
    to = known(to, "kernel format", FORMATS)
    if kernel.shape[0] * kernel.shape[1] > MAX_TAPS:
        raise KernelError(f"a kernel of {kernel.shape[0]} x {kernel.shape[1]} is too large for a kernel file")
    encode, read = _CODECS[to]
    _refuse(kernel, to)
    data = encode(kernel)
    if not _same(read(data), kernel):
        raise KernelError(f"{to} does not give back exactly the same numbers; text and json hold fractions")
    lost = [word for word, value in (("name", kernel.name), ("source", kernel.source)) if value is not None]
    notes = [f"a kernel's {' and '.join(lost)} have no place in {to}"] if lost and to not in ("text", "json") else []
    return data, [note.replace(" have ", " has ") if len(lost) == 1 else note for note in notes]


def _same(back: Kernel, kernel: Kernel) -> bool:
    """Whether both kernels filter alike: equal numbers, and equal fractions if the kernel is exact."""
    same = (back.shape, back.anchor, back.offset) == (kernel.shape, kernel.anchor, kernel.offset)
    if not (same and np.array_equal(back.mask, kernel.mask) and np.array_equal(back.weights, kernel.weights)):
        return False
    if back.numerators is None or kernel.numerators is None:
        return kernel.numerators is None
    return back.denominator == kernel.denominator and np.array_equal(back.numerators, kernel.numerators)


def _refuse(kernel: Kernel, to: str) -> None:
    """Raise KernelError if the kernel has an offset, an anchor or omitted cells that the format can't hold."""
    default = (kernel.shape[0] // 2, kernel.shape[1] // 2)
    if kernel.offset and to in ("imagemagick", "csv", "npy"):
        raise KernelError(f"{to} has no place for the offset {format_fraction(kernel.offset)}; {_WHOLE}")
    if kernel.anchor != default and to in ("libvips", "csv", "npy"):
        raise KernelError(f"{to} has no place for the anchor {kernel.anchor[0]},{kernel.anchor[1]}; {_WHOLE}")
    if kernel.included is not None and to in ("libvips", "csv", "npy"):
        raise KernelError(f"{to} has no place for cells that are left out; {_WHOLE}")


def _decimals(rows: list[list]) -> list[list[str]]:
    cells = [["-" if number is None else format_float(number) for number in row] for row in rows]
    if any("/" in cell for row in cells for cell in row):
        raise KernelError("a weight is larger or smaller than decimals here may be, 1e99 and 1e-99; text and json hold it")  # fmt: skip
    return cells


def _imagemagick(kernel: Kernel) -> str:
    (rows, columns), (row, column) = kernel.shape, kernel.anchor
    cells = "  ".join(",".join(line) for line in _decimals(kernel.written(divided=True)[0]))
    return f"{columns}x{rows}+{column}+{row}: {cells}\n"


def _libvips(kernel: Kernel) -> str:
    """`W H [scale [offset]]` and the rows. If possible the first line differs from them in length, which marks a matrix."""
    rows, divisor = kernel.written()
    head = [str(kernel.shape[1]), str(kernel.shape[0])]
    if divisor != 1 or kernel.offset or kernel.shape[1] == len(head):
        head.append(str(divisor))
    if kernel.offset or kernel.shape[1] == len(head):
        head.append(_decimal(kernel.offset))
    return "\n".join(" ".join(row) for row in [head, *_decimals(rows)]) + "\n"


def _decimal(value: Fraction) -> str:
    text = format_float(float(value))
    if "/" in text or Fraction(text) != value:
        offset = format_fraction(value)
        raise KernelError(f"libvips has no place for the offset {offset}, which is no decimal; {_WHOLE}")
    return text


def _csv(kernel: Kernel) -> str:
    return "\n".join(",".join(row) for row in _decimals(kernel.written(divided=True)[0])) + "\n"


def _npy(kernel: Kernel) -> bytes:
    file = io.BytesIO()
    np.save(file, np.ascontiguousarray(kernel.weights), allow_pickle=False)
    return file.getvalue()


def _as_text(encode, read) -> tuple:
    return lambda kernel: encode(kernel).encode(), lambda data: read(data.decode())


_CODECS = {
    "text": _as_text(write, parse),
    "imagemagick": _as_text(_imagemagick, parse),
    "libvips": _as_text(_libvips, lambda text: parse(text, matrix=True)),
    "csv": _as_text(_csv, parse),
    "json": _as_text(json_form.write, json_form.read),
    "npy": (_npy, lambda data: file.read_array(io.BytesIO(data))),
}
