"""Traces one output sample of a layer: window, weights, products, bias, activation.

The numbers are the float32 values of the forward pass; their products and sums are computed in double precision.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..errors import OptionError
from ..tracing.words import blocks, positions, shown
from .forward import CONVOLUTIONS, Forward, connected_weights
from .graph import INPUT, Graph, Layer, Placed
from .layer_kinds import ACTIVATIONS
from .layer_rules import by
from .loaded_weights import Weights
from .operations import OPERATIONS, binomial, window_counts
from .reads import bilinear_samples

WINDOWS = ("max", "average", "subsample", "blur", "adaptive-average", "adaptive-max")
ENLARGED = ("upsample", "pixel-shuffle")
AFTER = ("batchnorm", "leaky", "prelu", *ACTIVATIONS)  # traced together with the layer before, if only they read it
MOST_PARTS = 8  # most channels shown as text
DIGITS, CELL_DIGITS = 6, 4  # digits shown as text; JSON has all


@dataclass(frozen=True)
class ChannelPart:
    """The part of one input channel: rows of cells, and the sum of its products, or of the window if it has no weights.

    A cell is None for a tap that is left out.
    """

    channel: int
    window: list
    weights: list
    products: list
    sum: float


@dataclass(frozen=True)
class SampleTrace:
    """The trace of one output sample: its parts, and the steps from them to the result.

    `rows` and `columns` are those of the layer's input under the window, -1 for padding; empty for layers without window. For
    a transposed convolution they are those whose kernels reach the sample.
    `steps` are pairs of a name and the value then; `result` is the value of the forward pass after the last step.
    """

    layer: str
    kind: str
    at: tuple[int, ...]
    rows: list[int]
    columns: list[int]
    parts: list[ChannelPart]
    steps: list[tuple[str, float]]
    result: float

    def as_dict(self) -> dict:
        """The trace for JSON; None for numbers that are not finite."""
        steps = [{"step": name, "value": value} for name, value in self.steps]
        facts = {**vars(self), "at": list(self.at), "parts": [vars(part) for part in self.parts], "steps": steps}
        return _plain(facts)

    def __str__(self) -> str:
        names = ("row", "column", "channel") if len(self.at) == 3 else ("number",)
        place = ", ".join(f"{name} {n}" for name, n in zip(names, self.at, strict=True))
        lines = [f"{self.layer} ({self.kind}) at {place}"]
        if self.rows:
            lines += [f"rows     {positions(self.rows)}", f"columns  {positions(self.columns)}"]
        lines += self._parts()
        width = max(len(name) for name, _ in [*self.steps, ("result", 0)])
        lines += ["", *(f"{name:<{width}}  {_short(value):g}" for name, value in self.steps)]
        return "\n".join([*lines, f"{'result':<{width}}  {shown(self.result)}"])

    def _parts(self) -> list[str]:
        """The cells of every channel as lines of text; of many channels those with the largest sums, the largest first."""
        parts, lines = self.parts, []
        what = "channels" if self.rows or len(self.at) == 3 else "inputs"
        if not parts:
            return []
        if len(parts) > MOST_PARTS:
            parts = sorted(parts, key=lambda part: -abs(part.sum))[:MOST_PARTS]
            rest = sum(part.sum for part in self.parts) - sum(part.sum for part in parts)
            lines = ["", f"the {len(parts)} largest of {len(self.parts)} {what}; the others' sum is {_short(rest):g}"]
        if all(len(part.window) == len(part.window[0]) == 1 and part.products for part in parts):
            heads = (what[:-1], "sample", *(("centre", "square") if self.kind == "rbf" else ("weight", "product")))
            rows = [(part.channel, *(_short(one[0][0]) for one in (part.window, part.weights, part.products))) for part in parts]  # fmt: skip
            return [*lines, "", *("".join(f"{one:>12}" for one in row) for row in (heads, *rows))]
        for part in parts:
            tables = {"window": part.window, "weights": part.weights, "products": part.products}
            tables = {name: _shortened(cells) for name, cells in tables.items()}
            lines += ["", f"channel {part.channel}: sum {_short(part.sum):g}", *blocks(tables)]
        return lines


def trace(
    network: Graph, weights: Weights, samples: np.ndarray, layer: str, at: tuple[int, ...], threads=None
) -> SampleTrace:
    """The numbers from which one output sample is computed.

    Parameters
    ----------
    network : Graph
    weights : Weights
    samples : array (rows, columns, channels)
        The network's input.
    layer : str
    at : (row, column, channel), or (number,) of a vector
        The sample, counted from 0.
    threads : int, optional
        Default: IMCONV_THREADS, else all cores.

    Raises OptionError for a layer or a sample that does not exist.
    """
    chosen = network.layer(layer)
    here = network.resolve(samples.shape, until=layer)[-1]
    if len(at) != len(here.shape) or not all(0 <= n < size for n, size in zip(at, here.shape, strict=True)):
        form = "row,column,channel" if len(here.shape) == 3 else "one number"
        given = ",".join(map(str, at))
        raise OptionError(
            f"{layer} has no sample {given}: its output is {by(here.shape)}; write {form}, counted from 0"
        )
    following = _following(network, chosen)
    names = [*(name for name in chosen.inputs if name != INPUT), layer, *(one.name for one in following)]
    outputs = {INPUT: np.asarray(samples, np.float32), **Forward(network, weights, names, threads).run(samples)}
    inputs, own = [outputs[name] for name in chosen.inputs], weights[layer]
    rows, columns = [], []
    if here.axes:
        rows, columns = (_sources(axis, n, chosen.kind == "blur") for axis, n in zip(here.axes, at, strict=False))
    elif here.reads:
        rows, columns = (
            _existing(one.of(n), size) for one, n, size in zip(here.reads, at, here.inputs[0], strict=False)
        )
    if chosen.kind in CONVOLUTIONS:
        parts = _convolved(here, inputs[0], rows, columns, own, at)
        steps = _weighed(parts, own, at)
    elif chosen.kind == "transposed":
        parts = _transposed(here, inputs[0], rows, columns, own, at)
        steps = _weighed(parts, own, at)
    elif chosen.kind in ENLARGED:
        parts, steps = _enlarged(here, inputs[0], rows, columns, at)
    elif chosen.kind in WINDOWS:
        parts, steps = _pooled(here, inputs[0], rows, columns, own, at)
    elif chosen.kind == "fc":
        parts = [_part(n, [[v]], [[w]]) for n, v, w in _rows(inputs[0], own["weight"], at)]
        steps = _weighed(parts, own, at)
    elif chosen.kind == "rbf":  # squared distances
        parts = [
            ChannelPart(n, [[v]], [[w]], [[(v - w) ** 2]], (v - w) ** 2)
            for n, v, w in _rows(inputs[0], own["centres"], at)
        ]
        steps = _weighed(parts, own, at)
    else:
        parts, steps = [], _elsewhere(here, inputs, own, at)
    if chosen.attributes.get("activation"):
        steps.append((ACTIVATIONS[chosen.attributes["activation"]], float(outputs[layer][at])))
    steps += [(f"{one.name} ({one.rules.title})", float(outputs[one.name][at])) for one in following]
    last = following[-1].name if following else layer
    return SampleTrace(layer, chosen.kind, tuple(at), rows, columns, parts, steps, float(outputs[last][at]))


def _following(network: Graph, layer: Layer) -> list[Layer]:
    """The normalisation and activations behind a layer, as long as no other layer reads the outputs between them."""
    found: list[Layer] = []
    while True:
        readers = [one for one in network.layers if layer.name in one.inputs]
        if len(readers) != 1 or readers[0].kind not in AFTER:
            return found
        layer = readers[0]
        found.append(layer)


def _sources(axis, index: int, reflected: bool) -> list[int]:
    """The samples of an axis that output `index` reads, -1 for padding."""
    places = [index * axis.stride - axis.before + k * axis.dilation for k in range(axis.taps)]
    if reflected:
        mirrored = np.pad(np.arange(axis.size), (axis.before, axis.span), mode="reflect")
        return [int(mirrored[n + axis.before]) for n in places]
    return [n if 0 <= n < axis.size else -1 for n in places]


def _existing(samples: range, size: int) -> list[int]:
    """The samples that an output reads on an axis of `size`; if all lie outside, the nearest one."""
    inside = [n for n in samples if 0 <= n < size]
    return inside or [min(max(samples[0], 0), size - 1)] if samples else []


def _convolved(placed: Placed, x: np.ndarray, rows, columns, tensors, at) -> list[ChannelPart]:
    layer = placed.layer
    weights = connected_weights(layer, tensors)[at[2]]  # (channels, rows, columns)
    if layer.kind == "pointwise":
        rows, columns = [at[0]], [at[1]]
    first = 0
    if layer.kind == "depthwise":
        first = at[2]
    elif layer.kind == "conv":
        first = at[2] // (placed.shape[2] // layer.attributes["groups"]) * len(weights)
    table = layer.attributes.get("table")
    channels = table[at[2]] if table else range(first, first + len(weights))
    return [_part(n, _window(x, rows, columns, n, 0.0), weights[n - first].tolist()) for n in channels]


def _transposed(placed: Placed, x: np.ndarray, rows, columns, tensors, at) -> list[ChannelPart]:
    """The samples whose kernels reach an output, and of each kernel the tap that does."""
    attributes = placed.layer.attributes
    taps = [
        [(at[i] + attributes["pad"][2 * i] - n * attributes["stride"][i]) // attributes["dilation"][i] for n in samples]
        for i, samples in enumerate((rows, columns))
    ]
    groups = attributes["groups"]
    count, each = attributes["out"] // groups, x.shape[2] // groups
    weights = tensors["transposed"][at[2] % count]  # (channels in, rows, columns)
    first = at[2] // count * each
    if not (rows and columns):  # no kernel reaches it
        return []
    return [
        _part(n, _window(x, rows, columns, n, 0.0), weights[n][np.ix_(*taps)].tolist())
        for n in range(first, first + each)
    ]


def _enlarged(placed: Placed, x: np.ndarray, rows, columns, at) -> tuple[list[ChannelPart], list[tuple[str, float]]]:
    """The samples between which an output lies, with their shares, or the one that it repeats."""
    attributes, channel = placed.layer.attributes, at[2]
    if placed.layer.kind == "pixel-shuffle":
        n = attributes["factor"]
        channel = at[2] * n * n + at[0] % n * n + at[1] % n
    window = _window(x, rows, columns, channel, None)
    if attributes.get("mode") != "bilinear":
        return [ChannelPart(channel, window, [], [], window[0][0])], [("sample", window[0][0])]
    shares = []
    for i, samples in enumerate((rows, columns)):
        factor = attributes["factor"] and attributes["factor"][i]
        _, _, further = bilinear_samples(x.shape[i], placed.shape[i], factor, attributes["corners"])
        share = float(further[at[i]])
        shares.append([1 - share, share] if len(samples) == 2 else [1.0])
    part = _part(channel, window, np.outer(shares[0], shares[1]).tolist())
    return [part], [("sum", part.sum)]


def _weighed(parts: list[ChannelPart], tensors, at) -> list[tuple[str, float]]:
    """The steps of the sum over channels, and of the bias."""
    total = sum(part.sum for part in parts)
    steps = [("sum" if len(parts) < 2 else f"sum of all {len(parts)}", float(total))]
    if "bias" in tensors:
        bias = float(tensors["bias"][at[-1]])
        steps.append((f"plus bias {_short(bias):g}", total + bias))
    return steps


def _pooled(
    placed: Placed, x: np.ndarray, rows, columns, tensors, at
) -> tuple[list[ChannelPart], list[tuple[str, float]]]:
    kind, channel = placed.layer.kind, at[2]
    window = _window(x, rows, columns, channel, None)
    if kind == "blur":
        row = binomial(len(rows))
        part = _part(channel, window, np.outer(row, row).tolist())
        return [part], [("sum", part.sum)]
    cells = [cell for row in window for cell in row if cell is not None]
    part = ChannelPart(channel, window, [], [], sum(cells))
    if kind in ("max", "adaptive-max"):
        return [part], [("largest", max(cells, default=-math.inf))]
    steps = [("sum", part.sum)]
    if kind in ("average", "adaptive-average"):
        count = float(len(cells) if kind != "average" else window_counts(placed)[at[0], at[1], 0])
        return [part], [*steps, (f"divided by {count:g}", part.sum / count)]
    scale, bias = float(tensors["weight"][channel]), float(tensors["bias"][channel])
    steps += [(f"times {_short(scale):g}", part.sum * scale), (f"plus bias {_short(bias):g}", part.sum * scale + bias)]
    return [part], steps


def _elsewhere(placed: Placed, inputs, tensors, at) -> list[tuple[str, float]]:
    """The steps of a layer without window: its inputs and its tensors at the same place, and its result."""
    steps = []
    for name, x in zip(placed.layer.inputs, inputs, strict=True):
        if x.shape == placed.shape:
            steps.append((f"from {name}", float(x[at])))
        elif x.shape[:-1] == (1, 1) and x.shape[-1] == placed.shape[-1]:  # a gate: a number for each channel
            steps.append((f"from {name}", float(x[0, 0, at[-1]])))
    steps += [(role.replace("_", " "), float(tensor.reshape(-1)[at[-1]])) for role, tensor in tensors.items() if tensor.size == placed.shape[-1]]  # fmt: skip
    result = OPERATIONS[placed.layer.kind](placed, inputs, tensors, None, 1)
    return [*steps, (placed.layer.rules.title, float(result[at]))]


def _window(x: np.ndarray, rows, columns, channel: int, padding: float | None) -> list:
    return [[padding if min(i, j) < 0 else float(x[i, j, channel]) for j in columns] for i in rows]


def _part(channel: int, window: list, weights: list) -> ChannelPart:
    products = [[v * w for v, w in zip(a, b, strict=True)] for a, b in zip(window, weights, strict=True)]
    return ChannelPart(channel, window, weights, products, sum(v for row in products for v in row))


def _rows(x: np.ndarray, matrix: np.ndarray, at):
    """The index, the value and the weight of each input."""
    return zip(range(len(x)), x.tolist(), matrix[at[0]].tolist(), strict=True)


def _short(value: float, digits: int = DIGITS) -> float:
    return float(f"{value:.{digits}g}") + 0.0  # no -0


def _shortened(cells: list) -> list:
    return [[cell if cell is None else _short(cell, CELL_DIGITS) for cell in row] for row in cells]


def _plain(value):
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
