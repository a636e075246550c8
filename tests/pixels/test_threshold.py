"""Thresholds: plain numbers are sample units, per cents are of white, in every filter and at every depth."""

import warnings

import numpy as np
import pytest

import imconv
from imconv.pixels.threshold import parse_threshold
from tests.refused import refused

CALLS = {
    "bilateral": lambda image, t, **how: imconv.bilateral(image, 2, t, **how),
    "guided": lambda image, t, **how: imconv.guided(image, 2, t, **how),
    "unsharp_mask": lambda image, t, **how: imconv.unsharp_mask(image, 1, 1, t, **how),
    "local_contrast": lambda image, t, **how: imconv.local_contrast(image, 2, floor=t, gain=1, **how),
}
FLOAT32 = 2e-6


@pytest.fixture(scope="module")
def image():
    """Steps of 20 and of 100 levels, and noise of 4."""
    rows, columns = np.mgrid[:24, :30]
    scene = 60 + 20 * (rows > 8) + 100 * (columns > 14)
    return (scene + np.random.default_rng(5).integers(-4, 5, scene.shape)).astype(np.uint8)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("linear", [False, True])
def test_per_cents_are_the_same_at_every_depth(image, name, linear):
    """8 bits, 16 bits and floats of one picture have one result; float64 as the reference."""
    if linear and name == "local_contrast":
        pytest.skip("has no linear light")
    call, how = CALLS[name], {"linear": linear}
    exact = call(image / 255, "10%", dtype="float64") if not linear else None
    eight = call(image, "10%", depth="float", **how)
    sixteen = call(image.astype(np.uint16) * 257, "10%", depth="float", **how)
    np.testing.assert_allclose(eight, sixteen, atol=FLOAT32 * (10 if name == "local_contrast" else 1))
    if exact is not None and name != "local_contrast":
        np.testing.assert_allclose(eight, exact, atol=FLOAT32)


@pytest.mark.parametrize("name", CALLS)
def test_plain_numbers_are_sample_units(image, name):
    call = CALLS[name]
    for dtype, white in (("uint8", 255), ("uint16", 65535)):
        picture = image.astype(dtype) * (white // 255)
        for per_cent in (2, 10, 50):
            np.testing.assert_array_equal(call(picture, f"{per_cent}%"), call(picture, white * per_cent / 100))
    assert (call(image, "10%") != call(image, "40%")).any()


@pytest.mark.parametrize("name", CALLS)
def test_what_is_unlikely_to_be_meant_is_said(image, name):
    call = CALLS[name]
    for picture, given in ((image.astype(np.uint16) * 257, 25), (image / 255, 25), (image, 300)):
        with pytest.warns(imconv.ImconvWarning, match=r" % of white; write it in sample units, or in per cent"):
            call(picture, given)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        call(image, 25)
        call(image, "0.5%")


def test_chains_know_the_pictures_white(image, tmp_path):
    from imconv.composites.chain import ChainFilter
    from imconv.filters.apply import apply
    from imconv.filters.guided import guided_filter
    from imconv.filters.sharpen import unsharp_filter
    from imconv.filters.smooth import gaussian_kernel
    from imconv.options import DEFAULTS
    from imconv.stages.convolution.filter import LinearFilter

    first = LinearFilter(gaussian_kernel(1, None, None), DEFAULTS)
    for step in (guided_filter(2, "10%", None, DEFAULTS), unsharp_filter(1, 1, "10%", None, None, DEFAULTS)):
        eight = apply(ChainFilter((first, step), DEFAULTS), image)
        sixteen = apply(ChainFilter((first, step), DEFAULTS), image.astype(np.uint16) * 257)
        np.testing.assert_allclose(eight, sixteen / 257, atol=0.51)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_conditions_of_counts(image, dtype):
    white = {"uint8": 255, "uint16": 65535, "float32": 1}[dtype]
    picture = (image / 255 * white).astype(dtype)
    expected = (picture > white / 2).reshape(12, 2, 15, 2).sum((1, 3))
    np.testing.assert_array_equal(imconv.pool(picture, "count", 2, where="v > 50%", dtype="uint8"), expected)


def test_refused():
    for text in ("ten", "10 %%", "", "nan", "-1", "-1%", None):
        refused(
            imconv.ImconvError,
            "floor must be a number .* sample units, or per cents",
            parse_threshold,
            text,
            "floor",
            0,
            1e9,
        )
