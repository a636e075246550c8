"""Alpha: colour weighted by coverage, kept, or a channel like the others."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import imconv
from imconv import Kernel
from imconv.filters.apply import apply
from imconv.options import Options
from imconv.stages.combined.filter import CombinedFilter
from imconv.stages.convolution.filter import LinearFilter
from tests import naive
from tests.bounds import FLOAT32, FLOAT64, TIE_8BIT, TIE_16BIT, assert_levels
from tests.cases import laid_out, picture

POLICIES = st.sampled_from(["weight", "keep", "unweighted", "separate"])
BORDERS = ["reflect", "mirror", "nearest", "wrap", "constant", "normalized"]
BLUR = [[Fraction(w, 57) for w in row] for row in ((2, 3, 5), (7, 11, 8), (13, 6, 2))]
BLUR_KERNEL = Kernel(BLUR)


@st.composite
def pictures(draw, dtypes):
    dtype, channels = draw(st.sampled_from(dtypes)), draw(st.sampled_from([2, 4]))
    shape = (draw(st.integers(1, 6)), draw(st.integers(1, 6)), channels)
    image = picture(dtype, shape, draw(st.integers(0, 999)), zeros=True)
    if np.dtype(dtype).kind == "f":
        image = np.abs(image) / max(float(np.abs(image).max()), 1e-3)
    alpha = image[..., -1]
    if draw(st.booleans()):
        alpha[: draw(st.integers(0, 6)), : draw(st.integers(0, 6))] = 0
    return laid_out(image.astype(dtype), draw(st.sampled_from(["plain", "flipped", "read-only"])))


@st.composite
def signed(draw):
    """Exact kernels with negative weights, sums of 0 among them."""
    rows, columns = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    numbers = draw(st.lists(st.integers(-9, 17), min_size=rows * columns, max_size=rows * columns))
    if draw(st.booleans()):
        numbers[0] -= sum(numbers)
    divisor = draw(st.sampled_from([1, 3, 8, 10, 17]))
    return [[Fraction(n, divisor) for n in numbers[r * columns : (r + 1) * columns]] for r in range(rows)]


@given(pictures(["uint8", "uint16", "int16"]), POLICIES, signed(), st.sampled_from(BORDERS[:-1]),
       st.sampled_from([0, 20, Fraction(1, 2)]), st.sampled_from([(1, 1), (2, 3)]),
       st.sampled_from(["clip", "abs", "offset"]), st.sampled_from(["same", "full", 2]))  # fmt: skip
def test_exact_kernels(image, alpha, weights, border, offset, stride, policy, pad):
    options = {"alpha": alpha, "border": border, "offset": offset, "stride": stride, "pad": pad}
    result = imconv.correlate(image, Kernel(weights), has_alpha=True, range=policy, **options)
    np.testing.assert_array_equal(result, naive.correlate(image, weights, policy=policy, **options))


@given(pictures(["uint8", "uint16"]), POLICIES, st.sampled_from(BORDERS), st.sampled_from([(1, 1), (2, 1)]))
def test_exact_positive_kernels(image, alpha, border, dilation):
    options = {"alpha": alpha, "border": border, "dilation": dilation}
    if border == "normalized":
        options["anchor"], options["dilation"] = (1, 1), (1, 1)
    result = imconv.convolve(image, Kernel(BLUR), has_alpha=True, **options)
    np.testing.assert_array_equal(result, naive.convolve(image, BLUR, **options))


@given(pictures(["uint8", "uint16", "float32", "float64"]), POLICIES, st.sampled_from(BORDERS), st.booleans())
def test_other_positive_kernels(image, alpha, border, outer):
    """Colours are means of colours here: the bound is that of a kernel whose weights sum to the same."""
    weights = [[0.0731, 0.2113, 0.1071], [0.0333, 0.4111, 0.0517]]
    if outer:
        weights = np.outer([0.31234, 0.71113, 0.123], [0.1717, 0.67891]).tolist()
    exact = naive.values(image, weights, border=border, alpha=alpha).astype(np.float64)
    result = imconv.correlate(image, weights, border=border, alpha=alpha, has_alpha=True)
    if image.dtype.kind == "f":
        allowed = (FLOAT64 if image.dtype == np.float64 else FLOAT32) * np.sum(weights)
        np.testing.assert_allclose(result, exact, rtol=0, atol=2 * allowed)  # of a quotient of two such sums
    else:
        assert_levels(result, exact, TIE_8BIT if image.dtype == np.uint8 else TIE_16BIT)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("weights", [(8, 2, 1), (1, 2, 0), (3, 1, 1), (7, 5, 9)])
@pytest.mark.parametrize("divisor", [6, 10, 12, 14, 30])
def test_an_opaque_picture_gets_what_it_would_get_without_alpha(dtype, weights, divisor):
    image = picture(dtype, (40, 40, 3), divisor)
    kernel = Kernel([[Fraction(w, divisor) for w in weights]])
    opaque = np.dstack([image, np.full(image.shape[:2], np.iinfo(dtype).max, dtype)])
    result = imconv.correlate(opaque, kernel, has_alpha=True)
    np.testing.assert_array_equal(result[..., :3], imconv.correlate(image, kernel))


def test_ties_stay_ties_under_partial_alpha():
    """0.7 of 44555 is 31188.5, whatever its alpha: the quotient of the two sums must not lose that."""
    image = np.array([[[44555, 22074]]], np.uint16)
    assert imconv.correlate(image, [[0.7]], has_alpha=True).tolist() == [[[31189, 15452]]]


def test_transparent_pixels_lend_no_colour():
    image = np.array([[[200, 255], [90, 0], [90, 0]]], np.uint8)
    assert imconv.box_blur(image, (1, 3), has_alpha=True)[0].tolist() == [[200, 170], [200, 85], [90, 0]]


WEIGHTING = {
    "blur": lambda a, **o: imconv.gaussian_blur(a, 1.3, **o),
    "blur stride": lambda a, **o: imconv.gaussian_blur(a, 1.3, stride=(2, 3), pad=(2, 1), **o),
    "wide blur": lambda a, **o: imconv.gaussian_blur(a, 12, **o),
    "large kernel": lambda a, **o: imconv.correlate(a, np.arange(1.0, 1 + 41 * 43).reshape(41, 43) / 1.6e6, **o),
    "box": lambda a, **o: imconv.box_blur(a, (3, 4), border="normalized", **o),
    "apply": lambda a, **o: imconv.correlate(a, BLUR_KERNEL, border="constant:9,9,9,120", **o),
    "magnitude": lambda a, **o: apply(
        CombinedFilter((LinearFilter(BLUR_KERNEL, Options(**o)), LinearFilter(Kernel([[2, 1, 3]] * 3), Options(**o))), "max"), a
    ),
    "sharpen": lambda a, **o: imconv.sharpen(a, 0.7, **o),
    "unsharp": lambda a, **o: imconv.unsharp_mask(a, 1.3, 0.8, 2, **o),
    "bilateral": lambda a, **o: imconv.bilateral(a, 1.5, 90, radius=3, **o),
    "guided": lambda a, **o: imconv.guided(a, 2, "10%", **o),
    "linear light": lambda a, **o: imconv.gaussian_blur(a, 1.3, linear=True, **o),
    "16 bits": lambda a, **o: imconv.gaussian_blur(a, 1.3, depth=16, **o),
    "abs": lambda a, **o: imconv.gaussian_blur(a, 1.3, range="abs", **o),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
@pytest.mark.parametrize("name", WEIGHTING)
def test_keep_has_the_weighted_colours_beside_its_own_alpha(name, dtype):
    """What is hidden under transparent rims colours nothing; alpha comes back as it went in."""
    random, work = np.random.default_rng(11), WEIGHTING[name]
    image = random.integers(1, 255, (40, 50, 4)).astype(dtype)
    image[..., 3] = random.choice([90, 200, 255], (40, 50))
    image[:, 20:26, 3] = image[28:, :, 3] = 0
    if image.dtype.kind == "f":
        image /= 255
    hidden = image.copy()
    hidden[image[..., 3] == 0, :3] = 1 if image.dtype.kind == "f" else 255
    keep, weight = (work(image, alpha=alpha, has_alpha=True) for alpha in ("keep", "weight"))
    np.testing.assert_array_equal(keep[..., :3], weight[..., :3])
    own = work(image, alpha="unweighted", has_alpha=True)[..., 3]
    np.testing.assert_array_equal(keep[..., 3], own)
    if keep.shape == image.shape and keep.dtype == image.dtype:
        np.testing.assert_array_equal(own, image[..., 3])
    solid = image[..., 3] > 0
    if keep.shape == image.shape and name not in (
        "wide blur",
        "bilateral",
    ):  # one has a grid, the other compares colours
        np.testing.assert_array_equal(keep[solid], work(hidden, alpha="keep", has_alpha=True)[solid])


def test_fully_transparent_surroundings_are_filtered_unweighted():
    image = np.array([[[30, 0], [60, 0], [90, 0]]], np.uint8)
    assert imconv.box_blur(image, (1, 3), has_alpha=True)[0].tolist() == [[40, 0], [60, 0], [80, 0]]


def test_zero_sum_kernels_keep_alpha():
    image = np.array([[[10, 255], [20, 100], [40, 7]]], np.uint8)
    result = imconv.correlate(image, [[-1, 0, 1]], has_alpha=True)
    assert result[0].tolist() == [[10, 255], [30, 100], [20, 7]]
    result = imconv.correlate(image, [[-0.123456, 0, 0.123456]], has_alpha=True, range="abs")
    assert result[0, :, 1].tolist() == [255, 100, 7]


def test_kept_alpha_is_that_under_the_anchor():
    image = picture("uint8", (4, 5, 4), 1)
    result = imconv.correlate(image, [[1, 1], [1, 1]], anchor=(0, 1), has_alpha=True, alpha="keep", stride=2)
    np.testing.assert_array_equal(result[..., 3], image[::2, ::2, 3])


@pytest.mark.parametrize("value", [300, -1, 7])
def test_kept_alpha_outside_the_picture_is_saturated_never_wrapped(value):
    image = np.full((2, 2, 4), 100, np.uint8)
    options = {"border": "constant", "pad": 1, "alpha": "keep"}
    expected = naive.correlate(image, [[1]], fill=value, **options)
    result = imconv.correlate(image, [[1]], has_alpha=True, **{**options, "border": f"constant:{value}"})
    np.testing.assert_array_equal(result, expected)


def test_the_range_policy_leaves_alpha_alone():
    image = picture("uint8", (4, 4, 4), 2)
    plain = imconv.correlate(image, BLUR_KERNEL, has_alpha=True)
    for policy in ("offset", "stretch", "abs"):
        result = imconv.correlate(image, BLUR_KERNEL, has_alpha=True, range=policy)
        np.testing.assert_array_equal(result[..., 3], plain[..., 3])
    stretched = imconv.correlate(image, BLUR_KERNEL, has_alpha=True, range="stretch")[..., :3]
    assert (stretched.min(), stretched.max()) == (0, 255)


def test_without_alpha_every_channel_is_alike():
    image = picture("uint8", (4, 4, 4), 3)
    expected = imconv.correlate(image, BLUR_KERNEL)
    np.testing.assert_array_equal(imconv.correlate(image, BLUR_KERNEL, has_alpha=True, alpha="separate"), expected)
    np.testing.assert_array_equal(imconv.correlate(image, BLUR_KERNEL, has_alpha=False), expected)


def test_planes_first():
    image = picture("uint8", (5, 6, 4), 4)
    expected = imconv.correlate(image, BLUR_KERNEL, has_alpha=True)
    result = imconv.correlate(np.moveaxis(image, 2, 0), BLUR_KERNEL, has_alpha=True, channel_axis=0)
    np.testing.assert_array_equal(np.moveaxis(result, 0, 2), expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"alpha": "wieght", "has_alpha": True}, "did you mean 'weight'"), ({"alpha": "bogus"}, "unknown alpha"),
     ({"alpha": "weight"}, "has_alpha=True"), ({"alpha": "keep"}, "has_alpha=True"),
     ({"image": np.zeros((2, 2, 3), np.uint8), "has_alpha": True}, "2 or 4 channels"),
     ({"image": np.zeros((2, 2), np.uint8), "has_alpha": True}, "2 or 4 channels")],
)  # fmt: skip
def test_what_can_not_be_done_is_said(options, message):
    with pytest.raises(imconv.ImconvError, match=message):
        imconv.correlate(**{"image": np.zeros((2, 2, 4), np.uint8), "kernel": [[1]], **options})
