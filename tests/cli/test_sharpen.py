"""`imconv sharpen`: 2 delta - box, exact."""

from fractions import Fraction

import numpy as np
import pytest

from imconv import read, sharpen


def exact_sharpen(pixels, amount=1):
    """(1 + a) f - a mean(3 x 3) in whole numbers, rounded half up, saturated."""
    amount = Fraction(amount)
    pads = [(1, 1), (1, 1)] + [(0, 0)] * (pixels.ndim - 2)
    padded = np.pad(pixels.astype(np.int64), pads, "symmetric")
    sums = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1)).sum(axis=(-1, -2))
    above, below = amount.numerator, amount.denominator
    numerator, denominator = 9 * (above + below) * pixels.astype(np.int64) - above * sums, 9 * below
    return np.clip((2 * numerator + denominator) // (2 * denominator), 0, np.iinfo(pixels.dtype).max)


@pytest.mark.parametrize("name", ["rgb.png", "grey.png", "grey16.png"])
@pytest.mark.parametrize("amount", ["0", "0.3", "1", "2.5", "7"])
def test_every_pixel_is_exact(succeeds, folder, load, name, amount):
    succeeds("sharpen", name, "out.png", "--amount", amount)
    np.testing.assert_array_equal(load("out.png"), exact_sharpen(load(name), amount))


def test_the_amount_is_1_unless_told(succeeds, folder, load):
    succeeds("sharpen", "rgb.png", "out.png")
    np.testing.assert_array_equal(load("out.png"), exact_sharpen(load("rgb.png")))


def test_is_the_library_kernel_of_the_lecture(succeeds, folder, load):
    succeeds("sharpen", "rgb.png", "one.png")
    rows = "-1/9 -1/9 -1/9; -1/9 2-1/9 -1/9; -1/9 -1/9 -1/9"
    succeeds("apply", "rgb.png", "two.png", "--kernel", rows)
    np.testing.assert_array_equal(load("one.png"), load("two.png"))


def test_float_pictures_are_not_clipped(succeeds, folder, load):
    succeeds("sharpen", "float.tif", "out.tif", "--amount", 5)
    before = load("float.tif").astype(np.float64)
    mean = np.lib.stride_tricks.sliding_window_view(np.pad(before, 1, "symmetric"), (3, 3)).mean(axis=(-1, -2))
    np.testing.assert_allclose(load("out.tif"), 6 * before - 5 * mean, atol=2e-5)
    assert load("out.tif").max() > 1


def test_equals_the_python_function(succeeds, folder):
    succeeds("sharpen", "rgba.png", "out.png", "--amount", "1.5", "--stride", "2", "--border", "wrap")
    expected = sharpen(read("rgba.png"), 1.5, stride=2, border="wrap")
    np.testing.assert_array_equal(read("out.png").pixels, expected.pixels)
