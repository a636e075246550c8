"""Regions, masks, channels: what is selected is filtered as ever, all else keeps its bits."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import imconv
from imconv.composites.partial import selected
from imconv.engine import sources
from imconv.engine.drive import stream
from imconv.errors import OptionError
from imconv.filters.apply import apply
from imconv.filters.blur_kernels import gaussian_kernel
from imconv.filters.edges import edge_filter
from imconv.filters.sharpen import unsharp_filter
from imconv.geometry import selection
from imconv.options import Options
from imconv.stages.convolution.filter import LinearFilter
from tests.refused import refused

from ..cases import picture
from ..executing import set_stripe_bytes

FILTERS = {
    "box": lambda image, **o: imconv.box_blur(image, 3, **o),
    "wide": lambda image, **o: imconv.gaussian_blur(image, 15, **o),
    "unsharp": lambda image, **o: imconv.unsharp_mask(image, 1.5, threshold=2, **o),
    "edges": lambda image, **o: imconv.edges(image, gain=4, **o),
    "x": lambda image, **o: imconv.edges(image, show="x", **o),
}
TYPES = ("uint8", "uint16", "float32", "float64")


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("channels", [None, 3, 4])
def test_region_changes_nothing_else(name, dtype, channels):
    image = picture(dtype, (50, 60) if channels is None else (50, 60, channels), 1)
    alpha = {"has_alpha": True} if channels == 4 else {}
    whole = FILTERS[name](image, **alpha)
    expected = image.copy()
    expected[7:27, 5:45] = whole[7:27, 5:45]
    np.testing.assert_array_equal(FILTERS[name](image, region="40x20+5+7", **alpha), expected)
    np.testing.assert_array_equal(FILTERS[name](image, region=(40, 20, 5, 7), crop=True, **alpha), whole[7:27, 5:45])


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(("chosen", "places"), [("r", [0]), ("b,a", [2, 3]), ([1, "r"], [0, 1]), ("a", [3])])
def test_channels(dtype, chosen, places):
    image = picture(dtype, (30, 40, 4), 2)
    for alpha in ("weight", "separate"):
        how = {"has_alpha": True, "alpha": alpha}
        whole = imconv.gaussian_blur(image, 1.2, **how)
        expected = image.copy()
        expected[..., places] = whole[..., places]
        found = imconv.gaussian_blur(image, 1.2, channels=chosen, **how)
        np.testing.assert_allclose(
            found, expected, rtol=1e-6, atol=chosen == "a"
        )  # alpha by itself may be rounded apart
        np.testing.assert_array_equal(np.delete(found, places, axis=2), np.delete(image, places, axis=2))


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("kind", ["float", "uint8", "bool", "colour"])
def test_mask_blends_before_rounding(name, dtype, kind):
    rng = np.random.default_rng(3)
    image = picture(dtype, (40, 50, 3), 3)
    mask = {
        "float": lambda: rng.random((40, 50)),
        "uint8": lambda: rng.integers(0, 256, (40, 50)).astype(np.uint8),
        "bool": lambda: rng.random((40, 50)) > 0.5,
        "colour": lambda: rng.integers(0, 65536, (40, 50, 3)).astype(np.uint16),
    }[kind]()
    amount = mask / np.iinfo(mask.dtype).max if mask.dtype.kind == "u" else mask.astype(float)
    amount = amount if amount.ndim == 3 else amount[..., None]
    low, high = (np.iinfo(dtype).min, np.iinfo(dtype).max) if "int" in dtype else (-np.inf, np.inf)
    filtered = FILTERS[name](image.astype(np.float64))
    if name == "x" and "int" in dtype:
        filtered = filtered + (high + 1) / 2
    expected = amount * np.clip(filtered, low, high) + (1 - amount) * image
    found = FILTERS[name](image, mask=mask)
    if "int" not in dtype:
        np.testing.assert_allclose(
            found, expected, rtol=2e-6 if dtype == "float32" else 1e-12, atol=1e-5 * (dtype == "float32")
        )
        return
    tie = np.abs(expected - np.floor(expected) - 0.5)
    wrong = found != np.floor(expected + 0.5)
    assert tie[wrong].max(initial=0) < {"uint8": 0.001, "uint16": 0.05}[dtype]
    none = np.broadcast_to(amount == 0, image.shape)
    np.testing.assert_array_equal(found[none], image[none])


def test_white_mask_filters_and_black_mask_does_not():
    image = picture("uint8", (40, 50, 4), 4)
    for name in FILTERS:
        whole = FILTERS[name](image, has_alpha=True)
        white = FILTERS[name](image, mask=np.full((40, 50), 255, np.uint8), has_alpha=True)
        np.testing.assert_array_equal(white, whole)
        np.testing.assert_array_equal(FILTERS[name](image, mask=np.zeros((40, 50)), has_alpha=True), image)


def test_mask_of_the_regions_size():
    image = picture("uint8", (30, 40), 5)
    mask = np.zeros((30, 40))
    mask[5:15, 8:28] = np.random.default_rng(5).random((10, 20))
    expected = imconv.box_blur(image, 5, mask=mask)
    found = imconv.box_blur(image, 5, mask=mask[5:15, 8:28], region="20x10+8+5")
    np.testing.assert_array_equal(found, expected)
    cropped = imconv.box_blur(image, 5, mask=mask, region="20x10+8+5", crop=True)
    np.testing.assert_array_equal(cropped, expected[5:15, 8:28])


def test_nan_in_the_picture_does_not_leave_the_mask():
    image = np.zeros((9, 9), np.float32)
    image[4, 4] = np.nan
    mask = np.zeros((9, 9), bool)
    mask[:4] = True
    found = imconv.box_blur(image, 3, mask=mask)
    expected = imconv.box_blur(image, 3)
    np.testing.assert_array_equal(found[:4], expected[:4])
    np.testing.assert_array_equal(found[4:], image[4:])


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("alpha", ["weight", "separate", "keep", "unweighted"])
def test_alpha_keeps_its_samples_under_a_mask_for_each_colour(name, dtype, alpha):
    image = picture(dtype, (20, 30, 4), 12)
    image[..., 3] = np.abs(image[..., 3])
    for mask in (np.random.default_rng(12).random((20, 30, 3)), np.ones((20, 30, 3))):
        found = FILTERS[name](image, mask=mask, has_alpha=True, alpha=alpha)
        np.testing.assert_array_equal(found[..., 3], image[..., 3])
        assert (found[..., :3] != image[..., :3]).any()


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_where_the_mask_is_white_is_the_filters_own_value_over_inf_and_nan(name, dtype):
    """Not `1 * value + 0 * original`, which is NaN wherever the original is infinite."""
    image = picture(dtype, (20, 30), 13)
    image[4, 5], image[9, 20], image[14, 9] = np.inf, -np.inf, np.nan
    whole = FILTERS[name](image)
    for mask in (np.ones((20, 30)), np.full((20, 30), 255, np.uint8), np.ones((20, 30), bool)):
        # blended results are float64 until then
        np.testing.assert_allclose(FILTERS[name](image, mask=mask), whole, rtol=1e-5, atol=1e-5)
    half = np.where(np.arange(30) < 15, 1.0, 0.0) * np.ones((20, 1))
    expected = np.where(half == 1, whole, image)
    np.testing.assert_allclose(FILTERS[name](image, mask=half), expected, rtol=1e-5, atol=1e-5)
    median = imconv.median(image, 3)  # a finite value where the original is not
    assert np.isfinite(median).all()
    np.testing.assert_array_equal(imconv.median(image, 3, mask=np.ones((20, 30))), median)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("has_alpha", [False, True])
def test_luma_adds_alike_to_all_colours(dtype, has_alpha):
    image = picture(dtype, (40, 30, 4 if has_alpha else 3), 6)
    if has_alpha:
        image[..., 3] = np.iinfo(dtype).max if "int" in dtype else 1
    colours = image[..., :3].astype(np.float64)
    luma = colours @ np.array(selection.LUMA)
    high = np.iinfo(dtype).max if "int" in dtype else np.inf
    filtered = np.clip(imconv.sharpen(luma, 2), -high if high == np.inf else 0, high)
    expected = colours + (filtered - luma)[..., None]
    found = imconv.sharpen(image, 2, channels="luma", has_alpha=has_alpha, border="reflect")
    if "int" in dtype:
        expected = np.clip(expected, 0, high)
        assert np.abs(found[..., :3] - expected).max() < 0.5 + (0.001 if dtype == "uint8" else 0.05)
    else:
        np.testing.assert_allclose(found[..., :3], expected, rtol=1e-5, atol=1e-4 if dtype == "float32" else 1e-9)
    np.testing.assert_array_equal(found[..., 3:], image[..., 3:])


def test_luma_with_a_constant_border_counts_alpha_as_the_picture_does():
    opaque = np.full((9, 9, 4), 100, np.uint8)
    opaque[..., 3] = 255
    how = {"border": "constant:100", "has_alpha": True}
    np.testing.assert_array_equal(imconv.box_blur(opaque, 5, channels="luma", **how), opaque)
    half = opaque.copy()
    half[..., 3] = 51
    half[::2, ::2, :3] = 0
    luma = half[..., :1] * 1.0
    grey = np.concatenate([luma, half[..., 3:]], axis=2)
    expected = imconv.box_blur(grey.astype(np.uint8), 5, **how)[..., 0]
    np.testing.assert_allclose(imconv.box_blur(half, 5, channels="luma", **how)[..., 0], expected, atol=1)
    white = {**how, "border": "constant:255,255,255"}
    expected = imconv.box_blur(grey.astype(np.uint8), 5, **white | {"border": "constant:255"})[..., 0]
    np.testing.assert_allclose(imconv.box_blur(half, 5, channels="luma", **white)[..., 0], expected, atol=1)


@given(
    region=st.tuples(st.integers(1, 30), st.integers(1, 40), st.integers(0, 10), st.integers(0, 20)),
    dtype=st.sampled_from(TYPES),
    threads=st.sampled_from([1, 2, 3]),
    crop=st.booleans(),
    rows=st.integers(1, 60),
    name=st.sampled_from(["gaussian", "wide", "unsharp", "edges"]),
    masked=st.booleans(),
)
def test_in_bands_bit_for_bit(monkeypatch_bands, region, dtype, threads, crop, rows, name, masked):
    image = picture(dtype, (60, 40, 3), 7)
    mask = np.random.default_rng(8).random((60, 40)) if masked else None
    options = Options(region=region, crop=crop, mask=mask)
    work = selected(
        {
            "gaussian": lambda: LinearFilter(gaussian_kernel(1), options),
            "wide": lambda: LinearFilter(gaussian_kernel(20), options),
            "unsharp": lambda: unsharp_filter(2, 1, 1, None, None, options),
            "edges": lambda: edge_filter("sobel", "magnitude", options),
        }[name]()
    )
    plan = work.plan(image.shape, image.dtype, False)
    whole = apply(work, image)
    bands = (image[start : start + rows] for start in range(0, 60, rows))
    np.testing.assert_array_equal(np.concatenate(list(stream(plan, bands, threads=threads))), whole)


@pytest.fixture(scope="module")
def monkeypatch_bands():
    """Stripes of a few rows, so that small pictures have several."""
    with pytest.MonkeyPatch.context() as patch:
        set_stripe_bytes(patch, 512)
        patch.setattr(sources, "BAND_BYTES", 300)
        yield


@pytest.mark.parametrize("how", [{"depth": 16}, {"depth": 8}, {"depth": "float"}])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_depth_changes_everywhere(dtype, how):
    image = picture(dtype, (30, 30, 3), 9)
    whole = imconv.box_blur(image, 3, **how)
    plain = imconv.correlate(image, [[1]], **how)
    expected = plain.copy()
    expected[5:15, 5:15] = whole[5:15, 5:15]
    found = imconv.box_blur(image, 3, region="10x10+5+5", **how)
    np.testing.assert_allclose(found, expected, rtol=2e-7)
    if how["depth"] != "float":
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(imconv.box_blur(image, 3, mask=np.ones((30, 30)), **how), whole)


@pytest.mark.parametrize("name", ["unsharp", "edges", "x"])
def test_depth_changes_the_rest_for_filters_made_of_filters(name):
    image = picture("uint8", (30, 30, 3), 9)
    expected = image * np.uint16(257)
    expected[5:15, 5:15] = FILTERS[name](image, depth=16)[5:15, 5:15]
    np.testing.assert_array_equal(FILTERS[name](image, depth=16, region="10x10+5+5"), expected)
    mask = np.zeros((30, 30))
    mask[5:15, 5:15] = 1
    np.testing.assert_array_equal(FILTERS[name](image, depth=16, mask=mask), expected)


def test_linear_light_leaves_the_rest_alone():
    image = picture("uint8", (30, 30, 3), 10)
    whole = imconv.box_blur(image, 5, linear=True)
    expected = image.copy()
    expected[3:9, 2:22] = whole[3:9, 2:22]
    np.testing.assert_array_equal(imconv.box_blur(image, 5, linear=True, region="20x6+2+3"), expected)
    found = imconv.box_blur(image, 5, linear=True, mask=np.full((30, 30), 0.5))
    assert (np.minimum(image, whole) <= found).all()
    assert (found <= np.maximum(image, whole)).all()


@pytest.mark.parametrize("policy", ["abs", "offset", "stretch"])
def test_range_policies(policy):
    image = picture("uint8", (20, 30, 3), 11)
    kernel = [[-1, 0, 2]]
    whole = imconv.convolve(image, kernel, range=policy)
    expected = image.copy()
    expected[4:9, 3:23] = whole[4:9, 3:23]
    np.testing.assert_array_equal(imconv.convolve(image, kernel, range=policy, region="20x5+3+4"), expected)
    ones = imconv.convolve(image, kernel, range=policy, mask=np.ones((20, 30)))
    np.testing.assert_allclose(ones, whole, atol=1 if policy == "stretch" else 0)


def test_range_error_looks_at_the_part_alone():
    image = np.zeros((9, 9), np.uint8)
    image[8, 8] = 200
    imconv.correlate(image, [[2]], range="error", region="5x5+0+0", mask=np.ones((5, 5)))
    refused(imconv.ImconvError, "results leave 0", imconv.correlate, image, [[2]], range="error", mask=np.ones((9, 9)))


def test_nan_that_becomes_0_is_told_once():
    image = np.array([[np.nan, 1, 2, 3]], np.float32)
    for how in ({"region": "2x1+0+0"}, {"mask": np.ones((1, 4))}):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            imconv.correlate(image, [[1]], depth=8, **how)
        assert [str(t.message) for t in told] == ["1 results were NaN and became 0"]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"region": "10x10"}, "region must be WxH"),
        ({"region": "0x5+0+0"}, "region must be WxH"),
        ({"region": "10x10+0+15"}, "beyond the picture, which is 30 wide and 20 high"),
        ({"region": "9" * 5000}, "region must be WxH"),
        ({"crop": True}, "crop= needs region="),
        ({"channels": "red"}, "channels must be names"),
        ({"channels": "luma,r"}, "luma alone"),
        ({"channels": "a"}, "no channel a"),
        ({"channels": "7"}, "no channel 7"),
        ({"channels": ""}, "channels must be names"),
        ({"mask": np.ones((3, 3))}, "the mask is 3 wide and 3 high"),
        ({"mask": np.full((20, 30), 2.0)}, "holds 0 to 1"),
        ({"mask": np.ones((20, 30, 2))}, "the mask has 2 channels"),
        ({"mask": "white"}, "a mask has numbers"),
        (
            {"region": "5x5+0+0", "stride": 2},
            "region= can't be combined with stride=2: the result would have another size",
        ),
        ({"region": "5x5+0+0", "pad": "valid"}, "region= can't be combined with pad='valid'"),
    ],
)
def test_wrong_selections(how, message):
    refused(OptionError, message, imconv.box_blur, np.zeros((20, 30, 3), np.uint8), 3, **how)


def test_grey_has_no_luma():
    with pytest.raises(OptionError, match="luma is of red, green and blue"):
        imconv.box_blur(np.zeros((20, 30), np.uint8), 3, channels="luma")
