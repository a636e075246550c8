"""Grey, invert, flatten, crop, rotate and flip against their definitions, with exact fractions."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import imconv
from imconv.composites.partial import selected
from imconv.filters.arrange import crop_filter, flip_filter, rotate_filter
from imconv.filters.pointwise import WEIGHTS, ConvertFilter, FlattenFilter, GreyFilter, InvertFilter
from imconv.options import Options
from imconv.pixels.colours import parse_background
from tests.cases import LAYOUTS, laid_out
from tests.executing import threads_and_bands_change_nothing
from tests.refused import refused

TYPES = ["uint8", "uint16", "int16", "int32", "float32", "float64"]
FLOAT_ULPS = 8


def samples(dtype, shape, seed=0):
    """Samples of the whole range of a type, its ends among them."""
    random = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return random.random(shape).astype(dtype)
    bounds = np.iinfo(dtype)
    found = random.integers(bounds.min, bounds.max, shape, dtype, endpoint=True)
    found.flat[:3] = bounds.max, bounds.min, bounds.max // 2
    return found


def white(dtype):
    return int(np.iinfo(dtype).max) if np.dtype(dtype).kind in "iu" else 1


def rounded(value: Fraction, dtype) -> int:
    bounds = np.iinfo(dtype)
    return min(max(math.floor(value + Fraction(1, 2)), bounds.min), bounds.max)


def check(result, expected, dtype):
    """Whole numbers are equal to the fractions rounded half up; floats within a few units of the last place."""
    assert result.dtype == np.dtype(dtype)
    assert result.shape == expected.shape
    if np.dtype(dtype).kind in "iu":
        wanted = [rounded(value, dtype) for value in expected.ravel()]
        np.testing.assert_array_equal(result.ravel(), wanted)
    else:
        wanted = expected.astype(np.float64)
        np.testing.assert_allclose(result, wanted, rtol=FLOAT_ULPS * np.finfo(dtype).eps, atol=np.finfo(dtype).eps)


def exact(image) -> np.ndarray:
    return np.vectorize(Fraction, otypes=[object])(image.astype(object if image.dtype.kind in "iu" else np.float64))


@given(
    st.sampled_from(TYPES), st.tuples(st.integers(1, 5), st.integers(1, 6)), st.booleans(), st.sampled_from(LAYOUTS),
    st.sampled_from([*WEIGHTS, "1,2,5", (0.25, 0.5, 0.25)]),
)  # fmt: skip
def test_grey(dtype, shape, has_alpha, layout, weights):
    image = laid_out(samples(dtype, (*shape, 3 + has_alpha)), layout)
    result = imconv.grey(image, weights=weights, has_alpha=has_alpha)
    shares = {"1,2,5": (1, 2, 5), (0.25, 0.5, 0.25): (1, 2, 1)}.get(weights) or WEIGHTS[weights]
    colours = exact(image)[..., :3]
    sums = sum(colours[..., i] * Fraction(share) for i, share in enumerate(shares)) / sum(map(Fraction, shares))
    if has_alpha:
        np.testing.assert_array_equal(result[..., 1], image[..., 3])
        result = result[..., 0]
    check(result, sums, dtype)


@given(st.sampled_from(TYPES), st.sampled_from([None, 1, 2, 3, 4]), st.booleans(), st.sampled_from(LAYOUTS))
def test_invert(dtype, channels, has_alpha, layout):
    has_alpha = has_alpha and channels in (2, 4)
    image = laid_out(samples(dtype, (4, 5) if channels is None else (4, 5, channels)), layout)
    result = imconv.invert(image, has_alpha=has_alpha)
    expected = white(dtype) - exact(image)
    if has_alpha:
        expected[..., -1] = exact(image)[..., -1]
    check(result, expected, dtype)


@given(
    st.sampled_from(TYPES), st.sampled_from([2, 4]), st.sampled_from(["white", "black", "#ff8000", "50%", "30%,0.5%,100%", 7]),
    st.sampled_from(LAYOUTS),
)  # fmt: skip
def test_flatten(dtype, channels, background, layout):
    image = samples(dtype, (5, 6, channels))
    image[0, 0, -1] = 0
    image[1, 1, -1] = white(dtype)
    image = laid_out(image, layout)
    if channels == 2 and background in ("#ff8000", "30%,0.5%,100%"):
        refused(
            imconv.ImconvError,
            "background .* 3 colours, the picture 1",
            imconv.flatten,
            image,
            background,
            has_alpha=True,
        )
        return
    shares = {
        "white": (1,) * 3, "black": (0,) * 3, "#ff8000": (1, Fraction(128, 255), 0), "50%": (Fraction(1, 2),) * 3,
        "30%,0.5%,100%": (Fraction(3, 10), Fraction(1, 200), 1), 7: (Fraction(7, white(dtype)),) * 3,
    }[background]  # fmt: skip
    top, pixels = white(dtype), exact(image)
    alpha = np.vectorize(lambda a: min(max(a, 0), top), otypes=[object])(pixels[..., -1:])
    behind = np.array([share * top for share in shares[: channels - 1]], object)
    expected = (alpha * pixels[..., :-1] + (top - alpha) * behind) / Fraction(top)
    check(imconv.flatten(image, background, has_alpha=True), expected, dtype)


def test_what_cannot_be_seen_does_not_count():
    image = np.array([[[np.nan, 0.0], [np.inf, 0.0], [0.5, 1.0]]], np.float32)
    np.testing.assert_array_equal(imconv.flatten(image, "50%", has_alpha=True)[0, :, 0], [0.5, 0.5, 0.5])


@pytest.mark.parametrize("dtype", ["bool", "uint8", "uint16", "int64", "float32", "float64"])
def test_arrangements(dtype):
    """Samples are moved, never changed, whatever their type: 64-bit integers too."""
    image = np.arange(60).reshape(4, 5, 3).astype(dtype)
    if dtype == "int64":
        image += (1 << 62) + 1
    for angle, turns in ((90, -1), ("180", 2), (270, 1), (-90, 1), (360, 0)):
        np.testing.assert_array_equal(imconv.rotate(image, angle), np.rot90(image, turns))
    np.testing.assert_array_equal(imconv.flip(image), image[:, ::-1])
    np.testing.assert_array_equal(imconv.flip(image, "Vertical"), image[::-1])
    np.testing.assert_array_equal(imconv.crop(image, "2x3+1+1"), image[1:4, 1:3])
    np.testing.assert_array_equal(imconv.crop(image, (5, 1, 0, 3)), image[3:])
    planes = np.moveaxis(image, 2, 0)
    np.testing.assert_array_equal(imconv.rotate(planes, 90, channel_axis=0), np.rot90(planes, -1, (1, 2)))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("name", ["convert", "grey", "invert", "flatten", "crop", "rotate", "flip", "flip back"])
def test_threads_and_bands(dtype, name):
    options = Options(has_alpha=True)
    filter = {
        "convert": ConvertFilter(Options(has_alpha=True, depth=16)),
        "grey": GreyFilter(options),
        "invert": InvertFilter(options),
        "flatten": FlattenFilter(options, background=parse_background("#123")),
        "crop": selected(crop_filter("20x9+3+5", options)),
        "rotate": rotate_filter(90, options),
        "flip": flip_filter("horizontal", options),
        "flip back": flip_filter("vertical", options),
    }[name]
    threads_and_bands_change_nothing(filter, samples(dtype, (61, 41, 4)))


@pytest.mark.parametrize("source", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("depth", [8, 16, "float"])
def test_depths(source, depth):
    """White stays white, rounded once."""
    image = samples(source, (6, 7))
    target = {8: "uint8", 16: "uint16", "float": "float32"}[depth]
    factor = Fraction(white(target), white(source))
    check(imconv.invert(image, depth=depth), (white(source) - exact(image)) * factor, target)


def test_arrangements_of_other_depths():
    image = samples("uint16", (5, 4, 3))
    eight = np.floor(image / 257 + 0.5)
    np.testing.assert_array_equal(imconv.rotate(image, 90, depth=8), np.rot90(eight, -1))
    ninths = image.astype(np.float32) / 9
    np.testing.assert_array_equal(imconv.flip(ninths, dtype="int32"), np.floor(ninths[:, ::-1] + 0.5))


def test_parts_and_ranges():
    image = samples("uint8", (9, 8, 3))
    result = imconv.invert(image, region="3x2+1+4", channels="g")
    expected = image.copy()
    expected[4:6, 1:4, 1] = 255 - expected[4:6, 1:4, 1]
    np.testing.assert_array_equal(result, expected)
    stretched = imconv.grey(image // 2, range="stretch")
    assert (stretched.min(), stretched.max()) == (0, 255)
    np.testing.assert_array_equal(imconv.invert(image, offset=-10), np.maximum(245 - image.astype(int), 0))


def test_linear_light():
    """Grey by light: red, green and blue that look alike have the luminance of BT.709."""
    image = np.zeros((1, 3, 3), np.float64)
    image[0] = np.eye(3)
    np.testing.assert_allclose(imconv.grey(image, linear=True)[0], [0.2126, 0.7152, 0.0722])
    eight = (image * 255).astype(np.uint8)
    light = np.array([0.2126, 0.7152, 0.0722])
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    np.testing.assert_array_equal(imconv.grey(eight, linear=True)[0], np.floor(encoded * 255 + 0.5))
    half = np.array([[[0, 128]]], np.uint8)
    mixed = 1.055 * (127 / 255) ** (1 / 2.4) - 0.055
    assert imconv.flatten(half, "white", has_alpha=True, linear=True)[0, 0, 0] == math.floor(mixed * 255 + 0.5)


@pytest.mark.parametrize(
    ("words", "call"),
    [
        ("weights must be bt709.*bt601.*'bt7010'.*did you mean", lambda a: imconv.grey(a, weights="bt7010")),
        ("weights must be", lambda a: imconv.grey(a, weights="1,2")),
        ("no positive sum", lambda a: imconv.grey(a, weights=(1, -1, 0))),
        ("needs red, green and blue; this picture has 2", lambda a: imconv.grey(a[..., :2])),
        ("background must be a name.*'mauve'", lambda a: imconv.flatten(a, "mauve")),
        ("the angle must be 90, 180 or 270", lambda a: imconv.rotate(a, 45)),
        ("the angle must be", lambda a: imconv.rotate(a, "left")),
        ("unknown direction 'up'", lambda a: imconv.flip(a, "up")),
        ("invert has no stride", lambda a: imconv.invert(a, stride=2)),
        ("invert has no padding", lambda a: imconv.invert(a, pad=1)),
        ("takes every pixel by itself; leave out nan", lambda a: imconv.invert(a, nan="ignore")),
        ("another size", lambda a: imconv.rotate(a, 90, region="1x1+0+0")),
        ("leave out mask and channels", lambda a: imconv.crop(a, "1x1+0+0", channels="r")),
        ("region", lambda a: imconv.crop(a, "90x1+0+0")),
    ],
)
def test_refused(words, call):
    refused(imconv.ImconvError, words, call, np.zeros((4, 5, 3), np.uint8))
