"""`imconv box`: exact means, rounded half up, computed again with whole numbers."""

import numpy as np
import pytest

from imconv import box_blur, read


def exact_box(pixels, rows, columns, mode="symmetric"):
    """The mean over rows x columns in whole numbers, rounded half up; even sizes reach further before the pixel."""
    before = rows // 2, columns // 2
    after = rows - 1 - before[0], columns - 1 - before[1]
    pads = [(before[0], after[0]), (before[1], after[1])] + [(0, 0)] * (pixels.ndim - 2)
    padded = np.pad(pixels.astype(np.int64), pads, mode)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (rows, columns), axis=(0, 1))
    return half_up(windows.sum(axis=(-1, -2)), rows * columns)


def half_up(sums, count):
    return (2 * sums + count) // (2 * count)


@pytest.mark.parametrize("name", ["rgb.png", "grey.png", "grey16.png"])
@pytest.mark.parametrize(
    ("size", "rows", "columns"),
    [("1", 1, 1), ("3", 3, 3), ("4", 4, 4), ("1x9", 1, 9), ("6X3", 6, 3), ("2,5", 2, 5), ("23", 23, 23)],
)
def test_every_pixel_is_exact(succeeds, folder, load, name, size, rows, columns):
    succeeds("box", name, "out.png", "--size", size)
    np.testing.assert_array_equal(load("out.png"), exact_box(load(name), rows, columns))


@pytest.mark.parametrize(("border", "mode"), [("mirror", "reflect"), ("nearest", "edge"), ("wrap", "wrap")])
def test_borders(succeeds, folder, load, border, mode):
    succeeds("box", "rgb.png", "out.png", "--size", 5, "--border", border)
    np.testing.assert_array_equal(load("out.png"), exact_box(load("rgb.png"), 5, 5, mode))


def test_tiles(succeeds, folder, load):
    succeeds("box", "rgb.png", "out.png", "--size", 8, "--stride", 8, "--pad", "valid")
    tiles = load("rgb.png")[:24, :24].astype(np.int64).reshape(3, 8, 3, 8, 3)
    np.testing.assert_array_equal(load("out.png"), half_up(tiles.sum(axis=(1, 3)), 64))


def test_alpha_weighs_the_colour_exactly(succeeds, folder, load):
    succeeds("box", "rgba.png", "out.png", "--size", 3)
    before, after = load("rgba.png").astype(np.int64), load("out.png")
    pads = [(1, 1), (1, 1), (0, 0)]

    def sums(values):
        padded = np.pad(values, pads, "symmetric")
        return np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1)).sum(axis=(-1, -2))

    weight = sums(before[..., 3:])
    np.testing.assert_array_equal(after[..., 3:], half_up(weight, 9))
    seen = weight[..., 0] > 0
    expected = half_up(sums(before[..., :3] * before[..., 3:])[seen], weight[seen])
    np.testing.assert_array_equal(after[seen][:, :3], expected)


def test_float_means_keep_their_fractions(succeeds, folder, load):
    succeeds("box", "float.tif", "out.tif", "--size", 3)
    padded = np.pad(load("float.tif").astype(np.float64), 1, "symmetric")
    expected = np.lib.stride_tricks.sliding_window_view(padded, (3, 3)).mean(axis=(-1, -2))
    np.testing.assert_allclose(load("out.tif"), expected, atol=1e-6)


def test_equals_the_python_function(succeeds, folder):
    succeeds("box", "rgba.png", "out.png", "--size", "3x7", "--pad", "full", "--alpha", "keep")
    expected = box_blur(read("rgba.png"), (3, 7), pad="full", alpha="keep")
    np.testing.assert_array_equal(read("out.png").pixels, expected.pixels)


def test_a_box_larger_than_the_picture(succeeds, folder, load):
    succeeds("box", "grey.png", "out.png", "--size", 101)
    np.testing.assert_array_equal(load("out.png"), exact_box(load("grey.png"), 101, 101))
