"""`Convolution`: a layer over many channels. Weights are laid out once, then used for any number of pictures, on threads.

Pictures are (H, W, channels), as in files: a row of a window is then one run of samples, whatever the stride, and vectors along
the result's channels are full for every picture size. Padded pictures are copied band by band, never as a whole; other
pictures are not copied.
"""

from __future__ import annotations

import copy
import math
import threading
from functools import lru_cache

import numpy as np

from .. import jit
from ..engine.results import new_array
from ..engine.threads import checked_threads, default_threads, run_bands
from ..errors import OptionError
from ..geometry.axis import Axis, balanced_padding, effective_size, make_axis
from ..geometry.sizes import parse_pad, parse_pair

PIXELS = 6  # pixels that the loop sums at once, as in `imconv/loops/channels.py`
WIDE, SHORT = 64, 16  # the widths of panels: channels of the result whose weights lie side by side
CACHE_LINE = 64  # bytes
# measured on an AMD EPYC 9005 (1 MB of L2 for each core), November 2026
PART = 256  # samples of a window summed in one go: their weights for WIDE channels are 64 KB
BAND_PIXELS = 192  # least pixels of a band, which share the weights once these are loaded into the cache
BAND_WINDOWS = 2  # least height of a band in windows if rows are copied: neighbouring bands copy some rows twice
BAND_BYTES = 1 << 19  # most bytes of the picture for a band, which is read once for each panel
JOB_WORK = 4_000_000  # multiply-adds of a job: some 40 microseconds, several times the cost of calling a loop
JOBS_PER_THREAD = 3
JOBS_ENOUGH = 2  # jobs for each thread that suffice if more would split bands further
WORTH_THREADS = 1_000_000  # multiply-adds of a layer for each job
WORTH_WAKING = 12_000_000  # multiply-adds of a layer, some 0.1 ms; for less, two threads take longer than one
COPYING = 4  # how many times longer a multiply-add takes in depthwise layers, because of the copying
KEPT_BYTES = 4 << 20  # most scratch memory that a thread keeps for the next layer
PLANS = 4  # picture sizes for which a layer keeps plans

_kept = threading.local()


