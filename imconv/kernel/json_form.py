"""Kernels as JSON objects, read strictly and written exactly."""

from __future__ import annotations

import json
from fractions import Fraction

from ..errors import KernelError, nearest
from ..geometry.sizes import MAX_SIDE
from .number import EXAMPLES, LARGEST_EXPONENT, NumberError, format_float, format_fraction, parse_number
from .tokens import place, shown
from .weights import MAX_TAPS, KernelWeights

_MORE = 1000  # most brackets or commas beside those of the weights
KEYS = ("name", "source", "anchor", "offset", "divisor", "weights")


class _Number(str):
    """The text of a JSON number, to distinguish it from a JSON string."""


def read(text: str, *, filename: str | None = None) -> KernelWeights:
    """Read a kernel from an object such as `{"weights": [[1, 0, -1], [2, 0, -2], [1, 0, -1]], "divisor": 8}`.

    `weights` are rows of the same length; `name`, `source`, `anchor` ([row, column]), `offset` and `divisor` are
    optional. A number is a JSON number or a string such as "1/9" and is kept exactly; null is a cell that is left out.

    Raises KernelError; its message names the file and the place.
    """
    where = place(filename)
    # checked before memory is allocated: every row has brackets and every weight a comma; strings may hold some more
    if text.count(",") > MAX_TAPS + _MORE or text.count("[") + text.count("{") > MAX_SIDE + _MORE:
        raise KernelError(
            f"{where}: more rows or weights than a kernel has, at most {MAX_SIDE} rows and {MAX_TAPS} weights"
        )
    try:
        found = json.loads(text, parse_int=_Number, parse_float=_Number, parse_constant=_Number)
    except json.JSONDecodeError as error:
        raise KernelError(f"{where}: line {error.lineno}, column {error.colno}: {error.msg}, expected JSON") from None
    except RecursionError:
        raise KernelError(f"{where}: nested too deeply, expected an object with weights") from None
    if not isinstance(found, dict) or "weights" not in found:
        raise KernelError(f'{where}: expected an object such as {{"weights": [[1, 2, 1]]}}')
    for key in found:
        if key not in KEYS:
            raise KernelError(f"{where}: unknown key {shown(key)}; keys are {', '.join(KEYS)}{nearest(key, KEYS)}")
    rows = found["weights"]
    if not (isinstance(rows, list) and rows and all(isinstance(row, list) and row for row in rows)):
        raise KernelError(f"{where}: weights must be a list of rows, each a list of numbers")
    for number, row in enumerate(rows, 1):
        if len(row) != len(rows[0]):
            raise KernelError(
                f"{where}: row {number} has {len(row)} weights, expected {len(rows[0])}, as the first has"
            )
    if len(rows) * len(rows[0]) > MAX_TAPS:
        raise KernelError(f"{where}: {len(rows) * len(rows[0])} weights, expected at most {MAX_TAPS}")
    divisor = _number(found.get("divisor", _Number("1")), "divisor", where)
    if divisor == 0:
        raise KernelError(f"{where}: divisor is 0, expected another number")
    known = {None: Fraction(0)}
    for i, row in enumerate(rows):
        for j, cell in enumerate(row):
            if isinstance(cell, list | dict):
                raise KernelError(f"{where}: weight {i},{j} is no number")
            if cell not in known:
                known[cell] = _number(cell, f"weight {i},{j}", where) / divisor
    included = [[cell is not None for cell in row] for row in rows]
    words = {key: _words(found.get(key), key, where) for key in ("name", "source")}
    try:
        weights = [[known[cell] for cell in row] for row in rows]
        offset = _number(found.get("offset", _Number("0")), "offset", where)
        rest = {"anchor": _anchor(found.get("anchor"), where), "offset": offset, "included": included, **words}
        kernel = KernelWeights(weights, **rest)
        # weights without a common denominator are made from floats, so that they are recognised as in any other kernel
        return kernel if kernel.exact else KernelWeights(kernel.weights, **rest)
    except KernelError as error:
        raise KernelError(str(error) if str(error).startswith(where) else f"{where}: {error}") from None


def write(kernel: KernelWeights) -> str:
    """The kernel as JSON text, one line for each row of weights; it reads back equal."""
    rows, divisor = kernel.written()
    found = {"name": kernel.name, "source": kernel.source}
    lines = [f'"{key}": {json.dumps(value, ensure_ascii=False)}' for key, value in found.items() if value is not None]
    lines.append(f'"anchor": {list(kernel.anchor)}')
    if kernel.offset:
        lines.append(f'"offset": {_written(kernel.offset)}')
    if divisor != 1:
        lines.append(f'"divisor": {divisor}')
    weights = ",\n    ".join(map(json.dumps, rows))
    lines.append(f'"weights": [\n    {weights}\n  ]')
    return "{\n  " + ",\n  ".join(lines) + "\n}\n"


def _written(value: Fraction) -> str:
    text = format_fraction(value)
    return text if text.lstrip("-").isdigit() else json.dumps(text)


def _number(value, what: str, where: str) -> Fraction:
    if not isinstance(value, str):
        raise KernelError(f"{where}: {what} is {shown(json.dumps(value))}, expected {EXAMPLES}")
    try:
        return parse_number(_within_range(value))
    except NumberError as error:
        raise KernelError(f"{where}: {what} is {shown(value)}, expected {error}") from None


def _within_range(value: str) -> str:
    """Rewrite a JSON float whose exponent is beyond `parse_number`'s limit as a quotient that it accepts."""
    _, e, exponent = value.lower().partition("e")
    if isinstance(value, _Number) and e and len(value) <= 30 and LARGEST_EXPONENT < abs(int(exponent)) <= 330:
        return format_float(float(value))
    return value


def _words(value, key: str, where: str) -> str | None:
    if value is not None and (not isinstance(value, str) or isinstance(value, _Number)):
        raise KernelError(f"{where}: {key} is {shown(json.dumps(value))}, expected text")
    return value


def _anchor(value, where: str) -> tuple[int, int] | None:
    if value is None:
        return None
    whole = isinstance(value, list) and len(value) == 2 and all(isinstance(v, _Number) and v.isdigit() for v in value)
    if not whole or max(map(len, value)) > 6:
        raise KernelError(f"{where}: anchor is {shown(json.dumps(value))}, expected a row and a column such as [1, 1]")
    return int(value[0]), int(value[1])
