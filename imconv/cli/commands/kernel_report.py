"""What can be said about a kernel before it is used: gain, symmetry, rank, factors, range of results, plan."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from ...errors import OptionError
from ...filters.correlate import plan
from ...geometry.sizes import parse_pair
from ...kernel.kernel import Kernel
from ...kernel.number import format_float, format_fraction
from ...pixels.depth import DEPTHS, parse_depth, white

PICTURE = (3000, 4000)  # rows and columns of the picture that a plan is printed for: 12 megapixels
WIDEST, TALLEST = 132, 32  # characters and rows drawn
MOST_VALUES = 8  # singular values printed in the text
_TURNS = {
    "left_right": ("left-right", lambda w: w[:, ::-1]),
    "top_bottom": ("top-bottom", lambda w: w[::-1]),
    "half_turn": ("180 degree rotation", lambda w: w[::-1, ::-1]),
    "transposed": ("transpose", lambda w: w.T),
}


def parse_picture_size(text: str) -> tuple[int, int]:
    """Rows and columns from `3000x4000`. Raises OptionError."""
    rows, cross, columns = text.lower().partition("x")
    if not cross:
        raise OptionError(f"size must be ROWSxCOLUMNS (rows first), such as 3000x4000, not {text!r}")
    return parse_pair(f"{rows},{columns}", "size")


def inspected(kernel: Kernel, depth="8", size: tuple[int, int] = PICTURE) -> dict:
    """Everything about a kernel, ready for JSON.

    Parameters
    ----------
    kernel : Kernel
    depth : "8", "16" or "float"
        Depth of the RGB picture that the plan is for.
    size : (rows, columns)
        Size of that picture.

    Returns
    -------
    dict
        `sum` multiplies an even area; `gain`, the sum of absolute weights, is the largest amplification of any picture;
        `noise_gain`, the root of the sum of squares, is that of white noise. `symmetry` is "even", "odd" or None for
        each reflection. `output_range` is the lowest and the highest result for any picture of each depth, offset
        included, before clipping. `correlation_is_convolution`: whether turning the kernel changes nothing.
    """
    depth = parse_depth(depth)
    if depth == "keep":
        raise OptionError("depth must be 8, 16 or float: there is no picture whose depth could be kept")
    found = plan((*size, 3), DEPTHS[depth], kernel)
    values = singular_values(kernel)
    rank = kernel.rank()
    return {
        "name": kernel.name,
        "source": kernel.source,
        "rows": kernel.shape[0],
        "columns": kernel.shape[1],
        "anchor": list(kernel.anchor),
        "offset": float(kernel.offset),
        "weights": kernel.weights.tolist(),
        "divisor": kernel.denominator,
        "sum": kernel.sum(),
        "gain": kernel.absolute_sum(),
        "noise_gain": float(np.linalg.norm(kernel.weights)),
        "symmetry": {name: _parity(kernel.weights, turn) for name, (_, turn) in _TURNS.items()},
        "rank": rank,
        "singular_values": values.tolist(),
        "separable": rank <= 1,
        "factors": [{"column": column.tolist(), "row": row.tolist()} for column, row in kernel.factors()],
        "output_range": {name: list(map(float, output_range(kernel, name))) for name in ("8", "16", "float")},
        "correlation_is_convolution": kernel.flipped() == kernel,
        "plan": {**found.as_dict(), "seconds_on_one_thread": found.seconds},
    }


def singular_values(kernel: Kernel) -> np.ndarray:
    """The singular values of the weights, largest first; min(rows, columns) of them, one where factors are known."""
    if kernel.rank_one_factors is not None:
        column, row = kernel.rank_one_factors
        return np.array([np.linalg.norm(column) * np.linalg.norm(row)])
    values = np.linalg.svd(kernel.weights, compute_uv=False)
    values[kernel.rank() :] = 0  # dust of rounding
    return values


def output_range(kernel: Kernel, depth: str) -> tuple[Fraction | float, Fraction | float]:
    """The lowest and the highest result for any picture of a depth, Fractions where the weights are."""

    def total(side: np.ufunc) -> Fraction | float:
        if kernel.numerators is None:
            return math.fsum(side(kernel.weights, 0).ravel())
        return Fraction(int(side(kernel.numerators, 0).sum()), kernel.denominator)

    top = white(DEPTHS[depth])
    return total(np.minimum) * top + kernel.offset, total(np.maximum) * top + kernel.offset


def text(kernel: Kernel, depth="8", size: tuple[int, int] = PICTURE) -> str:
    """The same for people; the weights are drawn, the tap over the pixel between brackets."""
    facts = inspected(kernel, depth=depth, size=size)
    found = plan((*size, 3), DEPTHS[parse_depth(depth)], kernel)
    sources = [("source", kernel.source)] if kernel.source else []
    same = "the same" if facts["correlation_is_convolution"] else _difference(kernel)
    rows = [
        *sources,
        ("size", f"{kernel.shape[0]} x {kernel.shape[1]}, anchor {kernel.anchor[0]},{kernel.anchor[1]}"),
        ("sum", _number(kernel, facts["sum"])),
        ("gain", f"{facts['gain']:g} at most, {facts['noise_gain']:g} for white noise"),
        ("symmetry", _symmetry(facts["symmetry"])),
        ("rank", _rank(facts)),
        *_factors(kernel),
        *((f"{name}-bit" if name != "float" else "float", _range(kernel, name)) for name in facts["output_range"]),
        ("correlation", f"and convolution are {same}"),
    ]
    if kernel.offset:
        rows.insert(len(sources) + 1, ("offset", format_fraction(kernel.offset)))
    head = [kernel.name or "kernel", *drawn(kernel), ""]
    lines = [f"{name:<15}{value}" for name, value in rows]
    heading = f"\nplan for an RGB picture of {size[0]} x {size[1]} ({found.source})"
    cost = f"{'time':<15}about {1000 * found.seconds:.3g} ms on one thread of the processor the costs were measured on"
    return "\n".join([*head, *lines, heading, str(found), cost])


def drawn(kernel: Kernel) -> list[str]:
    """The weights as lines of text: whole numbers and their divisor where there is one."""
    too_large = [" (too large to be drawn here; `imconv kernels plot` draws it, `imconv kernels show` writes it)"]
    if max(kernel.shape) > WIDEST:
        return too_large
    if kernel.numerators is not None:
        cells = [[str(n) for n in row] for row in kernel.numerators.tolist()]
    else:
        cells = [[f"{w:.3g}" for w in row] for row in kernel.weights.tolist()]
    if kernel.included is not None:
        for row, column in np.argwhere(~kernel.included).tolist():
            cells[row][column] = "-"
    width = max(len(cell) for row in cells for cell in row)
    if len(cells) > TALLEST or (width + 2) * kernel.shape[1] > WIDEST:
        return too_large
    lines = []
    for i, line in enumerate(cells):
        marked = [f"[{x:>{width}}]" if (i, j) == kernel.anchor else f" {x:>{width}} " for j, x in enumerate(line)]
        lines.append(" " + "".join(marked).rstrip())
    if kernel.exact and kernel.denominator != 1:
        lines.append(f" divided by {kernel.denominator}")
    return lines


def _parity(weights: np.ndarray, turn) -> str | None:
    turned = turn(weights)
    if np.array_equal(weights, turned):
        return "even"
    return "odd" if np.array_equal(weights, -turned) else None


def _symmetry(parities: dict) -> str:
    words = {"even": "symmetric", "odd": "antisymmetric"}
    found = []
    for parity, word in words.items():
        if under := [_TURNS[name][0] for name, each in parities.items() if each == parity]:
            found.append(f"{word}: {', '.join(under)}")
    return "; ".join(found) or "none"


def _difference(kernel: Kernel) -> str:
    turned = kernel.flipped()
    if np.array_equal(turned.weights, kernel.weights):
        down, right = (after - before for after, before in zip(turned.anchor, kernel.anchor, strict=True))
        return f"the same up to a shift by {abs(down)} rows and {abs(right)} columns"
    if np.array_equal(turned.weights, -kernel.weights) and turned.anchor == kernel.anchor:
        return "of opposite sign"
    return "different"


def _number(kernel: Kernel, value: float) -> str:
    if kernel.numerators is None:
        return f"{value:.10g}"
    return format_fraction(Fraction(int(kernel.numerators.sum()), kernel.denominator))


def _rank(facts: dict) -> str:
    values = facts["singular_values"]
    shown = ", ".join(f"{value:.4g}" for value in values[:MOST_VALUES]) + (", ..." if len(values) > MOST_VALUES else "")
    return f"{facts['rank']} (singular values {shown})"


def _factors(kernel: Kernel) -> list[tuple[str, str]]:
    """The column and the row of a separable kernel that is small enough."""
    if not kernel.separable or max(kernel.shape) > TALLEST or not kernel.weights.any():
        return []
    whole = kernel.integer_factors()
    if whole is None:
        column, row = kernel.factors()[0]
        return [("column", _line(column)), ("row", _line(row))]
    divided = f", divided by {kernel.denominator}" if kernel.denominator != 1 else ""
    return [("column", _line(whole[0])), ("row", _line(whole[1]) + divided)]


def _line(values) -> str:
    return " ".join(format_float(float(f"{value:.6g}")) for value in values.tolist())


def _range(kernel: Kernel, depth: str) -> str:
    low, high = output_range(kernel, depth)
    top = white(DEPTHS[depth])
    half = Fraction(1, 2) if depth != "float" else 0  # what rounds into the range is not clipped
    over = [word for word, beyond in (("below", low < -half), ("above", high >= top + half + (not half) * 1e-9)) if beyond]  # fmt: skip
    clipped = f"; {' and '.join(over)} 0 to {top}" if over else ""
    return f"results from {float(low):g} to {float(high):g}{clipped}"
