"""Every algorithm, also where the planner would take another: wide pictures, all vector remainders, bands, infinities.

The loops work on vectors of 8 to 64 samples and on several rows at once: pictures here are wider and narrower than that.
"""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import maximum_filter, uniform_filter

import imconv
from imconv import Kernel
from imconv.filters.blur_kernels import box_kernel, gaussian_kernel
from imconv.geometry.axis import make_axes
from imconv.geometry.border import parse_border
from imconv.pixels.rounding import Tally
from imconv.pixels.sample_types import PRODUCT_LIMIT
from imconv.stages.convolution.plan import make_plan
from tests import naive
from tests.bounds import COARSE_GRID, FLOAT32, FLOAT64, assert_levels
from tests.cases import PRIMES, picture
from tests.executing import execute

WIDTHS = (1, 3, 15, 16, 17, 31, 33, 63, 64, 65, 100, 127, 129, 200)
HEIGHTS = (1, 2, 3, 4, 5, 7, 8, 9, 13)
RNG = np.random.default_rng(1)
# whole numbers, so that every sum is exact in every type; what the planner may do with each
WEIGHTS = {
    "dense": np.array(PRIMES[:20]).reshape(4, 5) * (-1) ** np.arange(20).reshape(4, 5),
    "dense with holes": np.array([[0, 3, 0, 0], [2, 0, 0, 5], [0, 0, 0, 0], [7, 0, 11, 0]]),
    "outer": np.outer([2, 3, -5], [1, 4, 7, -2]),
    "symmetric": np.outer([1, 3, 1], [1, 4, 6, 4, 1]),
    "antisymmetric": np.outer([1, 0, -1], [-2, -1, 0, 1, 2]),
    "even": np.outer([1, 1], [1, 3, 3, 1]),
    "box": np.ones((5, 6), int),
    "tall box": np.ones((17, 2), int),
    "row": np.array([[1, 2, 4, 8]]),
    "column": np.array([[1], [2], [4]]),
}
CHOICES = ("dense", "separable", "box", "decimated")


def planned(kernel, image, algorithm, target=None, **options) -> imconv.Plan | None:
    """The plan with this algorithm; None where it can't do the work."""
    kernel = kernel if isinstance(kernel, Kernel) else Kernel(kernel)
    pad, stride, dilation = (
        options.pop(name, default) for name, default in (("pad", "same"), ("stride", 1), ("dilation", 1))
    )
    axes = make_axes(image.shape[:2], kernel.shape, kernel.anchor, pad, stride, dilation)
    channels = image.shape[2] if image.ndim == 3 else 1
    border = parse_border(options.pop("border", "reflect"))
    target = np.dtype(target or image.dtype)
    try:
        return make_plan(kernel, axes, channels, image.dtype, target, border, algorithm=algorithm, **options)
    except imconv.ImconvError as error:
        if "can't do this" not in str(error):
            raise
        return None


