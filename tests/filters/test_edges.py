"""Edges against scipy.ndimage, scikit-image, OpenCV and the definitions."""

import math
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import ndimage

import imconv
from imconv.filters.apply import apply
from imconv.filters.edges import (
    COMPASSES,
    GRADIENTS,
    OPERATORS,
    SECONDS,
    TURNING,
    edge_filter,
    eight,
    gradient,
    second,
    steered,
)
from imconv.kernel.kernel import Kernel
from imconv.options import Options
from tests import naive
from tests.bounds import FLOAT64, assert_within
from tests.cases import FLOATS, WHOLE, picture
from tests.executing import threads_and_bands_change_nothing
from tests.refused import refused

ROUNDINGS = 1e-12  # float64, times the largest sample
PUBLISHED_DIGITS = 1e-9  # to which Farid's weights are given
CUT = 2e-3  # what Gaussians lose beyond four sigma, times the largest sample
GAINS = {"sobel": 8, "scharr": 32, "prewitt": 6, "kirsch": 24, "robinson": 8}

floats = np.random.default_rng(3).random((23, 31)) * 200
y, x = np.mgrid[:15, :19].astype(float)


def hypot_rounded(x, y, divisor, high):
    """`sqrt(x^2 + y^2) / divisor` of whole numbers, rounded half up by whole numbers alone, saturated."""
    square = [int(a) ** 2 + int(b) ** 2 for a, b in zip(x.ravel(), y.ravel(), strict=True)]
    halves = [math.isqrt(4 * s // Fraction(divisor) ** 2) for s in square]  # floor(2 m)
    return np.clip([(h + 1) // 2 for h in halves], 0, high).reshape(x.shape)


# --- what everything answers ---
@pytest.mark.parametrize("operator", [*GRADIENTS, *COMPASSES])
def test_a_ramp_of_slope_1_answers_1(operator):
    inside = np.s_[4:-4, 4:-4]
    for ramp, show, other in ((x, "x", "y"), (y, "y", "x")):
        np.testing.assert_allclose(imconv.edges(ramp, operator, show)[inside], 1, atol=ROUNDINGS)
        np.testing.assert_allclose(imconv.edges(ramp, operator, other)[inside], 0, atol=ROUNDINGS)
        np.testing.assert_allclose(imconv.edges(ramp, operator)[inside], 1, atol=ROUNDINGS)
        np.testing.assert_allclose(imconv.edges(-ramp, operator)[inside], 1, atol=ROUNDINGS)
        np.testing.assert_allclose(imconv.edges(-ramp, operator, show)[inside], -1, atol=ROUNDINGS)


@pytest.mark.parametrize("operator", [*GRADIENTS, *COMPASSES])
def test_directions_are_counter_clockwise_from_the_right(operator):
    for ramp, angle in ((x, 0), (x - y, 45), (-y, 90), (-x - y, 135), (-x, 180), (y - x, 225), (y, 270), (x + y, 315)):
        found = imconv.edges(ramp, operator, "direction")[7, 9]
        assert abs((found - angle + 180) % 360 - 180) < 1e-9
        assert 0 <= found < 360
        assert imconv.edges((ramp + 20).astype(np.float32), operator, "direction").dtype == np.float32
    if operator not in ("farid", "freichen", "gaussian"):  # of whose answers rounding is left
        assert (imconv.edges(np.full((5, 5), 7, np.uint8), operator, "direction") == 0).all()


@pytest.mark.parametrize("operator", ["laplacian", "log"])
def test_a_parabola_answers_1(operator):
    for parabola in (x * x / 2, y * y / 2):
        assert imconv.edges(parabola, operator)[7, 9] == pytest.approx(1, abs=1e-11)
    assert imconv.edges(x * y, operator)[7, 9] == pytest.approx(0, abs=1e-11)


@pytest.mark.parametrize("operator", OPERATORS)
def test_flat_pictures_have_no_edges(operator):
    flat = np.full((9, 9), 255, np.uint8)
    wanted = 128 if operator in SECONDS else 0
    assert (imconv.edges(flat, operator) == wanted).all()
    assert np.abs(imconv.edges(flat.astype(float), operator)).max() < ROUNDINGS * 255


# --- oracles ---
@pytest.mark.parametrize("operator", ["sobel", "prewitt"])
@pytest.mark.parametrize("border", ["reflect", "mirror", "nearest", "wrap", "constant"])
def test_scipy(operator, border):
    mode = {"wrap": "grid-wrap", "constant": "constant"}.get(border, border)
    for show, axis in (("x", 1), ("y", 0)):
        expected = getattr(ndimage, operator)(floats, axis=axis, mode=mode)
        result = imconv.edges(floats, operator, show, gain=GAINS[operator], border=border)
        np.testing.assert_allclose(result, expected, rtol=0, atol=ROUNDINGS * 200 * 8)
    np.testing.assert_allclose(
        imconv.edges(floats, "laplacian", border=border), ndimage.laplace(floats, mode=mode), rtol=0,
        atol=ROUNDINGS * 200 * 8,
    )  # fmt: skip


@pytest.mark.parametrize("sigma", [1, 2.5])
def test_derivatives_of_a_gaussian_at_an_angle(sigma):
    """With twice the reach scipy's Gaussian is whole; what ours has lost beyond four sigma stays within the bound."""

    def oracle(*order):
        return ndimage.gaussian_filter(floats, sigma, order=order, truncate=8)

    def assert_close(result, expected, order):
        assert np.abs(result - expected).max() < CUT * 200 / sigma**order

    x, y = oracle(0, 1), oracle(1, 0)
    for angle in (0, 30, 90, 135, -60, 200.5):
        c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        assert_close(imconv.edges(floats, "gaussian", sigma=sigma, angle=angle), c * x - s * y, 1)
        bend = c * c * oracle(0, 2) - 2 * c * s * oracle(1, 1) + s * s * oracle(2, 0)
        assert_close(imconv.edges(floats, "gaussian", sigma=sigma, angle=angle, order=2), bend, 2)


@pytest.mark.parametrize("angle", [0, 37, 90, 180, 225, 271.5])
def test_steered_derivatives(angle):
    c, s = math.cos(math.radians(angle)), -math.sin(math.radians(angle))
    along, beside = c * (x - 9) + s * (y - 7), c * (y - 7) - s * (x - 9)
    for operator in GRADIENTS:
        derivative = partial(imconv.edges, operator=operator, angle=angle)
        assert derivative(along)[7, 9] == pytest.approx(1, abs=1e-11)
        assert derivative(beside)[7, 9] == pytest.approx(0, abs=1e-11)
        assert np.abs(derivative(np.full((9, 9), 255.0))).max() < ROUNDINGS * 255
        if operator != "roberts":  # whose two diagonals are not centred
            image = picture("uint8", (12, 15), 2).astype(float)
            sides = [imconv.edges(image, operator, show) for show in "xy"]
            np.testing.assert_allclose(derivative(image), c * sides[0] + s * sides[1], atol=1e-10)
    second = partial(imconv.edges, operator="gaussian", angle=angle, order=2, sigma=0.8)
    for parabola, answer in ((along**2 / 2, 1), (beside**2 / 2, 0), (along * beside, 0), (along, 0)):
        assert second(parabola)[7, 9] == pytest.approx(answer, abs=1e-11)


def test_derivatives_at_an_angle_have_a_sign():
    image = np.array([[0, 0, 0, 255, 255, 255, 0, 0]], np.uint8)
    right = imconv.edges(image, show="x")
    np.testing.assert_array_equal(imconv.edges(image, angle=0), right)
    there = imconv.edges(image, angle=0, dtype="float32")
    np.testing.assert_array_equal(imconv.edges(image, angle=180, dtype="float32"), -there)
    assert imconv.edges(image, angle=0, range="abs")[0].tolist() == [0, 0, 128, 128, 0, 128, 128, 0]
    assert "separable" in str(imconv.plan((3000, 4000), "uint8", steered("gaussian", 30, 2, 5)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"operator": "kirsch", "angle": 3}, "no angle"),
        ({"show": "x", "angle": 3}, "leave out"),
        ({"angle": "left"}, "angle must be a number"),
        ({"operator": "gaussian", "order": 3, "angle": 3}, "order must be"),
        ({"operator": "gaussian", "order": 2}, "needs an angle"),
        ({"order": 2, "angle": 2}, "sobel has no order 2"),
        ({"operator": "gaussian", "sigma": 0}, "sigma must be"),
        ({"operator": "gaussian", "show": "max"}, "not turned"),
    ],
)
def test_angles_that_are_none(options, message):
    refused(imconv.ImconvError, message, imconv.edges, floats, **options)


def moments(sigma: float) -> tuple[float, float]:
    """The second and fourth moment of a sampled Gaussian, cut at four sigma, by scipy's weights."""
    radius = max(1, int(4 * sigma + 0.5))
    distance = np.arange(-radius, radius + 1.0)
    impulse = np.zeros(2 * radius + 1)
    impulse[radius] = 1
    row = ndimage.gaussian_filter1d(impulse, sigma, mode="constant")
    return (row * distance**2).sum(), (row * distance**4).sum()


SIGMAS = st.floats(0.3, 6)
SCIPYS = {"reflect": "reflect", "mirror": "mirror", "nearest": "nearest", "constant": "constant", "wrap": "grid-wrap"}
OF_SCIPY = {"sigma": SIGMAS, "border": st.sampled_from(sorted(SCIPYS)), "seed": st.integers(0, 99),
            "shape": st.tuples(st.integers(1, 30), st.integers(1, 30))}  # fmt: skip


@settings(max_examples=60)
@given(**OF_SCIPY)
def test_first_derivatives_of_a_gaussian_are_scipys_times_a_constant(sigma, border, seed, shape):
    """scipy's kernel is -x / sigma^2 times the Gaussian; ours is divided by the cut Gaussian's own second moment."""
    image, mode = np.random.default_rng(seed).random(shape), SCIPYS[border]
    scale = moments(sigma)[0] / sigma**2
    how = {"operator": "gaussian", "sigma": sigma, "border": border}
    close = {"rtol": 0, "atol": FLOAT64}
    for show, order in (("x", (0, 1)), ("y", (1, 0))):
        expected = ndimage.gaussian_filter(image, sigma, order, mode=mode)
        np.testing.assert_allclose(imconv.edges(image, show=show, **how) * scale, expected, **close)
    expected = ndimage.gaussian_gradient_magnitude(image, sigma, mode=mode)
    np.testing.assert_allclose(imconv.edges(image, **how) * scale, expected, **close)


@settings(max_examples=60)
@given(**OF_SCIPY)
def test_second_derivatives_of_a_gaussian_are_scipys_without_their_sum(sigma, border, seed, shape):
    """scipy's kernel is (x^2 / sigma^4 - 1 / sigma^2) times the cut Gaussian, whose sum is not 0: it answers flat pictures."""
    image, mode = np.random.default_rng(seed).random(shape), SCIPYS[border]
    moment, fourth = moments(sigma)
    scale, rest = (fourth - moment**2) / 2 / sigma**4, (moment - sigma**2) / sigma**4
    smooth = ndimage.gaussian_filter(image, sigma, mode=mode)
    expected = ndimage.gaussian_laplace(image, sigma, mode=mode)
    close = {"rtol": 0, "atol": FLOAT64 * (1 + 8 / sigma**4)}  # the sum of the weights' absolute values grows so
    result = imconv.edges(image, "log", sigma=sigma, border=border)
    np.testing.assert_allclose(result * scale + 2 * rest * smooth, expected, **close)
    result = imconv.edges(image, "gaussian", angle=0, order=2, sigma=sigma, border=border)
    expected = ndimage.gaussian_filter(image, sigma, (0, 2), mode=mode)
    np.testing.assert_allclose(result * scale + rest * smooth, expected, **close)


@settings(max_examples=60)
@given(ratio=st.floats(1.01, 4), **OF_SCIPY)
@example(sigma=1.0, border="reflect", seed=1, shape=(20, 20), ratio=1.6)
def test_the_difference_of_gaussians_is_scipys(sigma, border, seed, shape, ratio):
    image, mode = np.random.default_rng(seed).random(shape), SCIPYS[border]
    narrow, wide = (ndimage.gaussian_filter(image, s, mode=mode) for s in (sigma, sigma * ratio))
    result = imconv.edges(image, "dog", sigma=sigma, ratio=ratio, border=border)
    np.testing.assert_allclose(result, narrow - wide, rtol=0, atol=FLOAT64)


@pytest.mark.parametrize("operator", ["sobel", "scharr", "prewitt", "roberts", "farid"])
def test_scikit_image(operator):
    filters = pytest.importorskip("skimage.filters")
    inside = np.s_[3:-3, 3:-3]  # it has no borders
    # it divides whole numbers by half as much, and then by the square root of 2, but for Roberts'
    slope = getattr(filters, operator)(x)[7, 9]
    if operator != "farid":
        assert slope == pytest.approx(1 if operator == "roberts" else math.sqrt(2))
    theirs = getattr(filters, operator)(floats) / slope
    np.testing.assert_allclose(imconv.edges(floats, operator)[inside], theirs[inside], rtol=PUBLISHED_DIGITS)


def test_opencv():
    cv2 = pytest.importorskip("cv2")
    for dx, dy, show in ((1, 0, "x"), (0, 1, "y")):
        for operator, oracle in (("sobel", cv2.Sobel), ("scharr", cv2.Scharr)):
            expected = oracle(floats, cv2.CV_64F, dx, dy, borderType=cv2.BORDER_REFLECT_101)
            result = imconv.edges(floats, operator, show, gain=GAINS[operator], border="mirror")
            np.testing.assert_allclose(result, expected, rtol=0, atol=ROUNDINGS * 200 * 32)
    expected = cv2.Laplacian(floats, cv2.CV_64F, borderType=cv2.BORDER_REFLECT_101)
    np.testing.assert_allclose(
        imconv.edges(floats, "laplacian", border="mirror"), expected, rtol=0, atol=ROUNDINGS * 800
    )


# --- whole numbers ---
@given(
    st.sampled_from(["sobel", "scharr", "prewitt"]),
    st.sampled_from(["uint8", "uint16", "int16", "bool"]),
    st.sampled_from(["reflect", "mirror", "nearest", "wrap"]),
    st.sampled_from([1, 6, 0.3, "2.5", Fraction(1, 3)]),
    st.integers(0, 99),
)
def test_magnitudes_are_rounded_as_whole_numbers_say(operator, dtype, border, gain, seed):
    image = picture(dtype, (5, 7), seed)
    kernels = [k.scaled(GAINS[operator]) for k in gradient(operator)]
    sums = [
        naive.correlate(image.astype(np.int64), k.numerators.tolist(), border=border, dtype="int64") for k in kernels
    ]
    high = 1 if dtype == "bool" else np.iinfo(dtype).max
    divisor = GAINS[operator] / Fraction(str(gain))
    gain = gain if not isinstance(gain, Fraction) else float(gain)
    expected = hypot_rounded(*sums, divisor, high)
    np.testing.assert_array_equal(imconv.edges(image, operator, gain=gain, border=border), expected)


def test_magnitudes_that_are_ties_are_rounded_up():
    """Steps of 24 and 32 levels: with gain 0.3 the magnitude is 40 * 0.3 / 8 = 1.5 exactly."""
    ramp = (np.arange(9) * 3)[None, :] + (np.arange(9) * 4)[:, None]
    assert imconv.edges(ramp.astype(np.uint8), gain="0.3")[4, 4] == 2
    assert imconv.edges(ramp.astype(np.uint8), "prewitt", gain=0.3)[4, 4] == 2


@pytest.mark.parametrize("operator", [*COMPASSES, *TURNING])
def test_the_largest_of_eight_directions(operator):
    image = picture("uint8", (9, 12), 1)
    answers = [imconv.correlate(image.astype(float), kernel) for kernel in eight(operator)]
    exact = np.max(answers, axis=0)
    np.testing.assert_array_equal(imconv.edges(image, operator, "max"), np.clip(np.floor(exact + 0.5 + 1e-9), 0, 255))
    if operator in COMPASSES:
        np.testing.assert_array_equal(imconv.edges(image, operator), imconv.edges(image, operator, "max"))
        direction = imconv.edges(image.astype(float), operator, "direction")
        np.testing.assert_array_equal(direction, 45 * np.argmax(answers, axis=0))


def test_turned_by_45_degrees_sobel_is_robinson():
    for ours, theirs in zip(eight("sobel"), eight("robinson"), strict=True):
        np.testing.assert_array_equal(ours.weights, theirs.weights)


# --- degrees, and edges of the luma ---
def test_degrees_are_directions_below_360():
    image = picture("float64", (40, 50), 5)
    np.testing.assert_array_equal(imconv.edges(image, show="degrees"), imconv.edges(image, show="direction"))
    ramp = np.arange(9.0)[:, None] * 1e-9 + np.arange(9.0)  # 0.00000006 degrees below 360
    assert 359.9 < imconv.edges(ramp, show="degrees")[4, 4] < 360
    assert imconv.edges(ramp.astype(np.float64), show="degrees", dtype="float32")[4, 4] == 0
    assert imconv.edges(ramp, show="degrees", dtype="uint16")[4, 4] == 0
    whole = imconv.edges(image, show="degrees", dtype="uint16")
    np.testing.assert_array_equal(whole, np.floor(imconv.edges(image, show="degrees") + 0.5) % 360)
    for dtype in ("uint8", "bool", "int8"):
        refused(imconv.ImconvError, "degrees reach 360.*uint16", imconv.edges, image, show="degrees", dtype=dtype)
    refused(imconv.ImconvError, "degrees have no depth.*uint16", imconv.edges, image, show="degrees", depth=16)
    for operator in SECONDS:
        refused(imconv.ImconvError, f"{operator} has no degrees", imconv.edges, image, operator, "degrees")


SHOWN = [{}, {"show": "x"}, {"show": "y", "range": "abs"}, {"operator": "log"}, {"operator": "kirsch"}, {"angle": 30},
         {"show": "max", "gain": 2.5}, {"stride": 2, "pad": "full"}, {"show": "degrees"}]  # fmt: skip


@pytest.mark.parametrize("how", SHOWN, ids=str)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64", "int16"])
def test_grey_is_the_luma_of_bt_709(dtype, how):
    """The luma is not rounded before; results are those of its float64 values, in the picture's type."""
    image = np.abs(picture(dtype, (19, 23, 3), 7))
    luma = sum(w * image[..., c].astype(np.float64) for c, w in enumerate((0.2126, 0.7152, 0.0722)))
    result, exact = imconv.edges(image, grey=True, **how), imconv.edges(luma, dtype="float64", **how)
    assert result.shape == (*exact.shape, 1)
    if how.get("show") == "degrees":
        apart = np.abs(result[..., 0] - exact)
        np.testing.assert_allclose(np.minimum(apart, 360 - apart), 0, atol=0.02)
        return
    assert result.dtype == dtype
    signed = {"angle", "operator"} & {*how} or how.get("show") == "x"
    if signed and how.get("operator") != "kirsch" and image.dtype.kind == "u":
        exact = exact + (np.iinfo(dtype).max + 1) // 2
    scale = max(1.0, float(image.max())) * how.get("gain", 1)
    if image.dtype.kind == "f":
        np.testing.assert_allclose(result[..., 0], exact, atol=4 * scale * (1e-6 if dtype == "float32" else 1e-12))
        return
    exact = np.clip(exact, np.iinfo(dtype).min, np.iinfo(dtype).max)
    assert np.abs(result[..., 0] - exact).max() <= 0.5 + (0.001 if dtype == "uint8" else 0.05)


def test_grey_beside_alpha_borders_and_grey_pictures():
    image = picture("uint8", (19, 23, 4), 7)
    plain = imconv.edges(image[..., :3], grey=True)
    for options in ({}, {"alpha": "keep"}, {"show": "degrees"}):
        result = imconv.edges(image, grey=True, has_alpha=True, **options)
        top = 255 if "show" in options else 1
        np.testing.assert_allclose(result[..., 1], image[..., 3] / top, rtol=1e-6)
        if not options:
            np.testing.assert_array_equal(result[..., :1], plain)
    grey = image[..., 0]
    np.testing.assert_array_equal(imconv.edges(grey, grey=True), imconv.edges(grey))
    same = np.dstack([grey] * 3)
    np.testing.assert_array_equal(imconv.edges(same, grey=True)[..., 0], imconv.edges(grey))
    found = imconv.edges(image[..., :3], grey=True, border="constant:10,200,30")
    level = 10 * 0.2126 + 200 * 0.7152 + 30 * 0.0722
    exact = imconv.edges(image[..., :3] @ np.array([0.2126, 0.7152, 0.0722]), border=f"constant:{level}")
    assert np.abs(found[..., 0] - np.clip(exact, 0, 255)).max() <= 0.501
    assert imconv.edges(imconv.Picture(image[..., :3]), grey=True).mode == "grey"
    for options, message in (
        ({"linear": True}, "leave out grey or linear"), ({"mask": np.ones((19, 23))}, "would have other channels"),
    ):  # fmt: skip
        refused(imconv.ImconvError, message, imconv.edges, image[..., :3], grey=True, **options)
    refused(imconv.ImconvError, "grey is of red, green and blue", imconv.edges, image[..., :2], grey=True)


def test_bands_of_grey(monkeypatch):
    image = picture("uint8", (60, 33, 4), 7)
    options = Options(has_alpha=True)
    for show in ("magnitude", "x", "degrees"):
        threads_and_bands_change_nothing(edge_filter("sobel", show, options, grey=True), image)


# --- signs, types, options ---
def test_answers_with_a_sign_lie_around_mid_range():
    image = np.array([[0, 0, 0, 255, 255, 255, 0, 0]], np.uint8)
    assert imconv.edges(image, "prewitt", "x")[0].tolist() == [128, 128, 255, 255, 128, 1, 1, 128]
    assert imconv.edges(image.astype(np.uint16) * 257, show="x")[0, 3] == 65535
    assert imconv.edges(image, show="x", range="clip")[0].tolist() == [0, 0, 128, 128, 0, 0, 0, 0]
    assert imconv.edges(image, show="x", range="abs")[0].tolist() == [0, 0, 128, 128, 0, 128, 128, 0]
    assert imconv.edges(image.astype(np.int16), show="x")[0].tolist() == [0, 0, 128, 128, 0, -127, -127, 0]
    assert imconv.edges(image, show="x", dtype="float32")[0].tolist() == [0, 0, 127.5, 127.5, 0, -127.5, -127.5, 0]
    assert imconv.edges(image, show="x", depth=16)[0, 5] == 32768 - 32767


def test_signs_in_linear_light():
    image = np.array([[0, 0, 0, 255, 255, 255, 0, 0]], np.uint8)
    assert imconv.edges(image, show="x", linear=True)[0].tolist()[:4] == [188, 188, 255, 255]
    assert imconv.edges(image, linear=True)[0, 3] == 188


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64", "int32"])
@pytest.mark.parametrize("show", ["magnitude", "x", "direction", "max"])
def test_channels_are_filtered_by_themselves_and_alpha_is_kept(dtype, show):
    image = picture(dtype, (9, 11, 4), 4)
    result = imconv.edges(image, show=show, has_alpha=True)
    for c in range(3):
        np.testing.assert_array_equal(result[..., c], imconv.edges(image[..., c], show=show))
    if show == "direction":
        white = 1 if image.dtype.kind == "f" else np.iinfo(dtype).max
        np.testing.assert_allclose(result[..., 3], image[..., 3] / white, rtol=1e-6)
    else:
        np.testing.assert_array_equal(result[..., 3], image[..., 3])
    planes = imconv.edges(np.moveaxis(image, 2, 0), show=show, channel_axis=0)
    np.testing.assert_array_equal(np.moveaxis(planes, 0, 2)[..., :3], result[..., :3])


@pytest.mark.parametrize("dtype", [*WHOLE, *FLOATS])
@pytest.mark.parametrize("operator", ["prewitt", "farid"])
def test_every_type(dtype, operator):
    image = picture(dtype, (9, 11), 4)
    wide = image.astype(np.float64)
    exact = np.hypot(*(ndimage.correlate(wide, kernel.weights) for kernel in gradient(operator)))
    result = imconv.edges(image, operator)
    assert result.dtype == np.dtype(dtype).newbyteorder("=")
    assert_within(result, exact, image.dtype.newbyteorder("="), scale=4 * np.abs(wide).max())


def test_alpha_filtered_like_any_channel():
    image = picture("uint8", (9, 11, 4), 4)
    np.testing.assert_array_equal(imconv.edges(image, has_alpha=True, alpha="separate"), imconv.edges(image))
    with pytest.raises(imconv.ImconvError, match="separate"):
        apply(edge_filter("sobel", "direction", Options(has_alpha=True, alpha="separate"), hue=True), image)


def test_out_stride_and_offset():
    image = picture("uint8", (19, 31, 3), 2)
    dense = imconv.edges(image)
    out = np.empty_like(image)
    assert imconv.edges(image, out=out) is out
    np.testing.assert_array_equal(out, dense)
    np.testing.assert_array_equal(imconv.edges(image, stride=(2, 3)), dense[::2, ::3])
    floating = imconv.edges(image, dtype="float64")
    np.testing.assert_array_equal(imconv.edges(image, offset=7.25), np.clip(np.floor(floating + 7.75), 0, 255))
    inplace = image.copy()
    imconv.edges(inplace, out=inplace)
    np.testing.assert_array_equal(inplace, dense)
    refused(imconv.ImconvError, "out", imconv.edges, image, out=np.empty((3, 3)))


def test_nan_stays_where_it_is():
    image = floats.copy()
    image[10, 10] = np.nan
    result = np.isnan(imconv.edges(image, "prewitt"))
    assert result[9:12, 9:12].all()
    assert result.sum() == 9
    with pytest.warns(RuntimeWarning, match="9 results were NaN"):
        imconv.edges(image, "prewitt", dtype="uint8")


@pytest.mark.parametrize("operator", ["sobel", "farid", "kirsch", "log"])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_the_same_bits_for_any_threads_and_bands(operator, dtype):
    image = picture("uint8", (301, 200, 3), 7).astype(dtype)
    for show in ("magnitude",) if operator == "log" else ("magnitude", "direction", "x"):
        for hue in (False, True):
            threads_and_bands_change_nothing(edge_filter(operator, show, Options(), hue=hue), image)


def test_the_plan_tells_of_both():
    work = edge_filter("sobel", "magnitude", Options())
    plan = work.plan((40, 50, 3), np.dtype("uint8"), False)
    assert "magnitude of 2 filters" in str(plan)
    assert plan.as_dict()["filters"] == 2
    assert plan.as_dict()["multiply_adds"] == sum(p.multiply_adds for p in plan.plans)
    assert edge_filter("sobel", "direction", Options(), hue=True).plan((4, 5), np.dtype("uint8"), False).channels == 3


def test_hues():
    """Red to the right, and on counter-clockwise; as bright as the magnitude."""
    spot = np.full((5, 5), 100.0)
    spot[2, 2] = 180
    hues = apply(edge_filter("sobel", "direction", Options(), hue=True), spot)
    assert hues.shape == (5, 5, 3)
    np.testing.assert_allclose(hues.max(axis=2), imconv.edges(spot), atol=ROUNDINGS)
    np.testing.assert_allclose(hues[2, 1], [20, 0, 0], atol=1e-9)  # it gets brighter to the right
    np.testing.assert_allclose(hues[3, 2], [10, 20, 0], atol=1e-9)  # upwards: 90 degrees
    np.testing.assert_allclose(hues[2, 3], [0, 20, 20], atol=1e-9)
    np.testing.assert_allclose(hues[1, 2], [10, 0, 20], atol=1e-9)
    coloured = np.dstack([spot * 0 + 3, spot, spot / 2])
    np.testing.assert_array_equal(apply(edge_filter("sobel", "direction", Options(), hue=True), coloured), hues)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"operator": "sobl"}, "sobel"), ({"operator": None}, "operator"), ({"show": "magnitud"}, "magnitude"),
        ({"gain": -1}, "gain"), ({"gain": "much"}, "gain"), ({"gain": math.nan}, "gain"), ({"sigma": 1}, "sigma"),
        ({"operator": "log", "sigma": 0}, "sigma"), ({"operator": "log", "sigma": 1e9}, "sigma"),
        ({"operator": "log", "ratio": 2}, "ratio"), ({"operator": "dog", "ratio": 1}, "ratio"),
        ({"operator": "log", "show": "x"}, "only one answer"), ({"operator": "farid", "show": "max"}, "kirsch"),
        ({"operator": "roberts", "show": "max"}, "kirsch"), ({"show": "direction", "depth": 8}, "degrees"),
        ({"show": "direction", "linear": True}, "linear"), ({"range": "clop"}, "clip"), ({"offset": "x"}, "offset"),
    ],
)  # fmt: skip
def test_what_is_refused(given, words):
    refused(imconv.ImconvError, words, imconv.edges, np.zeros((5, 5), np.uint8), **given)


def test_gain_0_and_the_smallest_pictures():
    for operator in OPERATORS:
        for shape in ((1, 1), (1, 7), (7, 1), (2, 2)):
            image = np.full(shape, 200, np.uint8)
            image[-1, -1] = 100
            assert imconv.edges(image, operator).shape == shape
            assert imconv.edges(image, operator, gain=0).max() in (0, 128)


def test_kernels_are_what_they_are_called():
    assert isinstance(second("log", 1.4), Kernel)
    assert second("log", 2).rank() == 2
    assert second("dog", 2).rank() == 2
    assert [k.denominator for k in gradient("roberts")] == [2, 2]
    assert gradient("farid")[0].separable
