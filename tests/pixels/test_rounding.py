"""The one rounding: half up, at the very end; ties constructed for every kind of divisor, sign and offset."""

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import imconv
from imconv import Kernel
from imconv.composites.passes import PassesFilter
from imconv.engine.drive import stream
from imconv.filters.apply import apply
from imconv.filters.like import in_turn
from imconv.geometry.axis import make_axes
from imconv.geometry.border import parse_border
from imconv.options import Options
from imconv.pixels.rounding import Tally, finish, rounding_bias, saturate, stretch
from imconv.pixels.sample_types import PRODUCT_LIMIT, type_range
from imconv.stages.convolution.filter import LinearFilter
from imconv.stages.convolution.plan import make_plan
from tests import naive
from tests.cases import cases
from tests.executing import execute

DIVISORS = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 16, 18, 25, 49, 64, 81, 100, 121, 127, 256, 999, 1000, 4095, 4096]
EVERY_BYTE = np.arange(256, dtype=np.uint8).reshape(16, 16)


@pytest.mark.parametrize("divisor", DIVISORS)
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16"])
def test_every_byte_over_every_divisor(divisor, sign, dtype):
    """With offset 1/2 and weights n/d all of the remainders occur, the ties among them."""
    for weight, offset in ((Fraction(1, divisor), 0), (Fraction(divisor - 1, divisor), Fraction(1, 2)),
                           (Fraction(7, divisor), Fraction(1, 2 * divisor))):  # fmt: skip
        weights = [[sign * weight]]
        result = imconv.correlate(EVERY_BYTE, Kernel(weights), offset=offset, dtype=dtype)
        np.testing.assert_array_equal(result, naive.correlate(EVERY_BYTE, weights, offset=offset, dtype=dtype))