def whole_sums(image, weights, stride=(1, 1), dilation=(1, 1), border="reflect", fill=0) -> np.ndarray:
    """Correlation of whole numbers, "same", one tap at a time over the whole picture, in int64."""
    places = []
    for size, taps, spread in zip(image.shape, weights.shape, dilation, strict=False):
        at = range(-(taps // 2) * spread, size + (taps - 1 - taps // 2) * spread)
        places.append([naive.source_index(border, p, size) for p in at])
    rows, columns = (np.array([-1 if p is None else p for p in axis]) for axis in places)
    padded = image.astype(np.int64)[rows][:, columns]
    padded[rows < 0] = padded[:, columns < 0] = fill
    total = np.zeros(image.shape, np.int64)
    for (k, m), weight in np.ndenumerate(weights):
        y, x = k * dilation[0], m * dilation[1]
        total += weight * padded[y : y + image.shape[0], x : x + image.shape[1]]
    return total[:: stride[0], :: stride[1]]


def test_the_vectorised_reference_is_the_naive_one():
    image = picture("uint8", (5, 6, 2), 1)
    for weights in (WEIGHTS["dense"], WEIGHTS["tall box"]):
        for options in ({"border": "wrap", "stride": (2, 1)}, {"border": "constant", "fill": 9, "dilation": (1, 2)}):
            expected = naive.correlate(image, weights.tolist(), dtype="int64", **options)
            np.testing.assert_array_equal(whole_sums(image, weights, **options), expected)


@settings(max_examples=400)
@given(
    st.sampled_from(list(WEIGHTS)),
    st.sampled_from(["dense", "separable", "box"]),
    st.sampled_from(["uint8", "uint16", "float32", "float64", "int16", "bool"]),
    st.sampled_from(HEIGHTS),
    st.sampled_from(WIDTHS),
    st.sampled_from([1, 1, 2, 3, 4]),
    st.sampled_from([(1, 1)] * 3 + [(2, 2), (1, 3), (3, 1), (4, 5), (5, 4)]),
    st.sampled_from([(1, 1)] * 3 + [(2, 2), (1, 3), (3, 1), (6, 2)]),
    st.sampled_from(["reflect", "mirror", "nearest", "wrap", "constant"]),
    st.sampled_from([None, 1, 3]),
)
def test_wide_pictures(name, algorithm, dtype, height, width, channels, stride, dilation, border, band_rows):
    weights = WEIGHTS[name]
    kind = np.dtype(dtype)
    image = picture("uint8" if kind.kind == "f" else dtype, (height, width, channels), width).astype(dtype)
    fill = 7 if border == "constant" else 0
    text = "constant:7" if fill else border
    target = dtype if kind.kind == "f" else "int32"
    plan = planned(weights, image, algorithm, target, stride=stride, dilation=dilation, border=text)
    if plan is None:
        return
    result = execute(plan, image, threads=2, band_rows=band_rows)
    expected = whole_sums(image, weights, stride, dilation, border, fill)
    if name.startswith("dense") and algorithm == "separable":  # a sum of outer products with fractions of all kinds
        bound = FLOAT32 if dtype == "float32" else FLOAT64
        np.testing.assert_allclose(result, expected, rtol=0, atol=bound * np.abs(weights).sum() * 255)
        return
    np.testing.assert_array_equal(result, expected)
    if kind.kind in "bu":  # the loop's own rounding and saturation
        plan = planned(weights, image, algorithm, stride=stride, dilation=dilation, border=text)
        low, high = naive.type_range(dtype)
        np.testing.assert_array_equal(execute(plan, image, band_rows=band_rows), expected.clip(low, high).astype(dtype))


@pytest.mark.parametrize("algorithm", CHOICES)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
@pytest.mark.parametrize("alpha", ["none", "weight", "keep", "unweighted"])
def test_threads_and_bands_change_nothing(algorithm, dtype, alpha):
    image = np.abs(picture(dtype, (61, 37, 4), 2))
    kernel = {"decimated": gaussian_kernel(11, fast=True), "box": Kernel(np.full((9, 7), 1 / 63))}.get(
        algorithm, Kernel(np.outer(RNG.random(6), RNG.random(5)) / 9)
    )
    for border in ("reflect", "constant:9"):
        plan = planned(kernel, image, algorithm, alpha=alpha, border=border)
        assert plan.algorithm == algorithm
        expected = execute(plan, image, threads=1, band_rows=1000).tobytes()
        for threads in (1, 2, 3, 7):
            for band_rows in (1, 2, 5, 64, None):
                assert execute(plan, image, threads=threads, band_rows=band_rows).tobytes() == expected
        assert execute(plan, image, tally=Tally()).tobytes() == expected
        assert execute(plan, image[::-1].copy()[::-1], threads=2, band_rows=5).tobytes() == expected


@pytest.mark.parametrize("algorithm", ["dense", "separable", "box"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["outer", "symmetric", "antisymmetric", "even", "box", "tall box", "dense"])
@pytest.mark.parametrize("bad", [[np.nan], [np.inf], [-np.inf], [np.inf, -np.inf]], ids=str)
def test_infinities_follow_ieee_within_the_window(algorithm, dtype, name, bad):
    """Also for weights of 0, and for a kernel that is a sum of several outer products."""
    weights = WEIGHTS[name]
    image = np.ones((25, 70), dtype)
    for step, value in enumerate(bad):
        image[12, 40 + 2 * step] = value
    plan = planned(weights, image, algorithm)
    if plan is None:
        return
    result, expected = execute(plan, image), naive.correlate(image, weights.astype(float).tolist())
    np.testing.assert_array_equal(np.isnan(result), np.isnan(expected))
    np.testing.assert_array_equal(np.isinf(result) * np.sign(result), np.isinf(expected) * np.sign(expected))


@pytest.mark.parametrize("algorithm", CHOICES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_largest_floats_are_averaged_not_overflowed(algorithm, dtype):
    """-3.4e38 marks missing data in many a float32 picture; a mean of them is no infinity."""
    largest = np.finfo(dtype).max * 0.999  # weights that sum to 1 are off by an ulp
    image = np.full((30, 70), -largest, dtype)
    image[:, 35:] = 0
    kernel = {"separable": gaussian_kernel(2, 4.0), "decimated": gaussian_kernel(11, fast=True)}.get(
        algorithm, Kernel(np.full((7, 5), 1 / 35))
    )
    result = execute(planned(kernel, image, algorithm), image)
    assert np.isfinite(result).all()


@pytest.mark.parametrize("sigma", [5, 8, 20, 40])
@pytest.mark.parametrize("bad", [np.nan, np.inf], ids=str)
def test_wide_gaussians_keep_infinities_within_their_window(sigma, bad):
    radius = int(4 * sigma + 0.5)
    image = np.zeros((2 * radius + 61, 2 * radius + 41), np.float32)
    image[radius + 30, radius + 20] = bad
    result = imconv.gaussian_blur(image, sigma, fast=True)
    outside = np.ones(image.shape, bool)
    outside[30 : 31 + 2 * radius, 20 : 21 + 2 * radius] = False
    assert np.isfinite(result[outside]).all()
    middle = result[30 : 31 + 2 * radius, 20 : 21 + 2 * radius]
    assert np.isnan(middle).all() if np.isnan(bad) else np.isposinf(middle).all()


@pytest.mark.parametrize("border", ["reflect", "mirror", "nearest", "wrap", "constant:0.5"])
@pytest.mark.parametrize("sigma", [5, (7, 2), (0, 12), 33])
@pytest.mark.parametrize("shape", [(50, 61), (1, 90), (90, 1), (3, 4, 3), (40, 30, 4)])
def test_wide_gaussians_at_the_borders(sigma, shape, border):
    image = np.random.default_rng(3).random(shape)
    direct = imconv.gaussian_blur(image, sigma, border=border, truncate=6.0)
    near = 0.05 / 255  # of one 8-bit level, for samples from 0 to 1
    np.testing.assert_allclose(imconv.gaussian_blur(image, sigma, border=border), direct, rtol=0, atol=near)


@pytest.mark.parametrize(("sigma", "step", "error"), [(10, 2, 0.013), (20.2, 4, 0.0172), (47.3, 9, 0.0135)])
def test_the_picture_that_a_wide_gaussian_blurs_worst(sigma, step, error):
    """White where the coarse grid's weights for one pixel are larger than the Gaussian's own, black elsewhere.

    No other picture brings a pixel further away from the exact result, that of the Gaussian cut at 4 sigma.
    """
    middle = int(8 * sigma)
    size = 2 * middle + step
    dots = np.eye(size)  # smoothed along rows, they are the weights themselves: a column for each pixel of the result
    wide = gaussian_kernel((0, sigma), fast=True)
    weights = execute(planned(wide, dots, "decimated", border="constant"), dots)
    distance = np.abs(np.arange(size)[:, None] - np.arange(size))
    exact = np.exp(-0.5 * (distance / sigma) ** 2) * (distance <= int(4 * sigma + 0.5))
    exact /= exact[middle].sum()
    worst = max(
        (
            np.outer(weights[:, y], weights[:, x]) - np.outer(exact[:, y], exact[:, x])
            for y in range(middle, middle + step)
            for x in range(y, middle + step)
        ),
        key=lambda difference: difference[difference > 0].sum(),
    )
    image = np.where(worst > 0, np.uint8(255), np.uint8(0))
    expected = exact.T @ image @ exact
    plan = planned(gaussian_kernel(sigma, fast=True), image, "decimated", "float64", border="constant")
    assert plan.decimation[0].step == step
    off = np.abs(execute(plan, image) - expected).max()
    assert off <= COARSE_GRID
    assert off == pytest.approx(error, rel=0.1)
    assert_levels(imconv.gaussian_blur(image, sigma, border="constant"), expected, COARSE_GRID)


@pytest.mark.parametrize("amount", [1, 5, 20])
def test_a_wide_unsharp_mask_does_not_enlarge_the_gaussians_error(amount):
    image = np.random.default_rng(4).random((60, 70)) * 255
    blurred = imconv.gaussian_blur(image, 8, truncate=6.0)
    result = imconv.unsharp_mask(image, 8, amount)
    np.testing.assert_allclose(result, image + amount * (image - blurred), rtol=0, atol=0.05)  # of one 8-bit level


def test_the_cost_of_a_gaussian_stays_flat():
    image = np.zeros((400, 400, 3), np.uint8)
    cost = [imconv.plan(image.shape, image.dtype, gaussian_kernel(s)).multiply_adds for s in (20, 2000)]
    assert cost[1] < 2 * cost[0]


@pytest.mark.parametrize("radius", [3, 15])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_float_boxes_forget_what_has_left(radius, dtype):
    """A running sum that subtracts would keep the rounding of a large sample that is long gone."""
    image = np.full((90, 80), 0.1, dtype)
    image[5, 5] = 1e7
    size = 2 * radius + 1
    plan = planned(Kernel(np.full((size, size), 1 / size**2)), image, "box")
    result = execute(plan, image)
    far = result[5 + size :, 5 + size :]
    np.testing.assert_allclose(far, 0.1, rtol=FLOAT32 if dtype == "float32" else FLOAT64)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize(
    "size", [(1, 40), (3, 40), (8, 8), (9, 9), (10, 17), (17, 64), (31, 33), (50, 81), (128, 255), (201, 1)]
)
def test_float_boxes_of_every_make(size, channels):
    """Rows by themselves and in blocks, windows of 1 to 64 pixels; rows longer than the part for which windows are made."""
    image = RNG.random((230, 2100 // channels + 300, channels), np.float32)
    image[100, 40, 0], image[3, -9, -1] = np.nan, np.inf
    plan = planned(box_kernel(size), image, "box")
    result = execute(plan, image, threads=1)
    np.testing.assert_array_equal(execute(plan, image, threads=2), result)
    parts = [execute(planned(box_kernel(size), image[:n], "box"), image[:n])[: n - size[0]] for n in (size[0] + 7, 229)]
    for part in parts:
        np.testing.assert_array_equal(part, result[: len(part)])
    finite = np.isfinite(image)
    lost = maximum_filter(~finite, (*size, 1))
    np.testing.assert_array_equal(np.isfinite(result), ~lost)
    expected = uniform_filter(np.where(finite, image, 0).astype(np.float64), (*size, 1))
    np.testing.assert_allclose(result[~lost], expected[~lost], rtol=0, atol=FLOAT32)
    wide = planned(box_kernel(size), image, "box", stride=(2, 3))
    np.testing.assert_array_equal(execute(wide, image), result[::2, ::3])


def test_an_algorithm_that_can_not_do_the_work_is_refused():
    image = np.zeros((5, 5), np.uint8)
    assert planned(WEIGHTS["dense"], image, "box") is None
    assert planned(WEIGHTS["outer"], image, "decimated") is None
    assert planned(WEIGHTS["box"], image, "box", dilation=2) is None
    assert planned(gaussian_kernel(9), image, "decimated", stride=2) is None


def box_by_cumulated_sums(image: np.ndarray, size: tuple[int, int], border: str, value: int = 0) -> np.ndarray:
    """The mean over a box of a grey picture of whole numbers, rounded half up, in int64."""
    before = [n // 2 for n in size]
    pad = [(b, n - 1 - b) for b, n in zip(before, size, strict=True)]
    how = {"constant_values": value} if border == "constant" else {}
    padded = np.pad(image.astype(np.int64), pad, {"reflect": "symmetric"}.get(border, border), **how)
    total = np.zeros([n + 1 for n in padded.shape], np.int64)
    total[1:, 1:] = padded.cumsum(axis=0).cumsum(axis=1)
    rows, columns = size
    sums = total[rows:, columns:] - total[:-rows, columns:] - total[rows:, :-columns] + total[:-rows, :-columns]
    top = np.iinfo(image.dtype).max
    return np.clip((2 * sums + rows * columns) // (2 * rows * columns), 0, top).astype(image.dtype)


@pytest.mark.parametrize(
    ("dtype", "size", "border", "types"),
    [
        ("uint8", (3, 3), "reflect", ("uint16", "uint16")),
        ("uint8", (16, 16), "constant:255", ("uint16", "uint16")),
        ("uint8", (17, 17), "constant:255", ("uint16", "uint32")),
        ("uint8", (127, 128), "reflect", ("uint16", "uint32")),  # divided by a product
        ("uint8", (129, 128), "reflect", ("uint16", "uint32")),  # by a quotient
        ("uint8", (300, 9), "reflect", ("uint32", "uint32")),
        ("uint8", (5, 5), "constant:300", ("float32", "float32")),
        ("uint8", (5, 5), "constant:-7", ("float32", "float32")),
        ("uint16", (3, 3), "reflect", ("uint32", "uint32")),
        ("uint16", (256, 255), "constant:65535", ("uint32", "uint32")),
        ("uint16", (256, 257), "constant:65535", ("float64", "float64")),
    ],
)
@pytest.mark.parametrize("white", [False, True])
def test_box_sums_are_exact_in_every_type_that_holds_them(dtype, size, border, types, white):
    top = np.iinfo(dtype).max
    image = (
        np.full((90, 150), top, dtype) if white else np.random.default_rng(1).integers(0, top, (90, 150), dtype, True)
    )
    mode, _, value = border.partition(":")
    plan = planned(box_kernel(size), image, "box", border=border)
    assert plan.how.sum_types(plan, (float(value or 0),)) == types
    expected = box_by_cumulated_sums(image, size, mode, int(value or 0))
    for rows in (90, 7):
        np.testing.assert_array_equal(execute(plan, image, band_rows=rows), expected)


@pytest.mark.parametrize("divisor", [3, 7, 9, 127, 961, 16_129])
def test_a_product_divides_whole_sums_as_a_quotient(divisor):
    """Every sum next to a tie, and next to a whole quotient, up to the limit where products are taken."""
    limit = PRODUCT_LIMIT["float32"]
    near = np.arange(0, limit, divisor)
    sums = np.concatenate([near + d for d in (-1, 0, 1, divisor // 2, divisor // 2 + 1)]).clip(0, limit - divisor - 1)
    scale, bias = np.float32(1 / divisor), np.float32((divisor // 2 + 0.5) / divisor)
    # fma: the product is not rounded, float64 holds it
    quotients = (sums.astype(np.float64) * scale + bias).astype(np.float32).astype(np.int64)
    np.testing.assert_array_equal(quotients, (sums + divisor // 2) // divisor)


@pytest.mark.parametrize("largest", [300, 65_535])
def test_quotients_that_need_a_correction(largest):
    """Whole sums too large to be divided by a product: a product with the reciprocal may be one off, either way."""
    image = np.random.default_rng(21).integers(0, largest, (40, 70), np.uint16, endpoint=True)
    samples = image.astype(np.int64)
    for d in range(65, 256):
        kernel = Kernel([[Fraction(d - 2, d), Fraction(1, d)], [Fraction(1, d), 0]])
        sums = (d - 2) * samples[:-1, :-1] + samples[:-1, 1:] + samples[1:, :-1]
        np.testing.assert_array_equal(imconv.correlate(image, kernel, pad="valid"), (2 * sums + d) // (2 * d), str(d))


@pytest.mark.parametrize("channels", [5, 6, 7, 8])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_integer_boxes_of_many_channels(dtype, channels):
    """Their rows are summed in windows of 1, 2, 4, 8, ... pixels."""
    for columns in (9, 13, 40, 57):
        planes = np.random.default_rng(columns).integers(0, np.iinfo(dtype).max, (channels, 11, columns), dtype, True)
        for width in range(9, 41):
            axes = make_axes((11, columns), (3, width), (1, width // 2), "same", 1, 1)
            plan = make_plan(
                box_kernel((3, width)), axes, channels, np.dtype(dtype), np.dtype(dtype), parse_border("reflect"),
                algorithm="box",
            )  # fmt: skip
            result = execute(plan, np.ascontiguousarray(np.moveaxis(planes, 0, -1)))
            for channel in range(channels):
                expected = box_by_cumulated_sums(planes[channel], (3, width), "reflect")
                np.testing.assert_array_equal(result[..., channel], expected, f"{columns} columns, width {width}")
