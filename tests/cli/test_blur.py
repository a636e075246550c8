"""`imconv blur`: the pixels against scipy, against the definition and against the Python function."""

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from imconv import gaussian_blur, read

SCIPY_BORDERS = {
    "reflect": "reflect", "mirror": "mirror", "nearest": "nearest", "wrap": "grid-wrap", "constant": "constant",
    "opencv:reflect101": "mirror", "numpy:symmetric": "reflect", "torch:circular": "grid-wrap",
}  # fmt: skip


def scipy_blur(pixels, sigma, **options):
    """scipy's Gaussian over rows and columns in float64."""
    sigma = (*(sigma if isinstance(sigma, tuple) else (sigma, sigma)), *([0] * (pixels.ndim - 2)))
    return ndimage.gaussian_filter(pixels.astype(np.float64), sigma, **options)


def assert_rounded(result, expected, slack=0.001):
    """`result` is `expected` rounded half up; next to a tie either neighbour will do."""
    assert result.shape == expected.shape
    assert np.abs(result - expected).max() <= 0.5 + slack


@pytest.mark.parametrize("name", ["rgb.png", "grey.png"])
def test_is_scipys_gaussian_rounded(succeeds, folder, load, name):
    assert succeeds("blur", name, "out.png", "--sigma", 2).out == b""
    assert_rounded(load("out.png"), scipy_blur(load(name), 2))


def test_16_bit_and_float(succeeds, folder, load):
    succeeds("blur", "grey16.png", "out.png", "--sigma", 1.5)
    assert load("out.png").dtype == np.uint16
    assert_rounded(load("out.png"), scipy_blur(load("grey16.png"), 1.5), slack=0.05)
    succeeds("blur", "float.tif", "out.tif", "--sigma", 1.5)
    assert load("out.tif").dtype == np.float32
    np.testing.assert_allclose(load("out.tif"), scipy_blur(load("float.tif"), 1.5), atol=2e-6)


def test_16_bit_colour(succeeds, folder):
    import imconv

    succeeds("blur", "rgb16.png", "out.png", "--sigma", 1.5)
    result, source = imconv.read(folder / "out.png").pixels, imconv.read(folder / "rgb16.png").pixels
    assert (result.dtype, result.shape) == (np.uint16, source.shape)
    for channel in range(3):
        assert_rounded(result[..., channel], scipy_blur(source[..., channel], 1.5), slack=0.05)


@pytest.mark.parametrize("name", ["rgb.png", "grey.png", "rgba.png", "grey16.png", "float.tif", "cmyk.jpg"])
def test_equals_the_python_function(succeeds, folder, name):
    output = "out.tif"
    succeeds("blur", name, output, "--sigma", "1,3", "--border", "nearest", notes=True)
    expected = gaussian_blur(read(name), (1, 3), border="nearest")
    assert read(output).mode == expected.mode
    np.testing.assert_array_equal(read(output).pixels, expected.pixels)


def test_a_palette_is_expanded_and_told(imconv, folder, load):
    result = imconv("blur", "palette.gif", "out.png", "--sigma", 2)
    assert (result.code, result.err) == (0, "imconv: palette.gif: palette expanded to RGB\n")
    with Image.open("palette.gif") as image:
        colours = np.array(image.convert("RGB"))
    assert_rounded(load("out.png"), scipy_blur(colours, 2))


def test_transparent_pixels_lend_no_colour(succeeds, folder, load):
    succeeds("blur", "rgba.png", "out.png", "--sigma", 2)
    before, after = load("rgba.png").astype(float), load("out.png")
    alpha = before[..., 3:]
    weight = scipy_blur(alpha, 2)
    colour = scipy_blur(before[..., :3] * alpha, 2) / np.maximum(weight, 1e-9)
    assert_rounded(after[..., 3:], weight)
    seen = weight[..., 0] > 0.01
    assert_rounded(after[seen][:, :3], colour[seen], slack=0.01)


@pytest.mark.parametrize("alpha", ["separate", "unweighted"])
def test_other_ways_with_alpha(succeeds, folder, load, alpha):
    succeeds("blur", "rgba.png", "out.png", "--sigma", 2, "--alpha", alpha)
    before, after = load("rgba.png"), load("out.png")
    blurred = scipy_blur(before, 2)
    assert_rounded(after[..., :3], blurred[..., :3])
    if alpha == "unweighted":
        np.testing.assert_array_equal(after[..., 3], before[..., 3])
    else:
        assert_rounded(after[..., 3], blurred[..., 3])