class Convolution:
    """A convolution layer whose weights are prepared for one type of samples.

    Parameters
    ----------
    weights : array (N, D / groups, K, L)
        float32 or float64; the samples have the same type.
    bias : array (N,), optional
    stride, dilation : int or (int, int)
    padding : int, two or four of them, "same" or "valid"
        Zeros around the picture. "same" is TensorFlow's: the result has ceil(size / stride) samples, and of an odd number of
        zeros the larger half lies behind.
    groups : int
        The N result channels and the D channels are divided into so many equal parts; each part of the results depends
        on its part of the channels only.
    low, high : float
        Bounds to which results are clamped: 0 and infinity for a ReLU.
    scale : array (N,), optional
        A factor for the weights of each result channel.
    """

    def __init__(
        self, weights, bias=None, *, stride=1, padding=0, dilation=1, groups=1, low=-math.inf, high=math.inf, scale=None
    ):
        self.dtype = weights.dtype
        self.count, self.depth, *self.taps = weights.shape
        self.groups = groups
        self.channels = self.depth * groups  # of the picture
        self.depthwise = self.depth == 1 and self.count == groups
        offsets = np.zeros(self.count, self.dtype) if bias is None else bias
        factors = np.ones(self.count, self.dtype) if scale is None else scale
        self.tables = (
            _by_channel(weights, factors, offsets) if self.depthwise else _panels(weights, factors, offsets, groups)
        )
        self._set(stride, padding, dilation, low, high)

    def _set(self, stride, padding, dilation, low: float, high: float) -> None:
        """Set what the tables of weights don't depend on."""
        self.stride, self.dilation = parse_pair(stride, "stride"), parse_pair(dilation, "dilation")
        self.padding = ("same", "same") if padding == "same" else parse_pad(0 if padding == "valid" else padding)
        self.bounds = np.array([low, high], self.dtype)
        self.plans: dict[tuple, _Plan] = {}

    def again(self, *, stride=1, padding=0, dilation=1, low=-math.inf, high=math.inf) -> Convolution:
        """A convolution with the same weights, whose tables both use."""
        found = copy.copy(self)
        found._set(stride, padding, dilation, low, high)
        return found

    def axes(self, height: int, width: int) -> tuple[Axis, Axis]:
        """Both axes of the window on a picture of this size."""
        found = []
        for i, (size, name) in enumerate(((height, "rows"), (width, "columns"))):
            pad = self.padding[i]
            if pad == "same":
                pad = balanced_padding(size, self.taps[i], self.stride[i], self.dilation[i])
            found.append(make_axis(size, self.taps[i], 0, pad, self.stride[i], self.dilation[i], name))
        return found[0], found[1]

    def shape(self, height: int, width: int) -> tuple[int, int, int]:
        """The result's shape for a picture of this size."""
        rows, columns = self.axes(height, width)
        return rows.out, columns.out, self.count

    def multiply_adds(self, height: int, width: int) -> int:
        """The number of multiply-adds for a picture of this size."""
        return math.prod(self.shape(height, width)) * self.depth * math.prod(self.taps)

    def apply(self, image, out=None, threads: int | None = None) -> np.ndarray:
        """The layer's result for a picture.

        Parameters
        ----------
        image : array (H, W, D)
            Of the type of the weights.
        out : array, optional
            Of the shape `shape(H, W)` and the same type, contiguous, apart from the picture in memory.
        threads : int, optional
            Default: IMCONV_THREADS, else all cores. The result does not depend on it.
        """
        if image.ndim != 3 or image.shape[2] != self.channels or image.dtype != self.dtype:
            raise OptionError(f"the layer takes {self.dtype} (H, W, {self.channels}), not {image.dtype} {image.shape}")
        workers = default_threads() if threads is None else checked_threads(threads)
        key = (*image.shape[:2], image.flags.c_contiguous, workers)
        plan = self.plans.get(key)
        if plan is None:
            if len(self.plans) >= PLANS:
                self.plans.clear()
            plan = self.plans[key] = _Plan(self, *key)
        shape = (plan.rows.out, plan.columns.out, self.count)
        if out is None:
            out = new_array(shape, self.dtype)
        elif out.shape != shape or out.dtype != self.dtype or not out.flags.c_contiguous:
            raise OptionError(f"out must be a contiguous array of {self.dtype} {shape}, not {out.dtype} {out.shape}")
        plan.run(image, out.reshape(-1, self.count))
        return out


