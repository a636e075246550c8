"""The bilateral filter against its definition and OpenCV."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

import imconv
from imconv.filters.bilateral import bilateral_filter
from imconv.options import Options
from tests import naive
from tests.bounds import TIE_8BIT, TIE_16BIT, assert_levels
from tests.cases import FLOATS, LAYOUTS, WHOLE, laid_out, picture
from tests.executing import threads_and_bands_change_nothing
from tests.refused import refused

FLOAT32 = 1e-6  # times the largest difference: two sums of 29 float32, and powers of 2 within 6e-7
FLOAT64 = 1e-13
BORDERS = ("reflect", "mirror", "nearest", "constant", "wrap", "normalized")
TABLE = 2e-3  # OpenCV's table of weights is linear between 4096 places over the picture's range

rng = np.random.default_rng(8)
floats = rng.random((23, 31))


def expected_for(image, *args, **how):
    deep = image if image.ndim == 3 else image[..., None]
    return naive.bilateral(deep, *args, **how).reshape(image.shape)


def assert_right(result, exact, source):
    if result.dtype.kind == "f":
        narrow = np.dtype(source).itemsize <= 4 and np.dtype(source).kind == "f"
        span = float(np.abs(exact).max()) or 1.0
        np.testing.assert_allclose(result, exact, rtol=0, atol=(FLOAT32 if narrow else FLOAT64) * 2 * span)
    else:
        near = {1: TIE_8BIT, 2: TIE_16BIT}.get(result.dtype.itemsize, TIE_8BIT)
        assert_levels(result, exact, near)


@given(
    st.sampled_from(["uint8", "uint16", "float32", "float64"]),
    st.tuples(st.integers(1, 9), st.integers(1, 12)),
    st.sampled_from([None, 1, 2, 3, 4]),
    st.integers(0, 5),
    st.sampled_from(BORDERS),
    st.sampled_from(LAYOUTS),
    st.integers(0, 99),
)
def test_the_definition(dtype, shape, channels, radius, border, layout, seed):
    shape = shape if channels is None else (*shape, channels)
    image = laid_out((np.random.default_rng(seed).random(shape) * 250).astype(dtype), layout)
    name = "constant:30" if border == "constant" else border
    result = imconv.bilateral(image, 1.7, 60, radius=radius, border=name)
    assert result.dtype == image.dtype
    assert_right(result, expected_for(image, 1.7, 60, radius, border=border, fill=30.0), image.dtype)


@pytest.mark.parametrize("dtype", [*WHOLE, *FLOATS])
def test_every_type(dtype):
    image = picture(dtype, (9, 11, 3), 4)
    span = float(np.ptp(image.astype(np.float64)))
    exact = expected_for(image, 1.2, span / 3, 2)
    result = imconv.bilateral(image, 1.2, span / 3, radius=2)
    assert result.dtype == image.dtype.newbyteorder("=")
    scale = np.abs(image.astype(np.float64)).max()
    if result.dtype == np.float16:
        np.testing.assert_allclose(result, exact, rtol=2**-10, atol=2**-24)
    elif result.dtype.kind == "f":
        np.testing.assert_allclose(result, exact, rtol=0, atol=scale * (1e-13 if result.itemsize == 8 else 2e-6))
    else:
        near = TIE_16BIT if dtype in ("uint16", ">u2") else max(TIE_8BIT, 1e-13 * scale)
        assert_levels(result, exact, near)


@pytest.mark.parametrize("border", ["reflect", "mirror", "nearest"])
@pytest.mark.parametrize("radius", [1, 4, 7])
def test_opencv(border, radius):
    """OpenCV's window is round too; in colour its distance is the sum of absolute differences, so grey alone is the same."""
    cv2 = pytest.importorskip("cv2")
    theirs = {"reflect": cv2.BORDER_REFLECT, "mirror": cv2.BORDER_REFLECT_101, "nearest": cv2.BORDER_REPLICATE}[border]
    image = floats.astype(np.float32)
    expected = cv2.bilateralFilter(image, 2 * radius + 1, 0.2, 2.5, borderType=theirs)
    result = imconv.bilateral(image, 2.5, 0.2, radius=radius, border=border)
    np.testing.assert_allclose(result, expected, rtol=0, atol=TABLE)
    whole = (floats * 255).astype(np.uint8)
    expected = cv2.bilateralFilter(whole, 2 * radius + 1, 30, 2.5, borderType=theirs)
    difference = imconv.bilateral(whole, 2.5, 30, radius=radius, border=border).astype(int) - expected
    assert np.abs(difference).max() <= 1  # it rounds half to even, and sums floats otherwise


