"""correlate and convolve against the naive reference: exactly where the contract says so, within its bounds elsewhere."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import imconv
from imconv import Kernel
from tests import naive
from tests.bounds import assert_within, scale_of
from tests.cases import FLOATS, WHOLE, cases

LECTURE = [
    [45, 60, 98, 127, 132, 133, 137, 133],
    [46, 65, 98, 123, 126, 128, 131, 133],
    [47, 65, 96, 115, 119, 123, 135, 137],
    [47, 63, 91, 107, 113, 122, 138, 134],
    [50, 59, 80, 97, 110, 123, 133, 134],
    [49, 53, 68, 83, 97, 113, 128, 133],
    [50, 50, 58, 70, 84, 102, 116, 126],
    [50, 50, 52, 58, 69, 86, 101, 120],
]
LECTURE_RESULT = [
    [69, 95, 116, 125, 129, 132],
    [68, 92, 110, 120, 126, 132],
    [66, 86, 104, 114, 124, 132],
    [62, 78, 94, 108, 120, 129],
    [57, 69, 83, 98, 112, 124],
    [53, 60, 71, 85, 100, 114],
]
DECIMALS = [[0.1, 0.1, 0.1], [0.1, 0.2, 0.1], [0.1, 0.1, 0.1]]

functions = st.sampled_from(["correlate", "convolve"])
FUNCTIONS = {"correlate": (imconv.correlate, naive.correlate), "convolve": (imconv.convolve, naive.convolve)}


def run_both(case, name, kernel, **options):
    """The result and the reference's, or (None, None) where both refuse."""
    ours, theirs = FUNCTIONS[name]
    before = case.image.copy()
    try:
        expected = theirs(case.image, case.weights, **case.geometry.naive(), **options)
    except (naive.NoOutput, naive.NoWeight):
        with pytest.raises(imconv.ImconvError):
            ours(case.image, kernel, **case.geometry.options())
        return None, None
    result = ours(case.image, kernel, **case.geometry.options(), **options)
    np.testing.assert_array_equal(case.image, before)
    return result, expected


KERNELS = pytest.mark.parametrize("kind", [{"positive": True}, {}, {"rank_one": True}], ids=str)


@KERNELS
@given(st.data(), functions)
def test_fractions_on_integers_are_exact(kind, data, name):
    case = data.draw(cases(WHOLE, **kind))
    result, expected = run_both(case, name, Kernel(case.weights))
    if result is not None:
        assert result.dtype == case.image.dtype.newbyteorder("=")
        np.testing.assert_array_equal(result, expected)


@given(cases(WHOLE), st.sampled_from(["int16", "int32", "uint16", "float64"]))
def test_fractions_with_another_result_type(case, dtype):
    result, expected = run_both(case, "correlate", Kernel(case.weights), dtype=dtype)
    if result is None:
        return
    assert result.dtype == dtype
    if dtype == "float64":
        assert_within(result, expected, case.image.dtype, scale_of(case.weights, case.image, case.geometry.fill))
    else:
        np.testing.assert_array_equal(result, expected)


def check_bounds(case, name):
    try:
        found = naive.values(case.image, case.weights, convolve=name == "convolve", **case.geometry.naive())
    except (naive.NoOutput, naive.NoWeight):
        with pytest.raises(imconv.ImconvError):
            FUNCTIONS[name][0](case.image, case.weights, **case.geometry.options())
        return
    result = FUNCTIONS[name][0](case.image, case.weights, **case.geometry.options())
    scale = scale_of(case.weights, case.image, case.geometry.fill)
    assert_within(result, found.astype(np.float64), case.image.dtype, scale)


@KERNELS
@given(st.data(), functions)
def test_other_kernels_stay_within_the_bounds(kind, data, name):
    check_bounds(data.draw(cases(FLOATS + WHOLE, exact=False, **kind)), name)


@given(cases(FLOATS), functions)
def test_fractions_on_floats_stay_within_the_bounds(case, name):
    weights = [[float(w) for w in row] for row in case.weights]
    check_bounds(type(case)(case.image, weights, case.geometry), name)


@given(cases(("float32", "float64", "uint8", "int32"), positive=True), st.randoms(use_true_random=False))
def test_cells_left_out_take_no_part(case, random):
    """In a float picture a weight of 0 takes part (0 * NaN is NaN); a cell that is left out does not."""
    image = case.image.copy()
    if image.dtype.kind == "f":
        image[random.randrange(image.shape[0]), random.randrange(image.shape[1])] = np.nan
    included = [[random.random() < 0.7 for _ in row] for row in case.weights]
    included[-1][-1] = True
    kept = zip(case.weights, included, strict=True)
    weights = [[w * (random.random() < 0.7) if on else 0 for w, on in zip(*pair, strict=True)] for pair in kept]
    weights[-1][-1] = 1
    if image.dtype.kind == "f":
        weights = [[float(w) for w in row] for row in weights]
    kernel = Kernel(weights, included=included)
    case = type(case)(image, weights, case.geometry)
    try:
        found = naive.values(image, weights, included=included, **case.geometry.naive())
    except (naive.NoOutput, naive.NoWeight):
        with pytest.raises(imconv.ImconvError):
            imconv.correlate(image, kernel, **case.geometry.options())
        return
    result = imconv.correlate(image, kernel, **case.geometry.options())
    if image.dtype.kind != "f":
        np.testing.assert_array_equal(result, naive.finished(found, image.dtype).reshape(result.shape))
        return
    exact = found.astype(np.float64).reshape(result.shape)
    np.testing.assert_array_equal(np.isnan(result), np.isnan(exact))
    scale = scale_of(weights, np.nan_to_num(image), case.geometry.fill)
    assert_within(np.nan_to_num(result), np.nan_to_num(exact), image.dtype, scale)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "int32", "int64"])
@pytest.mark.parametrize("function", [imconv.correlate, imconv.convolve])
def test_lecture_table_digit_for_digit(dtype, function):
    assert function(np.array(LECTURE, dtype), DECIMALS, pad="valid").tolist() == LECTURE_RESULT


def test_lecture_table_from_text():
    kernel = Kernel.from_text("0.1 0.1 0.1; 0.1 0.2 0.1; 0.1 0.1 0.1")
    assert imconv.convolve(np.array(LECTURE, np.uint8), kernel, pad="valid").tolist() == LECTURE_RESULT


def test_scipys_vector():
    image = np.array([[2, 8, 0, 4, 1, 9, 9, 0]], np.uint8)
    assert imconv.convolve(image, [[1, 3]]).tolist() == [[14, 24, 4, 13, 12, 36, 27, 0]]
    assert naive.convolve(image, [[1, 3]]).tolist() == [[14, 24, 4, 13, 12, 36, 27, 0]]


def test_convolution_of_a_spot_is_the_kernel_and_correlation_the_turned_kernel():
    spot = np.zeros((5, 6), np.uint8)
    spot[2, 3] = 1
    kernel = np.array([[1, 2, 4], [8, 16, 32], [64, 128, 255]])
    assert imconv.convolve(spot, kernel)[1:4, 2:5].tolist() == kernel.tolist()
    assert imconv.correlate(spot, kernel)[1:4, 2:5].tolist() == kernel[::-1, ::-1].tolist()
