"""Depth: the range rescaled and rounded once, against rational arithmetic."""

import math
from fractions import Fraction

import numpy as np
import pytest

import imconv
from imconv.errors import OptionError
from imconv.filters.apply import apply
from imconv.filters.blur_kernels import gaussian_kernel
from imconv.options import Options
from imconv.pixels.depth import parse_depth, rescaled
from imconv.pixels.rounding import Tally
from imconv.stages.convolution.filter import LinearFilter
from tests.bounds import TIE_8BIT, TIE_16BIT, assert_levels
from tests.refused import refused

WHITE = {"bool": 1, "uint8": 255, "uint16": 65535, "uint32": 2**32 - 1, "int16": 32767, "float32": 1, "float64": 1}
TARGETS = {"8": ("uint8", 255), "16": ("uint16", 65535), "float": ("float32", 1)}
RANDOM = np.random.default_rng(7)
# distinct taps; sums that end on ties when divided
KERNELS = {
    "box": np.full((3, 3), Fraction(1, 9), object),
    "taps": np.array([[Fraction(2**n, 512) for n in range(3 * k, 3 * k + 3)] for k in range(3)], object),
    "sharpen": np.array([[Fraction(-1, 9)] * 3, [Fraction(-1, 9), Fraction(17, 9), Fraction(-1, 9)], [Fraction(-1, 9)] * 3], object),
    "half": np.array([[0, 0, 0], [0, Fraction(1, 2), 0], [0, 0, 0]], object),
}  # fmt: skip


def picture(kind: str, shape=(11, 80)) -> np.ndarray:
    if kind.startswith("float"):
        return (RANDOM.integers(-200, 1224, shape) / 1024).astype(kind)  # exact in every float type; beyond 0 to 1 too
    return RANDOM.integers(0, WHITE[kind], shape, endpoint=True).astype(kind)


def correlated(image: np.ndarray, weights: np.ndarray, scale: Fraction, offset=0) -> np.ndarray:
    """The exact results as Fractions, border reflect."""
    values = np.empty(image.shape, object)
    values[...] = [[Fraction(v) for v in row] for row in image.tolist()]
    padded = np.pad(values, 1, mode="symmetric")
    rows, columns = image.shape
    total = sum(padded[i : i + rows, j : j + columns] * weights[i, j] for i in range(3) for j in range(3))
    return total * scale + offset


def rounded(exact: np.ndarray, top: int) -> np.ndarray:
    return np.array([[min(max(math.floor(v + Fraction(1, 2)), 0), top) for v in row] for row in exact])


@pytest.mark.parametrize("depth", TARGETS)
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("kind", ["bool", "uint8", "uint16"])
def test_integers_are_exact(kind, kernel, depth):
    """Ties and all: only the fraction itself decides."""
    image, weights = picture(kind), KERNELS[kernel]
    target, white = TARGETS[depth]
    exact = correlated(image, weights, Fraction(white, WHITE[kind]))
    result = imconv.correlate(image, imconv.Kernel(weights.tolist()), depth=depth)
    assert result.dtype == target
    if depth == "float":
        np.testing.assert_allclose(result, exact.astype(float), rtol=0, atol=2.0**-23)
    else:
        np.testing.assert_array_equal(result, rounded(exact, white))


@pytest.mark.parametrize("depth", ["8", "16"])
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_floats_saturate_and_round_once(kind, depth):
    image, weights = picture(kind), KERNELS["taps"]
    target, white = TARGETS[depth]
    exact = correlated(image, weights, Fraction(white)).astype(float)
    result = imconv.correlate(image, weights.astype(float), depth=depth)
    assert (result.dtype, result.min(), result.max()) == (target, 0, white)
    assert_levels(result, exact, TIE_8BIT if depth == "8" else TIE_16BIT)