def test_opencv_in_colour():
    """Where only one channel varies its distance, a sum of absolute differences, is Euclidean too. (No test against
    scikit-image 0.26: its weights by distance are not where they belong, a table one wider than its window.)"""
    cv2 = pytest.importorskip("cv2")
    for channel in range(3):
        image = np.full((*floats.shape, 3), 0.25, np.float32)
        image[..., channel] = floats
        expected = cv2.bilateralFilter(image, 9, 0.2, 2.5, borderType=cv2.BORDER_REFLECT)
        np.testing.assert_allclose(imconv.bilateral(image, 2.5, 0.2, radius=4), expected, rtol=0, atol=TABLE)


def test_a_wide_range_is_a_gaussian():
    result = imconv.bilateral(floats, 1, 1e6, radius=6)
    np.testing.assert_allclose(result, ndimage.gaussian_filter(floats, 1, radius=6), atol=1e-7)  # but for the corners


def test_flat_areas_stay_exactly_as_they_are():
    for dtype in ("uint8", "uint16", "float32", "float64"):
        image = np.full((9, 70, 3), 77.7).astype(dtype)
        image[:, 35:] = 12.1
        np.testing.assert_array_equal(imconv.bilateral(image, 2, 1), image)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nan_and_infinity_stay_in_their_windows(dtype):
    image = np.random.default_rng(1).random((15, 80, 3)).astype(dtype)
    y, x = np.mgrid[:15, :80]
    inside = (y - 7) ** 2 + (x - 40) ** 2 <= 9
    for number in (np.nan, np.inf, -np.inf):
        image[7, 40, 1] = number
        result = imconv.bilateral(image, 2, 0.2, radius=3)
        assert not np.isfinite(result[inside]).all(axis=1).any()
        assert np.isfinite(result[~inside]).all()
        if np.isnan(number):
            assert np.isnan(result[inside]).all()  # the weight of all three channels


def test_alpha():
    image = (np.random.default_rng(3).random((11, 14, 4)) * 255).astype(np.uint8)
    image[3:6, 3:9, 3] = 0
    wide = image.astype(np.float64)
    wide[..., :3] *= wide[..., 3:] / 255
    exact = naive.bilateral(wide, 1.5, 90, 3)
    empty = exact[..., 3:] <= 0
    colours = np.where(empty, image[..., :3], exact[..., :3] * 255 / np.where(empty, 1, exact[..., 3:]))
    weighted = imconv.bilateral(image, 1.5, 90, radius=3, has_alpha=True)
    assert_levels(weighted[..., 3], exact[..., 3], TIE_8BIT)
    # premultiplied in float32 and divided by what may be a small alpha
    steady = exact[..., 3] > 40
    assert_levels(weighted[..., :3][steady], colours[steady], TIE_16BIT)
    np.testing.assert_array_equal(weighted[empty[..., 0]][:, :3], image[empty[..., 0]][:, :3])
    separate = imconv.bilateral(image, 1.5, 90, radius=3, has_alpha=True, alpha="separate")
    np.testing.assert_array_equal(separate, imconv.bilateral(image, 1.5, 90, radius=3))
    kept = imconv.bilateral(image, 1.5, 90, radius=3, has_alpha=True, alpha="unweighted")
    np.testing.assert_array_equal(kept[..., :3], imconv.bilateral(image[..., :3], 1.5, 90, radius=3))
    np.testing.assert_array_equal(kept[..., 3], image[..., 3])
    opaque = image.copy()
    opaque[..., 3] = 255
    result = imconv.bilateral(opaque, 1.5, 90, radius=3, has_alpha=True)
    np.testing.assert_array_equal(result[..., :3], imconv.bilateral(opaque[..., :3], 1.5, 90, radius=3))
    assert (result[..., 3] == 255).all()


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_the_same_bits_for_any_threads_and_bands(dtype, channels):
    image = (np.random.default_rng(5).random((97, 130, channels)) * 255).astype(dtype)
    for options in (Options(), Options(has_alpha=True) if channels == 4 else Options(depth=16, border="constant:7")):
        threads_and_bands_change_nothing(bilateral_filter(2, 30, 4, options), image)


