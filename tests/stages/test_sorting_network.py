"""Networks that windows share: every rank of every small window, by their steps alone."""

import numpy as np
import pytest

from imconv.stages.ranking.footprint import Footprint, make_footprint
from imconv.stages.ranking.sorting_network import EXCHANGE, LARGER, LESSER, LOAD, STORE, make_network

RANDOM = np.random.default_rng(31)


def results(network, picture: np.ndarray, columns: int, channels: int) -> np.ndarray:
    """What the steps find in a picture (rows, samples) for its first windows, in lines of no more than they hold."""
    pitch = picture.shape[1]
    lines = np.zeros((network.lines + 1) * pitch, picture.dtype)
    out = np.zeros((network.tall, columns * channels), picture.dtype)
    for kind, low, high, a, b in network.placed(pitch, channels).tolist():
        if kind == STORE:
            out[a] = lines[low : low + columns * channels]
        elif kind == LOAD:
            lines[low : low + pitch] = picture[a]
        else:
            pair = lines[a : a + pitch].copy(), lines[b : b + pitch].copy()
            if kind in (EXCHANGE, LESSER):
                lines[low : low + pitch] = np.minimum(*pair)
            if kind in (EXCHANGE, LARGER):
                lines[high if kind == EXCHANGE else low :][:pitch] = np.maximum(*pair)
    return out


def check(footprint: Footprint, rank: int, channels: int = 1) -> None:
    network = make_network(footprint, rank)
    height, width = footprint.shape
    picture = RANDOM.integers(0, footprint.count + 3, (network.tall + height - 1, (width + 19) * channels))
    windows = [
        picture[y : y + network.tall, x * channels : (x + 20) * channels]
        for y, x in np.argwhere(footprint.cells).tolist()
    ]
    np.testing.assert_array_equal(results(network, picture, 20, channels), np.sort(windows, axis=0)[rank])


@pytest.mark.parametrize("height", range(1, 10))
def test_rectangles_of_every_rank(height):
    for width in range(1, 10):
        if height * width > 2:
            for rank in {0, 1, *range(0, height * width, 5), height * width // 2, height * width - 1}:
                check(Footprint((height, width), (0, 0)), rank, 1 + width % 3)


@pytest.mark.parametrize("shape", [(15, 15), (21, 8), (22, 5), (1, 40), (40, 1), (31, 31)])
def test_large_rectangles(shape):
    count = shape[0] * shape[1]
    for rank in (count // 10, count // 2, count - 2):
        check(Footprint(shape, (0, 0)), rank)


def test_shapes():
    for count in (3, 4, 7, 12, 30):
        cells = np.zeros(48, bool)
        cells[RANDOM.permutation(48)[:count]] = True
        for rank in (0, count // 3, count // 2, count - 1):
            check(Footprint((6, 8), (0, 0), cells.tobytes()), rank, 2)
    check(make_footprint(9, "disk"), 30)
    right = np.array([[0, 0, 1], [0, 1, 1]], bool)  # nothing below the first column
    check(Footprint((2, 3), (0, 0), right.tobytes()), 1)


def test_neighbours_share_work():
    assert len(make_network(make_footprint(11), 60).steps) / 4 < 260  # for a window; alone it takes 1450
