"""What every loop must give for a small known input: checked after each build, before the code is kept.

Pictures of small whole numbers under small whole weights: every sum is exact in every type, and numpy tells it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..filters.blur_kernels import gaussian_kernel
from ..geometry.axis import make_axes, pool_axis
from ..geometry.border import Border
from ..jit import signature
from ..loops import LOOPS
from ..stages.convolution.algorithms import prepare
from ..stages.convolution.plan import make_plan
from ..stages.pooling.work import places
from .known_huffman import follow_scan
from .known_ranks import RANKS
from .known_sums import correlation
from .sample_pictures import DTYPES
from .sample_pictures import picture as _picture


class GoldenError(Exception):
    """The code gives something else."""


def check(name: str, specialised: tuple[str, ...], function) -> None:
    """Run compiled code, a function of a block, on its known input. Raises GoldenError."""
    arguments = signature.parse(LOOPS[name])
    kinds = signature.types(arguments, specialised)
    for values, expected in _CASES[name](dict(zip(signature.variables(arguments), specialised, strict=True))):
        typed = tuple(
            np.array(value, DTYPES[kind], order="C") if argument.dims else value
            for argument, kind, value in zip(arguments, kinds, values, strict=True)
        )
        words, _ = signature.flatten(arguments, typed)
        function(signature.block(arguments).pack(*words))
        given = {argument.name: value for argument, value in zip(arguments, typed, strict=True)}
        for result, right in (expected if isinstance(expected, dict) else {"out": expected}).items():
            found = given[result]
            if not np.allclose(found, right, rtol=1e-6, atol=1e-6 if found.dtype.kind == "f" else 0):
                wrong = np.count_nonzero(found != right)
                raise GoldenError(f"{name} for {', '.join(specialised)}: {wrong} values of {result} are wrong")


def _interpolation(types: dict[str, str]):
    picture, kernel, step = _picture(72, 300), gaussian_kernel(16, fast=True), 3
    axes = make_axes(picture.shape, kernel.shape, kernel.anchor, "same", 1, 1)
    plan = make_plan(kernel, axes, 1, np.dtype("uint8"), np.dtype("uint8"), Border("nearest"), algorithm="decimated")
    down, along = (factor.after[1] for factor in plan.decimation)
    grid = _picture(-(-72 // step) + down.shape[1], -(-300 // step) + along.shape[1] + 200)
    y, x = np.arange(72), np.arange(300)
    sums = sum(
        down[y % step, i][:, None] * along[x % step, j] * grid[np.ix_(y // step + i, x // step + j)]
        for i in range(down.shape[1])
        for j in range(along.shape[1])
    )
    prepared = prepare(replace(plan, accumulator=DTYPES[types["A"]].name), (0.0,))
    target = DTYPES[types["O"]]
    top = np.iinfo(target).max if target.kind == "u" else -1
    expected = np.floor(sums + 0.5) if top > 0 else sums
    bias = 0.5 if top > 0 else 0
    yield (
        (grid, 1, step, 0, step, 0, np.zeros(picture.shape), bias, 1, top, *prepared.tables, *prepared.buffers()),
        expected,
    )


def _weighing(types: dict[str, str]):
    pixels = _picture(6, 4 * 20)
    by_alpha = pixels.reshape(6, 20, 4) * np.where(np.arange(4) < 3, pixels.reshape(6, 20, 4)[..., 3:], 1)
    rows = np.array([4, 0, 5])
    yield (pixels, rows, 4, np.zeros((3, 80))), by_alpha.reshape(6, 80)[rows]


def _unweighing(types: dict[str, str]):
    sums = (_picture(6, 80) * 4 + 8).reshape(6, 20, 4)
    sums[..., 3] = 4
    sums[2, 3, 3] = 0
    alpha, total, offset, divisor, top = sums[..., 3:], 8.0, 6.0, 2.0, _top(types)
    expected = (sums * total / np.maximum(alpha, 1) + offset) / divisor
    expected[2, 3] = 0  # no weight left: not written
    expected[..., 3:] = alpha / divisor
    rounded = np.floor(expected + 0.5) if top > 0 else expected
    yield (
        (sums.reshape(6, 80), 4, total, offset, divisor, top, np.zeros((6, 80)), np.full(6, 2)),
        {"out": rounded.reshape(6, 80), "empty": np.arange(6) == 2},
    )


def _filling(types: dict[str, str]):
    sums, plain = _picture(6, 80).reshape(6, 20, 4), _picture(6, 80).reshape(6, 20, 4) * 3 + 4
    top = _top(types)
    expected = np.where(sums[..., 3:] > 0, 0, (plain + 2.0) / 2.0)
    expected[..., 3] = 0
    rounded = np.floor(expected + 0.5) if top > 0 else expected
    yield (sums.reshape(6, 80), plain.reshape(6, 80), 4, 2.0, 2.0, top, np.zeros((6, 80))), rounded.reshape(6, 80)


def _detailing(types: dict[str, str]):
    blurred, original, top = _picture(5, 90) * 2, _picture(7, 90) + 9, _top(types)
    detail = original[2:] - blurred / 2
    values = original[2:] + np.where(np.abs(detail) > 8, 3 * detail, 0)
    expected = np.clip(np.floor(values + 0.5), 0, top) if top > 0 else values
    yield (blurred, 2.0, original, 2, 3.0, 8.0, top, np.zeros((5, 90))), expected


def _combining(types: dict[str, str]):
    sums = _picture(3, 150) * 4 - 10
    top = _top(types)
    for largest in (0, 1):
        value = sums.max(axis=0) if largest else np.sqrt((sums * sums).sum(axis=0))
        expected = (value + 7) / 4
        if top > 0:
            expected = np.clip(np.floor((np.floor(value) + 7) / 4), 0, top)
        yield (np.zeros((1, 150)), sums, largest, int(top > 0), [7, 4, top]), expected[None]


def _smoothing_alike(types: dict[str, str]):
    """Weights of 1 / 2 for each step of distance and of difference, of pixels to both sides and above and below."""
    for channels in (1, 3, 4):
        picture, top = _picture(5, 90 * channels).reshape(5, 90, channels), _top(types)
        rows, columns = np.array([1, 0, 1, 2, 3, 4, 3]), np.array([1, *range(90), 88])
        padded = picture[rows][:, columns].astype(float)
        total = weights = 0
        for k, m in ((0, 1), (1, 0), (1, 1), (1, 2), (2, 1)):
            difference = padded[k : k + 5, m : m + 90] - picture
            weight = 0.5 ** ((k, m) != (1, 1)) * 0.5 ** (difference**2).sum(axis=2, keepdims=True)
            total, weights = total + weight * difference, weights + weight
        expected = (picture + total / weights).reshape(5, -1)
        planes, number = channels if channels < 4 else 4, DTYPES[types["A"]].type
        buffers = np.zeros((3 * planes, 200)), np.zeros(3), np.zeros((planes + 1, 64)), np.zeros((planes, 200))
        table = -np.array([[9, 1, 9], [1, 0, 1], [9, 1, 9]])
        yield (
            (picture.reshape(5, -1), 90 * channels, channels, rows, columns, 1, np.zeros(channels), 0,
             np.zeros(expected.shape), 0.5, top, [0, 1, 0], table, number(-1), number(-126), *buffers),
            np.floor(expected + 0.5) if top > 0 else expected,
        )  # fmt: skip


def _moments(whole: bool):
    """Boxes of 3 columns on a picture of 2 channels, whose left border is repeated; to the right is nothing, or zeros."""

    def cases(types: dict[str, str]):
        picture, top = _picture(9, 140).reshape(9, 70, 2), _top(types)
        rows, columns = np.array([1, 0, *range(9), 8]), np.array([0, *range(70), -1])
        for height, cut, root in ((4, 0, 0), (2, 1, 0), (4, 1, 1)):
            below = rows[2 - height // 2 :]
            padded = np.pad(picture[below].astype(float), ((0, 0), (1, 1), (0, 0)))
            padded[:, 0] = padded[:, 1]
            windows = np.lib.stride_tricks.sliding_window_view(padded, (height, 3), (0, 1))[:9]
            mean, variance = windows.mean((-2, -1)), windows.var((-2, -1))
            inside = np.full((1, 140), 3)
            if cut:
                inside[0, -2:], last = 2, windows[:, -1, ..., :2]
                mean[:, -1], variance[:, -1] = last.mean((-2, -1)), last.var((-2, -1))
            mean, variance = mean.reshape(9, -1), variance.reshape(9, -1)
            roots = np.sqrt(variance) if top < 0 else np.floor(np.sqrt(variance) + 0.5)
            expected = roots if root else np.hstack([mean, variance])
            if top > 0 and not root:
                continue
            n = 72 * 2 + 64
            tables: list = [np.zeros((2, 2)), *(np.zeros((2, n)) for _ in range(3))]
            if not whole:
                tables = [np.zeros((2, 2)), cut, np.zeros(3), np.zeros(height + 1), np.zeros((2 * height, n)),
                          np.zeros((4, n)), np.zeros((6, n))]  # fmt: skip
            yield (
                (picture.reshape(9, -1), 140, 2, below, columns, 1, 0, np.zeros(expected.shape), 0.5 * (top > 0), 1.0, top,
                 root, height, 3, np.zeros(len(below)), inside, *tables),
                expected,
            )  # fmt: skip

    return cases


def _pooled(stride: int):
    """A picture of two channels, windows of 3 x 2, of which some lie partly outside: the loops' arguments, and the windows'
    samples, (rows, columns, 2, 6), NaN for those outside."""
    pixels = _picture(7, 2 * 30).reshape(7, 30, 2) + 1.0
    axes = pool_axis(7, 3, 2, 1, 1, True, "rows"), pool_axis(30, 2, stride, 1, 1, True, "columns")
    padded = np.pad(pixels, ((1, 4), (1, 3), (0, 0)), constant_values=np.nan)
    shape = axes[0].out, axes[1].out
    windows = np.stack([
        padded[k :: 2, m :: stride][: shape[0], : shape[1]] for k in range(3) for m in range(2)
    ], axis=-1)  # fmt: skip
    first, last = axes[0].inside()
    rows = np.stack([2 * np.arange(shape[0]) - 1 + first, last - first], axis=1)
    return pixels.reshape(7, 60), rows, places(axes[1], 2), windows


def _pooled_extremes(types: dict[str, str]):
    for stride, largest in ((1, 1), (2, 0)):
        pixels, rows, where, windows = _pooled(stride)
        expected = (np.nanmax if largest else np.nanmin)(windows, axis=-1).reshape(len(rows), -1)
        start = [0 if largest else 99]
        yield (pixels, rows, 1, start, largest, stride, *where, np.zeros(expected.shape), np.zeros(60)), expected


def _pooled_totals(types: dict[str, str]):
    top = _top(types)
    for stride in (1, 2):
        pixels, rows, where, windows = _pooled(stride)
        sums = np.nansum(windows, axis=-1).reshape(len(rows), -1)
        wide = np.ones(sums.shape[1]) + np.arange(sums.shape[1]) % 2
        quotients = sums / (2 * wide)
        expected = np.minimum(np.floor(quotients + 0.5), 7) if top > 0 else quotients
        scratch = np.zeros(sums.shape), np.zeros(60), np.zeros(sums.shape[1])
        yield (pixels, rows, 1, stride, *where, np.full(len(rows), 2), wide, min(top, 7), *scratch), expected


def _filtered(rows: np.ndarray, back: int, kinds: np.ndarray) -> np.ndarray:
    """Rows of bytes filtered as the PNG specification says, each led by its filter."""
    a, b, c = (np.zeros(rows.shape, int) for _ in range(3))
    a[:, back:], b[1:], c[1:, back:] = rows[:, :-back], rows[:-1], rows[:-1, :-back]
    estimate = a + b - c
    distances = [abs(estimate - near) for near in (a, b, c)]
    nearest = np.select([distances[0] <= np.minimum(*distances[1:]), distances[1] <= distances[2]], [a, b], c)
    guesses = np.choose(np.broadcast_to(kinds[:, None], rows.shape), [0, a, b, (a + b) // 2, nearest])
    return np.hstack([kinds[:, None], (rows - guesses) % 256])


def _bytes(rows: int, columns: int) -> np.ndarray:
    return (_picture(rows, columns) * 41 + 3 * np.arange(columns) ** 2) % 256


def _filtering(types: dict[str, str]):
    for back in (1, 3, 8):
        rows = _bytes(9, 168)
        for kind in range(5):
            yield (rows, 1, back, kind, np.zeros((8, 169))), _filtered(rows, back, np.full(9, kind))[1:]
        each = np.array([_filtered(rows, back, np.full(9, kind)) for kind in range(5)])
        sums = np.minimum(each, 256 - each)[:, :, 1:].sum(axis=2)
        yield (rows, 1, back, 5, np.zeros((8, 169))), each[sums.argmin(axis=0), np.arange(9)][1:]
        yield (rows, 0, back, 5, np.zeros((1, 169))), each[1, :1]  # nothing above: Sub


def _unfiltering(types: dict[str, str]):
    for back in (1, 2, 3, 4, 6, 8):
        rows, kinds = _bytes(150, 168), np.arange(150) ** 2 // 3 % 5
        coded, scratch = _filtered(rows, back, kinds), (np.zeros((34, 128)), np.zeros((5, 64)))
        yield (coded, back, 0, np.zeros(rows.shape), *scratch), rows
        begun = np.where(np.arange(150)[:, None] < 20, rows, 0)
        yield (coded[20:], back, 20, begun, *scratch), rows


def _looking_up(types: dict[str, str]):
    table = _bytes(256, 3)
    for bits in (1, 2, 4, 8):
        samples = _bytes(4, 37) % (1 << bits)
        shifts = np.arange(bits)[::-1]
        packed = np.packbits((samples[..., None] >> shifts & 1).reshape(4, -1).astype(np.uint8), axis=1)
        expected = np.zeros((5, 111))
        expected[2:] = table[samples[1:]].reshape(3, 111)
        yield (packed, 1, bits, table, 2, np.zeros((5, 111)), [0]), expected


def _keying(types: dict[str, str]):
    pixels = _picture(4, 60).reshape(4, 20, 3)
    clear = (pixels == pixels[2, 7]).all(axis=2)
    top = np.iinfo(DTYPES[types["S"]]).max
    expected = np.zeros((5, 80))
    expected[2:] = np.dstack([pixels, np.where(clear, 0, top)])[1:].reshape(3, 80)
    yield (pixels.reshape(4, 60), 1, pixels[2, 7], 2, np.zeros((5, 80))), expected


# 60 runs of 1 to 9 bytes as part of a raw deflate stream, which zlib inflates: a test holds it against that
RUNS = np.repeat(np.arange(60) ** 2 % 11, np.arange(60) % 9 + 1).astype(np.uint8)
PACKED = bytes.fromhex(
    "5cc1c10d0340080330229247f65fb870805ad50e80a48b5afed2f2211011286c7e34f29f6c9228d1f07078e964a62417"
    "363c31b0782ce550f3c3811507a46d95fcd2f0e241040016373d1f000000ffff"
)


def _packing(types: dict[str, str]):
    room = np.zeros(len(PACKED) // 8 + 2, np.int64)
    expected = np.frombuffer(PACKED.ljust(room.nbytes, b"\0"), "<i8")
    scratch = np.zeros(1 << 16), np.zeros(513), np.zeros((13, 1024))
    yield (RUNS, 0, room, [0], *scratch), {"out": expected, "used": [len(PACKED)]}


def _channels(types: dict[str, str]):
    # windows of 2 x 2 taps on 3 channels, rows joined; 70 channels of the result, then 9 in a short panel
    picture = _picture(5, 4 * 3).reshape(5, 4, 3) - 3
    windows = np.dstack([picture[k : k + 4, m : m + 3] for k in range(2) for m in range(2)]).reshape(12, 12)
    bases = np.array([12 * y + 3 * x for y in range(4) for x in range(3)])
    for widths, columns in (((64, 64), 70), ((16,), 9), ((64, 16), 77)):
        panels, each, offsets = [], [], []
        for number, width in enumerate(widths):
            at = sum(widths[:number])
            panels.append([0, 5 + at, min(width, columns - at), width, 12 * at, at])
            each.append(_picture(12, 91)[:, number : number + width] - 3)
            offsets.append(_picture(1, 99)[:, number : number + width])
        sums = windows @ np.hstack(each) + np.hstack(offsets)
        flat = np.concatenate([weights.reshape(1, -1) for weights in each], axis=1)
        pieces, parts = [[0, 6], [12, 2], [14, 4]], [[0, 2, 0], [2, 3, 8]]
        for low, high, count in ((-50, 60, 12), (-np.inf, np.inf, 11)):
            expected = np.zeros((count, 90))
            expected[:, 5 : 5 + columns] = np.clip(sums[:count, :columns], low, high)
            given = (picture.reshape(1, -1), 0, np.zeros((12, 64)), np.zeros((count, 90)), 0, len(panels), bases)
            yield (*given, pieces, parts, panels, flat, np.hstack(offsets), [low, high]), expected


def _taps(types: dict[str, str]):
    picture = _picture(5, 4 * 100).reshape(5, 4, 100) - 3
    bases, taps = np.array([400 * y + 100 * x for y in range(4) for x in range(3)]), np.array([0, 100, 400, 500])
    weights, bias = _picture(4, 176) - 3, _picture(1, 176)
    windows = np.stack([picture[k : k + 4, m : m + 3].reshape(12, 100) for k in range(2) for m in range(2)])
    sums = (windows * weights[:, None, :100]).sum(axis=0) + bias[:, :100]
    source = np.concatenate([picture.reshape(1, -1), np.zeros((1, 64))], axis=1)
    for low, high, count in ((-5, 20, 12), (-np.inf, np.inf, 11)):
        given = (bases, taps, weights, bias, [low, high])
        yield (source, np.zeros((count, 100)), *given), np.clip(sums[:count], low, high)


def _products(types: dict[str, str]):
    for rows, count in ((7, 150), (4, 32), (5, 5)):
        weights, values, bias = _picture(rows, count) - 3, _picture(1, count) - 2, np.arange(rows)
        yield (weights, values, bias, np.zeros(rows)), weights @ values[0] + bias


def _gelu(types: dict[str, str]):
    # exp(-t^2 / 2) by a power of 2, times 1 + 2 u + 4 u^2; two vectors of 64, beyond `end` on both sides
    x = np.linspace(-6, 6, 128, dtype=np.float32).astype(float)
    t = np.minimum(np.abs(x), 5)
    u = (t - 3) / (t + 3)
    expected = np.maximum(x, 0) - t * 2.0 ** (-0.5 * t * t) * (1 + 2 * u + 4 * u * u)
    yield (x[None], [4, 2, 1], 3.0, 5.0, -0.5), expected[None]


def _top(types: dict[str, str]) -> float:
    target = DTYPES[types["O"]]
    return float(np.iinfo(target).max) if target.kind == "u" else -1.0


_CASES = {
    **RANKS,
    "dense.correlate_dense": correlation("dense"),
    "separable.correlate_separable": correlation("separable"),
    "box.sum_box": correlation("box", whole=True),
    "float_box.sum_float_box": correlation("box"),
    "interpolate.interpolate": _interpolation,
    "alpha.weigh": _weighing,
    "alpha.unweigh": _unweighing,
    "alpha.fill_empty": _filling,
    "combine.combine": _combining,
    "unsharp.add_detail": _detailing,
    "bilateral.smooth_alike": _smoothing_alike,
    "moments.sum_moments": _moments(True),
    "moments.combine_moments": _moments(False),
    "pool.extreme": _pooled_extremes,
    "pool.total": _pooled_totals,
    "deflate.pack_runs": _packing,
    "huffman.follow_scan": follow_scan,
    "channels.sum_channels": _channels,
    "channels.sum_taps": _taps,
    "matrix.multiply": _products,
    "activation.gelu": _gelu,
    "scanline.filter_rows": _filtering,
    "scanline.unfilter_rows": _unfiltering,
    "scanline.look_up": _looking_up,
    "scanline.add_alpha": _keying,
}