@pytest.mark.parametrize("divisor", DIVISORS)
@pytest.mark.parametrize("source", ["uint8", "uint16", "int16", "int32", "int64"])
def test_pictures_of_ties(divisor, source):
    """Kernel (a, b) over 2 d and samples that make every sum an odd multiple of d: all results are ties."""
    rng = np.random.default_rng(divisor)
    top = min(np.iinfo(source).max // divisor, 10_000)
    image = (rng.integers(0, max(top, 1), (6, 7), endpoint=True) * divisor).astype(source)
    weights = [[Fraction(3, 2 * divisor), Fraction(-5, 2 * divisor)]]
    if source in ("uint8", "uint16") and divisor > np.iinfo(source).max:
        return
    exact = naive.values(image, weights)
    assert {Fraction(v).denominator for v in exact.ravel().tolist()} <= {1, 2}
    for dtype in ("int16", "int32", "uint8"):
        result = imconv.correlate(image, Kernel(weights), dtype=dtype)
        np.testing.assert_array_equal(result, naive.correlate(image, weights, dtype=dtype))


@pytest.mark.parametrize("border", ["reflect", "normalized"])
@given(
    st.lists(st.integers(0, 255), min_size=1, max_size=12),
    st.lists(st.integers(0, 12), min_size=1, max_size=5).filter(any),
    st.integers(1, 30),
    st.sampled_from([0, Fraction(1, 2), Fraction(1, 3), Fraction(-5, 6), Fraction(7, 12), 100, Fraction(2, 7)]),
)
@example([2], [5, 11], 30, Fraction(-5, 6))  # 2 * 17 / 30 of 11 / 17: a tie made of two numbers that are none
def test_rows_of_bytes(border, row, weights, divisor, offset):
    if border == "normalized":
        weights = [w + 1 for w in weights]
    weights = [[Fraction(w, divisor) for w in weights]]
    image = np.array([row], np.uint8)
    result = imconv.correlate(image, Kernel(weights), border=border, offset=offset)
    np.testing.assert_array_equal(result, naive.correlate(image, weights, border=border, offset=offset))


def test_decimals_are_fractions():
    """0.145 of 100 is 14.5, a tie, though float64's 0.145 is less than that."""
    image = np.array([[100]], np.uint8)
    assert 0.145 * 100 < 14.5
    assert imconv.correlate(image, [[0.145]]).tolist() == [[15]]
    assert imconv.correlate(image, np.array([[0.145]], np.float32)).tolist() == [[15]]
    assert imconv.correlate(image, [[-0.145]], dtype="int8").tolist() == [[-14]]


def test_the_exact_box():
    image = np.array([[5, 0, 0, 0, 4, 0, 0, 0, 0]], np.uint8)
    kernel = np.full((3, 3), 1 / 9)
    assert Kernel(kernel).denominator == 9
    np.testing.assert_array_equal(
        imconv.correlate(image, kernel), naive.correlate(image, [[Fraction(1, 9)] * 3 for _ in range(3)])
    )


@given(
    st.lists(st.floats(-1e6, 1e6) | st.sampled_from([0.5, -0.5, 1.5, 254.5, 255.5, math.nan, math.inf, -math.inf])),
    st.sampled_from(["uint8", "int8", "uint16", "int32", "uint32", "int64", "uint64", "bool"]),
    st.sampled_from(["clip", "abs", "offset"]),
)
def test_finish_rounds_as_the_reference(values, dtype, policy):
    found = np.array(values, dtype=object).reshape(1, -1, 1)
    expected = naive.finished(found, dtype, policy)
    if dtype == "bool" and policy == "offset":
        return  # a bool has no middle
    out = np.empty(found.shape, dtype)
    tally = Tally()
    finish(found.astype(np.float64), out, policy, 0.0, 1, tally)
    np.testing.assert_array_equal(out, expected)
    assert (tally.nans, tally.samples) == (sum(math.isnan(v) for v in values), len(values))


@pytest.mark.parametrize("divisor", [1, 2, 3, 8, 9])
def test_the_bias_of_whole_numbers_rounds_half_up(divisor):
    for total in range(-40, 41):
        biased = total + rounding_bias(0, divisor, True)
        assert biased // divisor == math.floor(Fraction(total, divisor) + Fraction(1, 2))


@pytest.mark.parametrize("number", ["float32", "float64"])
@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"])
def test_saturate_holds_the_ends(dtype, number):
    low, high = type_range(np.dtype(dtype))
    values = np.array([-1e30, low, 0, 1, high, 1e30, np.inf, -np.inf], number)
    out = np.empty(values.shape, dtype)
    saturate(values, out, low, high)
    info = np.iinfo(dtype)
    assert out.tolist() == [info.min, info.min, 0, 1, info.max, info.max, info.max, info.min]


def test_stretch_ignores_what_is_not_finite():
    out = np.empty(5, np.uint8)
    stretch(np.array([1.0, 3.0, np.nan, np.inf, -np.inf]), out)
    assert out.tolist() == [0, 255, 0, 255, 0]


def test_rounding_happens_once_for_outer_products():
    """Rounded between the passes, 5 under 1 2 1 by 1 2 1 in 16ths would give 1, not 0."""
    image = np.zeros((3, 3), np.uint8)
    image[0, 0] = 5
    kernel = Kernel.from_factors([1, 2, 1], [1, 2, 1]).scaled(Fraction(1, 16))
    weights = [[Fraction(a * b, 16) for b in (1, 2, 1)] for a in (1, 2, 1)]
    axes = make_axes(image.shape, (3, 3), (1, 1), "same", 1, 1)
    plan = make_plan(kernel, axes, 1, image.dtype, image.dtype, parse_border("constant"), algorithm="separable")
    np.testing.assert_array_equal(execute(plan, image), naive.correlate(image, weights, border="constant"))


@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize("divisor", [3, 9, 41, 255, 257, 771, 2313, 4095, 65535])
def test_a_product_divides_as_exactly_as_a_quotient(kind, divisor):
    """Multiples of the divisor above all, where a reciprocal that was rounded down would fall short."""
    limit = int(PRODUCT_LIMIT["float32"]) - divisor
    near = np.arange(-5 * divisor, limit, divisor)[:70000, None] + np.arange(-2, 3) - divisor // 2
    sums = np.concatenate([near.ravel(), np.arange(-2000, 100000)])
    out = np.empty(sums.size, np.uint16)
    finish(sums.astype(kind), out, "clip", 0.0, divisor, exact=True, by_product=True)
    np.testing.assert_array_equal(out, np.clip((sums + divisor // 2) // divisor, 0, 65535))


@pytest.mark.parametrize("target", ["uint8", "uint16", "uint64", "int16"])
@pytest.mark.parametrize("divisor", [3, 8, 255, 4095])
def test_mid_range_is_added_exactly(target, divisor):
    """By a product where that is exact, else by a division."""
    sums = np.arange(-4000, 4001, dtype=np.float32) * max(1, divisor // 7)
    middle = 0 if target == "int16" else (np.iinfo(target).max + 1) // 2
    out = np.empty(sums.shape, target)
    finish(sums.copy(), out, "offset", 0.0, divisor, exact=True, by_product=True)
    exact = [(2 * int(s) + divisor) // (2 * divisor) + middle for s in sums]
    if target == "uint64":  # beyond float64's whole numbers
        assert max(abs(int(a) - b) for a, b in zip(out, exact, strict=True)) <= 2048
        return
    np.testing.assert_array_equal(out, np.clip(exact, np.iinfo(target).min, np.iinfo(target).max))


@pytest.mark.parametrize("rounding", ["half to even", "toward zero"])
@pytest.mark.parametrize("divisor", [1, *DIVISORS])
@pytest.mark.parametrize("accumulator", [np.float32, np.float64])
def test_other_tools_roundings(rounding, divisor, accumulator):
    """Of all quotients near 0, and near the largest numerators that sums have."""
    most = 2**22 if accumulator == np.float32 else 2**51
    for start in (-3 * divisor, most - 6 * divisor):
        numerators = np.arange(start, start + 6 * divisor)
        exact = [Fraction(int(n), divisor) for n in numerators]
        expected = [int(v) if rounding == "toward zero" else round(v) for v in exact]
        out = np.empty((1, len(numerators)), np.int64)
        finish(numerators[None].astype(accumulator), out, "clip", 0.0, divisor, None, True, True, rounding)
        assert out.ravel().tolist() == expected


@pytest.mark.parametrize("border", ["reflect", "constant:5", "normalized", "wrap"])
@pytest.mark.parametrize("alpha", ["weight", "separate", "keep", "unweighted"])
def test_other_roundings_change_the_last_step_alone(border, alpha):
    image = np.random.default_rng(8).integers(0, 256, (19, 23, 4), np.uint8)
    options = Options(border=border, alpha=alpha, has_alpha=True)
    kernel = Kernel(np.full((2, 2), 0.25))
    values = apply(LinearFilter(kernel, replace(options, dtype=np.float64)), image)
    for rounding, whole in (("half to even", np.rint), ("toward zero", np.trunc)):
        found = apply(LinearFilter(kernel, options, rounding=rounding), image)
        close = np.abs(values - np.round(values * 2) / 2) < 1e-9  # alpha-weighted quotients are not exact
        away = ~close | (alpha == "separate" and border != "normalized")
        np.testing.assert_array_equal(found[away], whole(values)[away])
        assert np.abs(found - values).max() <= 1


@pytest.mark.parametrize("stride", [1, (2, 3)])
def test_kept_edges(stride):
    image = np.random.default_rng(8).integers(0, 256, (19, 23, 3), np.uint8)
    kernel = Kernel(np.arange(15).reshape(5, 3) / 105, anchor=(3, 1))
    expected = image.copy()
    expected[3:-1, 1:-1] = imconv.correlate(image, kernel, pad="valid")
    expected = expected[::stride, ::stride] if stride == 1 else expected[::2, ::3]
    work = LinearFilter(kernel, Options(stride=stride), keeps_edges=True)
    np.testing.assert_array_equal(apply(work, image), expected)
    plan = work.plan(image.shape, image.dtype, False)
    np.testing.assert_array_equal(np.concatenate(list(stream(plan, iter(image[:, None])))), expected)


WAYS = {"half to even": round, "toward zero": math.trunc}


def rounded(values, dtype, way) -> np.ndarray:
    low, high = type_range(dtype)
    return np.array([min(max(way(v), low), high) for v in values.ravel().tolist()]).reshape(values.shape).astype(dtype)


@given(cases(("bool", "uint8", "uint16", "int16", "int32")), st.sampled_from(sorted(WAYS)))
def test_other_roundings_of_every_geometry(case, rounding):
    try:
        exact = naive.values(case.image, case.weights, **case.geometry.naive())
    except naive.NoOutput:
        return
    options = case.geometry.options()
    kernel = Kernel(case.weights, anchor=options.pop("anchor"))
    found = apply(LinearFilter(kernel, Options(**options), rounding=rounding), case.image)
    np.testing.assert_array_equal(found, rounded(exact, case.image.dtype, WAYS[rounding]).reshape(found.shape))


@given(cases(("uint8", "uint16", "int16"), rank_one=True), st.sampled_from(sorted(WAYS)))
def test_steps_are_rounded_each(case, rounding):
    """Rows first, with nothing but what lies between samples' places; then columns, with stride and depth."""
    options = {**case.geometry.options(), "pad": "same", "anchor": None}
    given_too = {**case.geometry.naive(), "pad": "same", "anchor": None}
    row, column = [case.weights[0]], [[w[0]] for w in case.weights]
    between = naive.values(case.image, row, **{**given_too, "stride": (1, 1)})
    between = rounded(between, case.image.dtype, WAYS[rounding]).reshape(case.image.shape)
    exact = naive.values(between, column, **given_too)
    options.pop("anchor")
    settings = Options(**options)
    steps = in_turn([Kernel(row), Kernel(column)], settings, rounding=rounding)
    found = apply(PassesFilter(settings, lambda options, kind: steps, "like", "test"), case.image)
    np.testing.assert_array_equal(found, rounded(exact, case.image.dtype, WAYS[rounding]).reshape(found.shape))