@pytest.mark.parametrize(
    ("sigma", "pixels"),
    [
        ("2", 2.0),
        ("0.5", 0.5),
        ("0,3", (0, 3)),
        ("3,0.7", (3, 0.7)),
        ("10%", 3.0),  # of 30 columns
        ("10%,1", (3.0, 1.0)),
        ("fwhm:7", 7 / 2.3548200450309493),
        ("opencv-ksize:9", 1.7),
        (" 2 ", 2.0),
        ("2e0", 2.0),
    ],
)
def test_units_of_sigma(succeeds, folder, load, sigma, pixels):
    succeeds("blur", "rgb.png", "out.png", "--sigma", sigma)
    assert_rounded(load("out.png"), scipy_blur(load("rgb.png"), pixels))


def test_sigma_0_changes_nothing(succeeds, folder, load):
    succeeds("blur", "rgba.png", "out.png", "--sigma", 0)
    np.testing.assert_array_equal(load("out.png"), load("rgba.png"))


@pytest.mark.parametrize("truncate", [0.5, 2, 6])
def test_truncate(succeeds, folder, load, truncate):
    succeeds("blur", "grey.png", "out.png", "--sigma", 2, "--truncate", truncate)
    assert_rounded(load("out.png"), scipy_blur(load("grey.png"), 2, truncate=truncate))


@pytest.mark.parametrize("border", SCIPY_BORDERS)
def test_borders(succeeds, folder, load, border):
    succeeds("blur", "rgb.png", "out.png", "--sigma", 3, "--border", border)
    assert_rounded(load("out.png"), scipy_blur(load("rgb.png"), 3, mode=SCIPY_BORDERS[border]))


def test_border_of_a_colour(succeeds, folder, load):
    succeeds("blur", "rgb.png", "out.png", "--sigma", 3, "--border", "constant:255,0,128")
    before, after = load("rgb.png"), load("out.png")
    for channel, value in enumerate((255, 0, 128)):
        assert_rounded(after[..., channel], scipy_blur(before[..., channel], 3, mode="constant", cval=value))


def test_border_normalized(succeeds, folder, load):
    succeeds("blur", "grey.png", "out.png", "--sigma", 3, "--border", "normalized")
    before = load("grey.png")
    inside = scipy_blur(np.ones(before.shape), 3, mode="constant")
    assert_rounded(load("out.png"), scipy_blur(before, 3, mode="constant") / inside)


@pytest.mark.parametrize(("stride", "step"), [("2", (2, 2)), ("3,1", (3, 1)), ("7", (7, 7))])
def test_stride_samples_the_result(succeeds, folder, load, stride, step):
    succeeds("blur", "rgb.png", "out.png", "--sigma", 1, "--stride", stride)
    assert_rounded(load("out.png"), scipy_blur(load("rgb.png"), 1)[:: step[0], :: step[1]])


@pytest.mark.parametrize(
    ("pad", "sides"),
    [("same", (4, 4, 4, 4)), ("valid", (0, 0, 0, 0)), ("full", (8, 8, 8, 8)), ("6", (6, 6, 6, 6)),
     ("1,9", (1, 1, 9, 9)), ("0,1,2,30", (0, 1, 2, 30))],
)  # fmt: skip
def test_padding(succeeds, folder, load, pad, sides):
    succeeds("blur", "grey.png", "out.png", "--sigma", 1, "--pad", pad)
    top, bottom, left, right = sides
    padded = np.pad(load("grey.png"), ((top, bottom), (left, right)), "symmetric")
    assert_rounded(load("out.png"), scipy_blur(padded, 1)[4:-4, 4:-4])


def test_dilation_spreads_the_taps(succeeds, folder, load):
    succeeds("blur", "grey.png", "out.png", "--sigma", 1, "--dilation", "2,3")
    row = np.exp(-0.5 * np.arange(-4, 5) ** 2)
    row /= row.sum()
    column, across = np.zeros(17), np.zeros(25)
    column[::2], across[::3] = row, row
    expected = ndimage.correlate1d(load("grey.png").astype(float), column, axis=0)
    assert_rounded(load("out.png"), ndimage.correlate1d(expected, across, axis=1))


def test_one_pixel_and_one_line(succeeds, folder, load):
    Image.new("RGB", (1, 1), (7, 80, 255)).save("dot.png")
    succeeds("blur", "dot.png", "out.png", "--sigma", 50)
    assert load("out.png").tolist() == [[[7, 80, 255]]]
    Image.fromarray(load("grey.png")[:1]).save("line.png")
    succeeds("blur", "line.png", "out.png", "--sigma", 20)
    assert_rounded(load("out.png"), scipy_blur(load("line.png"), 20))


def test_in_place(succeeds, folder, load):
    before = load("rgb.png")
    succeeds("blur", "rgb.png", "rgb.png", "--sigma", 2)
    assert_rounded(load("rgb.png"), scipy_blur(before, 2))
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]
