"""Several filters' results as one: the compiled loop against numpy's arithmetic, which counts what is clipped."""

import math
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imconv import Kernel
from imconv.engine.drive import stream
from imconv.filters.apply import apply
from imconv.filters.edges import edge_filter
from imconv.options import Options
from imconv.pixels.rounding import Tally
from imconv.stages.combined.filter import CombinedFilter
from imconv.stages.convolution.filter import LinearFilter
from tests.cases import picture

TYPES = ("bool", "uint8", "uint16", "float32", "float64")
SHAPES = ((1, 1), (1, 7), (5, 3), (3, 80, 3), (17, 23, 2), (40, 33, 4), (150, 70))


def assert_same(work: CombinedFilter, image: np.ndarray, **options) -> None:
    """The loop's result, threads and bands of any number, is numpy's, which is taken where clipped samples are counted."""
    with np.errstate(all="ignore"):
        expected = apply(work, image, tally=Tally())
    for threads in (1, 3):
        found = apply(work, image, threads=threads)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
    if image.ndim == 3:
        plan = work.plan(image.shape, image.dtype, bool(work.options.has_alpha))
        parts = np.split(image, [1, len(image) // 2]) if len(image) > 3 else [image]
        np.testing.assert_array_equal(np.concatenate(list(stream(plan, iter(parts)))), expected)


def number_of(work: CombinedFilter, dtype: str) -> str | None:
    return work.plan((40, 50), np.dtype(dtype), False).combining_type


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("operator", ["sobel", "scharr", "prewitt", "roberts", "farid", "freichen", "kirsch"])
def test_the_loop_gives_numpys_bits(dtype, operator):
    for seed, shape in enumerate(SHAPES):
        image = picture(dtype, shape, seed)
        assert_same(edge_filter(operator, "magnitude", Options(has_alpha=image.ndim == 3 and shape[2] % 2 == 0)), image)


@given(
    st.sampled_from(["sobel", "scharr", "prewitt", "farid", "robinson"]),
    st.sampled_from(["magnitude", "max"]),
    st.sampled_from(TYPES),
    st.sampled_from(["reflect", "constant:300", "constant:-7.5", "constant", "wrap"]),
    st.sampled_from([1, 6, "0.3", "2.5", 100]),
    st.sampled_from([0, 7, -3.25, "1/3"]),
    st.sampled_from([None, None, "float32"]),
    st.tuples(st.integers(1, 30), st.integers(1, 90), st.integers(1, 4)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.integers(0, 99),
)
def test_any_options(operator, show, dtype, border, gain, offset, result, shape, steps, seed):
    if operator == "farid":
        show = "magnitude"
    options = Options(border=border, offset=float(Fraction(offset)), dtype=result, stride=steps, dilation=steps[::-1])
    assert_same(edge_filter(operator, show, options, gain=gain), picture(dtype, shape, seed))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("operator", ["sobel", "kirsch", "farid"])
def test_nan_infinity_and_the_largest_floats(dtype, operator):
    image = picture(dtype, (30, 90), 3)
    info = np.finfo(dtype)
    odd = [np.nan, np.inf, -np.inf, info.max, -info.max, info.smallest_subnormal, -0.0]
    image.flat[:: image.size // 40] = np.resize(np.array(odd, dtype), image.flat[:: image.size // 40].size)
    with np.errstate(all="ignore"):
        assert_same(edge_filter(operator, "magnitude", Options()), image)
        assert np.isnan(apply(edge_filter(operator, "magnitude", Options()), image)).any()


def test_the_narrowest_numbers_that_are_right():
    assert number_of(edge_filter("sobel", "magnitude", Options()), "uint8") == "float32"
    assert number_of(edge_filter("scharr", "magnitude", Options()), "uint8") == "float64"
    assert number_of(edge_filter("sobel", "magnitude", Options()), "uint16") == "float64"
    assert number_of(edge_filter("kirsch", "magnitude", Options()), "uint8") == "float32"
    assert number_of(edge_filter("sobel", "magnitude", Options()), "float32") == "float64"
    assert number_of(edge_filter("sobel", "magnitude", Options(offset=1e6)), "uint8") == "float64"
    assert number_of(edge_filter("sobel", "magnitude", Options(border="constant:-9000")), "uint8") == "float64"
    assert number_of(edge_filter("sobel", "magnitude", Options(dtype="float32")), "uint8") == "float64"
    for options in (Options(range="abs"), Options(dtype="int16"), Options(range="stretch")):
        assert number_of(edge_filter("sobel", "magnitude", options), "uint8") is None
    assert number_of(edge_filter("sobel", "direction", Options()), "uint8") is None


def test_what_float32_roots_rest_on():
    """Rounded down, float32's root of every whole number below 2^24 that is next to a square is right."""
    k = np.arange(1, 4097)
    for square in (k * k - 1, k * k, k * k + 1):
        square = square[square < 2**24]
        roots = np.floor(np.sqrt(square.astype(np.float32)))
        np.testing.assert_array_equal(roots, [math.isqrt(s) for s in square.tolist()])


@pytest.mark.parametrize("combine", ["magnitude", "max"])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_any_kernels(combine, count):
    """Sums that are not 0, so that alpha weighs; offsets, which raw sums don't have; one kernel alone."""
    rng = np.random.default_rng(5)
    for kernels, (dtype, channels) in product(
        (
            [Kernel(rng.integers(-9, 20, (3, 4))) for _ in range(count)],
            [Kernel(rng.random((3, 4)), offset=2.5)] * count,
        ),
        [("uint8", 1), ("uint8", 4), ("uint16", 3), ("float32", 4)],
    ):
        options = Options(has_alpha=channels == 4)
        work = CombinedFilter(tuple(LinearFilter(k.scaled(0.05), options) for k in kernels), combine)
        assert_same(work, picture(dtype, (21, 34, channels), count))
