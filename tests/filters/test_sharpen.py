"""Sharpening by the lecture's kernel, and the unsharp mask by its definition."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

import imconv
from imconv.filters.apply import apply
from imconv.filters.sharpen import sharpen_kernel, unsharp_filter
from imconv.options import Options
from imconv.pixels.rounding import Tally
from tests import naive
from tests.bounds import FLOAT32, TIE_8BIT, TIE_16BIT, assert_levels
from tests.cases import picture
from tests.refused import refused

TO_SCIPY = 1e-12  # times the picture's largest sample and the amount


def lecture_kernel(amount: Fraction) -> list:
    """`(1 + amount) delta - amount box(3)`."""
    weights = [[-amount / 9] * 3 for _ in range(3)]
    weights[1][1] += 1 + amount
    return weights


def test_the_lectures_kernel():
    kernel = sharpen_kernel()
    assert (kernel.denominator, kernel.numerators.tolist()) == (9, [[-1, -1, -1], [-1, 17, -1], [-1, -1, -1]])
    assert kernel.sum() == 1


@given(
    st.sampled_from([0, 1, 0.5, 0.3, "0.3", "2.75", 7, 100]),
    st.sampled_from(["uint8", "uint16", "int16"]),
    st.sampled_from(["reflect", "mirror", "constant"]),
    st.integers(0, 99),
)
def test_sharpening_is_exact(amount, dtype, border, seed):
    image = picture(dtype, (5, 6), seed)
    weights = lecture_kernel(Fraction(str(amount)))
    np.testing.assert_array_equal(
        imconv.sharpen(image, amount, border=border), naive.correlate(image, weights, border=border)
    )


def test_amount_0_changes_nothing():
    image = picture("uint8", (9, 9, 3), 1)
    np.testing.assert_array_equal(imconv.sharpen(image, 0), image)
    np.testing.assert_array_equal(imconv.unsharp_mask(image, 2, 0), image)


@pytest.mark.parametrize("amount", [-1, 1001, math.nan, math.inf, "much", None, "1/3x", [1]])
def test_amounts_that_are_none(amount):
    for call in (
        lambda: imconv.sharpen(np.zeros((3, 3)), amount),
        lambda: imconv.unsharp_mask(np.zeros((3, 3)), 1, amount),
    ):
        refused(imconv.ImconvError, "amount", call)


# --- unsharp mask ---
def unsharp(image, sigma, amount, threshold):
    """The definition, in float64."""
    image = image.astype(np.float64)
    sigmas = (*np.broadcast_to(sigma, 2), *([0] * (image.ndim - 2)))
    detail = image - ndimage.gaussian_filter(image, sigmas, truncate=4.0)
    assert np.abs(np.abs(detail) - threshold).min() > 1e-3 or threshold == 0  # none of these pixels is in doubt
    return image + amount * np.where(np.abs(detail) > threshold, detail, 0)


@pytest.mark.parametrize("threshold", [0, 20.25, 1e6])
@pytest.mark.parametrize(("sigma", "amount"), [(1, 1), (2.5, 0.6), ((0.7, 3), 4), (1, 100)])
@pytest.mark.parametrize("channels", [(), (3,)])
@pytest.mark.parametrize("dtype", ["float64", "float32", "uint8", "uint16"])
def test_unsharp_mask_is_its_definition(sigma, amount, threshold, channels, dtype):
    image = (picture("uint8", (13, 17, *channels), 2).astype(np.float64) * (257 if dtype == "uint16" else 1)).astype(
        dtype
    )
    expected = unsharp(image, sigma, amount, threshold)
    result = imconv.unsharp_mask(image, sigma, amount, threshold, truncate=4.0)
    if dtype == "uint8":
        assert_levels(result, expected, TIE_8BIT)
    elif dtype == "uint16":
        assert_levels(result, expected, TIE_16BIT)
    else:
        relative = TO_SCIPY if dtype == "float64" else FLOAT32
        allowed = relative * (1 + 2 * amount) * float(image.max())  # the kernel's sum|h| is at most 1 + 2 amount
        np.testing.assert_allclose(result, expected, rtol=0, atol=allowed)


def test_the_threshold_itself_is_left_alone():
    image = np.array([[10, 10, 10, 90, 90, 90]], np.float64)
    detail = image - imconv.gaussian_blur(image, 1)
    threshold = float(np.abs(detail).max())
    np.testing.assert_array_equal(imconv.unsharp_mask(image, 1, 1, threshold), image)
    changed = imconv.unsharp_mask(image, 1, 1, np.nextafter(threshold, 0)) != image
    assert changed.any()
    assert not changed[0, [0, 1, 4, 5]].any()


def test_unsharp_mask_with_a_stride_samples_the_dense_result():
    image = picture("uint8", (9, 11, 3), 3)
    dense = imconv.unsharp_mask(image, 1.5, 2, 5)
    np.testing.assert_array_equal(imconv.unsharp_mask(image, 1.5, 2, 5, stride=(2, 3)), dense[::2, ::3])


def test_unsharp_mask_leaves_kept_alpha_alone():
    image = picture("uint8", (9, 11, 4), 4)
    result = imconv.unsharp_mask(image, 1.5, 2, has_alpha=True, alpha="unweighted")
    np.testing.assert_array_equal(result[..., 3], image[..., 3])
    np.testing.assert_array_equal(result[..., :3], imconv.unsharp_mask(image[..., :3], 1.5, 2))


def test_an_opaque_picture_is_sharpened_as_one_without_alpha():
    image = picture("uint8", (9, 11, 3), 5)
    opaque = np.dstack([image, np.full(image.shape[:2], 255, np.uint8)])
    result = imconv.unsharp_mask(opaque, 1.5, 2, has_alpha=True)
    assert (result[..., 3] == 255).all()
    assert_levels(result[..., :3], unsharp(image, 1.5, 2, 0), TIE_8BIT)


@pytest.mark.parametrize("threshold", [-1, math.nan, math.inf, "x", None])
def test_thresholds_that_are_none(threshold):
    refused(imconv.ImconvError, "threshold", imconv.unsharp_mask, np.zeros((3, 3)), 1, 1, threshold)


def test_unsharp_mask_takes_no_offset():
    refused((imconv.ImconvError, TypeError), "offset", imconv.unsharp_mask, np.zeros((3, 3)), 1, offset=3)


@pytest.mark.parametrize("threshold", [0, 2.5])
@pytest.mark.parametrize("alpha", [None, "weight", "separate", "keep", "unweighted"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
def test_the_compiled_loop_does_what_the_call_does(dtype, alpha, threshold):
    """With a tally every band goes through `Detail.__call__`, without one through the loop where it can."""
    rng = np.random.default_rng(5)
    image = rng.integers(0, 256, (70, 90, 4)).astype(dtype)
    if image.dtype.kind == "f":
        image[30, 40] = np.nan
        image[50, 60, 0] = np.inf
    image = image.astype(dtype)
    options = Options() if alpha is None else Options(alpha=alpha, has_alpha=True)
    work = unsharp_filter(1.3, 0.8, threshold, None, 90, options).blur
    with np.errstate(all="ignore"):
        called = apply(work, image, tally=Tally())
        np.testing.assert_array_equal(apply(work, image), called)
