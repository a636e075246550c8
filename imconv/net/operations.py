"""The operations of all kinds of layers except convolutions, as functions on float32 arrays: the table OPERATIONS.

Maps are (rows, columns, channels), vectors (numbers,). The arguments of an operation are

    placed    the layer, as `graph.Placed`
    inputs    its input arrays
    tensors   its tensors by role, contiguous, with axes in the order O, I, H, W
    out       an array that may take the result (the first input, if no other layer needs it), or None
    workers   the number of threads

Convolutions are prepared once, in `imconv/net/forward.py`.
"""

from __future__ import annotations

import math

import numpy as np

from ..engine.threads import run_bands
from ..geometry.axis import Axis
from . import enlarging
from .activations import BLOCK_BYTES, Activation
from .graph import Placed
from .layer_kinds import ACTIVATIONS
from .matrix import multiply

f32 = np.float32


def activate(name: str, x: np.ndarray, out=None, slopes: tuple[float, ...] = (), workers: int = 1) -> np.ndarray:
    """Apply an activation by name, along the last axis, and return the result; `out` is `x` or None."""
    result = x.copy() if out is None else out
    Activation(name, slopes).apply(result, workers)
    return result


def _in_blocks(work, workers: int, out: np.ndarray, *arrays: np.ndarray) -> np.ndarray:
    """Call `work(block of out, blocks of the arrays)` for blocks of pixels that fit a core's cache; return `out`."""
    channels = out.shape[-1]
    pixels = [array.reshape(-1, channels) for array in arrays]

    def part(first: int, block: np.ndarray, scratch: dict) -> None:
        work(block, *(array[first : first + len(block)] for array in pixels))

    run_bands(part, 0, out.reshape(-1, channels), max(1, BLOCK_BYTES // out[..., :1].itemsize // channels), workers)
    return out


def _slid(placed: Placed, x: np.ndarray, combine, start: float, workers: int) -> np.ndarray:
    """Combine the samples of each window, beginning with `start`; taps outside the map are left out."""
    rows, columns = placed.axes
    taps = [(down, along) for down in _reached(rows) for along in _reached(columns)]
    result = np.empty(placed.shape, f32)

    def work(first: int, band: np.ndarray, scratch: dict) -> None:
        band[...] = start
        for (top, bottom, y), (left, right, z) in taps:
            top, bottom = max(top, first), min(bottom, first + len(band))
            if top < bottom and left < right:
                into = band[top - first : bottom - first, left:right]
                y, z = y + top * rows.stride, z + left * columns.stride
                read = x[y : y + (bottom - top) * rows.stride : rows.stride]
                combine(into, read[:, z : z + (right - left) * columns.stride : columns.stride], out=into)

    line = columns.out * placed.shape[2] * result.itemsize
    run_bands(work, 0, result, max(1, BLOCK_BYTES // line), workers)
    return result


def _reached(axis: Axis) -> list[tuple[int, int, int]]:
    """For each tap of an axis (first, last, shift): it lies on the map for outputs first .. last - 1, and output 0 reads
    sample `shift`."""
    found = []
    for tap in range(axis.taps):
        shift = tap * axis.dilation - axis.before
        first = max(0, -(shift // axis.stride))
        found.append((first, min(axis.out, -((shift - axis.size) // axis.stride)), shift))
    return found


def _average(placed, inputs, tensors, out, workers):
    result = _slid(placed, inputs[0], np.add, 0, workers)
    result /= window_counts(placed)
    return result


def window_counts(placed: Placed) -> np.ndarray:
    """The numbers of samples by which the sums of an average are divided, (rows, columns, 1).

    Padding counts if the layer says so. Cells beyond the padding, where the size was rounded up, never count, as in torch.
    """
    counts = []
    for axis in placed.axes:
        first = np.arange(axis.out) * axis.stride - axis.before
        padded = placed.layer.attributes["count_pad"]
        low, high = (-axis.before, axis.size + axis.after) if padded else (0, axis.size)
        counts.append(
            np.maximum(np.minimum(first + axis.taps, high) - np.maximum(first, low), 1)
        )  # an empty window is 0 / 1
    return np.multiply.outer(*counts)[..., None].astype(f32)


def binomial(taps: int) -> np.ndarray:
    """A row of Pascal's triangle, with sum 1."""
    row = np.ones(1)
    while len(row) < taps:
        row = np.convolve(row, [1, 1])
    return row / row.sum()


def _blur(placed, inputs, tensors, out, workers):
    row = binomial(placed.layer.attributes["taps"])
    rows, columns = placed.axes
    pads = [(axis.before, max(axis.span - axis.before - axis.size, 0)) for axis in placed.axes]
    padded = np.pad(inputs[0], [*pads, (0, 0)], mode="reflect")
    result = np.zeros(placed.shape, f32)
    for (k, m), weight in np.ndenumerate(np.outer(row, row).astype(f32)):
        read = padded[k : k + (rows.out - 1) * rows.stride + 1 : rows.stride]
        result += read[:, m : m + (columns.out - 1) * columns.stride + 1 : columns.stride] * weight
    return result


def _subsample(placed, inputs, tensors, out, workers):
    result = _slid(placed, inputs[0], np.add, 0, workers)
    result *= tensors["weight"]
    result += tensors["bias"]
    return result


def _flatten(placed, inputs, tensors, out, workers):
    x = inputs[0]
    return (x.transpose(2, 0, 1) if x.ndim == 3 and placed.layer.attributes["order"] == "CHW" else x).reshape(-1)


def scale_and_shift(layer, tensors) -> tuple[np.ndarray, np.ndarray]:
    """The factor and the offset of batch normalisation for each channel."""
    deviation = np.sqrt(tensors["variance"] + f32(layer.attributes["eps"]))
    if not layer.attributes["affine"]:
        return 1 / deviation, -tensors["mean"] / deviation
    scale = tensors["scale"] / deviation
    return scale, tensors["shift"] - tensors["mean"] * scale


def _batchnorm(placed, inputs, tensors, out, workers):
    scale, shift = scale_and_shift(placed.layer, tensors)
    result = np.multiply(inputs[0], scale, out=out)
    result += shift
    return result


def _scaled(normalized: np.ndarray, tensors) -> None:
    """Multiply by the scale and add the shift of each channel, if the layer has them."""
    if tensors:
        normalized *= tensors["scale"]
        normalized += tensors["shift"]


def _layernorm(placed, inputs, tensors, out, workers):
    def normalise(block, x):
        np.subtract(x, x.mean(-1, keepdims=True), out=block)
        variance = np.square(block).mean(-1, keepdims=True)
        block /= np.sqrt(variance + f32(placed.layer.attributes["eps"]))
        _scaled(block, tensors)

    return _in_blocks(normalise, workers, np.empty(inputs[0].shape, f32) if out is None else out, inputs[0])


def _groupnorm(placed, inputs, tensors, out, workers):
    attributes, x = placed.layer.attributes, inputs[0]
    result = np.empty_like(x) if out is None else out
    each = x.shape[-1] // attributes["groups"]
    for first in range(0, x.shape[-1], each):
        part = np.s_[..., first : first + each]
        np.subtract(x[part], x[part].mean(dtype=np.float64).astype(f32), out=result[part])
        variance = sum(float(np.square(row, dtype=np.float64).sum()) for row in result[part]) / result[part].size
        result[part] *= f32(1 / math.sqrt(variance + attributes["eps"]))
    _scaled(result, tensors)
    return result


def _lrn(placed, inputs, tensors, out, workers):
    attributes, x = placed.layer.attributes, inputs[0]
    n, channels = attributes["n"], x.shape[-1]
    squares, total = np.square(x), np.zeros_like(x)
    for shift in range(-(n // 2), n - n // 2):  # distance of the channel that is added
        low, high = max(-shift, 0), min(channels - shift, channels)
        if low < high:
            total[..., low:high] += squares[..., low + shift : high + shift]
    total *= f32(attributes["alpha"])
    total += f32(attributes["k"])
    return np.divide(x, total ** f32(attributes["beta"]), out=out)


def add(inputs, out=None, workers: int = 1, low: float = -math.inf, high: float = math.inf) -> np.ndarray:
    """The sum of arrays of one shape, clamped to low .. high; `out` is the first of them or None."""

    def work(block, first, second, *others):
        np.add(first, second, out=block)
        for other in others:
            block += other
        if low > -math.inf:
            np.maximum(block, f32(low), out=block)
        if high < math.inf:
            np.minimum(block, f32(high), out=block)

    return _in_blocks(work, workers, np.empty(inputs[0].shape, f32) if out is None else out, *inputs)


def _activation(name: str):
    return lambda placed, x, tensors, out, workers: activate(name, x[0], out, workers=workers)


OPERATIONS = {
    "max": lambda placed, x, tensors, out, workers: _slid(placed, x[0], np.maximum, -np.inf, workers),
    "average": _average,
    "blur": _blur,
    "subsample": _subsample,
    "global-average": lambda placed, x, tensors, out, workers: x[0].mean((0, 1), keepdims=True),
    "adaptive-average": enlarging.adaptive_average,
    "adaptive-max": enlarging.adaptive_max,
    "transposed": enlarging.transposed,
    "upsample": enlarging.upsample,
    "pixel-shuffle": enlarging.shuffle,
    "pixel-unshuffle": enlarging.unshuffle,
    "groupnorm": _groupnorm,
    "flatten": _flatten,
    "fc": lambda placed, x, tensors, out, workers: multiply(tensors["weight"], x[0], tensors.get("bias"), workers),
    "rbf": lambda placed, x, tensors, out, workers: np.square(tensors["centres"] - x[0]).sum(1),
    "batchnorm": _batchnorm,
    "layernorm": _layernorm,
    "layer-scale": lambda placed, x, tensors, out, workers: np.multiply(x[0], tensors["layer_scale"].ravel(), out=out),
    "lrn": _lrn,
    "dropout": lambda placed, x, tensors, out, workers: x[0],
    "leaky": lambda placed, x, tensors, out, workers: activate(
        "leaky", x[0], out, (placed.layer.attributes["slope"],), workers
    ),
    "prelu": lambda placed, x, tensors, out, workers: activate(
        "prelu", x[0], out, tuple(tensors["weight"].tolist()), workers
    ),
    **{name: _activation(name) for name in ACTIVATIONS},
    "add": lambda placed, x, tensors, out, workers: add(x, out, workers),
    "multiply": lambda placed, x, tensors, out, workers: np.multiply(x[0], x[1], out=out),
    "concat": lambda placed, x, tensors, out, workers: np.concatenate(x, axis=-1),
}
