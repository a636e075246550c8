"""A trace ends at the sample that the filter gives, by steps of its own; held against the filters and the slow reference."""

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import imconv
from imconv import Kernel
from imconv.errors import OptionError
from imconv.files.picture import Picture
from imconv.filters.apply import apply
from imconv.options import Options
from imconv.stages.convolution.filter import LinearFilter
from imconv.tracing import trace
from imconv.tracing.parts import Part
from imconv.tracing.words import as_json, text
from tests import naive
from tests.bounds import FLOAT32
from tests.cases import BORDERS
from tests.refused import refused

KERNELS = {
    "distinct": Kernel([[1, 2, 4], [8, 16, 32], [64, 128, 256]]).scaled(Fraction(1, 200)),
    "lecture": Kernel.named("lecture"),
    "sobel": Kernel.named("sobel-x"),
    "offset": Kernel([[0, -1], [3, 1], [1, 0]], offset=Fraction(7, 3), anchor=(2, 0)),
    "holes": Kernel([[1, 0, 2], [0, 5, 0]], included=[[1, 0, 1], [1, 1, 0]]),
    "wide": Kernel([[1, 2, 3, 4, 5, 6]]).normalized(),
}
GEOMETRIES = [{}, {"pad": "valid"}, {"pad": "full"}, {"pad": (1, 0, 2, 3), "stride": (2, 3)}, {"dilation": (2, 1)}]


def pixels_of(dtype, channels=1, shape=(5, 6), seed=5):
    random = np.random.default_rng(seed)
    size = shape if channels == 1 else (*shape, channels)
    dtype = np.dtype(dtype)
    return random.random(size).astype(dtype) if dtype.kind == "f" else random.integers(0, np.iinfo(dtype).max + 1, size, dtype)  # fmt: skip


def traced(kernel, picture, **options):
    """Every third pixel of a result, and the last, with its traces."""
    filter = LinearFilter(kernel, Options(**options))
    result = apply(filter, picture).pixels
    places = list(np.ndindex(result.shape[:2]))
    for y, x in {*places[::3], places[-1]}:
        yield y, x, np.atleast_1d(result[y, x]).tolist(), of_one_kernel(filter, picture, x, y)


def of_one_kernel(filter, picture, x, y):
    """Where the window lies, and the channels' traces."""
    [part] = trace(filter, picture, x, y)
    return part.place, part.channels


@pytest.mark.parametrize("border", [*BORDERS, "constant:17"])
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
@pytest.mark.parametrize("name", KERNELS)
def test_pixels_of_many_filters(name, geometry, border):
    kernel = KERNELS[name]
    if border == "normalized" and (
        name in ("sobel", "offset", "holes") or geometry.get("pad") in ("full", (1, 0, 2, 3))
    ):
        pytest.skip("needs weights whose sum is positive in every window")
    picture = Picture(pixels_of("uint8"))
    weights = kernel.fractions().tolist()
    included = None if kernel.included is None else kernel.included.tolist()
    pairs = {key: (n, n) if isinstance(n, int) else n for key, n in geometry.items() if key != "pad"}
    values = naive.values(
        picture.pixels, weights, border=border.partition(":")[0], fill=17 if ":" in border else 0, anchor=kernel.anchor,
        offset=kernel.offset, included=included, pad=geometry.get("pad", "same"), **pairs,
    )  # fmt: skip
    for y, x, result, (_, [found]) in traced(kernel, picture, border=border, **geometry):
        assert found.value == values[y, x, 0]
        assert found.result == found.rounded == result[0]
        assert found.total == sum(p for row in found.products for p in row if p is not None)


@pytest.mark.parametrize("policy", ["clip", "abs", "offset"])
@pytest.mark.parametrize("alpha", ["weight", "separate", "keep", "unweighted"])
@pytest.mark.parametrize("name", ["distinct", "sobel", "offset"])
def test_alpha_and_range(name, alpha, policy):
    kernel = KERNELS[name]
    pixels = pixels_of("uint8", 4)
    pixels[1:4, 2:6, 3] = 0
    for _, _, result, (_, found) in traced(kernel, Picture(pixels), alpha=alpha, range=policy, border="constant:9"):
        assert [each.rounded for each in found] == [each.result for each in found] == result
        assert found[-1].channel == "alpha"


