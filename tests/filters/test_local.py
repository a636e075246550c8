"""Local deviation and contrast against scipy.ndimage and the definitions."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

import imconv
from imconv.filters.blur_kernels import gaussian_kernel
from imconv.filters.local import DeviationFilter, contrast_filter
from imconv.options import Options
from tests import naive
from tests.cases import FLOATS, LAYOUTS, WHOLE, laid_out, picture
from tests.executing import threads_and_bands_change_nothing

MERGED = 1e-13  # float64, times the largest sample
FLOAT32 = 2.0**-23  # rounded once
BORDERS = ("reflect", "mirror", "nearest", "constant", "wrap", "normalized")
SCIPY = {"wrap": "grid-wrap"}

rng = np.random.default_rng(8)
floats = rng.random((23, 31)) * 200


def half_up(numerator: int, denominator: int) -> int:
    """sqrt(numerator) / denominator, rounded half up by whole numbers alone."""
    return (math.isqrt(4 * numerator // denominator**2) + 1) // 2


@settings(max_examples=60)
@given(
    st.sampled_from(["bool", "uint8", "uint16", "float32", "float64"]),
    st.tuples(st.integers(1, 9), st.integers(1, 12)),
    st.sampled_from([None, 1, 2, 3, 4]),
    st.tuples(st.integers(1, 6), st.integers(1, 6)),
    st.sampled_from(BORDERS),
    st.sampled_from(LAYOUTS),
    st.integers(0, 99),
)
def test_the_definition(dtype, shape, channels, size, border, layout, seed):
    shape = shape if channels is None else (*shape, channels)
    image = laid_out((np.random.default_rng(seed).random(shape) * 250).astype(dtype), layout)
    name = "constant:30" if border == "constant" else border
    result = imconv.local_deviation(image, size, border=name, dtype="float64")
    deep = image if image.ndim == 3 else image[..., None]
    expected = naive.deviation(deep, size, border, 30.0).reshape(image.shape)
    np.testing.assert_allclose(result, expected, rtol=0, atol=MERGED * 250)


@pytest.mark.parametrize("border", ["reflect", "mirror", "nearest", "wrap", "constant"])
@pytest.mark.parametrize("size", [(3, 3), (4, 7), (1, 40), (60, 2)])
def test_scipy(border, size):
    for image in (floats, floats.astype(np.uint8)):
        expected = ndimage.generic_filter(image.astype(float), np.std, size=size, mode=SCIPY.get(border, border))
        result = imconv.local_deviation(image, size, border=border, dtype="float64")
        np.testing.assert_allclose(result, expected, rtol=0, atol=MERGED * 2000)  # scipy's own sums


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("size", [(2, 2), (4, 4), (3, 5)])
def test_whole_numbers_are_rounded_as_whole_numbers_say(dtype, size):
    """Boxes of even area have deviations that are ties."""
    image = picture(dtype, (12, 15), 3) // (1 if size == (3, 5) else 64)
    padded = np.pad(image, 4, mode="symmetric").astype(object)
    count = size[0] * size[1]
    expected = np.empty(image.shape, int)
    for y, x in np.ndindex(image.shape):
        top, left = y + 4 - size[0] // 2, x + 4 - size[1] // 2
        window = padded[top : top + size[0], left : left + size[1]]
        expected[y, x] = half_up(count * (window**2).sum() - window.sum() ** 2, count)
    np.testing.assert_array_equal(imconv.local_deviation(image, size), expected)


@pytest.mark.parametrize("dtype", [*WHOLE, *FLOATS])
def test_every_type(dtype):
    image = picture(dtype, (9, 11, 3), 4)
    exact = naive.deviation(image, (3, 5))
    result = imconv.local_deviation(image, (3, 5))
    assert result.dtype == image.dtype.newbyteorder("=")
    scale = np.abs(image.astype(np.float64)).max()
    if result.dtype.kind == "f":
        error = {2: 2**-10, 4: FLOAT32, 8: MERGED}[result.itemsize]
        np.testing.assert_allclose(result, exact, rtol=error, atol=MERGED * scale + 2**-24 * (result.itemsize == 2))
    else:
        high = 1 if result.dtype == bool else np.iinfo(result.dtype).max
        np.testing.assert_array_equal(result, np.minimum(np.floor(exact + 0.5), high))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64", "int32"])
@pytest.mark.parametrize("size", [3, 7, 40, 101])
def test_flat_areas_are_exactly_0(dtype, size):
    image = np.full((120, 260), 77.7).astype(dtype)
    image[:, 130:] = 1234.5 if dtype != "uint8" else 3
    result = imconv.local_deviation(image, size)
    assert (result[:, : 129 - size // 2] == 0).all()
    assert (result[:, 131 + size // 2 :] == 0).all()
    assert (result[:, 129] > 0).all()


def test_no_cancellation():
    """A spread of one in a hundred million: the textbook formula loses it in float32, and nearly in float64."""
    image = 1e8 + np.tile([[0.0, 1.0], [1.0, 0.0]], (20, 20))
    np.testing.assert_allclose(imconv.local_deviation(image, 4, border="wrap"), 0.5, rtol=1e-7)
    for dtype in (np.uint16, np.float32):
        image = (60000 + np.tile([[0.0, 1.0], [1.0, 0.0]], (20, 20))).astype(dtype)
        np.testing.assert_allclose(imconv.local_deviation(image, 4, border="wrap", dtype="float64"), 0.5, rtol=1e-9)
        np.testing.assert_allclose(imconv.local_deviation(image, 60, border="wrap", dtype="float64"), 0.5, rtol=1e-9)


def test_nan_stays_in_its_windows():
    for number in (np.nan, np.inf):
        image = floats.copy()
        image[10, 12] = number
        result = imconv.local_deviation(image, (3, 5))
        assert np.isnan(result[9:12, 10:15]).all()
        assert np.isnan(result).sum() == 15


def test_alpha_is_kept():
    image = picture("uint8", (9, 11, 4), 4)
    result = imconv.local_deviation(image, 3, has_alpha=True)
    np.testing.assert_array_equal(result[..., :3], imconv.local_deviation(image[..., :3], 3))
    np.testing.assert_array_equal(result[..., 3], image[..., 3])
    separate = imconv.local_deviation(image, 3, has_alpha=True, alpha="separate")
    np.testing.assert_array_equal(separate, imconv.local_deviation(image, 3))
    with pytest.raises(
        imconv.ImconvError, match="deviation needs alpha='unweighted' or alpha='separate', not 'weight'"
    ):
        imconv.local_deviation(image, 3, has_alpha=True, alpha="weight")
    deep = imconv.local_deviation(image, 3, has_alpha=True, depth=16)
    np.testing.assert_array_equal(deep[..., 3], image[..., 3] * np.uint16(257))
    contrast = imconv.local_contrast(image, 2, has_alpha=True, depth=16)
    np.testing.assert_array_equal(contrast[..., 3], image[..., 3] * np.uint16(257))
    np.testing.assert_array_equal(contrast[..., :3], imconv.local_contrast(image[..., :3], 2, depth=16))


# --- contrast ---
@pytest.mark.parametrize("border", ["reflect", "mirror", "nearest", "wrap"])
@pytest.mark.parametrize("sigma", [0.8, 3])
def test_contrast_is_its_formula(border, sigma):
    mode = SCIPY.get(border, border)
    difference = floats - ndimage.gaussian_filter(floats, sigma, mode=mode)
    deviation = np.sqrt(ndimage.gaussian_filter(difference**2, sigma, mode=mode))
    result = imconv.local_contrast(floats, sigma, floor=5, gain=2, border=border)
    assert np.abs(result - 2 * difference / (deviation + 5)).max() < 2e-3  # what Gaussians lose beyond four sigma
    whole = floats.astype(np.uint8)
    exact = imconv.local_contrast(whole.astype(float), sigma, floor=2.55, gain=255 / 8, border=border)
    result = imconv.local_contrast(whole, sigma, border=border)
    np.testing.assert_array_equal(result, np.clip(np.floor(exact + 128.5), 0, 255))


def test_contrast_of_flat_areas_and_of_faint_ones():
    assert (imconv.local_contrast(np.full((9, 50), 77, np.uint8), 2) == 128).all()
    assert np.abs(imconv.local_contrast(np.full((9, 50), 0.3), 2)).max() < 1e-10
    faint = imconv.local_contrast(floats / 200, 2, floor=1e-3)
    strong = imconv.local_contrast(floats, 2, floor=0.2)
    np.testing.assert_allclose(faint, strong, atol=1e-9)
    assert 0.8 < strong.std() < 1.2


def test_ranges_of_contrast():
    image = floats.astype(np.uint8)
    found = imconv.local_contrast(image, 2, dtype="float64", gain=30)
    for policy, values in (("clip", found), ("abs", np.abs(found))):
        result = imconv.local_contrast(image, 2, gain=30, range=policy)
        np.testing.assert_array_equal(result, np.clip(np.floor(values + 0.5), 0, 255))
    stretched = imconv.local_contrast(image, 2, range="stretch")
    assert (stretched.min(), stretched.max()) == (0, 255)


# --- both ---
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_the_same_bits_for_any_threads_and_bands(dtype, channels):
    image = (np.random.default_rng(5).random((157, 130, channels)) * 255).astype(dtype)
    alpha = Options(has_alpha=channels == 4, border="normalized")
    for work in (
        DeviationFilter(Options(), (5, 4)),
        DeviationFilter(alpha, (31, 3)),
        contrast_filter(2, None, None, None, None, alpha),
        contrast_filter(12, None, None, None, None, Options()),
    ):
        threads_and_bands_change_nothing(work, image)


def test_plans_tell_of_their_stages():
    plan = DeviationFilter(Options(), (5, 5)).plan((40, 50, 3), np.dtype("float32"), False)
    assert "standard deviation over 5 x 5" in str(plan)
    assert "moments" in str(plan)
    assert plan.as_dict()["stages"] == ["moments"]
    plan = contrast_filter(2, None, None, None, None, Options()).plan((40, 50), np.dtype("uint8"), False)
    assert len(plan.as_dict()["stages"]) == 2
    assert gaussian_kernel(2).shape == (plan.rows.taps, plan.columns.taps)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: imconv.local_deviation(floats, 0), "size must be"),
        (lambda: imconv.local_deviation(floats, 3, stride=2), "deviation has no stride"),
        (lambda: imconv.local_contrast(floats, 3, nan="ignore"), "nan='ignore' goes with means and ranks"),
        (lambda: imconv.local_contrast(floats, 2, linear=True), "leave out linear"),
        (lambda: imconv.local_contrast(floats, 2, border="constant:3"), "needs border='reflect' or "),
        (lambda: imconv.local_contrast(floats, 2, floor=0), "floor must be a number"),
        (lambda: imconv.local_contrast(floats, -2), "sigma must be"),
        (lambda: imconv.local_contrast(floats, 2, pad="full"), "leave out pad"),
    ],
)
def test_errors(call, match):
    with pytest.raises(imconv.ImconvError, match=match):
        call()


# --- on a part of the picture ---
FILTERS = {
    "bilateral": lambda image, **how: imconv.bilateral(image, 1.5, 40, radius=3, **how),
    "guided": lambda image, **how: imconv.guided(image, 2, "10%", **how),
    "deviation": lambda image, **how: imconv.local_deviation(image, 3, **how),
    "contrast": lambda image, **how: imconv.local_contrast(image, 2, **how),
}


@pytest.mark.parametrize("name", FILTERS)
def test_regions_masks_and_channels(name):
    """As any filter: what is not selected stays, what is comes out as it does on the whole picture."""
    smooth = FILTERS[name]
    image = picture("uint8", (20, 30, 3), 4)
    whole = smooth(image)
    part = smooth(image, region="9x5+4+6")
    np.testing.assert_array_equal(part[6:11, 4:13], whole[6:11, 4:13])
    part[6:11, 4:13] = image[6:11, 4:13]
    np.testing.assert_array_equal(part, image)
    np.testing.assert_array_equal(smooth(image, region="9x5+4+6", crop=True), whole[6:11, 4:13])
    green = smooth(image, channels="g")
    np.testing.assert_array_equal(green[..., ::2], image[..., ::2])
    np.testing.assert_array_equal(green[..., 1], smooth(image[..., 1]))
    mask = np.zeros((20, 30), np.uint8)
    mask[:, 10:], mask[:, 20:] = 51, 255
    masked = smooth(image, mask=mask)
    np.testing.assert_array_equal(masked[:, :10], image[:, :10])
    np.testing.assert_array_equal(masked[:, 20:], whole[:, 20:])
    how = {"gain": 255 / 8, "floor": 2.55} if name == "contrast" else {}
    exact = smooth(image, dtype="float64", **how) + (128 if name == "contrast" else 0)
    exact = np.clip(exact, 0, 255) if name == "contrast" else exact
    blended = 0.2 * exact + 0.8 * image
    assert np.abs(masked[:, 10:20] - blended[:, 10:20]).max() < 0.51


@pytest.mark.parametrize("name", FILTERS)
def test_luma(name):
    """Of a grey picture the luma is the picture: with levels of white that are its own."""
    grey = picture("uint8", (20, 30), 4)
    image = np.dstack([grey] * 3)
    expected = np.dstack([FILTERS[name](grey)] * 3).astype(int)
    np.testing.assert_allclose(FILTERS[name](image, channels="luma"), expected, atol=int(name == "contrast"))


def test_alpha_with_the_luma_of_integers():
    image = picture("uint8", (20, 30, 4), 4)
    image[..., 1] = image[..., 2] = image[..., 0]
    result = imconv.bilateral(image, 1.5, 40, radius=3, channels="luma", has_alpha=True)
    grey = imconv.bilateral(np.ascontiguousarray(image[..., 2:]), 1.5, 40, radius=3, has_alpha=True)
    assert np.abs(result[..., 0].astype(int) - grey[..., 0]).max() <= 1
    np.testing.assert_array_equal(result[..., 3], image[..., 3])
