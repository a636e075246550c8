"""Gaussian and box: agreement with scipy.ndimage, the error bound against the exact Gaussian, units."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

import imconv
from imconv.filters.arguments import parse_sigma
from imconv.filters.blur_kernels import box_kernel, gaussian_kernel
from imconv.geometry.sizes import parse_window_size
from tests import naive
from tests.bounds import FLOAT64
from tests.cases import laid_out, picture
from tests.refused import refused

SCIPY = {"reflect": "reflect", "mirror": "mirror", "nearest": "nearest", "constant": "constant", "wrap": "grid-wrap"}
TO_SCIPY = 1e-12  # promised for a direct sum with truncate; pictures here have samples of about 1
FROM_EXACT = 0.05 / 255  # of one 8-bit level, for a picture from 0 to 1
TO_4_DIGITS = 1e-4  # where the contract itself gives a number with five or six digits


@pytest.mark.parametrize("sigma", [0.1, 0.3, 0.5, 0.8, 1, 1.7, 3, 6.5, (2, 0.7), (0, 1.5), (2, 0), 0])
@pytest.mark.parametrize("mode", SCIPY)
def test_scipy_agrees_with_a_direct_sum(sigma, mode):
    image = np.random.default_rng(1).random((31, 40))
    expected = ndimage.gaussian_filter(image, sigma, mode=SCIPY[mode], truncate=4.0)
    np.testing.assert_allclose(
        imconv.gaussian_blur(image, sigma, truncate=4.0, border=mode), expected, rtol=0, atol=TO_SCIPY
    )


@pytest.mark.parametrize("truncate", [0, 1, 2.5, 4, 6])
def test_scipy_agrees_for_every_truncation(truncate):
    image = np.random.default_rng(2).random((31, 40, 3))
    expected = ndimage.gaussian_filter(image, (2.3, 1.1, 0), truncate=truncate)
    np.testing.assert_allclose(
        imconv.gaussian_blur(image, (2.3, 1.1), truncate=truncate), expected, rtol=0, atol=TO_SCIPY
    )


def exact_gaussian(sigma: float, radius: int) -> np.ndarray:
    """Untruncated, but for what float64 can't tell from nothing."""
    x = np.arange(-radius, radius + 1)
    far = np.arange(-math.ceil(40 * sigma) - radius, math.ceil(40 * sigma) + radius + 1)
    return np.exp(-0.5 * (x / sigma) ** 2) / math.fsum(np.exp(-0.5 * (far / sigma) ** 2))


@pytest.mark.parametrize("sigma", [0.1, 0.2, 0.37, 0.5, 0.62, 0.87, 1, 1.12, 2, 3.1, 5, 10, 30])
def test_the_exact_gaussian_is_near(sigma):
    """Of two kernels that sum to 1 half the sum of the differences is the worst they differ by on samples 0 to 1."""
    radius = max(3, math.ceil(9 * sigma))
    spot = np.zeros((2 * radius + 1, 2 * radius + 1))
    spot[radius, radius] = 1
    response = imconv.gaussian_blur(spot, sigma, border="constant")
    row = exact_gaussian(sigma, radius)
    assert np.abs(response - np.outer(row, row)).sum() / 2 <= FROM_EXACT


@pytest.mark.parametrize("sigma", [100, 1000, 10_000])
def test_any_sigma_works(sigma):
    """So wide a Gaussian over a reflected picture is its mean."""
    image = np.random.default_rng(3).random((6, 5)).astype(np.float32)
    np.testing.assert_allclose(imconv.gaussian_blur(image, sigma), image.mean(), rtol=0, atol=FROM_EXACT)


def test_a_flat_picture_stays_flat():
    for dtype in ("uint8", "uint16"):
        image = np.full((9, 8), np.iinfo(dtype).max, dtype)
        np.testing.assert_array_equal(imconv.gaussian_blur(image, 2.2), image)


def test_sigma_0_leaves_an_axis_alone():
    image = picture("uint8", (7, 8), 4)
    np.testing.assert_array_equal(imconv.gaussian_blur(image, 0), image)
    assert gaussian_kernel((0, 2)).shape == (1, 17)
    assert gaussian_kernel((0.1, 0.1)).shape == (1, 1)


def test_units():
    assert parse_sigma(2) == (2, 2)
    assert parse_sigma("2,3") == parse_sigma((2, 3)) == parse_sigma(np.array([2, 3])) == (2, 3)
    assert parse_sigma("3%", 200) == (6, 6)
    assert parse_sigma("fwhm:7")[0] == pytest.approx(7 / 2.35482, rel=TO_4_DIGITS)
    assert parse_sigma("opencv-ksize:9")[0] == pytest.approx(0.3 * ((9 - 1) / 2 - 1) + 0.8)
    assert parse_sigma("fwhm:7,opencv-ksize:3") == (parse_sigma("fwhm:7")[0], parse_sigma("opencv-ksize:3")[0])
    image = np.random.default_rng(5).random((30, 50))
    np.testing.assert_array_equal(imconv.gaussian_blur(image, "4%"), imconv.gaussian_blur(image, 2))
    planes = np.random.default_rng(5).random((3, 30, 50))
    np.testing.assert_array_equal(
        imconv.gaussian_blur(planes, "4%", channel_axis=0), imconv.gaussian_blur(planes, 2, channel_axis=0)
    )
    middle = np.random.default_rng(5).random((30, 3, 50))
    np.testing.assert_array_equal(
        imconv.gaussian_blur(middle, "4%", channel_axis=1), imconv.gaussian_blur(middle, 2, channel_axis=1)
    )