class _Plan:
    """How a layer is computed for pictures of one size: jobs of bands of rows and, if bands are few, parts of the panels."""

    def __init__(self, layer: Convolution, height: int, width: int, contiguous: bool, workers: int):
        self.layer = layer
        self.rows, self.columns = rows, columns = layer.axes(height, width)
        self.copied = rows.before + rows.after + columns.before + columns.after > 0 or layer.depthwise or not contiguous
        self.width = columns.span if self.copied else columns.size
        self.line = line = self.width * layer.channels  # samples from one row of the source to the next
        pixel_work = layer.count * layer.depth * math.prod(layer.taps)
        total = rows.out * columns.out * pixel_work
        pixels = max(BAND_PIXELS, JOB_WORK // pixel_work)
        window = effective_size(rows.taps, rows.dilation)
        kept = (BAND_BYTES // (line * layer.dtype.itemsize) - window) // rows.stride + 1
        tall = max(-(-pixels // columns.out), BAND_WINDOWS * window if self.copied else 1)
        tall = max(1, min(tall, kept, rows.out))
        alone = workers == 1 or total * (COPYING if layer.depthwise else 1) < WORTH_WAKING
        self.workers = workers = 1 if alone else workers
        wanted = 1 if alone else min(workers * JOBS_PER_THREAD, total // WORTH_THREADS + 1)
        panels = 1 if layer.depthwise else len(layer.tables[0])
        bands = -(-rows.out // tall)
        each = max(1, panels // max(1, wanted // bands))
        each = 1 << each.bit_length() - 1  # panels of a job; with powers of 2, jobs have equal work
        split = -(-panels // each)
        if split * bands < min(wanted, workers * JOBS_ENOUGH):
            bands = -(-wanted // split)
        self.height = tall = -(-rows.out // bands)
        self.bases, self.pieces, self.parts = _geometry(
            tall, columns.out, rows.stride * line, columns.stride * layer.channels, rows.dilation * line,
            columns.dilation * layer.channels, tuple(layer.taps), layer.depth,
            layer.groups == 1 and columns.dilation == 1 and not layer.depthwise,
        )  # fmt: skip
        self.sums = (len(self.bases), WIDE) if len(self.parts) > 1 else (1, WIDE)
        self.source_rows = (tall - 1) * rows.stride + window
        self.loop = jit.loop("channels.sum_taps" if layer.depthwise else "channels.sum_channels")
        jit.ready([self.loop.specialised({"A": layer.dtype})])
        cuts = [min(i * each, panels) for i in range(split + 1)]
        bound = {
            (count, i): self._bound(count, cuts[i], cuts[i + 1])
            for i in range(split)
            for count in {tall, (rows.out - 1) % tall + 1}
        }
        self.jobs = [
            (y, min(y + tall, rows.out), bound[min(tall, rows.out - y), i])
            for i in range(split)
            for y in range(0, rows.out, tall)
        ]
        self.job_numbers = np.arange(len(self.jobs))

    def _bound(self, rows: int, first: int, last: int):
        """The loop with the arguments that are the same for every band of `rows` rows."""
        count, layer = rows * self.columns.out, self.layer
        bases = np.minimum(self.bases[: -(-count // PIXELS) * PIXELS], self.bases[count - 1])
        if layer.depthwise:
            return self.loop.bound(bases, np.ascontiguousarray(self.pieces[:, 0]), *layer.tables, layer.bounds)
        return self.loop.bound(first, last, bases, self.pieces, self.parts, *layer.tables, layer.bounds)

    def run(self, image: np.ndarray, out: np.ndarray) -> None:
        """Compute the layer of a picture (H, W, D) into `out` (pixels, channels)."""
        flat = None if self.copied else image.reshape(1, -1)

        def work(number: int, job: np.ndarray, scratch: dict) -> None:
            first, last, loop = self.jobs[number]
            if flat is None:
                source, shift = self._copy(image, first, last), 0
            else:
                source, shift = flat, first * self.rows.stride * self.line
            target = out[first * self.columns.out : last * self.columns.out]
            if self.layer.depthwise:
                loop(source, target)
            else:
                loop(source, shift, _scratch("sums", self.sums, self.layer.dtype), target)

        run_bands(work, 0, self.job_numbers, 1, min(self.workers, len(self.jobs)))

    def _copy(self, image: np.ndarray, first: int, last: int) -> np.ndarray:
        """A copy, padded with zeros, of the samples that rows first .. last - 1 read, with room for a vector behind."""
        layer, rows, columns = self.layer, self.rows, self.columns
        flat = _scratch("copy", (1, self.source_rows * self.line + WIDE), layer.dtype)
        copy = flat[0, :-WIDE].reshape(self.source_rows, self.width, layer.channels)
        top = first * rows.stride - rows.before
        bottom = (last - 1) * rows.stride + effective_size(rows.taps, rows.dilation) - rows.before
        begin, end = min(max(top, 0), rows.size), max(min(bottom, rows.size), 0)
        lead, tail = begin - top, max(end, begin) - top
        right = min(columns.before + columns.size, self.width)
        if lead:
            copy[:lead] = 0
        if tail < bottom - top:
            copy[tail : bottom - top] = 0
        if columns.before:
            copy[lead:tail, : columns.before] = 0
        if right < self.width:
            copy[lead:tail, max(right, 0) :] = 0
        if tail > lead and right > columns.before:
            copy[lead:tail, columns.before : right] = image[begin:end, : right - columns.before]
        return flat


@lru_cache(maxsize=256)
def _geometry(height, width, down, along, tap_down, tap_along, taps, depth, joined):
    """Where the windows of a band begin, the runs of samples that each reads, and which runs are summed in one go.

    The distances between windows and between taps, down and along, are in samples of the source.
    """
    count = height * width
    bases = np.zeros(-(-count // PIXELS) * PIXELS, np.int64)
    bases[:count] = np.add.outer(np.arange(height) * down, np.arange(width) * along).reshape(-1)
    bases[count:] = bases[count - 1]
    runs = [(k * tap_down, taps[1] * depth) for k in range(taps[0])] if joined else [
        (k * tap_down + m * tap_along, depth) for k in range(taps[0]) for m in range(taps[1])
    ]  # fmt: skip
    total = taps[0] * taps[1] * depth
    most = -(-total // -(-total // PART))
    pieces: list[tuple[int, int]] = []
    parts: list[list[int]] = []
    room = row = 0
    for start, length in runs:
        while length:
            if not room:
                room = most
                parts.append([len(pieces), len(pieces), row])
            taken = min(room, length)
            pieces.append((start, taken))
            parts[-1][1] += 1
            start, length, room, row = start + taken, length - taken, room - taken, row + taken
    return bases, np.array(pieces, np.int64), np.array(parts, np.int64)


def _panels(weights, scale, bias, groups: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The tables of `sum_channels` for the panels: for each group panels of WIDE channels, then of SHORT."""
    count, depth, *window = weights.shape
    taps, size = depth * math.prod(window), count // groups
    found: list[tuple[int, ...]] = []
    for group in range(groups):
        column, last = group * size, (group + 1) * size
        while column < last:
            width = WIDE if last - column > 2 * SHORT else SHORT
            place = found[-1][5] + found[-1][3] if found else 0
            found.append((group * depth, column, min(width, last - column), width, taps * place, place))
            column += width
    total = found[-1][5] + found[-1][3]
    laid, offsets = aligned((1, taps * total), weights.dtype), aligned((1, total), weights.dtype)
    for _, column, columns, width, top, place in found:
        panel = laid[0, top : top + taps * width].reshape(taps, width)
        part = slice(column, column + columns)
        panel[:, columns:] = 0
        np.multiply(_as_in_pictures(weights[part]), scale[part], out=panel[:, :columns])
        offsets[0, place : place + width] = 0
        offsets[0, place : place + columns] = bias[part]
    return np.array(found, np.int64), laid, offsets


def _by_channel(weights, scale, bias) -> tuple[np.ndarray, np.ndarray]:
    """The weights and the bias of a depthwise layer, with room for a vector behind."""
    channels, _, *window = weights.shape
    width = -(-channels // SHORT) * SHORT + WIDE
    laid, offsets = aligned((math.prod(window), width), weights.dtype), aligned((1, width), weights.dtype)
    laid[...], offsets[...] = 0, 0
    np.multiply(_as_in_pictures(weights), scale, out=laid[:, :channels])
    offsets[0, :channels] = bias
    return laid, offsets


def _as_in_pictures(weights: np.ndarray) -> np.ndarray:
    """Weights as (taps, N), with taps in the order in which a window's samples lie in a picture."""
    return weights.transpose(2, 3, 1, 0).reshape(-1, len(weights))


def aligned(shape: tuple[int, int], dtype) -> np.ndarray:
    """An array that begins at the start of a cache line: loading a vector across two takes twice as long."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    room = new_array(size + CACHE_LINE, np.uint8)
    start = -room.__array_interface__["data"][0] % CACHE_LINE
    return room[start : start + size].view(dtype).reshape(shape)


def _scratch(name: str, shape: tuple[int, int], dtype) -> np.ndarray:
    """This thread's scratch memory of a name, kept for the next band and the next layer unless it is large."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    room = getattr(_kept, name, None)
    if room is None or room.size < size:
        room = aligned((1, size), np.uint8)
        if size <= KEPT_BYTES:
            setattr(_kept, name, room)
    return room[0, :size].view(dtype).reshape(shape)
