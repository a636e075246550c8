"""Finds the input sizes, and the paddings of a layer, for which a layer's output has a wanted size."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import OptionError
from ..geometry.axis import effective_size
from .graph import Graph, Placed
from .layer_rules import by

LARGEST = 1 << 16  # most rows or columns that are tried


@dataclass(frozen=True)
class Fit:
    """The inputs and paddings for which the output of `layer` has `wanted` rows and columns.

    For each axis (least, most), or None if there is no such size.
    """

    layer: str
    wanted: tuple[int, int]
    at: tuple[int, int]  # rows and columns of the network's input for which paddings are computed
    inputs: tuple[tuple[int, int] | None, ...]  # of the network's input
    paddings: tuple[tuple[int, int] | None, ...] | None  # of a convolution: the sum of the padding before and behind

    def as_dict(self) -> dict:
        """The figures for JSON."""
        return {
            "layer": self.layer,
            "wanted": list(self.wanted),
            "inputs": [list(one) if one else None for one in self.inputs],
            "paddings": None if self.paddings is None else [list(one) if one else None for one in self.paddings],
        }

    def __str__(self) -> str:
        rows, columns = (_range(one) if one else "" for one in self.inputs)
        sizes = f"{rows} rows and columns" if rows == columns else f"{rows} rows and {columns} columns"
        lines = [f"an output of {by(self.wanted)} at {self.layer}", f"  needs an input of {sizes}"]
        if not (rows and columns):
            missing = " or ".join(name for name, found in (("rows", rows), ("columns", columns)) if not found)
            lines[1] = f"  is impossible: no number of {missing} leads to it"
        if self.paddings is not None:
            rows, columns = (_padding(one) if one else "none possible" for one in self.paddings)
            padding = rows if rows == columns else f"{rows} (rows), {columns} (columns)"
            lines.append(f"  or, for an input of {by(self.at)}, padding {padding}")
        return "\n".join(lines)


def fit(network: Graph, wanted: tuple[int, int], *, layer: str | None = None, shape=None) -> Fit:
    """The input sizes, and the paddings of a layer, for which its output has `wanted` rows and columns.

    Parameters
    ----------
    network : Graph
    wanted : (rows, columns)
    layer : str, optional
        Default: the last layer with maps whose size depends on the input's, and whose outputs don't see the whole input.
    shape : optional
        The input for which paddings are computed; default: the network's own.

    Raises OptionError for a layer whose outputs depend on the whole input.

    >>> from imconv.net import load
    >>> fit(load("vgg16"), (7, 7)).inputs
    ((224, 255), (224, 255))
    """
    if layer is None:
        layer = _last_map(network)
    placed = network.resolve(until=layer)[-1]
    if not placed.fields:
        raise OptionError(f"{layer} sees the whole input whatever its size; ask for a layer before it")
    inputs = tuple(_inputs(network, layer, wanted[axis], axis) for axis in (0, 1))
    rows, columns, _ = network.parse_shape(shape)
    paddings = None
    if placed.layer.kind in ("conv", "depthwise"):
        here = network.resolve(shape, until=layer)[-1]
        paddings = tuple(_total_padding(here, wanted[axis], axis) for axis in (0, 1))
    return Fit(layer, wanted, (rows, columns), inputs, paddings)


def _last_map(network: Graph) -> str:
    """The last layer whose receptive field is smaller than the input by design, and whose size depends on the input's."""
    found, fixed = "", set[str]()
    for placed in network.resolve():
        one = placed.layer
        sized = one.rules.adaptive or (one.kind == "upsample" and one.attributes["size"])
        if sized or fixed.intersection(one.inputs):
            fixed.add(one.name)
        elif placed.fields:
            found = one.name
    if not found:
        raise OptionError(
            f"{network.name} has no layer with maps whose size depends on the input; name one with layer="
        )
    return found


def _inputs(network: Graph, layer: str, wanted: int, axis: int) -> tuple[int, int] | None:
    """The least and the most rows or columns of the input with `wanted` outputs; outputs never shrink as inputs grow."""

    def out(size: int) -> int:
        try:
            return network.resolve((size, size), until=layer)[-1].shape[axis]
        except OptionError:  # too small
            return 0

    least, most = _first(lambda size: out(size) >= wanted), _first(lambda size: out(size) > wanted) - 1
    return (least, most) if least <= most else None


def _first(holds) -> int:
    """The smallest size from 1 on for which a condition holds, and holds for all larger ones; LARGEST + 1 if there is none."""
    low, high = 0, 1
    while high <= LARGEST and not holds(high):
        low, high = high, 2 * high
    high = min(high, LARGEST + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _total_padding(placed: Placed, wanted: int, axis: int) -> tuple[int, int] | None:
    one = placed.axes[axis]
    least = (wanted - 1) * one.stride + effective_size(one.taps, one.dilation) - one.size
    most = least + one.stride - 1
    return (max(least, 0), most) if most >= 0 else None


def _range(one: tuple[int, int]) -> str:
    return str(one[0]) if one[0] == one[1] else f"{one[0]} to {one[1]}"


def _padding(one: tuple[int, int]) -> str:
    """A range of paddings as text, the same on both sides if possible."""
    total = one[0] + one[0] % 2
    if total <= one[1]:
        return f"{total // 2} on both sides"
    return f"{one[0] // 2} before and {one[0] - one[0] // 2} behind"
