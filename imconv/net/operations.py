"""What each kind of layer does to its inputs: one small function for each, on float32 arrays.

Maps are (rows, columns, channels), vectors (numbers,). An operation takes the layer at work (`Placed`), its inputs, its
tensors by role with their axes in the order O, I, H, W, and an array to put the result into, which may be the first
input, where nobody needs that any more; None where there is none. Convolutions are not here: they are prepared once
(`imconv/net/forward.py`).
"""

from __future__ import annotations

import numpy as np

from ..executor import default_threads
from .activations import Activation
from .kinds import ACTIVATIONS
from .network import Placed

f32 = np.float32


def activate(name: str, x: np.ndarray, out: np.ndarray | None = None, slopes: tuple[float, ...] = ()) -> np.ndarray:
    """An activation by name, along the last axis; into `out`, which is `x` or None."""
    result = x.copy() if out is None else out
    Activation(name, slopes).apply(result, default_threads())
    return result


def taps_of(placed: Placed, x: np.ndarray, value: float = 0.0):
    """For each tap of a sliding window, row by row, what it reads for every output: views (rows, columns, channels)."""
    rows, columns = placed.axes
    padded = _padded(placed, x, value)
    for dy in range(rows.taps):
        for dx in range(columns.taps):
            top, left = dy * rows.dilation, dx * columns.dilation
            yield padded[
                top : top + (rows.out - 1) * rows.stride + 1 : rows.stride,
                left : left + (columns.out - 1) * columns.stride + 1 : columns.stride,
            ]


def _padded(placed: Placed, x: np.ndarray, value: float) -> np.ndarray:
    pads = [(axis.before, max(axis.span - axis.before - axis.size, 0)) for axis in placed.axes]
    if not np.any(pads):
        return x
    if placed.layer.kind == "blur":
        return np.pad(x, [*pads, (0, 0)], mode="reflect")
    return np.pad(x, [*pads, (0, 0)], constant_values=f32(value))


def _max(placed, inputs, tensors, out):
    views = taps_of(placed, inputs[0], -np.inf)
    result = next(views).copy()
    for view in views:
        np.maximum(result, view, out=result)
    return result


def _sum(placed, x):
    views = taps_of(placed, x)
    result = next(views).copy()
    for view in views:
        result += view
    return result


def _average(placed, inputs, tensors, out):
    result = _sum(placed, inputs[0])
    result /= window_counts(placed)
    return result


def window_counts(placed: Placed) -> np.ndarray:
    """What sums of an average are divided by: samples in each window, with those of the padding where that counts; (rows,
    columns, 1). Beyond the padding, where the size was rounded up, nothing counts, as in torch."""
    counts = []
    for axis in placed.axes:
        first = np.arange(axis.out) * axis.stride - axis.before
        padded = placed.layer.attributes["count_pad"]
        low, high = (-axis.before, axis.size + axis.after) if padded else (0, axis.size)
        counts.append(np.minimum(first + axis.taps, high) - np.maximum(first, low))
    return np.multiply.outer(*counts)[..., None].astype(f32)


def binomial(taps: int) -> np.ndarray:
    """A row of Pascal's triangle, with sum 1."""
    row = np.ones(1)
    while len(row) < taps:
        row = np.convolve(row, [1, 1])
    return row / row.sum()


def _blur(placed, inputs, tensors, out):
    row = binomial(placed.layer.attributes["taps"])
    weights = iter(np.outer(row, row).astype(f32).ravel())
    result = np.zeros(placed.shape, f32)
    for view in taps_of(placed, inputs[0]):
        result += view * next(weights)
    return result


def _subsample(placed, inputs, tensors, out):
    result = _sum(placed, inputs[0])
    result *= tensors["weight"]
    result += tensors["bias"]
    return result


def _global_average(placed, inputs, tensors, out):
    return inputs[0].mean((0, 1), keepdims=True)


def _flatten(placed, inputs, tensors, out):
    x = inputs[0]
    return (x.transpose(2, 0, 1) if x.ndim == 3 and placed.layer.attributes["order"] == "CHW" else x).reshape(-1)


def _fc(placed, inputs, tensors, out):
    result = tensors["weight"] @ inputs[0]
    if "bias" in tensors:
        result += tensors["bias"]
    return result


def _rbf(placed, inputs, tensors, out):
    return np.square(tensors["centres"] - inputs[0]).sum(1)


def scale_and_shift(layer, tensors) -> tuple[np.ndarray, np.ndarray]:
    """What batch normalisation multiplies each channel by, and what it adds."""
    scale = tensors["scale"] / np.sqrt(tensors["variance"] + f32(layer.attributes["eps"]))
    return scale, tensors["shift"] - tensors["mean"] * scale


def _batchnorm(placed, inputs, tensors, out):
    scale, shift = scale_and_shift(placed.layer, tensors)
    result = np.multiply(inputs[0], scale, out=out)
    result += shift
    return result


def _layernorm(placed, inputs, tensors, out):
    result = np.subtract(inputs[0], inputs[0].mean(-1, keepdims=True), out=out)
    variance = np.square(result).mean(-1, keepdims=True)
    result /= np.sqrt(variance + f32(placed.layer.attributes["eps"]))
    result *= tensors["scale"]
    result += tensors["shift"]
    return result


def _layer_scale(placed, inputs, tensors, out):
    return np.multiply(inputs[0], tensors["layer_scale"].reshape(-1), out=out)


def _lrn(placed, inputs, tensors, out):
    attributes, x = placed.layer.attributes, inputs[0]
    n, channels = attributes["n"], x.shape[-1]
    squares, total = np.square(x), np.zeros_like(x)
    for shift in range(-(n // 2), n - n // 2):  # the channel that is added
        low, high = max(-shift, 0), min(channels - shift, channels)
        if low < high:
            total[..., low:high] += squares[..., low + shift : high + shift]
    total *= f32(attributes["alpha"])
    total += f32(attributes["k"])
    return np.divide(x, total ** f32(attributes["beta"]), out=out)


def _unchanged(placed, inputs, tensors, out):
    return inputs[0]


def _leaky(placed, inputs, tensors, out):
    return activate("leaky", inputs[0], out, (placed.layer.attributes["slope"],))


def _prelu(placed, inputs, tensors, out):
    return activate("prelu", inputs[0], out, tuple(tensors["weight"].tolist()))


def _add(placed, inputs, tensors, out):
    result = np.add(inputs[0], inputs[1], out=out)
    for other in inputs[2:]:
        result += other
    return result


def _multiply(placed, inputs, tensors, out):
    return np.multiply(inputs[0], inputs[1], out=out)


def _concat(placed, inputs, tensors, out):
    return np.concatenate(inputs, axis=-1)


def _activation(placed, inputs, tensors, out):
    return activate(placed.layer.kind, inputs[0], out)


OPERATIONS = {
    "max": _max,
    "average": _average,
    "blur": _blur,
    "subsample": _subsample,
    "global-average": _global_average,
    "flatten": _flatten,
    "fc": _fc,
    "rbf": _rbf,
    "batchnorm": _batchnorm,
    "layernorm": _layernorm,
    "layer-scale": _layer_scale,
    "lrn": _lrn,
    "dropout": _unchanged,
    "leaky": _leaky,
    "prelu": _prelu,
    **dict.fromkeys(ACTIVATIONS, _activation),
    "add": _add,
    "multiply": _multiply,
    "concat": _concat,
}