def test_options():
    image = (floats * 255).astype(np.uint8)
    floating = imconv.bilateral(image, 2, 40, radius=3, dtype="float64")
    assert_levels(imconv.bilateral(image, 2, 40, radius=3), floating, TIE_8BIT)
    np.testing.assert_array_equal(imconv.bilateral(image, 2, 40, radius=3, depth=16), np.floor(floating * 257 + 0.5))
    np.testing.assert_array_equal(imconv.bilateral(image, 2, 40, radius=3, offset=10.25), np.minimum(np.floor(floating + 10.75), 255))  # fmt: skip
    stretched = imconv.bilateral(image, 2, 40, radius=3, range="stretch")
    assert (stretched.min(), stretched.max()) == (0, 255)
    out = np.empty_like(image)
    assert imconv.bilateral(image, 2, 40, radius=3, out=out) is out
    np.testing.assert_array_equal(out, imconv.bilateral(image, 2, 40, radius=3))
    inplace = image.copy()
    imconv.bilateral(inplace, 2, 40, radius=3, out=inplace)
    np.testing.assert_array_equal(inplace, out)
    planes = np.stack([image] * 3)
    colour = imconv.bilateral(np.moveaxis(planes, 0, 2), 2, 40, radius=3)
    np.testing.assert_array_equal(imconv.bilateral(planes, 2, 40, radius=3, channel_axis=0), np.moveaxis(colour, 2, 0))
    np.testing.assert_array_equal(imconv.bilateral(image, 1, 40), imconv.bilateral(image, 1, 40, radius=3))


def test_linear_light():
    """The range is a share of white, in light."""
    image = (floats * 255).astype(np.uint8)
    values = image / 255
    light = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    found = expected_for(light, 2, 40 / 255, 3)
    encoded = np.where(found <= 0.0031308, found * 12.92, 1.055 * found ** (1 / 2.4) - 0.055) * 255
    assert_levels(imconv.bilateral(image, 2, 40, radius=3, linear=True), encoded, TIE_16BIT)


@pytest.mark.parametrize(
    ("args", "options", "match"),
    [
        ((0, 30), {}, "sigma must be a number from 0.1"),
        ((2, 0), {}, "sigma_range must be a number"),
        ((2, "wide"), {}, "sigma_range must be a number"),
        ((2, float("nan")), {}, "sigma_range"),
        ((2, 30), {"radius": 101}, "radius must be a number from 0 to 100"),
        ((2, 30), {"radius": 2.5}, "radius must be a whole number"),
        ((2, 30), {"stride": 2}, "bilateral has no stride"),
        ((2, 30), {"dilation": (1, 2)}, "bilateral has no dilation"),
        ((2, 30), {"pad": "valid"}, "leave out pad"),
        ((2, 30), {"nan": "ignore"}, "nan='ignore' goes with means and ranks"),
        ((2, 30), {"border": "bent"}, "unknown border"),
    ],
)
def test_errors(args, options, match):
    refused(imconv.ImconvError, match, imconv.bilateral, floats, *args, **options)
    refused(imconv.ImconvError, "1 to 4 channels", imconv.bilateral, np.zeros((5, 3, 3)), 2, 30, channel_axis=0)