@pytest.mark.parametrize(
    "sigma", [-1, 10_001, math.nan, math.inf, None, "", "abc", "fwhm:", "1,2,3", (1, 2, 3), "-3%", "x%"]
)
def test_sigmas_that_are_none(sigma):
    refused(imconv.ImconvError, r"sigma|fwhm|opencv-ksize", imconv.gaussian_blur, np.zeros((4, 4)), sigma)


@pytest.mark.parametrize("truncate", [-1, math.nan, math.inf, "far"])
def test_truncations_that_are_none(truncate):
    refused(imconv.ImconvError, "truncate", imconv.gaussian_blur, np.zeros((4, 4)), 1, truncate=truncate)


# --- box ---
@given(st.tuples(st.integers(1, 9), st.integers(1, 9)), st.sampled_from(list(SCIPY)), st.integers(0, 99))
def test_box_is_uniform_filter(size, mode, seed):
    image = np.random.default_rng(seed).random((10, 11))
    expected = ndimage.uniform_filter(image, size, mode=SCIPY[mode])
    allowed = 10 * FLOAT64  # uniform_filter keeps a running sum
    np.testing.assert_allclose(imconv.box_blur(image, size, border=mode), expected, rtol=0, atol=allowed)


@given(
    st.tuples(st.integers(1, 6), st.integers(1, 6)),
    st.sampled_from(["uint8", "uint16", "int16", "bool"]),
    st.sampled_from([*SCIPY, "normalized"]),
    st.sampled_from(["plain", "sliced"]),
    st.integers(0, 99),
)
def test_box_is_exact(size, dtype, border, layout, seed):
    image = laid_out(picture(dtype, (5, 7, 2), seed), layout)
    weights = [[naive.Fraction(1, size[0] * size[1])] * size[1] for _ in range(size[0])]
    np.testing.assert_array_equal(
        imconv.box_blur(image, size, border=border), naive.correlate(image, weights, border=border)
    )


@pytest.mark.parametrize("size", [1, 2, 31, 200, 1001])
def test_large_boxes_are_exact(size):
    image = picture("uint8", (9, 11), 6)
    at = np.arange(-(size // 2), size - size // 2)
    rows = [[naive.source_index("reflect", i + int(k), 9) for k in at] for i in range(9)]
    columns = [[naive.source_index("reflect", j + int(k), 11) for k in at] for j in range(11)]
    totals = image.astype(int)[rows].sum(axis=1)[:, columns].sum(axis=2)
    expected = [[naive.round_half_up(naive.Fraction(int(t), size * size)) for t in row] for row in totals]
    np.testing.assert_array_equal(imconv.box_blur(image, size), expected)


def test_sizes_of_boxes():
    assert (
        parse_window_size("3x5")
        == parse_window_size("3X5")
        == parse_window_size("3,5")
        == parse_window_size((3, 5))
        == (3, 5)
    )
    assert parse_window_size(4) == parse_window_size("4") == (4, 4)
    assert box_kernel((4, 3)).anchor == (2, 1)
    assert box_kernel(3).denominator == 9


@pytest.mark.parametrize("size", [0, -1, 2.5, "3x", "x3", "3x4x5", None, math.nan, math.inf, 10**9, (1, 2, 3)])
def test_sizes_that_are_none(size):
    refused(imconv.ImconvError, "size", imconv.box_blur, np.zeros((4, 4)), size)


@pytest.mark.parametrize("name", ["gaussian_blur", "box_blur", "sharpen", "unsharp_mask", "correlate", "convolve"])
def test_unknown_keywords_are_type_errors(name):
    with pytest.raises(TypeError, match=rf"{name}\(\) got an unexpected keyword argument 'bordr'"):
        getattr(imconv, name)(np.zeros((4, 4)), 1, bordr="wrap")


@pytest.mark.parametrize("size", [3, 9, 31])
def test_boxes_of_many_planes(size):
    """Planes first, any number of them: each as if it were alone."""
    planes = np.random.default_rng(2).integers(0, 256, (7, 40, 53)).astype(np.uint8)
    expected = np.stack([imconv.box_blur(plane, size) for plane in planes])
    np.testing.assert_array_equal(imconv.box_blur(planes, size, channel_axis=0), expected)
    for function in (imconv.local_deviation, imconv.median):
        expected = np.stack([function(plane, size) for plane in planes])
        np.testing.assert_array_equal(function(planes, size, channel_axis=0), expected)


def test_a_high_float_box_keeps_the_bound():
    """Equal samples, whose sums are all rounded the same way."""
    level = np.float32(1 + 5 * 2**-23)
    image = np.full((5000, 64), level, np.float32)
    for size in ((5000, 1), (301, 301), (64, 1024), (1, 5000)):
        result = imconv.box_blur(image, size, border="nearest")
        np.testing.assert_allclose(result[::97], level, rtol=1e-6)
