"""Output sizes, padding, stride, dilation and anchors, by torch's formulas and by sampling the dense result."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal

import imconv
from imconv.geometry.axis import effective_size, make_axes, make_axis
from imconv.geometry.border import Border
from imconv.geometry.sizes import MAX_PAD, parse_pad, parse_pair
from tests import naive
from tests.cases import POWERS, picture
from tests.refused import refused

SMALL = st.integers(1, 6)


@given(st.integers(1, 12), SMALL, st.integers(1, 4), st.integers(1, 4), st.data())
def test_sizes_follow_torchs_formula(size, taps, stride, dilation, data):
    anchor = data.draw(st.integers(0, taps - 1))
    pad = data.draw(st.sampled_from(["same", "valid", "full"]) | st.tuples(st.integers(0, 9), st.integers(0, 9)))
    assert effective_size(taps, dilation) == dilation * (taps - 1) + 1
    expected = naive.output_size(size, taps, anchor, pad, stride, dilation)
    if expected < 1:
        refused(imconv.ImconvError, "no output is left", make_axis, size, taps, anchor, pad, stride, dilation, "rows")
        return
    axis = make_axis(size, taps, anchor, pad, stride, dilation, "rows")
    assert axis.out == expected
    assert (axis.before, axis.after) == naive.axis_padding(size, taps, anchor, pad, dilation)
    if pad == "same":
        assert axis.out == -(-size // stride)
    assert axis.span <= size + axis.before + axis.after
    sources = axis.sources(Border("constant"))
    first, last = axis.inside()
    for i in range(axis.out):
        on = [k for k in range(taps) if sources[i * stride + k * dilation] >= 0]
        assert on == list(range(first[i], last[i]))


@given(SMALL, SMALL, st.integers(1, 4), st.integers(1, 4), st.data())
def test_same_with_a_stride_is_the_dense_result_sampled(rows, columns, stride_y, stride_x, data):
    size = data.draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    anchor = tuple(data.draw(st.integers(0, n - 1)) for n in size)
    dilation = data.draw(st.integers(1, 3))
    image = picture("uint8", (rows, columns), data.draw(st.integers(0, 99)))
    kernel = np.array(POWERS[: size[0] * size[1]]).reshape(size) - 3
    for function in (imconv.correlate, imconv.convolve):
        dense = function(image, kernel, anchor=anchor, dilation=dilation, dtype="int32")
        sparse = function(image, kernel, anchor=anchor, dilation=dilation, dtype="int32", stride=(stride_y, stride_x))
        assert dense.shape == image.shape
        np.testing.assert_array_equal(sparse, dense[::stride_y, ::stride_x])


@pytest.mark.parametrize("pad", ["full", "valid"])
def test_scipy_signal_agrees(pad):
    image, kernel = picture("int32", (7, 6), 5) % 1000, np.array(POWERS[:12]).reshape(4, 3)
    result = imconv.convolve(image, kernel, pad=pad, border="constant")
    np.testing.assert_array_equal(result, signal.convolve2d(image, kernel, mode=pad))


@pytest.mark.parametrize("pad", ["valid", "full", 0, 2, (1, 2), (0, 1, 2, 3)])
def test_the_anchor_matters_for_same_only(pad):
    image, kernel = picture("uint8", (6, 7), 5), [[1, 2, 4], [8, 16, 32]]
    results = [imconv.correlate(image, kernel, pad=pad, anchor=(a, b), dtype="int32") for a in (0, 1) for b in (0, 2)]
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


def test_anchor_of_a_kernel_and_of_a_call():
    image = np.arange(12, dtype=np.uint8).reshape(3, 4)
    kernel = imconv.Kernel([[1, 2, 4]], anchor=(0, 0))
    expected = naive.correlate(image, [[1, 2, 4]], anchor=(0, 0))
    np.testing.assert_array_equal(imconv.correlate(image, kernel), expected)
    expected = naive.convolve(image, [[1, 2, 4]], anchor=(0, 0))
    np.testing.assert_array_equal(imconv.convolve(image, kernel), expected)
    expected = naive.convolve(image, [[1, 2, 4]], anchor=(0, 2))
    np.testing.assert_array_equal(imconv.convolve(image, kernel, anchor=(0, 2)), expected)


def test_padding_as_text_and_as_numbers():
    assert parse_pad(" Same ") == ("same", "same")
    assert parse_pad(3) == parse_pad("3") == parse_pad([3]) == ((3, 3), (3, 3))
    assert parse_pad("1,2") == parse_pad((1, 2)) == parse_pad(np.array([1, 2])) == ((1, 1), (2, 2))
    assert parse_pad((1, 2, 3, 4)) == ((1, 2), (3, 4))  # top, bottom, left, right
    assert parse_pair("2,3", "stride") == (2, 3)
    assert parse_pair(np.int64(2), "stride") == (2, 2)


def test_four_paddings_are_top_bottom_left_right():
    result = imconv.correlate(np.ones((1, 1), np.uint8), [[1]], border="constant", pad=(1, 2, 3, 4))
    assert result.shape == (4, 8)
    assert np.argwhere(result).tolist() == [[1, 3]]


def test_far_dilation_costs_no_memory():
    """Three rows are read for an output row, not the half million that the window spans."""
    far = 1 << 18
    image = picture("uint8", (5, 5), 1)
    weights = [[1, 2, 3], [5, 7, 11], [13, 17, 23]]
    result = imconv.correlate(image, weights, dilation=far, border="nearest", dtype="int32")
    expected = naive.correlate(image, weights, dilation=(far, far), border="nearest", dtype="int32")
    np.testing.assert_array_equal(result, expected)


BAD = [
    *({"pad": pad} for pad in ("smae", -1, (1, 2, 3), 1.5, None, float("inf"), float("nan"), MAX_PAD + 1, "1,x", [])),
    *({"stride": stride} for stride in (0, -1, 1.5, (1, 2, 3), "x", None, float("inf"), MAX_PAD + 1)),
    *({"dilation": dilation} for dilation in (0, -1, 2.5, "a,b", float("inf"))),
    *({"anchor": anchor} for anchor in ((3, 0), (0, -1), (1,), "ab", 1, (float("inf"), 0), (0.5, 1), (None, 0))),
    {"pad": np.zeros((2, 2))},
    {"stride": np.zeros((2, 2))},
]


@pytest.mark.parametrize("options", BAD, ids=str)
def test_impossible_numbers_are_refused_in_one_line(options):
    said = refused(imconv.ImconvError, "", imconv.correlate, np.zeros((4, 4)), [[1, 2], [3, 4]], **options)
    assert next(iter(options)) in said


@pytest.mark.parametrize("shape", [(0, 4), (4, 0), (0, 0), (0, 4, 3)])
@pytest.mark.parametrize("border", ["reflect", "mirror", "nearest", "constant", "wrap"])
@pytest.mark.parametrize("pad", ["same", "valid", "full", 2])
def test_a_picture_without_pixels_is_refused(shape, border, pad):
    refused(imconv.ImconvError, "", imconv.correlate, np.zeros(shape, np.uint8), [[1, 2, 1]], border=border, pad=pad)


def test_a_result_that_memory_can_not_hold_is_refused():
    with pytest.raises(imconv.ImconvError):
        imconv.correlate(np.zeros((4, 4)), [[1]], pad=MAX_PAD)


def test_make_axes_is_rows_first():
    rows, columns = make_axes((5, 9), (3, 2), (1, 1), (1, 2), (2, 3), 1)
    assert (rows.size, rows.taps, rows.before, rows.stride) == (5, 3, 1, 2)
    assert (columns.size, columns.taps, columns.before, columns.stride) == (9, 2, 2, 3)


def test_offsets_are_exact():
    image = np.array([[1, 2, 3]], np.uint8)
    assert imconv.correlate(image, [[Fraction(1, 3)]], offset=Fraction(1, 6)).tolist() == [[1, 1, 1]]
    assert imconv.correlate(image, imconv.Kernel([[1]], offset=2), offset=0.5).tolist() == [[4, 5, 6]]
