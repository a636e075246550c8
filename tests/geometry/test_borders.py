"""Borders: names, aliases and dialects; index arithmetic; agreement with numpy.pad and scipy.ndimage."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

import imconv
from imconv.errors import OptionError
from imconv.geometry.border import DIAGRAMS, Border, drawn, fill_values, parse_border, source_indices
from tests import naive
from tests.bounds import FLOAT64
from tests.cases import PRIMES, picture
from tests.refused import refused

SCIPY = {"reflect": "reflect", "mirror": "mirror", "nearest": "nearest", "constant": "constant", "wrap": "grid-wrap"}
NUMPY = {"reflect": "symmetric", "mirror": "reflect", "nearest": "edge", "wrap": "wrap"}
SCIPY_REACH = 4  # scipy 1.17's "reflect" is wrong for kernels more than this many times the picture's size


@given(st.sampled_from([*SCIPY, "normalized"]), st.integers(1, 6), st.integers(-40, 40))
def test_index_arithmetic(mode, size, position):
    found = source_indices(Border(mode), np.array([position]), size)[0]
    expected = naive.source_index(mode, position, size)
    assert found == (-1 if expected is None else expected)


@pytest.mark.parametrize("mode", NUMPY)
@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_numpys_pad_puts_the_same_samples_there(mode, size):
    row = np.arange(size)
    padded = np.pad(row, 4 * size + 3, mode=NUMPY[mode])
    positions = np.arange(padded.size) - (4 * size + 3)
    np.testing.assert_array_equal(source_indices(Border(mode), positions, size), padded)


@pytest.mark.parametrize("mode", DIAGRAMS)
def test_diagrams_show_what_happens(mode):
    before, picture_drawn, after = (part.split() for part in DIAGRAMS[mode][0].split("|"))
    positions = np.arange(-len(before), 4 + len(after))
    letters = ["v" if at < 0 else "abcd"[at] for at in source_indices(Border(mode), positions, 4)]
    assert letters == [*before, *picture_drawn, *after]
    assert f"{mode:<11}" in drawn()


@given(
    st.sampled_from(list(SCIPY)),
    st.tuples(st.integers(1, 7), st.integers(1, 7)),
    st.tuples(st.integers(1, 5), st.integers(1, 5)),
    st.data(),
)
def test_scipy_agrees_for_every_size_and_anchor(mode, shape, size, data):
    if any(taps > SCIPY_REACH * n for taps, n in zip(size, shape, strict=True)):
        return
    anchor = tuple(data.draw(st.integers(0, taps - 1)) for taps in size)
    kernel = np.array(PRIMES[: size[0] * size[1]], float).reshape(size)
    image = picture("float64", shape, data.draw(st.integers(0, 999)))
    origin = [a - taps // 2 for a, taps in zip(anchor, size, strict=True)]
    options = {"mode": SCIPY[mode], "cval": 2.5}
    border = "constant:2.5" if mode == "constant" else mode
    allowed = FLOAT64 * kernel.sum() * max(np.abs(image).max(), 2.5)
    result = imconv.correlate(image, kernel, border=border, anchor=anchor)
    np.testing.assert_allclose(result, ndimage.correlate(image, kernel, origin=origin, **options), rtol=0, atol=allowed)
    result = imconv.convolve(image, kernel, border=border, anchor=anchor)
    np.testing.assert_allclose(result, ndimage.convolve(image, kernel, origin=origin, **options), rtol=0, atol=allowed)


@pytest.mark.parametrize("mode", SCIPY)
def test_scipy_agrees_by_default_anchor(mode):
    image, kernel = picture("float64", (5, 6), 1), np.array(PRIMES[:8], float).reshape(2, 4)
    for ours, theirs in ((imconv.correlate, ndimage.correlate), (imconv.convolve, ndimage.convolve)):
        allowed = FLOAT64 * kernel.sum() * np.abs(image).max()
        np.testing.assert_allclose(
            ours(image, kernel, border=mode), theirs(image, kernel, mode=SCIPY[mode]), rtol=0, atol=allowed
        )


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), (2, 3)])
@pytest.mark.parametrize("mode", [*SCIPY, "normalized"])
@pytest.mark.parametrize("function", ["correlate", "convolve"])
def test_pictures_smaller_than_the_kernel(shape, mode, function):
    image = picture("uint8", shape, 3)
    kernel = np.arange(1, 100).reshape(9, 11)
    weights = [[naive.Fraction(int(w), 4950) for w in row] for row in kernel]
    result = getattr(imconv, function)(image, imconv.Kernel(weights), border=mode)
    np.testing.assert_array_equal(result, getattr(naive, function)(image, weights, border=mode))


def test_normalized_keeps_a_flat_picture_flat():
    image = np.full((4, 5), 200, np.uint8)
    kernel = np.array(PRIMES[:25]).reshape(5, 5)
    result = imconv.correlate(image, imconv.Kernel(kernel).normalized(), border="normalized", anchor=(0, 4))
    assert (result == 200).all()


@pytest.mark.parametrize("pad", ["same", "full", 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_normalized_keeps_a_flat_float_picture_flat(pad, dtype):
    """Far outside only the kernel's smallest weights are left: they must not drown in the others' rounding."""
    image = np.full((6, 6), 0.7, dtype)
    result = imconv.gaussian_blur(image, 1, border="normalized", pad=pad)
    np.testing.assert_allclose(result, 0.7, rtol=1e-6 if dtype == "float32" else FLOAT64)


@pytest.mark.parametrize(
    "options",
    [{"kernel": [[1, -1]]}, {"kernel": [[0, 0, 1]], "anchor": (0, 0)}, {"kernel": [[1, 2, 1]], "pad": 5},
     {"kernel": [[-1, -2]]}],
)  # fmt: skip
def test_normalized_needs_weight_everywhere(options):
    refused(imconv.ImconvError, "normalized", imconv.correlate, np.ones((4, 4)), border="normalized", **options)


@pytest.mark.parametrize(
    ("name", "mode"),
    {
        "symmetric": "reflect", "reflect101": "mirror", "replicate": "nearest", "edge": "nearest", "circular": "wrap",
        "zeros": "constant", "tile": "wrap", "REFLECT": "reflect", "scipy:grid-wrap": "wrap", "scipy:mirror": "mirror",
        "numpy:reflect": "mirror", "numpy:symmetric": "reflect", "opencv:reflect": "reflect",
        "opencv:BORDER_REFLECT_101": "mirror", "torch:reflect": "mirror", "torch:zeros": "constant",
        "torch:circular": "wrap", "imagemagick:mirror": "reflect", "imagemagick:tile": "wrap", "vips:mirror": "reflect",
        "gmic:mirror": "reflect", "matlab:symmetric": "reflect",
    }.items(),
)  # fmt: skip
def test_other_tools_names(name, mode):
    assert parse_border(name).mode == mode


def test_constant_takes_a_value_for_all_channels_or_one_each():
    image = np.zeros((1, 1, 3), np.uint8)
    shift = [[1, 0, 0]]
    assert imconv.correlate(image, shift, border="constant:9")[0, 0].tolist() == [9, 9, 9]
    assert imconv.correlate(image, shift, border="constant:255,7,1")[0, 0].tolist() == [255, 7, 1]
    assert imconv.correlate(image, shift, border="opencv:constant:9")[0, 0].tolist() == [9, 9, 9]
    rgba = np.zeros((1, 1, 4), np.uint8)
    assert imconv.correlate(rgba, shift, border="constant:1,2,3,4")[0, 0].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize(("border", "channels"), [("constant:1,2", 3), ("constant:1,2,3", 4), ("constant:1,2", 1)])
def test_constant_with_the_wrong_number_of_values(border, channels):
    """Without alpha nothing may be made up for a channel that has no value."""
    with pytest.raises(OptionError, match="values for"):
        imconv.correlate(np.zeros((2, 2, channels), np.uint8), [[1, 0, 0]], border=border)


def test_constant_leaves_alpha_opaque_where_only_colours_are_given():
    assert fill_values(parse_border("constant:1,2,3"), 4, 255).tolist() == [1, 2, 3, 255]
    rgba = np.zeros((1, 1, 4), np.uint8)
    result = imconv.correlate(rgba, [[1, 0, 0]], border="constant:1,2,3", has_alpha=True)
    assert result[0, 0].tolist() == [1, 2, 3, 255]


@pytest.mark.parametrize("border", ["constant:300", "constant:-7", "constant:0.5"])
def test_constant_beyond_the_types_range(border):
    image, value = np.full((2, 2), 100, np.uint8), float(border.split(":")[1])
    expected = naive.correlate(image, [[1, 1, 0]], border="constant", fill=naive.Fraction(value))
    np.testing.assert_array_equal(imconv.correlate(image, [[1, 1, 0]], border=border), expected)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "int32", "bool"])
def test_constant_nan_needs_a_float_picture(dtype):
    refused(OptionError, "nan", imconv.correlate, np.zeros((2, 2), dtype), [[1, 0]], border="constant:nan")


@pytest.mark.parametrize(
    ("border", "message"),
    [("refelct", "did you mean 'reflect'"), ("opencv:refelct", "did you mean 'reflect'"),
     ("numpy:mirror", "numpy has no border 'mirror'"), ("", "unknown border"),
     ("constant:red", "expected one number"), ("constant:1\n2", "expected one number"), ("constant:inf", "infinite"),
     ("reflect:3", "takes no value"), (None, "must be a name"), (3, "must be a name")],
)  # fmt: skip
def test_errors_are_one_line_that_helps(border, message):
    refused(OptionError, message, imconv.correlate, np.zeros((2, 2)), [[1]], border=border)