@pytest.mark.parametrize("kind", ["uint8", "uint16"])
@pytest.mark.parametrize("depth", ["8", "16"])
def test_every_level_goes_to_the_nearest(kind, depth):
    image = np.arange(WHITE[kind] + 1).astype(kind).reshape(16, -1)
    white = TARGETS[depth][1]
    expected = (image.astype(np.int64) * white * 2 + WHITE[kind]) // (2 * WHITE[kind])
    np.testing.assert_array_equal(imconv.correlate(image, [[1]], depth=int(depth)), expected)
    back = imconv.correlate(imconv.correlate(image, [[1]], depth="float"), [[1]], depth="16")
    np.testing.assert_array_equal(back, image.astype(np.int64) * 65535 // WHITE[kind])


@pytest.mark.parametrize("kind", ["uint32", "int16", "int32"])
def test_other_integers_count_from_0_to_the_largest(kind):
    most = np.iinfo(kind).max
    image = np.array([[0, most, most // 2, most // 3, np.iinfo(kind).min]], kind)
    np.testing.assert_array_equal(imconv.correlate(image, [[1]], depth=8), [[0, 255, 127, 85, 0]])


def test_bits_become_black_and_white():
    image = np.array([[True, False, True]])
    np.testing.assert_array_equal(imconv.correlate(image, [[1]], depth=8), [[255, 0, 255]])
    assert imconv.correlate(image, [[1]], depth="keep").dtype == bool


@pytest.mark.parametrize("policy", ["clip", "abs", "offset", "stretch"])
def test_ranges_and_offsets_are_in_the_results_units(policy):
    image, weights = picture("uint16"), np.array([[0, 0, 0], [1, 0, -1], [0, 0, 0]], object)
    exact = correlated(image, weights, Fraction(1, 257), 10)
    result = imconv.correlate(image, weights.astype(float), depth=8, offset=10, range=policy)
    if policy == "stretch":
        least, most = min(exact.ravel()), max(exact.ravel())
        exact = (exact - least) * 255 / (most - least)
        np.testing.assert_allclose(result, exact.astype(float), atol=0.501)
        return
    exact = {"clip": exact, "abs": np.abs(exact), "offset": exact + 128}[policy]
    np.testing.assert_array_equal(result, rounded(exact, 255))


@pytest.mark.parametrize(("kind", "depth"), [("uint16", "8"), ("uint8", "16"), ("uint8", "float"), ("float32", "8")])
@pytest.mark.parametrize("alpha", ["weight", "separate", "keep", "unweighted"])
def test_alpha_changes_its_depth_too(kind, depth, alpha):
    image = picture(kind, (9, 30, 4))
    image[..., 3] = np.abs(image[..., 3])
    image[2:6, 4:9, 3] = 0
    white = TARGETS[depth][1]
    scale = white / WHITE[kind]
    result = imconv.gaussian_blur(image, 1, depth=depth, alpha=alpha, has_alpha=True)
    wide = imconv.gaussian_blur(image.astype(np.float64), 1, alpha=alpha, has_alpha=True) * scale
    if alpha == "keep":
        exact = np.array(
            [[Fraction(float(v)) * Fraction(white, WHITE[kind]) for v in row] for row in image[..., 3]], object
        )
        expected = exact.astype(np.float32) if depth == "float" else rounded(exact, white)
        np.testing.assert_array_equal(result[..., 3], expected)
    if depth == "float":
        np.testing.assert_allclose(result, wide, atol=2e-6)
    else:
        assert_levels(result, wide, 0.05)


@pytest.mark.parametrize(("kind", "depth"), [("uint16", "8"), ("uint8", "16"), ("float32", "16")])
@pytest.mark.parametrize("threshold", [0, 0.1])
def test_unsharp_masks_and_their_thresholds(kind, depth, threshold):
    """The threshold is in the image's units."""
    image = picture(kind, (20, 90))
    white = TARGETS[depth][1]
    result = imconv.unsharp_mask(image, 1.5, 0.8, threshold * WHITE[kind], depth=depth)
    wide = imconv.unsharp_mask(image.astype(float), 1.5, 0.8, threshold * WHITE[kind]) * (white / WHITE[kind])
    assert_levels(result, wide, 0.1)


@pytest.mark.parametrize("sigma", [1, 12, (3, 20)])
@pytest.mark.parametrize(("kind", "depth"), [("uint16", "8"), ("uint8", "16"), ("uint8", "float"), ("float32", "8")])
def test_gaussians_of_every_size(kind, depth, sigma):
    """Wide ones go by a coarse grid, whose interpolation is what is scaled."""
    image = np.clip(np.add.outer(RANDOM.random(120), RANDOM.random(150)) - 0.4, 0, 1) * WHITE[kind]
    image = image.astype(kind)
    target, white = TARGETS[depth]
    wide = imconv.gaussian_blur(image.astype(float), sigma) * (white / WHITE[kind])
    result = imconv.gaussian_blur(image, sigma, depth=depth)
    assert result.dtype == target
    # a grid is right within 0.05 of an 8-bit level
    np.testing.assert_allclose(result, wide, atol=white * 0.05 / 255 + (0 if depth == "float" else 0.5))


def test_constant_borders_are_in_the_images_units():
    image = np.full((3, 3), 65535, np.uint16)
    result = imconv.box_blur(image, 3, border="constant:65535", depth=8)
    np.testing.assert_array_equal(result, np.full((3, 3), 255))
    np.testing.assert_array_equal(imconv.box_blur(image, 3, border="normalized", depth=8), np.full((3, 3), 255))


def test_nothing_depends_on_threads_or_counting(monkeypatch):
    image = picture("uint16", (300, 250, 3))
    for kernel in ("sharpen", "box-5", "gaussian-7"):
        one = imconv.convolve(image, kernel, depth=8, threads=1)
        np.testing.assert_array_equal(imconv.convolve(image, kernel, depth=8, threads=4), one)
        counted = apply(LinearFilter(imconv.Kernel.named(kernel).flipped(), Options(depth=8)), image, tally=Tally())
        np.testing.assert_array_equal(counted, one)


def test_what_makes_no_depth():
    image = np.zeros((3, 3), np.uint8)
    for wrong in (12, "deep", 8.5, True):
        refused(OptionError, "depth must be keep, 8, 16, float, not", imconv.box_blur, image, 3, depth=wrong)
    refused(OptionError, "did you mean 'float'", parse_depth, "floot")
    refused(OptionError, "give one of the two", imconv.box_blur, image, 3, depth=16, dtype="uint16")
    assert rescaled(None, np.uint8) == (np.dtype("uint8"), 1)


def test_the_plan_tells():
    text = str(imconv.plan((30, 40), "uint16", "box-3", depth=8))
    assert "depth          uint16 to uint8, times 1/257 in the weights" in text
    assert "exact: whole-number sums, divided once by 2313" in text


def test_fast_wide_gaussians_go_by_a_grid():
    wide = gaussian_kernel(30, fast=True)
    for options in ({}, {"depth": 8}, {"depth": "float"}):
        assert imconv.plan((400, 400), "uint16", wide, **options).algorithm == "decimated"
