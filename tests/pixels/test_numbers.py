"""Pixel types, accumulation, bounds for large kernels, range policies, NaN and infinity."""

import math
import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import imconv
from imconv import Kernel
from imconv.pixels.rounding import Tally
from tests import naive
from tests.bounds import FLOAT32, FLOAT64, TIE_8BIT, TIE_16BIT, assert_levels
from tests.cases import FLOATS, WHOLE, cases, picture
from tests.executing import execute
from tests.refused import refused

SHIFT = [[1]]  # the identity
BIG_SIDE = 31


def reference(image, weights, border="nearest") -> np.ndarray:
    """Float64 correlation of a whole picture, one tap at a time, summed twice as precisely as float64 needs."""
    pads = [(n // 2, n - 1 - n // 2) for n in weights.shape]
    padded = np.pad(image.astype(np.longdouble), pads, mode={"nearest": "edge", "reflect": "symmetric"}[border])
    total = np.zeros(image.shape, np.longdouble)
    for k, row in enumerate(weights):
        for m, weight in enumerate(row):
            total += np.longdouble(weight) * padded[k : k + image.shape[0], m : m + image.shape[1]]
    return total.astype(np.float64)


def disc(radius: int) -> np.ndarray:
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return (x * x + y * y <= radius * radius).astype(float)


LARGE = {
    "random": np.random.default_rng(1).random((BIG_SIDE, BIG_SIDE)),
    "ramp": np.arange(1.0, BIG_SIDE**2 + 1).reshape(BIG_SIDE, BIG_SIDE) * 0.0123456789,
    "disc": disc(15) * 0.00131234567,  # equal weights: their roundings add up instead of cancelling
    "outer": np.outer(np.sqrt(np.arange(1, 32)), np.cbrt(np.arange(3, 34))) / 997,
}


@pytest.mark.parametrize("name", LARGE)
@pytest.mark.parametrize("content", ["noise", "flat"])
def test_large_positive_kernels_in_float32(name, content):
    weights = LARGE[name]
    image = (
        picture("uint16", (17, 19), 2).astype(np.float32) / 3 if content == "noise" else np.full((17, 19), 0.3, "f4")
    )
    result = imconv.correlate(image, weights, border="nearest")
    allowed = FLOAT32 * weights.sum() * image.max()
    np.testing.assert_allclose(result, reference(image, weights), rtol=0, atol=allowed)


@pytest.mark.parametrize("value", [0.8520259857177734, 0.9697132110595703, 1.0372333526611328, 1.103464126586914])
@pytest.mark.parametrize("side", [21, 22])
def test_flat_float32_pictures_under_nearly_equal_weights(value, side):
    """Equal terms round alike: the errors of a running sum add up in one direction. These values are bad ones."""
    weights = np.full((3, side), value)
    weights[0, 0] *= 1.0001  # no outer product, no fraction
    image = np.ones((2, 3), np.float32)
    allowed = FLOAT32 * weights.sum()
    np.testing.assert_allclose(imconv.correlate(image, weights), reference(image, weights), rtol=0, atol=allowed)


@pytest.mark.parametrize(("dtype", "near_tie"), [("uint8", TIE_8BIT), ("uint16", TIE_16BIT)])
@pytest.mark.parametrize("name", LARGE)
def test_large_positive_kernels_on_integers(name, dtype, near_tie):
    weights = LARGE[name] / LARGE[name].sum() * 0.97531
    image = picture(dtype, (17, 19), 4)
    assert_levels(imconv.correlate(image, weights, border="nearest"), reference(image, weights), near_tie)


@pytest.mark.parametrize("radius", [5, 9, 12, 15, 18])
def test_equal_weights_on_a_white_picture(radius):
    """The value before rounding, seen through a float32 result, is what the 8-bit bound is about."""
    weights, white = disc(radius), np.full((1, 4), 255, np.uint8)
    for share in np.linspace(0.5, 1, 25):
        scaled = weights / weights.sum() * share
        value = float(imconv.correlate(white, scaled, dtype="float32")[0, 0])
        exact = 255 * math.fsum(scaled.ravel())
        assert abs(value - exact) <= TIE_8BIT + exact * 2.0**-24  # its own rounding to float32


@pytest.mark.parametrize("sigma", [0.5, 0.8, 1, 1.5, 2, 3, 5, 8, 12, 20])
@pytest.mark.parametrize(("dtype", "near_tie"), [("uint8", TIE_8BIT), ("uint16", TIE_16BIT)])
def test_gaussians_on_integers(sigma, dtype, near_tie):
    image = picture(dtype, (23, 29), 5)
    exact = imconv.gaussian_blur(image.astype(np.float64), sigma, truncate=4.0)
    assert_levels(imconv.gaussian_blur(image, sigma, truncate=4.0), exact, near_tie)


@pytest.mark.parametrize("sigma", [0.5, 2, 8, 30])
def test_gaussians_in_float32(sigma):
    image = np.random.default_rng(6).random((40, 31)).astype(np.float32) * 1000
    exact = imconv.gaussian_blur(image.astype(np.float64), sigma, truncate=4.0)
    result = imconv.gaussian_blur(image, sigma, truncate=4.0)
    np.testing.assert_allclose(result, exact, rtol=0, atol=FLOAT32 * image.max())


@settings(max_examples=80)
@given(cases(("uint8", "uint16", "int16", "int32"), positive=True), st.sampled_from(["clip", "abs", "offset", "stretch"]),
       st.sampled_from([0, -300, Fraction(1, 2), Fraction(-7, 3)]), st.sampled_from([None, "uint16", "int16"]))  # fmt: skip
def test_range_policies(case, policy, offset, dtype):
    weights = [[(-1) ** (k + m) * w for m, w in enumerate(row)] for k, row in enumerate(case.weights)]
    geometry = {**case.geometry.options(), "range": policy, "offset": offset, "dtype": dtype}
    if case.geometry.border == "normalized":
        geometry["border"] = "reflect"
    given = {**case.geometry.naive(), "border": geometry["border"].split(":")[0], "offset": offset}
    try:
        expected = naive.correlate(case.image, weights, policy=policy, dtype=dtype, **given)
    except naive.NoOutput:
        return
    result = imconv.correlate(case.image, Kernel(weights), **geometry)
    if policy == "stretch":  # from the smallest to the largest: divides by what no common denominator helps with
        np.testing.assert_allclose(result.astype(float), expected.astype(float), rtol=0, atol=1)
        np.testing.assert_array_equal(result == np.iinfo(result.dtype).max, expected == np.iinfo(result.dtype).max)
    else:
        np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("divisor", [9, 100, 999, 1000, 4096, 30_000, 100_001])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_range_offset_is_exact_for_large_divisors(divisor, dtype):
    image = np.arange(256, dtype=np.uint8).reshape(16, 16)
    weights = [[Fraction(divisor // 2, divisor), Fraction(-1, divisor)]]
    result = imconv.correlate(image, Kernel(weights), range="offset", dtype=dtype)
    np.testing.assert_array_equal(result, naive.correlate(image, weights, policy="offset", dtype=dtype))


def test_range_error_names_the_way_out():
    image = np.array([[100, 200]], np.uint8)
    refused(imconv.ImconvError, r"0\.\.255.*clip", imconv.correlate, image, [[2]], range="error")
    assert imconv.correlate(image, [[Fraction(51, 40)]], range="error").tolist() == [[128, 255]]
    assert imconv.correlate(image, [[1.2771]], range="error").tolist() == [[128, 255]]  # 255.42 rounds to 255


def test_range_stretch_spans_the_type():
    image = np.array([[10, 20, 30]], np.uint8)
    assert imconv.correlate(image, SHIFT, range="stretch").tolist() == [[0, 128, 255]]
    assert imconv.correlate(image.astype("f4"), SHIFT, range="stretch").tolist() == [[0, 0.5, 1]]
    assert imconv.correlate(image.astype("i1"), SHIFT, range="stretch").tolist() == [[-128, 0, 127]]
    assert imconv.correlate(np.full((2, 2), 9, np.uint8), SHIFT, range="stretch").tolist() == [[0, 0], [0, 0]]


EXTREMES = [
    math.inf, -math.inf, 3e38, -3e38, 1e19, -1e19, 5e9, -5e9, 3e9, -3e9, 70000.0, -70000.0, 0.5, -0.5, -0.51, 254.5,
]  # fmt: skip


@pytest.mark.parametrize("source", ["float16", "float32", "float64"])
@pytest.mark.parametrize("target", ["bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"])
def test_saturation_never_wraps(source, target):
    with np.errstate(over="ignore"):
        image = np.array([EXTREMES]).astype(source)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = imconv.correlate(image, SHIFT, dtype=target)
    np.testing.assert_array_equal(result, naive.correlate(image, SHIFT, dtype=target))


@pytest.mark.parametrize("dtype", [d for d in WHOLE if d != "bool"])
def test_the_ends_of_every_integer_type_stay(dtype):
    info = np.iinfo(dtype)
    image = np.array([[info.min, info.max]], dtype)
    assert imconv.correlate(image, SHIFT).tolist() == [[info.min, info.max]]
    assert imconv.correlate(image, [[2]]).tolist() == [[2 * info.min if info.min == 0 else info.min, info.max]]


@pytest.mark.parametrize("dtype", WHOLE + FLOATS)
def test_the_result_has_the_pictures_type(dtype):
    image = picture(dtype, (4, 5), 7)
    result = imconv.correlate(image, SHIFT)
    assert result.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(result, image)


@pytest.mark.parametrize("source", ["uint8", "uint16", "int32", "float64"])
def test_a_float64_result_is_as_precise_as_float64(source):
    image = np.array([[1, 2, 3]], source)
    np.testing.assert_allclose(imconv.correlate(image, [[1 / 3]], dtype="float64"), [[1 / 3, 2 / 3, 1]], rtol=FLOAT64)


@pytest.mark.parametrize("dtype", ["complex64", "object", "U3", "longdouble", "datetime64[s]"])
def test_other_types_are_refused(dtype):
    image = np.zeros((2, 2), dtype)
    if np.dtype(dtype).kind == "f" and image.dtype.itemsize <= 8:
        pytest.skip("no longer float here")
    for options in ({"image": image}, {"image": np.zeros((2, 2)), "dtype": dtype}):
        refused(imconv.ImconvError, "pixels must be", imconv.correlate, kernel=SHIFT, **options)
    refused(imconv.ImconvError, "bogus", imconv.correlate, np.zeros((2, 2)), SHIFT, dtype="bogus")


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kernel", ["dense", "outer", "outer with zeros"])
def test_nan_and_infinity_stay_within_the_window(bad, dtype, kernel):
    weights = {"dense": np.array([[2.0, 3, 5], [7, 11, 13], [17, 19, 0]]), "outer": np.outer([1.0, 2, 3], [5, 7, 11]),
               "outer with zeros": np.outer([0, 0.3337, 0.777], [0.1234567, 0.919191, 0])}[kernel]  # fmt: skip
    image = np.arange(72.0).reshape(8, 9).astype(dtype)
    image[3, 4] = bad
    result = imconv.correlate(image, weights)
    expected = naive.correlate(image, weights.tolist())
    np.testing.assert_array_equal(np.isnan(result), np.isnan(expected))
    np.testing.assert_array_equal(np.isposinf(result), np.isposinf(expected))
    np.testing.assert_array_equal(np.isneginf(result), np.isneginf(expected))
    outside = np.ones(image.shape, bool)
    outside[2:5, 3:6] = False
    assert np.isfinite(result[outside]).all()
    assert not np.isfinite(result[~outside]).any()


def test_nan_becomes_0_in_an_integer_with_a_warning_that_counts():
    image = np.array([[1, math.nan, 3, math.inf]], np.float32)
    with pytest.warns(RuntimeWarning, match="1 result"):
        result = imconv.correlate(image, SHIFT, dtype="uint8")
    assert result.tolist() == [[1, 0, 3, 255]]
    for policy in ("abs", "offset"):
        with pytest.warns(RuntimeWarning):
            assert imconv.correlate(image, SHIFT, dtype="uint8", range=policy, offset=7)[0, 1] == 0


def test_a_tally_counts_what_was_lost():
    tally = Tally()
    execute(imconv.plan((1, 4), "uint8", [[2]]), np.array([[0, 100, 127, 200]], np.uint8), tally=tally)
    assert (tally.samples, tally.clipped, tally.nans) == (4, 1, 0)


@pytest.mark.parametrize("offset", [math.nan, math.inf, "abc", [1, 2], 10**400], ids=lambda o: str(o)[:6])
def test_an_offset_that_is_no_number_is_refused(offset):
    refused(imconv.ImconvError, "offset", imconv.correlate, np.zeros((2, 2), np.uint8), SHIFT, offset=offset)
