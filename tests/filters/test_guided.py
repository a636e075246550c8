"""The guided filter against its formulas in scipy.ndimage and numpy."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

import imconv
from imconv.filters.guided import guided_filter
from imconv.options import Options
from tests.bounds import TIE_8BIT, TIE_16BIT, assert_levels
from tests.cases import LAYOUTS, laid_out
from tests.executing import threads_and_bands_change_nothing

ROUNDINGS = 1e-11  # the reference's own variances cancel
FLOAT32 = 2.0**-23
SCIPY = {"wrap": "grid-wrap"}
BORDERS = ("reflect", "mirror", "nearest", "wrap", "normalized")

rng = np.random.default_rng(8)
floats, guide = rng.random((23, 31)), rng.random((23, 31))


def reference(image, guide, radius, eps, border):
    """The paper's algorithm 1, for one channel from 0 to 1; `normalized` is the paper's own border."""

    def mean(values):
        if border == "normalized":
            size = 2 * radius + 1
            count = ndimage.uniform_filter(np.ones(values.shape), size, mode="constant")
            return ndimage.uniform_filter(values, size, mode="constant") / count
        return ndimage.uniform_filter(values, 2 * radius + 1, mode=SCIPY.get(border, border))

    a = (mean(guide * image) - mean(guide) * mean(image)) / (mean(guide * guide) - mean(guide) ** 2 + eps)
    return mean(a) * guide + mean(mean(image) - a * mean(guide))


@given(
    st.sampled_from(["uint8", "uint16", "float32", "float64"]),
    st.tuples(st.integers(1, 9), st.integers(1, 12)),
    st.sampled_from([None, 1, 2, 3, 4]),
    st.integers(0, 6),
    st.sampled_from([0.1, 0.01, 1e-4]),
    st.sampled_from(BORDERS),
    st.sampled_from(LAYOUTS),
    st.booleans(),
    st.integers(0, 99),
)
def test_the_definition(dtype, shape, channels, radius, eps, border, layout, led, seed):
    shape = shape if channels is None else (*shape, channels)
    random = np.random.default_rng(seed)
    white = np.iinfo(dtype).max if dtype.startswith("u") else 1
    image = laid_out((random.random(shape) * white).astype(dtype), layout)
    leader = (random.random(shape[:2]) * 255).astype(np.uint8) if led else None
    result = imconv.guided(image, radius, f"{100 * math.sqrt(eps)!r}%", leader, border=border)
    assert result.dtype == image.dtype
    deep = (image if image.ndim == 3 else image[..., None]).astype(np.float64) / white
    exact = [
        reference(deep[..., c], deep[..., c] if leader is None else leader / 255, radius, eps, border)
        for c in range(deep.shape[2])
    ]
    exact = np.stack(exact, axis=2).reshape(image.shape) * white
    if image.dtype.kind == "u":
        assert_levels(result, exact, TIE_8BIT if dtype == "uint8" else TIE_16BIT)
    else:
        np.testing.assert_allclose(result, exact, rtol=FLOAT32 if dtype == "float32" else 0, atol=ROUNDINGS / eps)


def test_what_it_does_at_its_ends():
    image = (floats * 255).astype(np.uint8)
    np.testing.assert_array_equal(imconv.guided(image, 0, "10%"), image)
    twice = imconv.box_blur(imconv.box_blur(image, 7, dtype="float64"), 7)
    assert_levels(imconv.guided(image, 3, "100000%"), twice, TIE_8BIT)  # nothing is an edge: means of means
    flat = np.full((20, 300, 3), 77, np.uint8)
    np.testing.assert_array_equal(imconv.guided(flat, 9, "10%"), flat)
    step = np.where(np.arange(80) < 40, 0.2, 0.8) * np.ones((60, 1))
    assert np.abs(imconv.guided(step, 8, "1%") - step).max() < 1e-3


def test_a_large_radius():
    image = (rng.random((70, 90)) * 255).astype(np.uint8)
    exact = 255 * reference(image / 255, image / 255, 400, 0.01, "reflect")
    assert_levels(imconv.guided(image, 400, "10%"), exact, TIE_8BIT)


def test_the_guide_may_be_of_any_type():
    whole = (guide * 255).astype(np.uint8)
    expected = imconv.guided(floats, 3, "10%", whole / 255)
    np.testing.assert_allclose(imconv.guided(floats, 3, "10%", whole), expected, atol=1e-12)
    for same in (whole[..., None], imconv.Picture(whole)):
        np.testing.assert_array_equal(imconv.guided(floats, 3, "10%", same), imconv.guided(floats, 3, "10%", whole))
    deep = (floats * 65535).astype(np.uint16)
    np.testing.assert_allclose(imconv.guided(floats, 3, "10%", deep), imconv.guided(floats, 3, "10%", deep / 65535))


def test_alpha():
    image = (np.random.default_rng(3).random((11, 14, 4)) * 255).astype(np.uint8)
    image[3:9, 3:12, 3] = 0
    wide = image / 255.0
    wide[..., :3] *= wide[..., 3:]
    exact = np.stack([reference(wide[..., c], wide[..., c], 2, 0.01, "reflect") for c in range(4)], axis=2)
    result = imconv.guided(image, 2, "10%", has_alpha=True)
    assert_levels(result[..., 3], exact[..., 3] * 255, TIE_8BIT)
    seen = exact[..., 3] > 0.2
    assert_levels(result[..., :3][seen], (exact[..., :3] / exact[..., 3:])[seen] * 255, 0.01)
    kept = imconv.guided(image, 2, "10%", has_alpha=True, alpha="unweighted")
    np.testing.assert_array_equal(kept[..., :3], imconv.guided(image[..., :3], 2, "10%"))
    np.testing.assert_array_equal(kept[..., 3], image[..., 3])
    separate = imconv.guided(image, 2, "10%", has_alpha=True, alpha="separate")
    np.testing.assert_array_equal(separate, imconv.guided(image, 2, "10%"))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_the_same_bits_for_any_threads_and_bands(dtype, channels):
    image = (np.random.default_rng(5).random((157, 130, channels)) * 255).astype(dtype)
    leader = np.random.default_rng(6).random(image.shape[:2])
    alone = guided_filter(3, "10%", None, Options(has_alpha=channels == 4, border="normalized"))
    for work in (alone, guided_filter(20, "10%", leader, Options(depth=16))):
        threads_and_bands_change_nothing(work, image)


def test_nan_reaches_two_boxes_and_no_further():
    for number in (np.nan, np.inf):
        image = floats.copy()
        image[11, 15] = number
        result = np.isfinite(imconv.guided(image, 2, "10%"))
        assert not result[7:16, 11:20].any()
        assert result.sum() == result.size - 81


def test_linear_light():
    image = (floats * 255).astype(np.uint8)
    values = image / 255
    light = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    found = reference(light, light, 3, 0.01, "reflect")
    encoded = np.where(found <= 0.0031308, found * 12.92, 1.055 * found ** (1 / 2.4) - 0.055) * 255
    assert_levels(imconv.guided(image, 3, "10%", linear=True), encoded, TIE_16BIT)


@pytest.mark.parametrize(
    ("args", "options", "match"),
    [
        ((3, 0), {}, "threshold must be a number"),
        ((-1, 0.1), {}, "radius must be a number from 0 to 2000"),
        ((1.5, 0.1), {}, "radius must be a whole number"),
        ((3, 0.1, np.zeros((5, 5, 3))), {}, "a guide is grey"),
        ((3, 0.1, np.zeros((5, 6))), {}, "the guide is 6 x 5 pixels, the picture 31 x 23"),
        ((3, 0.1), {"border": "constant:1"}, "guided needs border='reflect' or .*, not 'constant'"),
        ((3, 0.1), {"stride": 2}, "guided has no stride"),
    ],
)
def test_errors(args, options, match):
    with pytest.raises(imconv.ImconvError, match=match):
        imconv.guided(floats, *args, **options)