@pytest.mark.parametrize(("dtype", "depth"), [("uint16", "8"), ("uint8", "16"), ("uint8", "float"), ("uint16", "keep"), ("float32", "8")])  # fmt: skip
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_depths_and_channels(dtype, depth, channels):
    for _, _, result, (_, found) in traced(KERNELS["lecture"], Picture(pixels_of(dtype, channels)), depth=depth):
        expected = [each.rounded for each in found]
        if depth == "float":
            np.testing.assert_allclose(result, expected, atol=FLOAT32 * 1.1)
        else:
            assert result == expected


def test_float_pictures():
    kernel = Kernel(np.random.default_rng(1).normal(size=(3, 3)))
    for dtype in ("float32", "float64"):
        for _, _, result, (_, [found]) in traced(kernel, Picture(pixels_of(dtype))):
            assert found.result == result[0]
            assert found.rounded == pytest.approx(found.result, abs=FLOAT32 * kernel.absolute_sum())


def test_infinity_and_nan():
    pixels = pixels_of("float64")
    pixels[3, 4], pixels[4, 1] = np.inf, np.nan
    for _, _, _, (place, [found]) in traced(KERNELS["distinct"], Picture(pixels)):
        assert found.rounded == pytest.approx(found.result, rel=1e-12, nan_ok=True)
        json.dumps(as_json([Part("", place, [found])]), allow_nan=False)
        assert "result" in text([Part("", place, [found])])


def test_the_lectures_figure():
    """The README's picture: two of its values are ties, 68.5 being one."""
    image = np.array([[45, 60, 98], [46, 65, 98], [47, 65, 96]], np.uint8)
    filter = LinearFilter(Kernel([[0.1, 0.1, 0.1], [0.1, 0.2, 0.1], [0.1, 0.1, 0.1]]), Options(pad="valid"))
    assert text(trace(filter, Picture(image), 0, 0)).splitlines() == [
        "rows     0 1 2",
        "columns  0 1 2",
        "",
        "channel 1 of 1",
        "window         weights     products",
        " 45  60  98     1  1  1      45   60   98",
        " 46 [65] 98     1 [2] 1      46 [130]  98",
        " 47  65  96     1  1  1      47   65   96",
        "sum              685",
        "divided by 10    68.5",
        "rounded half up  69",
        "result           69",
    ]


def test_saturation_and_borders_in_words():
    filter = LinearFilter(Kernel([[3, 3, 3]]), Options(border="constant:200"))
    told = text(trace(filter, Picture(np.full((2, 2), 90, np.uint8)), 1, 0))
    assert "columns  0 1 outside" in told
    assert [line.split() for line in told.splitlines()[-3:]] == [
        ["sum", "1140"],
        ["saturated", "255"],
        ["result", "255"],
    ]


def test_json_is_plain():
    filter = LinearFilter(KERNELS["offset"], Options())
    [found] = as_json(trace(filter, Picture(pixels_of("uint8", 3)), 2, 3))
    assert (found["rows"], found["columns"], found["anchor"]) == ([1, 2, 3], [2, 3], [2, 0])
    assert (len(found["channels"]), found["channels"][0]["weights"]) == (3, [[0, -1], [3, 1], [1, 0]])


def test_one_bit_pictures():
    picture = Picture(np.eye(4, dtype=bool))
    for _, _, result, (place, [found]) in traced(Kernel([[1, 1], [1, 1]]).normalized(), picture):
        assert bool(found.rounded) == found.result == result[0]
        assert as_json([Part("", place, [found])])[0]["channels"][0]["result"] in (0, 1)


def test_refusals():
    picture = Picture(pixels_of("uint8"))
    filter = LinearFilter(KERNELS["sobel"], Options())
    for x, y in ((6, 0), (0, 5), (-1, 0)):
        refused(OptionError, "outside the result, 6 columns by 5 rows", trace, filter, picture, x, y)
    for options in (Options(range="stretch"), Options(linear=True)):
        refused(OptionError, "stretch. nor linear=True", trace, replace(filter, options=options), picture, 0, 0)


def test_the_picture_is_not_changed():
    pixels = pixels_of("uint8", 4)
    before = pixels.copy()
    trace(LinearFilter(KERNELS["distinct"], Options()), Picture(pixels), 3, 3)
    np.testing.assert_array_equal(pixels, before)
    assert imconv.Kernel.named("sobel-x") == KERNELS["sobel"]
