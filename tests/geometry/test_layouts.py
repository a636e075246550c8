"""Memory layouts, channel axes, `out=`: the same numbers whatever they lie in, and the input never changes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import imconv
from tests import naive
from tests.cases import LAYOUTS, laid_out, picture
from tests.refused import refused

DENSE = [[1, 2, 4], [8, 16, 32], [64, 128, 255]]
OUTER = [[1, 3, 5], [2, 6, 10], [7, 21, 35]]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["bool", "uint8", ">u2", "int32", "float16", "float32", ">f8"])
@pytest.mark.parametrize("channels", [(), (1,), (2,), (3,), (4,)])
def test_every_layout_gives_the_same(layout, dtype, channels):
    image = picture(dtype, (5, 6, *channels), 1)
    with np.errstate(over="ignore"):
        expected = imconv.correlate(image, np.divide(DENSE, 512))
    given = laid_out(image, layout)
    before = given.copy()
    np.testing.assert_array_equal(imconv.correlate(given, np.divide(DENSE, 512)), expected)
    np.testing.assert_array_equal(given, before)
    assert expected.shape == image.shape


@given(st.sampled_from([0, 1, 2, -1, -2, -3]), st.integers(1, 6), st.sampled_from(LAYOUTS), st.booleans())
def test_channels_on_any_axis(axis, channels, layout, convolve):
    image = picture("uint8", (5, 4, channels), 2)
    moved = laid_out(np.moveaxis(image, 2, axis), layout)
    function = imconv.convolve if convolve else imconv.correlate
    result = function(moved, DENSE, channel_axis=axis, dtype="uint16", stride=(2, 1))
    assert result.flags.c_contiguous
    expected = (naive.convolve if convolve else naive.correlate)(image, DENSE, dtype="uint16", stride=(2, 1))
    np.testing.assert_array_equal(np.moveaxis(result, axis, 2), expected)


def test_lists_and_subclasses_are_pictures_too():
    assert imconv.correlate([[1.0, 2.0]], [[1, 1]]).tolist() == [[2, 3]]
    assert imconv.correlate(np.array([[1.0, 2.0]]).view(np.recarray), [[1, 1]]).tolist() == [[2, 3]]


@pytest.mark.parametrize("shape", [(7,), (2, 2, 2, 2), (4, 4, 0), (4, 4, 5), ()])
def test_other_shapes_are_refused(shape):
    refused(imconv.ImconvError, "shape", imconv.correlate, np.zeros(shape), [[1]])


@pytest.mark.parametrize(
    ("shape", "axis", "message"),
    [((3, 3), 0, "no channel axis"), ((3, 3, 3), None, "2-D images"), ((3, 3, 3), 3, "channel_axis must be"),
     ((3, 3, 3), "last", "channel_axis must be"), ((3, 3, 3), 1.0, "channel_axis must be"),
     ((0, 3, 3), 0, "at least one channel")],
)  # fmt: skip
def test_channel_axes_that_are_none(shape, axis, message):
    refused(imconv.ImconvError, message, imconv.correlate, np.zeros(shape), [[1]], channel_axis=axis)


def test_ragged_rows_are_refused_in_one_line():
    refused(imconv.ImconvError, "", imconv.correlate, [[1, 2], [3]], [[1]])


# --- out= ---
@pytest.mark.parametrize("kernel", [DENSE, OUTER], ids=["dense", "outer"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "float32", "float64", "bool"])
@pytest.mark.parametrize("channels", [(), (3,)])
def test_in_place(kernel, dtype, channels):
    image = picture(dtype, (80, 33, *channels), 3)
    kernel = np.divide(kernel, np.sum(kernel))
    expected = imconv.correlate(image, kernel)
    assert imconv.correlate(image, kernel, out=image, threads=3) is image
    np.testing.assert_array_equal(image, expected)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_out_of_any_layout(layout):
    image = picture("uint8", (6, 7, 3), 4)
    out = laid_out(np.zeros((6, 7, 3), np.uint8), "plain" if layout == "read-only" else layout)
    assert imconv.correlate(image, DENSE, out=out) is out
    np.testing.assert_array_equal(out, imconv.correlate(image, DENSE))


@pytest.mark.parametrize(
    "place",
    [np.s_[1:, :], np.s_[:-1, :], np.s_[::-1, :][:10], np.s_[1:, ::-1]],
    ids=["down", "up", "turned", "mirrored"],
)
def test_out_that_overlaps_the_picture(place):
    base = picture("uint8", (11, 12), 5)
    source, target = base[:10], base[place][:10]
    expected = imconv.correlate(source.copy(), DENSE)
    assert imconv.correlate(source, DENSE, out=target) is target
    np.testing.assert_array_equal(target, expected)


def test_out_with_planes_first():
    image = picture("uint8", (5, 6, 7), 6)
    expected = imconv.correlate(image, DENSE, channel_axis=0)
    out = np.zeros_like(image)
    assert imconv.correlate(image, DENSE, channel_axis=0, out=out) is out
    np.testing.assert_array_equal(out, expected)
    assert imconv.correlate(image, DENSE, channel_axis=0, out=image) is image
    np.testing.assert_array_equal(image, expected)


def test_out_of_another_type_than_the_picture():
    image, out = picture("uint8", (5, 6), 7), np.zeros((5, 6), np.float32)
    assert imconv.correlate(image, DENSE, dtype="float32", out=out) is out
    np.testing.assert_array_equal(out, naive.correlate(image, DENSE, dtype="float32"))


def test_out_is_untouched_where_the_result_is_refused():
    image = np.full((100, 100), 200, np.uint8)
    before = image.copy()
    with pytest.raises(imconv.ImconvError):
        imconv.correlate(image, [[2]], range="error", out=image)
    np.testing.assert_array_equal(image, before)


def read_only():
    out = np.zeros((4, 5), np.uint8)
    out.flags.writeable = False
    return out


@pytest.mark.parametrize(
    ("out", "message"),
    [(np.zeros((5, 4), np.uint8), "out must be"), (np.zeros((4, 5, 1), np.uint8), "out must be"),
     (np.zeros((4, 5), np.uint16), "out must be"), (np.zeros((4, 5), np.int8), "out must be"),
     ([[0] * 5] * 4, "out must be.*list"), (read_only(), "can't be written")],
    ids=["shape", "dimensions", "type", "sign", "list", "read-only"],
)  # fmt: skip
def test_out_that_can_not_take_the_result(out, message):
    refused(imconv.ImconvError, message, imconv.correlate, np.zeros((4, 5), np.uint8), [[1]], out=out)
