"""Layers that enlarge maps, or cut them into parts of any size: transposed convolution, upsampling, pixel shuffle, adaptive pooling.

Each is a function of the same arguments as those in `imconv/net/operations.py`.
"""

from __future__ import annotations

import math

import numpy as np

from .convolution import Convolution
from .graph import Placed
from .reads import bilinear_samples, nearest_samples

f32 = np.float32


def transposed(placed: Placed, inputs, tensors, out, workers) -> np.ndarray:
    """A transposed convolution, phase by phase: outputs a stride apart are a convolution with every stride-th tap.

    Output o of an axis adds up taps k times samples i with o = i stride - pad + k dilation.
    """
    attributes, x = placed.layer.attributes, inputs[0]
    result = np.empty(placed.shape, f32)
    weights, bias = tensors["transposed"], tensors.get("bias")  # (channels out of a group, channels in, rows, columns)
    groups = attributes["groups"]
    parts = np.split(weights, groups, axis=1)
    weights = np.concatenate(parts) if groups > 1 else weights  # (channels out, channels in of a group, rows, columns)
    sides = attributes["pad"]
    phases = [
        _phases(x.shape[i], placed.shape[i], attributes["size"][i], attributes["stride"][i], attributes["dilation"][i],
                sides[2 * i])
        for i in (0, 1)
    ]  # fmt: skip
    for row, (down, tall, first_row) in enumerate(phases[0]):
        for column, (along, wide, first_column) in enumerate(phases[1]):
            part = result[row :: attributes["stride"][0], column :: attributes["stride"][1]]
            if not (down and along):
                part[...] = 0 if bias is None else bias
                continue
            lines = _reach(first_row, part.shape[0] + (len(down) - 1) * tall, x.shape[0])
            places = _reach(first_column, part.shape[1] + (len(along) - 1) * wide, x.shape[1])
            padded = np.zeros((lines[0], places[0], x.shape[2]), f32)
            padded[lines[2] : lines[2] + lines[3], places[2] : places[2] + places[3]] = x[
                lines[1] : lines[1] + lines[3], places[1] : places[1] + places[3]
            ]
            taps = np.ascontiguousarray(weights[:, :, down][:, :, :, along])
            convolution = Convolution(taps, bias, dilation=(tall, wide), groups=groups)
            part[...] = convolution.apply(padded, threads=workers)
    return result


def _phases(size: int, out: int, taps: int, stride: int, dilation: int, pad: int) -> list[tuple[list[int], int, int]]:
    """For each phase of an axis its taps, in the order of the samples that they read, how far apart those are, and the first."""
    step = dilation // math.gcd(stride, dilation)
    found = []
    for phase in range(min(stride, out)):
        read = {
            k: (phase + pad - k * dilation) // stride for k in range(taps) if (phase + pad - k * dilation) % stride == 0
        }
        order = sorted(read, key=lambda tap: read[tap])
        found.append((order, step if len(order) > 1 else 1, read[order[0]] if order else 0))
    return found


def _reach(first: int, count: int, size: int) -> tuple[int, int, int, int]:
    """Of `count` samples from `first` on: their number, and of those that are on the map the first, its place, and how many."""
    low, high = min(max(first, 0), size), max(min(first + count, size), 0)
    return count, low, low - first if high > low else 0, max(high - low, 0)


def upsample(placed: Placed, inputs, tensors, out, workers) -> np.ndarray:
    """Nearest or bilinear samples, as torch's interpolate places them."""
    attributes, x = placed.layer.attributes, inputs[0]
    factors = attributes["factor"] or (None, None)
    if attributes["mode"] == "nearest":
        rows, columns = (nearest_samples(x.shape[i], placed.shape[i], factors[i]) for i in (0, 1))
        return np.ascontiguousarray(x[rows][:, columns])
    for axis, factor in enumerate(factors):
        low, high, share = bilinear_samples(x.shape[axis], placed.shape[axis], factor, attributes["corners"])
        share = share.reshape([-1 if i == axis else 1 for i in range(3)])
        further = x.take(high, axis)
        further *= share
        x = x.take(low, axis)
        x *= 1 - share
        x += further
    return x


def shuffle(placed: Placed, inputs, tensors, out, workers) -> np.ndarray:
    """Squares of pixels from channels: channel c n^2 + i n + j becomes the pixel at row i and column j."""
    n, (rows, columns, channels) = placed.layer.attributes["factor"], inputs[0].shape
    parts = inputs[0].reshape(rows, columns, channels // n**2, n, n)
    return np.ascontiguousarray(parts.transpose(0, 3, 1, 4, 2)).reshape(placed.shape)


def unshuffle(placed: Placed, inputs, tensors, out, workers) -> np.ndarray:
    """Channels from squares of pixels: the reverse of `shuffle`."""
    n, (rows, columns, channels) = placed.layer.attributes["factor"], inputs[0].shape
    parts = inputs[0].reshape(rows // n, n, columns // n, n, channels)
    return np.ascontiguousarray(parts.transpose(0, 2, 4, 1, 3)).reshape(placed.shape)


def adaptive_average(placed: Placed, inputs, tensors, out, workers) -> np.ndarray:
    """The mean of each window."""
    return _each_window(placed, inputs[0], lambda window: window.mean((0, 1), dtype=np.float64))


def adaptive_max(placed: Placed, inputs, tensors, out, workers) -> np.ndarray:
    """The largest sample of each window."""
    return _each_window(placed, inputs[0], lambda window: window.max((0, 1)))


def _each_window(placed: Placed, x: np.ndarray, reduce) -> np.ndarray:
    result = np.empty(placed.shape, f32)
    rows, columns = ([one.of(i) for i in range(n)] for one, n in zip(placed.reads, placed.shape, strict=False))
    for i, tall in enumerate(rows):
        for j, wide in enumerate(columns):
            result[i, j] = reduce(x[tall.start : tall.stop, wide.start : wide.stop])
    return result
