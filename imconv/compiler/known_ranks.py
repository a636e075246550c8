"""What loops for order statistics must give: windows of 5 x 5, or some of their cells, in a picture whose border is there."""

from __future__ import annotations

import numpy as np

from ..stages.ranking.footprint import Footprint
from ..stages.ranking.sorting_network import make_network
from .sample_pictures import COLUMNS, DTYPES, ROWS
from .sample_pictures import picture as _picture

CELLS = np.add.outer(np.arange(5), np.arange(5)) % 4 < 3


def _padded() -> tuple[np.ndarray, np.ndarray]:
    """A padded picture with room behind its rows, and its windows' samples in order (25, rows, columns)."""
    padded = np.zeros((ROWS + 4, COLUMNS + 4 + 128))
    padded[:, : COLUMNS + 4] = (_picture(ROWS + 4, COLUMNS + 4) * 37 + np.arange(COLUMNS + 4) ** 2) % 251
    return padded, np.stack([padded[k : k + ROWS, m : m + COLUMNS] for k, m in np.ndindex(5, 5)])


def _of_columns(size: int, extremes: bool = False):
    def cases(types: dict[str, str]):
        margin = size // 2
        picture = _padded()[0][:ROWS, :COLUMNS]
        rows, columns = (np.clip(np.arange(-margin, n + margin), 0, n - 1) for n in picture.shape)
        padded = picture[rows][:, columns]
        windows = [padded[k : k + ROWS, m : m + COLUMNS] for k, m in np.ndindex(size, size)]
        given = (picture, rows, 0, columns, margin, 1, COLUMNS, [0], np.zeros(picture.shape))
        lines = np.zeros((size, COLUMNS + 256))
        if extremes:
            yield (*given, lines, size, size, 0), np.min(windows, axis=0)
            yield (*given, lines, size, size, 1), np.max(windows, axis=0)
        else:
            yield (*given, lines), np.median(windows, axis=0)

    return cases


def _extremes(types: dict[str, str]):
    padded, windows = _padded()
    for largest, expected in enumerate((windows.min(axis=0), windows.max(axis=0))):
        yield (padded, 5, 5, 1, largest, np.zeros((ROWS, COLUMNS)), np.zeros((1, padded.shape[1]))), expected


def _places() -> np.ndarray:
    down, along = np.nonzero(CELLS)
    return down * (COLUMNS + 132) + along


def _extremes_of_taps(types: dict[str, str]):
    padded, windows = _padded()
    windows = windows[CELLS.ravel()]
    for largest, expected in enumerate((windows.min(axis=0), windows.max(axis=0))):
        yield (padded, _places(), largest, np.zeros((ROWS, COLUMNS))), expected


def _network(types: dict[str, str]):
    padded, windows = _padded()
    for mask, cells in ((None, slice(None)), (CELLS.tobytes(), CELLS.ravel())):
        network, out = make_network(Footprint((5, 5), (2, 2), mask), 7), np.zeros((ROWS, COLUMNS))
        lines = np.zeros((1, 320 * (network.lines + 1)))
        yield (padded, network.placed(320, 1), network.tall, 4, 256, out, lines), np.sort(windows[cells], axis=0)[7]


def _turned(types: dict[str, str]) -> tuple:
    """A picture, half of it negative; the same with 0 for 4 and more, which is lost; keys of that; the rule."""
    picture = _picture().astype(DTYPES[types["S"]])
    every = int(np.iinfo(picture.dtype).max)
    picture[1::2] |= (sign := every ^ every >> 1)
    samples = np.where(picture % sign > 3, 0, picture).astype(picture.dtype)
    turned = np.where(samples < sign, sign, every).astype(picture.dtype)
    return picture, samples, samples ^ turned, (sign, every >> 1, 3, 0, sign, every)


def _to_keys(types: dict[str, str]):
    picture, _, keys, rule = _turned(types)
    rows, columns = np.array([1, 0, -1, 2]), np.array([1, 0, *range(COLUMNS), -1])
    keys = np.where((rows < 0)[:, None] | (columns < 0), keys.dtype.type(9), keys[rows][:, columns])
    out = np.zeros((4, columns.size + 128))
    yield (picture, rows, columns, 2, 1, COLUMNS, [9], rule, out), np.pad(keys, ((0, 0), (0, 128)))


def _to_samples(types: dict[str, str]):
    _, samples, keys, rule = _turned(types)
    yield (rule, keys), samples


def _bisection(types: dict[str, str]):
    padded, windows = _padded()
    expected = np.sort(windows[CELLS.ravel()], axis=0)[np.where(np.arange(ROWS) < 6, 3, 7), np.arange(ROWS)]
    kinds = np.where(np.arange(-2, ROWS) < 6, 0, 1)
    for columns in (1, COLUMNS):
        ranks = np.repeat([[3], [7]], columns, axis=1)
        yield (padded, _places(), 8, ranks, kinds, 2, np.zeros((ROWS, COLUMNS))), expected


def _sliding(types: dict[str, str]):
    padded, windows = _padded()
    numbers = (padded[:, : COLUMNS + 4] * 3).astype(np.uint32)  # some blocks of bins
    expected = 3 * np.sort(windows[CELLS.ravel()], axis=0)[np.where(np.arange(ROWS) < 6, 3, 7), np.arange(ROWS)]
    kinds = np.where(np.arange(-2, ROWS) < 6, 0, 1)
    steps = np.diff(CELLS.astype(int), axis=1, prepend=0, append=0)
    runs = np.stack([np.nonzero(steps == 1)[0], np.nonzero(steps == 1)[1], np.nonzero(steps == -1)[1]], axis=1)
    for columns in (1, COLUMNS):
        ranks = np.repeat([[3], [7]], columns, axis=1)
        bins = np.zeros(1024), np.zeros(8)
        yield (numbers, runs, ranks, kinds, 2, np.zeros((ROWS, COLUMNS)), *bins), expected


def _histograms(types: dict[str, str]):
    padded, windows = _padded()
    steps, strip, rank = np.tri(16).T.reshape(1, -1), 62, 9
    count = strip + 4 * 2
    for channels, width in ((1, 5), (2, 3)):  # every other of five columns
        cells = np.indices((5, 5))[1].ravel() % channels == 0
        bins = np.full((1, 16 * count), 7), np.full((1, 256 * count), 7)
        rest = np.zeros((1, 256)), np.zeros(16), np.zeros((1, 16 * strip)), np.zeros(strip)
        yield (
            (padded, 5, width, channels, rank, strip, steps, np.zeros((ROWS, COLUMNS)), *bins, *rest),
            np.sort(windows[cells], axis=0)[rank],
        )


RANKS = {
    "columns.median_9": _of_columns(3),
    "columns.median_25": _of_columns(5),
    "columns.extreme_of_columns": _of_columns(5, extremes=True),
    "extremes.extreme": _extremes,
    "extremes.extreme_of_taps": _extremes_of_taps,
    "sortable.to_keys": _to_keys,
    "sortable.to_samples": _to_samples,
    "network.select": _network,
    "bisection.bisect": _bisection,
    "sliding.select": _sliding,
    "histogram.select": _histograms,
}
