"""`imconv unsharp`: f + amount (f - gaussian(f)) where the difference exceeds the threshold."""

import numpy as np
import pytest
from scipy import ndimage

from imconv import read, unsharp_mask


def detail(pixels, sigma, **options):
    sigma = (sigma, sigma, *([0] * (pixels.ndim - 2)))
    return pixels - ndimage.gaussian_filter(pixels.astype(np.float64), sigma, **options)


@pytest.mark.parametrize("name", ["rgb.png", "grey.png", "grey16.png"])
@pytest.mark.parametrize(("sigma", "amount"), [(2, 1), (0.7, 0.5), (3, 2), (2, 0)])
def test_is_the_formula(succeeds, folder, load, name, sigma, amount):
    succeeds("unsharp", name, "out.png", "--sigma", sigma, "--amount", amount)
    before, after = load(name), load("out.png")
    expected = np.clip(before + amount * detail(before, sigma), 0, np.iinfo(before.dtype).max)
    assert np.abs(after - expected).max() <= 0.5 + (0.001 if before.dtype == np.uint8 else 0.05)


@pytest.mark.parametrize("threshold", [5, 40.5])
def test_threshold(succeeds, folder, load, threshold):
    succeeds("unsharp", "rgb.png", "out.png", "--sigma", 2, "--threshold", threshold)
    before, after = load("rgb.png"), load("out.png")
    difference = detail(before, 2)
    sure = np.abs(np.abs(difference) - threshold) > 0.001
    small = np.abs(difference) <= threshold
    np.testing.assert_array_equal(after[small & sure], before[small & sure])
    expected = np.clip(before + difference, 0, 255)
    assert (np.abs(after - expected)[~small & sure] <= 0.501).all()
    assert small.any()
    assert (~small).any()


def test_the_threshold_is_in_sample_units(succeeds, folder, load):
    succeeds("unsharp", "grey16.png", "all.png", "--sigma", 1, "--threshold", 65535)
    np.testing.assert_array_equal(load("all.png"), load("grey16.png"))
    succeeds("unsharp", "float.tif", "out.tif", "--sigma", 1, "--threshold", 0.05)
    before, after = load("float.tif"), load("out.tif")
    difference = detail(before, 1)
    expected = before + np.where(np.abs(difference) > 0.05, difference, 0)
    sure = np.abs(np.abs(difference) - 0.05) > 1e-4
    np.testing.assert_allclose(after[sure], expected[sure], atol=1e-5)


def test_truncate_and_border(succeeds, folder, load):
    succeeds("unsharp", "grey.png", "out.png", "--sigma", 2, "--truncate", 1, "--border", "nearest")
    before = load("grey.png")
    expected = np.clip(before + detail(before, 2, truncate=1, mode="nearest"), 0, 255)
    assert np.abs(load("out.png") - expected).max() <= 0.501


def test_stride_and_padding(succeeds, folder, load):
    before = load("grey.png")
    whole = np.clip(before + detail(before, 1), 0, 255)
    succeeds("unsharp", "grey.png", "out.png", "--sigma", 1, "--stride", 2)
    assert np.abs(load("out.png") - whole[::2, ::2]).max() <= 0.501
    succeeds("unsharp", "grey.png", "out.png", "--sigma", 1, "--pad", "valid")
    assert np.abs(load("out.png") - whole[4:-4, 4:-4]).max() <= 0.501


def test_equals_the_python_function(succeeds, folder):
    options = ("--sigma", "5%", "--amount", "0.8", "--threshold", "3")
    succeeds("unsharp", "rgba.png", "out.png", *options)
    expected = unsharp_mask(read("rgba.png"), "5%", 0.8, 3)
    np.testing.assert_array_equal(read("out.png").pixels, expected.pixels)
